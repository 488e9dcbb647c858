#include <cstdio>
#include <cstdlib>

#include "storage/sqlite/sqlite_parts.h"

namespace onhand::storage {
namespace {

// Payload bytes that one read statement may hold before the next one starts: a long read keeps the
// WAL from shrinking.
constexpr size_t kReadBytesMax = 16 << 20;

// The condition stands in `epoch`, which may not be NULL: where it does not hold, the row is
// refused. INSERT ... SELECT would say the same, but copies the payload through a temporary table
// because it reads the table it writes.
constexpr char kInsertBehindHead[] =
    "INSERT INTO journal (revision, epoch, writer, committed_at_us, chain, payload) VALUES "
    "(?1, (SELECT ?2 FROM journal WHERE revision = ?7 AND chain = ?8), ?3, ?4, ?5, ?6)";
constexpr char kInsertFirst[] =
    "INSERT INTO journal (revision, epoch, writer, committed_at_us, chain, payload) VALUES "
    "(?1, (SELECT ?2 WHERE NOT EXISTS (SELECT 1 FROM journal)), ?3, ?4, ?5, ?6)";

[[noreturn]] void EndProcess(const absl::Status& status) {
  std::fprintf(stderr,
               "journal: %s\nThe outcome of a commit cannot be known while the disk fails: ending "
               "the process. Check the disk, then start again.\n",
               status.ToString().c_str());
  std::abort();
}

bool LeavesOutcomeOpen(int code) {
  const int primary = code & 0xFF;
  return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

bool IsDuplicateKey(int code) {
  return code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID ||
         code == SQLITE_CONSTRAINT_UNIQUE;
}

}  // namespace

absl::StatusOr<JournalHead> SqliteJournal::Head() {
  absl::Status status = database_->Prepare(
      "SELECT revision, chain FROM journal ORDER BY revision DESC LIMIT 1", &head_);
  if (!status.ok()) return status;
  SqliteReset reset(head_.get());
  const int code = head_->Step();
  if (code == SQLITE_DONE) return JournalHead{};
  if (code != SQLITE_ROW) return database_->Error(code);
  return JournalHead{static_cast<uint64_t>(head_->Number(0)),
                     static_cast<uint64_t>(head_->Number(1))};
}

absl::StatusOr<uint64_t> SqliteJournal::FirstRevision() {
  absl::Status status = database_->Prepare("SELECT MIN(revision) FROM journal", &first_);
  if (!status.ok()) return status;
  SqliteReset reset(first_.get());
  const int code = first_->Step();
  if (code != SQLITE_ROW) return database_->Error(code);
  return static_cast<uint64_t>(first_->Number(0));
}

absl::StatusOr<FencedJournal::Inserted> SqliteJournal::Insert(const JournalHead& head,
                                                              const JournalRow& row) {
  std::unique_ptr<SqliteStatement>& insert = head.revision == 0 ? insert_first_ : insert_;
  absl::Status status =
      database_->Prepare(head.revision == 0 ? kInsertFirst : kInsertBehindHead, &insert);
  if (!status.ok()) return status;

  insert->Bind(1, static_cast<int64_t>(row.revision));
  insert->Bind(2, static_cast<int64_t>(row.epoch));
  insert->Bind(3, static_cast<int64_t>(row.writer));
  insert->Bind(4, row.committed_at_us);
  insert->Bind(5, static_cast<int64_t>(row.chain));
  insert->BindBlob(6, row.payload);
  if (head.revision != 0) {
    insert->Bind(7, static_cast<int64_t>(head.revision));
    insert->Bind(8, static_cast<int64_t>(head.chain));
  }

  SqliteReset reset(insert.get());
  const int code = insert->Step();
  if (code == SQLITE_DONE) return Inserted::kOne;
  if (code == SQLITE_CONSTRAINT_NOTNULL) return Inserted::kNone;
  if (IsDuplicateKey(code)) return Inserted::kDuplicate;
  if (LeavesOutcomeOpen(code)) EndProcess(database_->Error(code));
  return database_->Error(code);
}

absl::StatusOr<std::optional<FencedJournal::Identity>> SqliteJournal::IdentityOf(
    uint64_t revision) {
  absl::Status status =
      database_->Prepare("SELECT writer, chain FROM journal WHERE revision = ?", &identity_);
  if (!status.ok()) return status;
  identity_->Bind(1, static_cast<int64_t>(revision));
  SqliteReset reset(identity_.get());
  const int code = identity_->Step();
  if (code == SQLITE_DONE) return std::optional<Identity>();
  if (code != SQLITE_ROW) return database_->Error(code);
  return std::optional<Identity>(Identity{static_cast<uint64_t>(identity_->Number(0)),
                                          static_cast<uint64_t>(identity_->Number(1))});
}

absl::StatusOr<int> SqliteJournal::ReadSome(
    uint64_t first_revision, absl::FunctionRef<absl::Status(const JournalRow&)> visit) {
  absl::Status status = database_->Prepare(
      "SELECT revision, epoch, writer, committed_at_us, chain, payload FROM journal "
      "WHERE revision >= ? ORDER BY revision",
      &read_);
  if (!status.ok()) return status;
  read_->Bind(1, static_cast<int64_t>(first_revision));
  SqliteReset reset(read_.get());

  int rows = 0;
  size_t bytes = 0;
  JournalRow row;
  while (bytes < kReadBytesMax) {
    const int code = read_->Step();
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return database_->Error(code);
    row.revision = static_cast<uint64_t>(read_->Number(0));
    row.epoch = static_cast<uint64_t>(read_->Number(1));
    row.writer = static_cast<uint64_t>(read_->Number(2));
    row.committed_at_us = read_->Number(3);
    row.chain = static_cast<uint64_t>(read_->Number(4));
    const absl::string_view payload = read_->Bytes(5);
    row.payload.assign(payload.data(), payload.size());
    ++rows;
    bytes += payload.size();
    status = visit(row);
    if (!status.ok()) return status;
  }
  return rows;
}

absl::Status SqliteJournal::DeleteThrough(uint64_t last_revision) {
  absl::Status status = database_->Prepare("DELETE FROM journal WHERE revision <= ?", &delete_);
  if (!status.ok()) return status;
  delete_->Bind(1, static_cast<int64_t>(last_revision));
  return database_->Run(delete_.get());
}

}  // namespace onhand::storage
