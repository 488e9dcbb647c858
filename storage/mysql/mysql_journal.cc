#include "absl/strings/str_cat.h"
#include "storage/mysql/mysql_parts.h"

namespace onhand::storage {
namespace {

// The driver holds a whole result in memory: at most 64 rows of a megabyte.
constexpr int kReadRowsMax = 64;

// Numbers are kept as the signed number of the same bits.
int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t Unsigned(sql::ResultSet& row, uint32_t column) {
  return static_cast<uint64_t>(row.getInt64(column));
}

}  // namespace

absl::StatusOr<JournalHead> MysqlJournal::Head() {
  JournalHead head;
  absl::Status status =
      session_.Query("SELECT revision, chain FROM journal ORDER BY revision DESC LIMIT 1",
                     [&](sql::ResultSet& row) {
                       head = {Unsigned(row, 1), Unsigned(row, 2)};
                       return absl::OkStatus();
                     });
  if (!status.ok()) return status;
  return head;
}

absl::StatusOr<uint64_t> MysqlJournal::FirstRevision() {
  uint64_t first = 0;
  absl::Status status =
      session_.Query("SELECT MIN(revision) FROM journal", [&](sql::ResultSet& row) {
        first = Unsigned(row, 1);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return first;
}

absl::StatusOr<FencedJournal::Inserted> MysqlJournal::Insert(const JournalHead& head,
                                                             const JournalRow& row) {
  const char* sql =
      head.revision == 0
          ? "INSERT INTO journal (revision, epoch, writer, committed_at_us, chain, payload) "
            "SELECT ?, ?, ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM journal)"
          : "INSERT INTO journal (revision, epoch, writer, committed_at_us, chain, payload) "
            "SELECT ?, ?, ?, ?, ?, ? FROM journal WHERE revision = ? AND chain = ?";
  BlobParameter payload(row.payload);
  absl::StatusOr<int64_t> rows = session_.UpdatePrepared(sql, [&](sql::PreparedStatement& insert) {
    insert.setInt64(1, Signed(row.revision));
    insert.setInt64(2, Signed(row.epoch));
    insert.setInt64(3, Signed(row.writer));
    insert.setInt64(4, row.committed_at_us);
    insert.setInt64(5, Signed(row.chain));
    insert.setBlob(6, payload.stream());
    if (head.revision == 0) return;
    insert.setInt64(7, Signed(head.revision));
    insert.setInt64(8, Signed(head.chain));
  });
  if (MysqlErrorOf(rows.status()) == kDuplicateKey) return Inserted::kDuplicate;
  if (!rows.ok()) return rows.status();
  return *rows == 1 ? Inserted::kOne : Inserted::kNone;
}

absl::StatusOr<std::optional<FencedJournal::Identity>> MysqlJournal::IdentityOf(uint64_t revision) {
  std::optional<Identity> identity;
  absl::Status status = session_.Query(
      absl::StrCat("SELECT writer, chain FROM journal WHERE revision = ", Signed(revision)),
      [&](sql::ResultSet& row) {
        identity = Identity{Unsigned(row, 1), Unsigned(row, 2)};
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return identity;
}

absl::StatusOr<int> MysqlJournal::ReadSome(
    uint64_t first_revision, absl::FunctionRef<absl::Status(const JournalRow&)> visit) {
  int rows = 0;
  JournalRow row;
  absl::Status status = session_.Query(
      absl::StrCat("SELECT revision, epoch, writer, committed_at_us, chain, payload FROM journal "
                   "WHERE revision >= ",
                   Signed(first_revision), " ORDER BY revision LIMIT ", kReadRowsMax),
      [&](sql::ResultSet& found) {
        row.revision = Unsigned(found, 1);
        row.epoch = Unsigned(found, 2);
        row.writer = Unsigned(found, 3);
        row.committed_at_us = found.getInt64(4);
        row.chain = Unsigned(found, 5);
        const sql::SQLString payload = found.getString(6);
        row.payload.assign(payload.c_str(), payload.length());
        ++rows;
        return visit(row);
      });
  if (!status.ok()) return status;
  return rows;
}

absl::Status MysqlJournal::DeleteThrough(uint64_t last_revision) {
  return session_.Execute(
      absl::StrCat("DELETE FROM journal WHERE revision <= ", Signed(last_revision)));
}

}  // namespace onhand::storage
