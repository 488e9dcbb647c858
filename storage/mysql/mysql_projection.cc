#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

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

// Bytes that mean themselves between quotes in any sql_mode and in any character set that a
// connection may have.
bool IsPlain(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) {
    return byte >= ' ' && byte <= '~' && byte != '\'' && byte != '\\';
  });
}

// Plain bytes are half as long between quotes as they are in hexadecimal, and the server takes them
// as they are. Hexadecimal needs no escaping, and its bytes pass no character set.
void AppendLiteral(const Value& value, std::string* sql) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    absl::StrAppend(sql, *number);
  } else if (const auto* bytes = std::get_if<absl::string_view>(&value)) {
    if (IsPlain(*bytes)) {
      absl::StrAppend(sql, "'", *bytes, "'");
    } else {
      absl::StrAppend(sql, "x'", absl::BytesToHexString(*bytes), "'");
    }
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

// Writes rows in transactions of multi-row inserts, each behind the epoch's fence.
class RowWriter {
 public:
  RowWriter(MysqlTableWriter* writer, uint64_t epoch) : writer_(*writer), epoch_(epoch) {}

  absl::Status Add(const Table& table, const Values& values) {
    if (rows_ == kTransactionRowsMax) {
      absl::Status status = RunTransaction("");
      if (!status.ok()) return status;
    }
    if (table_ != &table || sql_.size() > kStatementBytesMax) EndStatement();
    if (table_ == nullptr) {
      table_ = &table;
      sql_ = InsertHead(table);
    } else {
      sql_ += ',';
    }
    sql_ += '(';
    for (size_t column = 0; column < values.size(); ++column) {
      if (column > 0) sql_ += ',';
      AppendLiteral(values[column], &sql_);
    }
    sql_ += ')';
    ++rows_;
    return absl::OkStatus();
  }

  // What is left, and with it the watermark.
  absl::Status Finish(absl::string_view watermark, uint64_t through_revision) {
    return RunTransaction(
        absl::StrCat(", ", watermark, " = GREATEST(", watermark, ", ", through_revision, ")"));
  }

 private:
  void EndStatement() {
    if (table_ == nullptr) return;
    sql_ += InsertTail(*table_);
    statements_.push_back(std::move(sql_));
    table_ = nullptr;
  }
  absl::Status RunTransaction(absl::string_view and_set) {
    EndStatement();
    rows_ = 0;
    return writer_.RunTransaction(
        epoch_, std::exchange(statements_, {}),
        absl::StrCat("UPDATE projection_head SET writer_epoch = ", epoch_, and_set,
                     " WHERE id = 1 AND writer_epoch <= ", epoch_));
  }

  MysqlTableWriter& writer_;
  const uint64_t epoch_;
  std::vector<std::string> statements_;
  const Table* table_ = nullptr;
  std::string sql_;
  int rows_ = 0;
};

}  // namespace

absl::StatusOr<ProjectionHead> MysqlProjection::Head() {
  ProjectionHead head;
  absl::Status status = tables_.RetryTransient([&] {
    return tables_.session().Query(
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

absl::Status MysqlTableWriter::RetryTransient(absl::FunctionRef<absl::Status()> work) {
  absl::Status status = work();
  for (int attempt = 1; attempt < kAttemptsMax && IsTransient(status); ++attempt) {
    const int bound_ms = std::min(kPauseMsMax, 5 << attempt);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution<int>(0, bound_ms)(jitter_)));
    status = work();
  }
  return status;
}

absl::Status MysqlTableWriter::RunTransaction(uint64_t epoch,
                                              const std::vector<std::string>& statements,
                                              const std::string& move_head) {
  return RetryTransient([&] {
    absl::Status status = TryTransaction(epoch, statements, move_head);
    // Closing the connection undoes what is open, whatever state the error has left.
    if (!status.ok()) session_.Disconnect();
    return status;
  });
}

// The fence comes last. Its row stays locked until the commit: were it first, the two connections
// would take turns, and whoever is behind is undone as a whole either way.
absl::Status MysqlTableWriter::TryTransaction(uint64_t epoch,
                                              const std::vector<std::string>& statements,
                                              const std::string& move_head) {
  absl::Status status = session_.Execute("BEGIN");
  for (const std::string& statement : statements) {
    if (!status.ok()) return status;
    status = session_.Execute(statement);
  }
  if (!status.ok()) return status;
  absl::StatusOr<int64_t> moved = session_.Update(move_head);
  if (!moved.ok()) return moved.status();
  if (*moved == 0) return FencedProjection(epoch);
  return session_.Execute("COMMIT");
}

absl::Status MysqlProjection::Write(uint64_t epoch, ProjectionBatch batch) {
  SortByKey(&batch);
  RowWriter rows(&tables_, epoch);
  absl::Status status = ForEachRow(
      batch, [&](const Table& table, const Values& values) { return rows.Add(table, values); });
  return status.ok() ? rows.Finish("through_revision", batch.through_revision) : status;
}

absl::Status MysqlProjection::WriteMovements(uint64_t epoch, uint64_t through_revision,
                                             std::vector<MovementRow> movements) {
  SortByKey(&movements);
  RowWriter rows(&movements_, epoch);
  for (const MovementRow& movement : movements) {
    absl::Status status = rows.Add(kMovementTable, ValuesOf(movement));
    if (!status.ok()) return status;
  }
  return rows.Finish("movements_through_revision", through_revision);
}

absl::StatusOr<std::optional<int64_t>> MysqlProjection::MovementTimeUs(uint64_t revision) {
  std::optional<int64_t> occurred_at_us;
  absl::Status status = movements_.session().Query(
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
    status = movements_.RetryTransient([&] {
      absl::StatusOr<int64_t> rows = movements_.session().Update(
          absl::StrCat("DELETE FROM movement WHERE revision <= ", last_revision,
                       " ORDER BY revision, ordinal LIMIT ", kTransactionRowsMax));
      if (rows.ok()) dropped = *rows;
      return rows.status();
    });
  }
  return status;
}

}  // namespace onhand::storage
