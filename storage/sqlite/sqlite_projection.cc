#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/failures.h"
#include "storage/sqlite/sqlite_parts.h"

namespace onhand::storage {
namespace {

constexpr int kTransactionRowsMax = 100'000;
constexpr int kDropMovementsMax = 10'000;

std::string UpsertSql(const Table& table) {
  const auto key = table.columns.subspan(0, table.key_columns);
  std::string sql = absl::StrCat("INSERT INTO ", table.name, " (",
                                 absl::StrJoin(table.columns, ", "), ") VALUES (?");
  for (size_t column = 1; column < table.columns.size(); ++column) absl::StrAppend(&sql, ", ?");
  absl::StrAppend(&sql, ") ON CONFLICT (", absl::StrJoin(key, ", "), ") DO ");
  if (!table.rows_move) return absl::StrCat(sql, "NOTHING");
  absl::StrAppend(&sql, "UPDATE SET ");
  absl::StrAppend(&sql, absl::StrJoin(table.columns.subspan(table.key_columns), ", ",
                                      [](std::string* out, absl::string_view column) {
                                        absl::StrAppend(out, column, " = excluded.", column);
                                      }));
  return absl::StrCat(sql, " WHERE excluded.revision > ", table.name, ".revision");
}

}  // namespace

absl::StatusOr<ProjectionHead> SqliteProjection::Head() {
  std::unique_ptr<SqliteStatement> select;
  absl::Status status = database_->Prepare(
      "SELECT writer_epoch, through_revision, movements_through_revision FROM projection_head "
      "WHERE id = 1",
      &select);
  if (!status.ok()) return status;
  const int code = select->Step();
  if (code != SQLITE_ROW) return database_->Error(code);
  return ProjectionHead{static_cast<uint64_t>(select->Number(0)),
                        static_cast<uint64_t>(select->Number(1)),
                        static_cast<uint64_t>(select->Number(2))};
}

absl::Status SqliteProjection::Begin(uint64_t epoch) {
  absl::Status status = database_->Prepare(
      "UPDATE projection_head SET writer_epoch = ?1 WHERE id = 1 AND writer_epoch <= ?1",
      &take_head_);
  if (status.ok()) status = database_->Execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  rows_in_transaction_ = 0;
  take_head_->Bind(1, static_cast<int64_t>(epoch));
  status = database_->Run(take_head_.get());
  if (status.ok() && database_->RowsChanged() == 0) status = FencedProjection(epoch);
  return status.ok() ? status : Undo(status);
}

absl::StatusOr<SqliteStatement*> SqliteProjection::UpsertInto(const Table& table) {
  std::unique_ptr<SqliteStatement>& statement = upserts_[&table];
  // Asked for every row: its text is made once.
  if (statement == nullptr) {
    absl::Status status = database_->Prepare(UpsertSql(table), &statement);
    if (!status.ok()) return status;
  }
  return statement.get();
}

absl::Status SqliteProjection::Put(uint64_t epoch, const Table& table, const Values& values) {
  if (rows_in_transaction_ == kTransactionRowsMax) {
    absl::Status status = database_->Execute("COMMIT");
    if (!status.ok()) return Undo(status);
    status = Begin(epoch);
    if (!status.ok()) return status;
  }
  absl::StatusOr<SqliteStatement*> upsert = UpsertInto(table);
  if (!upsert.ok()) return Undo(upsert.status());
  for (size_t column = 0; column < values.size(); ++column) {
    const int parameter = static_cast<int>(column) + 1;
    const Value& value = values[column];
    if (const auto* number = std::get_if<int64_t>(&value)) {
      (*upsert)->Bind(parameter, *number);
    } else if (const auto* bytes = std::get_if<absl::string_view>(&value)) {
      (*upsert)->BindText(parameter, *bytes);
    } else {
      (*upsert)->BindNull(parameter);
    }
  }
  ++rows_in_transaction_;
  absl::Status status = database_->Run(*upsert);
  return status.ok() ? status : Undo(status);
}

absl::Status SqliteProjection::Finish(absl::string_view column, uint64_t through_revision) {
  absl::Status status =
      database_->Execute(absl::StrCat("UPDATE projection_head SET ", column, " = MAX(", column,
                                      ", ", through_revision, ") WHERE id = 1"));
  if (status.ok()) status = database_->Execute("COMMIT");
  return status.ok() ? status : Undo(status);
}

absl::Status SqliteProjection::Undo(absl::Status status) {
  // Fails only where SQLite has rolled back by itself, which is as good.
  database_->Execute("ROLLBACK").IgnoreError();
  return status;
}

absl::Status SqliteProjection::Write(uint64_t epoch, ProjectionBatch batch) {
  SortByKey(&batch);
  const std::lock_guard<std::mutex> lock(writing_);
  absl::Status status = Begin(epoch);
  if (!status.ok()) return status;
  status = ForEachRow(
      batch, [&](const Table& table, const Values& values) { return Put(epoch, table, values); });
  return status.ok() ? Finish("through_revision", batch.through_revision) : status;
}

absl::Status SqliteProjection::WriteMovements(uint64_t epoch, uint64_t through_revision,
                                              std::vector<MovementRow> movements) {
  SortByKey(&movements);
  const std::lock_guard<std::mutex> lock(writing_);
  absl::Status status = Begin(epoch);
  for (const MovementRow& movement : movements) {
    if (!status.ok()) return status;
    status = Put(epoch, kMovementTable, ValuesOf(movement));
  }
  return status.ok() ? Finish("movements_through_revision", through_revision) : status;
}

absl::StatusOr<std::optional<int64_t>> SqliteProjection::MovementTimeUs(uint64_t revision) {
  std::unique_ptr<SqliteStatement> select;
  absl::Status status = database_->Prepare(
      "SELECT occurred_at_us FROM movement WHERE revision >= ? ORDER BY revision, ordinal LIMIT 1",
      &select);
  if (!status.ok()) return status;
  select->Bind(1, static_cast<int64_t>(revision));
  const int code = select->Step();
  if (code == SQLITE_DONE) return std::optional<int64_t>();
  if (code != SQLITE_ROW) return database_->Error(code);
  return std::optional<int64_t>(select->Number(0));
}

absl::Status SqliteProjection::DropMovements(uint64_t last_revision) {
  std::unique_ptr<SqliteStatement> drop;
  absl::Status status = database_->Prepare(
      "DELETE FROM movement WHERE (revision, ordinal) IN (SELECT revision, ordinal FROM movement "
      "WHERE revision <= ? ORDER BY revision, ordinal LIMIT ?)",
      &drop);
  while (status.ok()) {
    drop->Bind(1, static_cast<int64_t>(last_revision));
    drop->Bind(2, kDropMovementsMax);
    status = database_->Run(drop.get());
    if (database_->RowsChanged() < kDropMovementsMax) break;
  }
  return status;
}

}  // namespace onhand::storage
