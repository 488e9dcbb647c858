#include "tests/bench/disk_floors.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/statement.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "storage/open.h"
#include "tests/bench/chain.h"
#include "tests/bench/measure.h"
#include "tests/bench/report_load.h"

namespace onhand::bench {
namespace {

// About what the hub's journal keeps of 1,000 sales.
constexpr size_t kBlobBytes = 20'000;
constexpr int kRowsACommit = 1'000;

constexpr char kStockTable[] =
    "CREATE TABLE stock (sku VARBINARY(64) NOT NULL, location_id VARBINARY(64) NOT NULL, "
    "on_hand INT NOT NULL, revision BIGINT NOT NULL, PRIMARY KEY (sku, location_id))";
constexpr char kMovementTable[] =
    "CREATE TABLE movement (revision BIGINT NOT NULL, ordinal BIGINT NOT NULL, "
    "sku VARBINARY(64) NOT NULL, location_id VARBINARY(64) NOT NULL, quantity BIGINT NOT NULL, "
    "occurred_at_us BIGINT NOT NULL, PRIMARY KEY (revision, ordinal))";

// Sales of any item at any location.
class Sales {
 public:
  Sales(int items, int locations) : item_(0, items - 1), location_(0, locations - 1) {}
  std::string Sku() { return SkuOf(item_(random_)); }
  std::string Location() { return LocationOf(location_(random_)); }

 private:
  std::mt19937 random_{1};
  std::uniform_int_distribution<int> item_, location_;
};

struct CloseSqlite {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

void Execute(sqlite3* database, const std::string& sql) {
  if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(database));
  }
}

void BindText(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_blob(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

double FdatasyncUs(const std::filesystem::path& folder, int times) {
  const std::string path = (folder / "fdatasync").string();
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write " + path);
  const std::vector<char> page(4096, 'x');
  std::vector<double> samples;
  for (int i = 0; i < times; ++i) {
    const auto start = SteadyClock::now();
    if (write(fd, page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
        fdatasync(fd) != 0) {
      close(fd);
      throw std::runtime_error("cannot sync " + path);
    }
    samples.push_back(SecondsSince(start) * 1e6);
  }
  close(fd);
  unlink(path.c_str());
  return Median(std::move(samples));
}

double BlobJournalRate(const std::string& url, double seconds) {
  const std::unique_ptr<storage::Store> store = Must(storage::OpenStore(url, ""), "store");
  Must(store->Migrate().status(), "migrations");
  storage::JournalHead head = Must(store->journal().Head(), "journal's head");
  storage::JournalRow row;
  row.epoch = 1;
  row.writer = 1;
  std::mt19937_64 random(1);
  row.payload.resize(kBlobBytes);
  for (char& byte : row.payload) byte = static_cast<char>(random());
  int rows = 0;
  const auto start = SteadyClock::now();
  while (SecondsSince(start) < seconds) {
    ThrowIfInterrupted();
    row.revision = head.revision + 1;
    row.committed_at_us = WallUs();
    row.chain = storage::ChainAfter(head.chain, row);
    std::string detail;
    if (store->journal().Append(head, row, &detail) != storage::AppendOutcome::kAppended) {
      throw std::runtime_error("append: " + detail);
    }
    head = {row.revision, row.chain};
    ++rows;
  }
  return rows * kBatchMovements / SecondsSince(start);
}

double SqliteRowRate(const std::string& path, RowWork work, int items, int locations,
                     double seconds) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open(path.c_str(), &opened);
  const std::unique_ptr<sqlite3, CloseSqlite> database(opened);
  if (result != SQLITE_OK) throw std::runtime_error("cannot open " + path);
  Execute(opened, "PRAGMA journal_mode=WAL");
  Execute(opened, "PRAGMA synchronous=FULL");
  const bool upsert = work == RowWork::kUpsertStock;
  Execute(opened, std::string(upsert ? kStockTable : kMovementTable) + " WITHOUT ROWID");
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(opened,
                     upsert ? "INSERT INTO stock VALUES (?3, ?4, -1, ?1) ON CONFLICT DO UPDATE SET "
                              "on_hand = on_hand - 1, revision = excluded.revision"
                            : "INSERT INTO movement VALUES (?1, ?2, ?3, ?4, 1, ?5)",
                     -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, CloseSqlite> statement(prepared);
  if (prepared == nullptr) throw std::runtime_error(sqlite3_errmsg(opened));
  Sales sales(items, locations);
  int64_t commits = 0;
  const auto start = SteadyClock::now();
  while (SecondsSince(start) < seconds) {
    ThrowIfInterrupted();
    ++commits;
    Execute(opened, "BEGIN");
    for (int i = 0; i < kRowsACommit; ++i) {
      sqlite3_bind_int64(prepared, 1, commits);
      if (!upsert) sqlite3_bind_int64(prepared, 2, i);
      BindText(prepared, 3, sales.Sku());
      BindText(prepared, 4, sales.Location());
      if (!upsert) sqlite3_bind_int64(prepared, 5, WallUs());
      if (sqlite3_step(prepared) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(opened));
      sqlite3_reset(prepared);
    }
    Execute(opened, "COMMIT");
  }
  return static_cast<double>(commits) * kRowsACommit / SecondsSince(start);
}

double MariaDbRowRate(uint16_t port, const std::string& user, const std::string& database,
                      RowWork work, int items, int locations, double seconds) {
  const std::unique_ptr<sql::Connection> connection(
      get_driver_instance()->connect("tcp://127.0.0.1:" + std::to_string(port), user, ""));
  connection->setSchema(database);
  const std::unique_ptr<sql::Statement> statement(connection->createStatement());
  const bool upsert = work == RowWork::kUpsertStock;
  const std::string table = upsert ? "stock" : "movement";
  statement->execute("DROP TABLE IF EXISTS " + table);
  statement->execute(std::string(upsert ? kStockTable : kMovementTable) + " ENGINE=InnoDB");
  Sales sales(items, locations);
  int64_t commits = 0;
  const auto start = SteadyClock::now();
  while (SecondsSince(start) < seconds) {
    ThrowIfInterrupted();
    const std::string revision = std::to_string(++commits);
    std::string sql = "INSERT INTO " + table + " VALUES ";
    for (int i = 0; i < kRowsACommit; ++i) {
      if (i > 0) sql += ',';
      const std::string key = "'" + sales.Sku() + "','" + sales.Location() + "'";
      sql += upsert ? "(" + key + ",-1," + revision + ")"
                    : "(" + revision + "," + std::to_string(i) + "," + key + ",1," +
                          std::to_string(WallUs()) + ")";
    }
    if (upsert) {
      sql += " ON DUPLICATE KEY UPDATE on_hand = on_hand - 1, revision = VALUES(revision)";
    }
    statement->execute(sql);
  }
  return static_cast<double>(commits) * kRowsACommit / SecondsSince(start);
}

}  // namespace onhand::bench
