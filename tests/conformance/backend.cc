#include "tests/conformance/backend.h"

#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/memory/memory_store.h"
#include "storage/open.h"
#include "tests/support/mariadb.h"

namespace onhand::storage {
namespace {

template <typename Map>
auto ValuesIn(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

class MemoryBackend : public Backend {
 public:
  std::unique_ptr<Store> Open() override { return NewMemoryStore(database_); }

  void DropJournalRow(uint64_t revision) override {
    absl::MutexLock lock(&database_->mutex);
    database_->journal.erase(revision);
  }
  void ReplaceBlock(uint64_t revision, uint32_t block, const std::string& bytes) override {
    absl::MutexLock lock(&database_->mutex);
    database_->blocks[{revision, block}].bytes = bytes;
  }
  void DropBlock(uint64_t revision, uint32_t block) override {
    absl::MutexLock lock(&database_->mutex);
    database_->blocks.erase({revision, block});
  }
  int CountBlocks(uint64_t revision) override {
    absl::MutexLock lock(&database_->mutex);
    int count = 0;
    for (const auto& [key, block] : database_->blocks) count += key.first == revision;
    return count;
  }
  void RecordMigration(int number) override {
    absl::MutexLock lock(&database_->mutex);
    database_->applied_migrations.push_back(number);
  }

  std::vector<StockRow> Stock() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->stock);
  }
  std::vector<ReservationRow> Reservations() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->reservations);
  }
  std::vector<MovementRow> Movements() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->movements);
  }
  std::vector<LocationRow> Locations() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->locations);
  }
  std::vector<RuleRow> Rules() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->rules);
  }
  std::vector<DisplayChangeRow> DisplayChanges() override {
    absl::MutexLock lock(&database_->mutex);
    return ValuesIn(database_->display_changes);
  }
  int CountAudits() override {
    absl::MutexLock lock(&database_->mutex);
    return static_cast<int>(database_->audits.size());
  }

 private:
  const std::shared_ptr<MemoryDatabase> database_ = std::make_shared<MemoryDatabase>();
};

enum class File { kTruth, kTables };
using Fields = std::vector<std::string>;

uint64_t Unsigned(const std::string& field) { return static_cast<uint64_t>(std::stoll(field)); }
std::string Bytes(const std::string& hex) { return absl::HexStringToBytes(hex); }

// What the backends that speak SQL have in common. Text is selected in hexadecimal.
class SqlBackend : public Backend {
 public:
  void DropJournalRow(uint64_t revision) override {
    Run(File::kTruth, absl::StrCat("DELETE FROM journal WHERE revision = ", revision));
  }
  void ReplaceBlock(uint64_t revision, uint32_t block, const std::string& bytes) override {
    Run(File::kTruth,
        absl::StrCat("UPDATE image_block SET bytes = x'", absl::BytesToHexString(bytes),
                     "' WHERE revision = ", revision, " AND block = ", block));
  }
  void DropBlock(uint64_t revision, uint32_t block) override {
    Run(File::kTruth, absl::StrCat("DELETE FROM image_block WHERE revision = ", revision,
                                   " AND block = ", block));
  }
  int CountBlocks(uint64_t revision) override {
    return std::stoi(Run(File::kTruth, absl::StrCat("SELECT COUNT(*) FROM image_block "
                                                    "WHERE revision = ",
                                                    revision))[0][0]);
  }
  void RecordMigration(int number) override {
    Run(File::kTruth,
        absl::StrCat("INSERT INTO schema_migration (number, name) VALUES (", number, ", 'newer')"));
  }

  std::vector<StockRow> Stock() override {
    std::vector<StockRow> rows;
    for (const Fields& row :
         Run(File::kTables,
             "SELECT hex(sku), hex(location_id), on_hand, unavailable, held, committed, revision "
             "FROM stock ORDER BY sku, location_id")) {
      rows.push_back({Bytes(row[0]), Bytes(row[1]), std::stoi(row[2]), std::stoi(row[3]),
                      std::stoi(row[4]), std::stoi(row[5]), Unsigned(row[6])});
    }
    return rows;
  }
  std::vector<ReservationRow> Reservations() override {
    std::vector<ReservationRow> rows;
    for (const Fields& row :
         Run(File::kTables,
             "SELECT hex(reservation_id), line_id, hex(order_reference), hex(channel_id), "
             "hex(sku), "
             "hex(location_id), units, hex(promise), hex(state), created_at_us, "
             "COALESCE(expires_at_us, 'none'), revision FROM reservation "
             "ORDER BY reservation_id, line_id")) {
      rows.push_back(
          {Bytes(row[0]), static_cast<uint32_t>(Unsigned(row[1])), Bytes(row[2]), Bytes(row[3]),
           Bytes(row[4]), Bytes(row[5]), std::stoi(row[6]), Bytes(row[7]), Bytes(row[8]),
           std::stoll(row[9]),
           row[10] == "none" ? std::nullopt : std::optional<int64_t>(std::stoll(row[10])),
           Unsigned(row[11])});
    }
    return rows;
  }
  std::vector<MovementRow> Movements() override {
    std::vector<MovementRow> rows;
    for (const Fields& row :
         Run(File::kTables,
             "SELECT revision, ordinal, hex(sku), hex(location_id), hex(kind), hex(source_id), "
             "quantity, occurred_at_us, inferred FROM movement ORDER BY revision, ordinal")) {
      rows.push_back({Unsigned(row[0]), static_cast<uint32_t>(Unsigned(row[1])), Bytes(row[2]),
                      Bytes(row[3]), Bytes(row[4]), Bytes(row[5]), std::stoll(row[6]),
                      std::stoll(row[7]), row[8] == "1"});
    }
    return rows;
  }
  std::vector<LocationRow> Locations() override {
    std::vector<LocationRow> rows;
    for (const Fields& row :
         Run(File::kTables,
             "SELECT hex(location_id), hex(name), hex(time_zone), hex(state), "
             "COALESCE(known_through_us, 'none'), revision FROM location ORDER BY location_id")) {
      rows.push_back({Bytes(row[0]), Bytes(row[1]), Bytes(row[2]), Bytes(row[3]),
                      row[4] == "none" ? std::nullopt : std::optional<int64_t>(std::stoll(row[4])),
                      Unsigned(row[5])});
    }
    return rows;
  }
  std::vector<RuleRow> Rules() override {
    std::vector<RuleRow> rows;
    for (const Fields& row : Run(File::kTables,
                                 "SELECT hex(rule_id), hex(definition_json), version, ended, "
                                 "revision FROM rule ORDER BY rule_id")) {
      rows.push_back({Bytes(row[0]), Bytes(row[1]), static_cast<uint32_t>(Unsigned(row[2])),
                      row[3] == "1", Unsigned(row[4])});
    }
    return rows;
  }
  std::vector<DisplayChangeRow> DisplayChanges() override {
    std::vector<DisplayChangeRow> rows;
    for (const Fields& row :
         Run(File::kTables,
             "SELECT revision, ordinal, hex(sku), hex(channel_id), hex(status), hex(rule_id), "
             "salable, changed_at_us, rule_version FROM display_change "
             "ORDER BY revision, ordinal")) {
      rows.push_back({Unsigned(row[0]), static_cast<uint32_t>(Unsigned(row[1])), Bytes(row[2]),
                      Bytes(row[3]), Bytes(row[4]), Bytes(row[5]), std::stoll(row[6]),
                      std::stoll(row[7]), static_cast<uint32_t>(Unsigned(row[8]))});
    }
    return rows;
  }
  int CountAudits() override {
    return std::stoi(Run(File::kTables, "SELECT COUNT(*) FROM audit")[0][0]);
  }

 protected:
  virtual std::vector<Fields> Run(File file, const std::string& sql) = 0;
};

class SqliteBackend : public SqlBackend {
 public:
  SqliteBackend() {
    folder_ = ::testing::TempDir() + "/onhand_conformance_XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr) abort();
  }
  ~SqliteBackend() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Store> Open() override {
    auto store = OpenStore(absl::StrCat("sqlite:", Path()), "");
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

 protected:
  std::vector<Fields> Run(File file, const std::string& sql) override {
    sqlite3* database = nullptr;
    const std::string path = file == File::kTruth ? Path() : Path() + "-tables";
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10'000);
    std::vector<Fields> rows;
    char* error = nullptr;
    sqlite3_exec(
        database, sql.c_str(),
        [](void* out, int count, char** values, char**) {
          Fields fields;
          for (int i = 0; i < count; ++i) fields.emplace_back(values[i] ? values[i] : "");
          static_cast<std::vector<Fields>*>(out)->push_back(std::move(fields));
          return 0;
        },
        &rows, &error);
    EXPECT_EQ(error, nullptr) << sql << ": " << error;
    sqlite3_close(database);
    return rows;
  }

 private:
  std::string Path() const { return folder_ + "/journal.db"; }
  std::string folder_;
};

class MysqlBackend : public SqlBackend {
 public:
  MysqlBackend() : database_(onhand::testing::MariaDb::Shared().CreateDatabase()) {}

  std::unique_ptr<Store> Open() override {
    auto store = OpenStore(onhand::testing::MariaDb::Shared().Url(database_), "");
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

 protected:
  std::vector<Fields> Run(File, const std::string& sql) override {
    std::vector<Fields> rows;
    const std::string output =
        onhand::testing::MariaDb::Shared().Run(absl::StrCat("USE ", database_, "; ", sql));
    for (absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
      rows.push_back(absl::StrSplit(line, '\t'));
    }
    return rows;
  }

 private:
  const std::string database_;
};

}  // namespace

std::vector<BackendKind> AllBackends() {
  return {{"Memory", [] { return std::make_unique<MemoryBackend>(); }},
          {"Sqlite", [] { return std::make_unique<SqliteBackend>(); }},
          {"Mysql", [] { return std::make_unique<MysqlBackend>(); }}};
}

void ConformanceTest::SetUp() {
  backend_ = GetParam().make();
  store_ = backend_->Open();
  const auto applied = store_->Migrate();
  ASSERT_TRUE(applied.ok()) << applied.status();
}

JournalHead ConformanceTest::AppendRows(Store* store, JournalHead head, int count,
                                        uint64_t writer) {
  for (int i = 0; i < count; ++i) {
    const JournalRow row = RowAfter(head, writer);
    ExpectAppend(store, head, row);
    head = HeadAfter(row);
  }
  return head;
}

JournalRow RowAfter(const JournalHead& head, uint64_t writer, const std::string& payload) {
  JournalRow row;
  row.revision = head.revision + 1;
  // The highest bits are set, so that a lost sign shows.
  row.epoch = 0xF000'0000'0000'0000u + 1;
  row.writer = ~writer;
  row.committed_at_us = 1'700'000'000'000'000 + static_cast<int64_t>(row.revision);
  row.payload = payload;
  row.chain = ChainAfter(head.chain, row);
  return row;
}

JournalHead HeadAfter(const JournalRow& row) { return {row.revision, row.chain}; }

void ExpectAppend(Store* store, const JournalHead& head, const JournalRow& row,
                  AppendOutcome expected) {
  std::string detail;
  EXPECT_EQ(static_cast<int>(store->journal().Append(head, row, &detail)),
            static_cast<int>(expected))
      << "revision " << row.revision << ": " << detail;
}

std::string EveryByte(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

}  // namespace onhand::storage
