#include "storage/mysql/mysql_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/migrations/migrations.h"
#include "storage/mysql/mysql_parts.h"

namespace onhand::storage {
namespace {

// The steps recorded in the database; none if it has no record yet.
absl::StatusOr<std::vector<int>> Applied(MysqlSession* session) {
  std::vector<int> applied;
  absl::Status status = session->Query("SELECT number FROM schema_migration ORDER BY number",
                                       [&](sql::ResultSet& row) {
                                         applied.push_back(row.getInt(1));
                                         return absl::OkStatus();
                                       });
  if (MysqlErrorOf(status) == kNoSuchTable) return applied;
  if (!status.ok()) return status;
  return applied;
}

// Another process may have inserted the same row a moment ago.
absl::Status InsertOnce(MysqlSession* session, const std::string& sql) {
  absl::Status status = session->Execute(sql);
  return MysqlErrorOf(status) == kDuplicateKey ? absl::OkStatus() : status;
}

// A table cannot be created or changed inside a transaction here, so a step is recorded after its
// last statement; each statement can be run twice. Not every server knows ADD COLUMN IF NOT EXISTS.
absl::Status Apply(MysqlSession* session, const Migration& migration) {
  for (const std::string& sql : Statements(migration, Dialect::kMysql)) {
    absl::Status status = session->Execute(sql);
    if (!status.ok() && MysqlErrorOf(status) != kDuplicateColumn) return status;
  }
  return InsertOnce(session, absl::StrCat("INSERT INTO schema_migration (number, name) VALUES (",
                                          migration.number, ", '", migration.name, "')"));
}

// An acknowledged row must outlive a power cut of its server. 3 is MariaDB's, and syncs once more
// than 1.
absl::Status CheckDurable(MysqlSession* session) {
  int64_t setting = 1;
  absl::Status status =
      session->Query("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", [&](sql::ResultSet& row) {
        setting = row.getInt64(1);
        return absl::OkStatus();
      });
  // A database on another engine says in its own way that it syncs.
  if (MysqlErrorOf(status) == kUnknownVariable) return absl::OkStatus();
  if (!status.ok() || setting == 1 || setting == 3) return status;
  return absl::FailedPreconditionError(
      absl::StrCat("mysql: innodb_flush_log_at_trx_commit is ", setting,
                   ", so a power cut loses what was acknowledged: run `SET GLOBAL "
                   "innodb_flush_log_at_trx_commit = 1` and set it in the configuration of every "
                   "server"));
}

class MysqlStore : public Store {
 public:
  explicit MysqlStore(MysqlAddress address)
      : address_(std::move(address)),
        journal_(&address_),
        images_(&address_),
        projection_(&address_) {}

  absl::Status Connect() {
    MysqlSession session(&address_);
    return session.Connect();
  }

  absl::string_view kind() const override { return "mysql"; }

  absl::StatusOr<std::vector<std::string>> Migrate() override {
    MysqlSession session(&address_);
    absl::StatusOr<std::vector<int>> applied = Applied(&session);
    if (!applied.ok()) return applied.status();
    absl::Status status = CheckNotNewer(*applied);
    if (status.ok()) status = session.Execute(CreateMigrationTable(Dialect::kMysql));

    std::vector<std::string> names;
    for (const Migration* migration : Migrations()) {
      if (!status.ok()) return status;
      if (std::find(applied->begin(), applied->end(), migration->number) != applied->end())
        continue;
      status = Apply(&session, *migration);
      names.push_back(NameOf(*migration));
    }
    if (status.ok()) {
      status = InsertOnce(&session,
                          absl::StrCat("INSERT INTO meta (name, value) VALUES ('journal_id', '",
                                       NewJournalId(), "')"));
    }
    if (!status.ok()) return status;
    return names;
  }

  absl::Status CheckSchema() override {
    MysqlSession session(&address_);
    absl::StatusOr<std::vector<int>> applied = Applied(&session);
    if (!applied.ok()) return applied.status();
    absl::Status status = CheckApplied(*applied, {SchemaPart::kTruth, SchemaPart::kTables});
    return status.ok() ? CheckDurable(&session) : status;
  }

  Journal& journal() override { return journal_; }
  absl::StatusOr<std::unique_ptr<Journal>> OpenJournalReader() override {
    return std::make_unique<MysqlJournal>(&address_);
  }
  ImageStore& images() override { return images_; }
  Projection& projection() override { return projection_; }

 protected:
  absl::StatusOr<std::string> StoredJournalId() override {
    MysqlSession session(&address_);
    std::string id;
    absl::Status status =
        session.Query("SELECT value FROM meta WHERE name = 'journal_id'", [&](sql::ResultSet& row) {
          id = row.getString(1).asStdString();
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return id;
  }
  absl::Status SetJournalId(const std::string& id) override {
    MysqlSession session(&address_);
    return session.Execute(
        absl::StrCat("UPDATE meta SET value = '", id, "' WHERE name = 'journal_id'"));
  }

 private:
  const MysqlAddress address_;
  MysqlJournal journal_;
  MysqlImages images_;
  MysqlProjection projection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenMysqlStore(MysqlAddress address) {
  auto store = std::make_unique<MysqlStore>(std::move(address));
  absl::Status status = store->Connect();
  if (!status.ok()) return status;
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace onhand::storage
