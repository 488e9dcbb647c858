#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/failures.h"
#include "storage/mysql/mysql_parts.h"

namespace onhand::storage {
namespace {

constexpr int kTransactionRowsMax = 1000;
// A statement stays well below max_allowed_packet even if every row is a long rule.
constexpr size_t kStatementBytesMax = 1 << 20;
constexpr int kAttemptsMax = 10;
constexpr int kPauseMsMax = 1000;

// Hexadecimal needs no escaping in any sql_mode, and its bytes pass no character set.
void AppendLiteral(const Value& value, std::string* sql) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    absl::StrAppend(sql, *number);
  } else if (const auto* bytes = std::get_if<absl::string_view>(&value)) {
    absl::StrAppend(sql, "x'", absl::BytesToHexString(*bytes), "'");
  } else {
    sql->append("NULL");
  }
}

std::string InsertHead(const Table& table) {
  return absl::StrCat("INSERT INTO ", table.name, " (", absl::StrJoin(table.columns, ", "),
                      ") VALUES ");
}

// MariaDB assigns from left to right, so `revision`, the last column, is compared before it is
// moved.
std::string InsertTail(const Table& table) {
  const auto moved = table.columns.subspan(table.key_columns);
  if (!table.rows_move) return " ON DUPLICATE KEY UPDATE revision = revision";
  return absl::StrCat(" ON DUPLICATE KEY UPDATE ",
                      absl::StrJoin(moved, ", ", [](std::string* out, absl::string_view column) {
                        absl::StrAppend(out, column, " = IF(VALUES(revision) > revision, VALUES(",
                                        column, "), ", column, ")");
                      }));
}

// Cuts rows into transactions of multi-row inserts.
class Transactions {
 public:
  void Add(const Table& table, const Values& values) {
    if (rows_ == kTransactionRowsMax) EndTransaction();
    if (table_ != &table || sql_.size() > kStatementBytesMax) EndStatement();
    if (table_ == nullptr) {
      table_ = &table;
      sql_ = InsertHead(table);
    } else {
      sql_ += ", ";
    }
    sql_ += '(';
    for (size_t column = 0; column < values.size(); ++column) {
      if (column > 0) sql_ += ", ";
      AppendLiteral(values[column], &sql_);
    }
    sql_ += ')';
    ++rows_;
  }

  // All transactions, with `last` as the last one's last statement.
  std::vector<std::vector<std::string>> Finish(std::string last) {
    EndStatement();
    statements_.push_back(std::move(last));
    EndTransaction();
    return std::move(finished_);
  }

 private:
  void EndStatement() {
    if (table_ != nullptr) statements_.push_back(absl::StrCat(sql_, InsertTail(*table_)));
    table_ = nullptr;
  }
  void EndTransaction() {
    EndStatement();
    finished_.push_back(std::exchange(statements_, {}));
    rows_ = 0;
  }

  std::vector<std::vector<std::string>> finished_;
  std::vector<std::string> statements_;
  const Table* table_ = nullptr;
  std::string sql_;
  int rows_ = 0;
};

std::string MoveWatermark(absl::string_view column, uint64_t through_revision) {
  return absl::StrCat("UPDATE projection_head SET ", column, " = GREATEST(", column, ", ",
                      through_revision, ") WHERE id = 1");
}

}  // namespace

absl::StatusOr<ProjectionHead> MysqlProjection::Head() {
  ProjectionHead head;
  absl::Status status = RetryTransient([&] {
    return session_.Query(
        "SELECT writer_epoch, through_revision, movements_through_revision FROM projection_head "
        "WHERE id = 1",
        [&](sql::ResultSet& row) {
          head = {static_cast<uint64_t>(row.getInt64(1)), static_cast<uint64_t>(row.getInt64(2)),
                  static_cast<uint64_t>(row.getInt64(3))};
          return absl::OkStatus();
        });
  });
  if (!status.ok()) return status;
  return head;
}

absl::Status MysqlProjection::RetryTransient(absl::FunctionRef<absl::Status()> work) {
  absl::Status status = work();
  for (int attempt = 1; attempt < kAttemptsMax && IsTransient(status); ++attempt) {
    const int bound_ms = std::min(kPauseMsMax, 5 << attempt);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution<int>(0, bound_ms)(jitter_)));
    status = work();
  }
  return status;
}

absl::Status MysqlProjection::RunTransaction(uint64_t epoch,
                                             const std::vector<std::string>& statements) {
  return RetryTransient([&] {
    absl::Status status = TryTransaction(epoch, statements);
    // Closing the connection undoes what is open, whatever state the error has left.
    if (!status.ok()) session_.Disconnect();
    return status;
  });
}

absl::Status MysqlProjection::TryTransaction(uint64_t epoch,
                                             const std::vector<std::string>& statements) {
  absl::Status status = session_.Execute("BEGIN");
  if (!status.ok()) return status;
  absl::StatusOr<int64_t> taken =
      session_.Update(absl::StrCat("UPDATE projection_head SET writer_epoch = ", epoch,
                                   " WHERE id = 1 AND writer_epoch <= ", epoch));
  if (!taken.ok()) return taken.status();
  if (*taken == 0) return FencedProjection(epoch);
  for (const std::string& statement : statements) {
    status = session_.Execute(statement);
    if (!status.ok()) return status;
  }
  return session_.Execute("COMMIT");
}

absl::Status MysqlProjection::Write(uint64_t epoch, ProjectionBatch batch) {
  SortByKey(&batch);
  Transactions transactions;
  absl::Status status = ForEachRow(batch, [&](const Table& table, const Values& values) {
    transactions.Add(table, values);
    return absl::OkStatus();
  });
  for (const auto& statements :
       transactions.Finish(MoveWatermark("through_revision", batch.through_revision))) {
    if (status.ok()) status = RunTransaction(epoch, statements);
  }
  return status;
}

absl::Status MysqlProjection::WriteMovements(uint64_t epoch, uint64_t through_revision,
                                             std::vector<MovementRow> movements) {
  SortByKey(&movements);
  Transactions transactions;
  for (const MovementRow& movement : movements)
    transactions.Add(kMovementTable, ValuesOf(movement));
  absl::Status status;
  for (const auto& statements :
       transactions.Finish(MoveWatermark("movements_through_revision", through_revision))) {
    if (status.ok()) status = RunTransaction(epoch, statements);
  }
  return status;
}

absl::StatusOr<std::optional<int64_t>> MysqlProjection::MovementTimeUs(uint64_t revision) {
  std::optional<int64_t> occurred_at_us;
  absl::Status status = session_.Query(
      absl::StrCat("SELECT occurred_at_us FROM movement WHERE revision >= ", revision,
                   " ORDER BY revision, ordinal LIMIT 1"),
      [&](sql::ResultSet& row) {
        occurred_at_us = row.getInt64(1);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return occurred_at_us;
}

absl::Status MysqlProjection::DropMovements(uint64_t last_revision) {
  int64_t dropped = kTransactionRowsMax;
  absl::Status status;
  while (status.ok() && dropped == kTransactionRowsMax) {
    status = RetryTransient([&] {
      absl::StatusOr<int64_t> rows =
          session_.Update(absl::StrCat("DELETE FROM movement WHERE revision <= ", last_revision,
                                       " ORDER BY revision, ordinal LIMIT ", kTransactionRowsMax));
      if (rows.ok()) dropped = *rows;
      return rows.status();
    });
  }
  return status;
}

}  // namespace onhand::storage
