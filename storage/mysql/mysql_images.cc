#include "absl/strings/str_cat.h"
#include "storage/failures.h"
#include "storage/mysql/mysql_parts.h"

namespace onhand::storage {
namespace {

// Blocks deleted in one transaction, which a cluster replicates as a whole.
constexpr int64_t kDropBlocksMax = 16;

}  // namespace

absl::Status MysqlImages::Begin(uint64_t revision) {
  // Hours pass between images, and servers close idle connections.
  session_.Disconnect();
  int64_t sealed = 0;
  absl::Status status =
      session_.Query(absl::StrCat("SELECT COUNT(*) FROM image WHERE revision = ", revision),
                     [&](sql::ResultSet& row) {
                       sealed = row.getInt64(1);
                       return absl::OkStatus();
                     });
  if (!status.ok()) return status;
  if (sealed != 0) return ImageIsSealed(revision);
  return DropBlocks(revision);
}

absl::Status MysqlImages::PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) {
  absl::Status status = CheckBlockSize(revision, block, bytes);
  if (!status.ok()) return status;
  BlobParameter blob(bytes);
  return session_
      .UpdatePrepared(
          "INSERT INTO image_block (revision, block, crc32c, bytes) VALUES (?, ?, ?, ?)",
          [&](sql::PreparedStatement& insert) {
            insert.setInt64(1, static_cast<int64_t>(revision));
            insert.setInt64(2, block);
            insert.setInt64(3, Crc32c(bytes));
            insert.setBlob(4, blob.stream());
          })
      .status();
}

absl::Status MysqlImages::Seal(const ImageHeader& header) {
  absl::StatusOr<uint64_t> found = CountBlocks(header.revision);
  if (!found.ok()) return found.status();
  if (*found != header.block_count) return ImageLacksBlocks(header, *found);

  absl::Status status = session_.Execute(
      absl::StrCat("INSERT INTO image (revision, chain, committed_at_us, block_count) VALUES (",
                   header.revision, ", ", static_cast<int64_t>(header.chain), ", ",
                   header.committed_at_us, ", ", header.block_count, ")"));
  // Sealed by an attempt whose answer was lost.
  if (MysqlErrorOf(status) == kDuplicateKey) status = absl::OkStatus();
  if (status.ok()) status = DropOldSeals();
  if (status.ok()) status = DropBlocksWithoutSeal();
  return status;
}

// Blocks from 0 on without a gap; one too few if there are others beyond.
absl::StatusOr<uint64_t> MysqlImages::CountBlocks(uint64_t revision) {
  int64_t blocks = 0, end = 0;
  absl::Status status = session_.Query(
      absl::StrCat(
          "SELECT COUNT(*), COALESCE(MAX(block) + 1, 0) FROM image_block WHERE revision = ",
          revision),
      [&](sql::ResultSet& row) {
        blocks = row.getInt64(1);
        end = row.getInt64(2);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return static_cast<uint64_t>(end == blocks ? blocks : blocks - 1);
}

absl::Status MysqlImages::DropOldSeals() {
  absl::StatusOr<std::vector<ImageHeader>> sealed = List();
  if (!sealed.ok()) return sealed.status();
  if (sealed->size() <= 2) return absl::OkStatus();
  return session_.Execute(
      absl::StrCat("DELETE FROM image WHERE revision < ", (*sealed)[1].revision));
}

absl::Status MysqlImages::DropBlocksWithoutSeal() {
  std::vector<uint64_t> unsealed;
  absl::Status status = session_.Query(
      "SELECT DISTINCT image_block.revision FROM image_block "
      "LEFT JOIN image ON image.revision = image_block.revision WHERE image.revision IS NULL",
      [&](sql::ResultSet& row) {
        unsealed.push_back(static_cast<uint64_t>(row.getInt64(1)));
        return absl::OkStatus();
      });
  for (uint64_t revision : unsealed) {
    if (status.ok()) status = DropBlocks(revision);
  }
  return status;
}

absl::Status MysqlImages::DropBlocks(uint64_t revision) {
  while (true) {
    absl::StatusOr<int64_t> dropped =
        session_.Update(absl::StrCat("DELETE FROM image_block WHERE revision = ", revision,
                                     " ORDER BY block LIMIT ", kDropBlocksMax));
    if (!dropped.ok()) return dropped.status();
    if (*dropped < kDropBlocksMax) return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<ImageHeader>> MysqlImages::List() {
  std::vector<ImageHeader> headers;
  absl::Status status = session_.Query(
      "SELECT revision, chain, committed_at_us, block_count FROM image ORDER BY revision DESC",
      [&](sql::ResultSet& row) {
        ImageHeader header;
        header.revision = static_cast<uint64_t>(row.getInt64(1));
        header.chain = static_cast<uint64_t>(row.getInt64(2));
        header.committed_at_us = row.getInt64(3);
        header.block_count = static_cast<uint32_t>(row.getInt64(4));
        headers.push_back(header);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return headers;
}

absl::Status MysqlImages::Read(const ImageHeader& header,
                               absl::FunctionRef<absl::Status(absl::string_view)> visit) {
  for (uint32_t block = 0; block < header.block_count; ++block) {
    bool is_found = false;
    uint32_t crc32c = 0;
    sql::SQLString stored;
    absl::Status status = session_.Query(
        absl::StrCat("SELECT crc32c, bytes FROM image_block WHERE revision = ", header.revision,
                     " AND block = ", block),
        [&](sql::ResultSet& row) {
          is_found = true;
          crc32c = static_cast<uint32_t>(row.getInt64(1));
          stored = row.getString(2);
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    if (!is_found) return BlockIsMissing(header.revision, block);
    const absl::string_view bytes(stored.c_str(), stored.length());
    status = CheckBlock(header.revision, block, bytes, crc32c);
    if (status.ok()) status = visit(bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace onhand::storage
