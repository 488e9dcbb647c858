#include "storage/sqlite/sqlite_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/migrations/migrations.h"
#include "storage/sqlite/checkpointer.h"
#include "storage/sqlite/sqlite_parts.h"

namespace onhand::storage {
namespace {

// The steps recorded in one file; none if it has no record yet.
absl::StatusOr<std::vector<int>> AppliedIn(SqliteDatabase* database) {
  std::unique_ptr<SqliteStatement> select;
  absl::Status status = database->Prepare(
      "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'",
      &select);
  if (!status.ok()) return status;
  int code = select->Step();
  if (code != SQLITE_ROW) return database->Error(code);
  std::vector<int> applied;
  if (select->Number(0) == 0) return applied;

  select.reset();
  status = database->Prepare("SELECT number FROM schema_migration ORDER BY number", &select);
  if (!status.ok()) return status;
  while ((code = select->Step()) == SQLITE_ROW) {
    applied.push_back(static_cast<int>(select->Number(0)));
  }
  if (code != SQLITE_DONE) return database->Error(code);
  return applied;
}

// Applies the missing steps of `part` in one transaction, so that a file never has half a step.
absl::Status ApplyTo(SqliteDatabase* database, SchemaPart part, std::vector<std::string>* names) {
  absl::Status status = database->Execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<int>> applied = AppliedIn(database);
  status = applied.ok() ? CheckNotNewer(*applied) : applied.status();
  if (status.ok()) status = database->Execute(CreateMigrationTable(Dialect::kSqlite));
  for (const Migration* migration : Migrations()) {
    if (!status.ok()) break;
    if (migration->part != part) continue;
    if (std::find(applied->begin(), applied->end(), migration->number) != applied->end()) continue;
    for (const std::string& sql : Statements(*migration, Dialect::kSqlite)) {
      status = database->Execute(sql);
      if (!status.ok()) break;
    }
    if (status.ok()) {
      status =
          database->Execute(absl::StrCat("INSERT INTO schema_migration (number, name) VALUES (",
                                         migration->number, ", '", migration->name, "')"));
      names->push_back(NameOf(*migration));
    }
  }
  if (status.ok() && part == SchemaPart::kTruth) {
    status =
        database->Execute(absl::StrCat("INSERT INTO meta (name, value) VALUES ('journal_id', '",
                                       NewJournalId(), "') ON CONFLICT (name) DO NOTHING"));
  }
  if (status.ok()) status = database->Execute("COMMIT");
  if (!status.ok()) database->Execute("ROLLBACK").IgnoreError();
  return status;
}

class SqliteStore : public Store {
 public:
  // In the order of the members.
  SqliteStore(std::string path, std::unique_ptr<SqliteDatabase> journal,
              std::unique_ptr<SqliteDatabase> images, std::unique_ptr<SqliteDatabase> tables)
      : path_(std::move(path)),
        checkpointer_(path_, {}),
        journal_(checkpointer_.Watch(std::move(journal))),
        images_(std::move(images)),
        projection_(std::move(tables)) {}

  absl::string_view kind() const override { return "sqlite"; }

  absl::StatusOr<std::vector<std::string>> Migrate() override {
    std::vector<std::string> names;
    for (const auto& [part, path] : Files()) {
      absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path);
      if (!database.ok()) return database.status();
      absl::Status status = ApplyTo(database->get(), part, &names);
      if (!status.ok()) return status;
    }
    return names;
  }

  absl::Status CheckSchema() override {
    for (const auto& [part, path] : Files()) {
      absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path);
      if (!database.ok()) return database.status();
      absl::StatusOr<std::vector<int>> applied = AppliedIn(database->get());
      if (!applied.ok()) return applied.status();
      absl::Status status = CheckApplied(*applied, {part});
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  Journal& journal() override { return journal_; }
  absl::StatusOr<std::unique_ptr<Journal>> OpenJournalReader() override {
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path_);
    if (!database.ok()) return database.status();
    return std::make_unique<SqliteJournal>(*std::move(database));
  }
  ImageStore& images() override { return images_; }
  Projection& projection() override { return projection_; }

  absl::Status Shrink() override {
    for (const auto& [part, path] : Files()) {
      absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path);
      if (!database.ok()) return database.status();
      absl::Status status = (*database)->Execute("VACUUM");
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 protected:
  absl::StatusOr<std::string> StoredJournalId() override {
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path_);
    if (!database.ok()) return database.status();
    std::unique_ptr<SqliteStatement> select;
    absl::Status status =
        (*database)->Prepare("SELECT value FROM meta WHERE name = 'journal_id'", &select);
    if (!status.ok() || select->Step() != SQLITE_ROW) return std::string();
    return std::string(select->Bytes(0));
  }
  absl::Status SetJournalId(const std::string& id) override {
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(path_);
    if (!database.ok()) return database.status();
    return (*database)->Execute(
        absl::StrCat("UPDATE meta SET value = '", id, "' WHERE name = 'journal_id'"));
  }

 private:
  std::vector<std::pair<SchemaPart, std::string>> Files() const {
    return {{SchemaPart::kTruth, path_}, {SchemaPart::kTables, absl::StrCat(path_, "-tables")}};
  }

  const std::string path_;
  SqliteCheckpointer checkpointer_;  // before the connection that it watches
  SqliteJournal journal_;
  SqliteImages images_;
  SqliteProjection projection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path) {
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> journal = SqliteDatabase::Open(path);
  if (!journal.ok()) return journal.status();
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> images = SqliteDatabase::Open(path);
  if (!images.ok()) return images.status();
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> tables =
      SqliteDatabase::Open(absl::StrCat(path, "-tables"));
  if (!tables.ok()) return tables.status();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(
      path, *std::move(journal), *std::move(images), *std::move(tables)));
}

}  // namespace onhand::storage
