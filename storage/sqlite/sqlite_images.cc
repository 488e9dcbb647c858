#include "storage/failures.h"
#include "storage/sqlite/sqlite_parts.h"

namespace onhand::storage {
namespace {

// Blocks deleted in one transaction: at most 8 MiB, so that an append waits only for milliseconds.
constexpr int kDropBlocksMax = 8;

}  // namespace

absl::Status SqliteImages::Begin(uint64_t revision) {
  std::unique_ptr<SqliteStatement> sealed;
  absl::Status status =
      database_->Prepare("SELECT COUNT(*) FROM image WHERE revision = ?", &sealed);
  if (!status.ok()) return status;
  sealed->Bind(1, static_cast<int64_t>(revision));
  const int code = sealed->Step();
  if (code != SQLITE_ROW) return database_->Error(code);
  if (sealed->Number(0) != 0) return ImageIsSealed(revision);
  sealed.reset();
  status = DropBlocksWithoutSeal();
  if (!status.ok()) return status;
  // Blocks need not be durable one by one: the WAL is written in order, so the seal's sync covers
  // them all.
  return database_->Execute("PRAGMA synchronous=NORMAL");
}

absl::Status SqliteImages::PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) {
  absl::Status status = CheckBlockSize(revision, block, bytes);
  if (!status.ok()) return status;
  status = database_->Prepare(
      "INSERT INTO image_block (revision, block, crc32c, bytes) VALUES (?, ?, ?, ?)", &put_);
  if (!status.ok()) return status;
  put_->Bind(1, static_cast<int64_t>(revision));
  put_->Bind(2, block);
  put_->Bind(3, Crc32c(bytes));
  put_->BindBlob(4, bytes);
  return database_->Run(put_.get());
}

absl::Status SqliteImages::Seal(const ImageHeader& header) {
  absl::StatusOr<uint64_t> found = CountBlocks(header.revision);
  if (!found.ok()) return found.status();
  if (*found != header.block_count) return ImageLacksBlocks(header, *found);

  absl::Status status = database_->Execute("PRAGMA synchronous=FULL");
  if (status.ok()) status = InsertSeal(header);
  if (status.ok()) status = DropOldSeals();
  if (status.ok()) status = DropBlocksWithoutSeal();
  return status;
}

// Blocks from 0 on without a gap; one too many if there are others beyond.
absl::StatusOr<uint64_t> SqliteImages::CountBlocks(uint64_t revision) {
  std::unique_ptr<SqliteStatement> count;
  absl::Status status = database_->Prepare(
      "SELECT COUNT(*), COALESCE(MAX(block) + 1, 0) FROM image_block WHERE revision = ?", &count);
  if (!status.ok()) return status;
  count->Bind(1, static_cast<int64_t>(revision));
  const int code = count->Step();
  if (code != SQLITE_ROW) return database_->Error(code);
  const int64_t blocks = count->Number(0);
  return static_cast<uint64_t>(count->Number(1) == blocks ? blocks : blocks - 1);
}

absl::Status SqliteImages::InsertSeal(const ImageHeader& header) {
  std::unique_ptr<SqliteStatement> seal;
  absl::Status status = database_->Prepare(
      "INSERT INTO image (revision, chain, committed_at_us, block_count) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (revision) DO NOTHING",
      &seal);
  if (!status.ok()) return status;
  seal->Bind(1, static_cast<int64_t>(header.revision));
  seal->Bind(2, static_cast<int64_t>(header.chain));
  seal->Bind(3, header.committed_at_us);
  seal->Bind(4, header.block_count);
  return database_->Run(seal.get());
}

absl::Status SqliteImages::DropOldSeals() {
  return database_->Execute(
      "DELETE FROM image WHERE revision NOT IN "
      "(SELECT revision FROM image ORDER BY revision DESC LIMIT 2)");
}

absl::Status SqliteImages::DropBlocksWithoutSeal() {
  absl::Status status = database_->Prepare(
      "DELETE FROM image_block WHERE rowid IN (SELECT rowid FROM image_block "
      "WHERE revision NOT IN (SELECT revision FROM image) LIMIT ?)",
      &drop_some_);
  while (status.ok()) {
    drop_some_->Bind(1, kDropBlocksMax);
    status = database_->Run(drop_some_.get());
    if (database_->RowsChanged() < kDropBlocksMax) break;
  }
  return status;
}

absl::StatusOr<std::vector<ImageHeader>> SqliteImages::List() {
  std::unique_ptr<SqliteStatement> list;
  absl::Status status = database_->Prepare(
      "SELECT revision, chain, committed_at_us, block_count FROM image ORDER BY revision DESC",
      &list);
  if (!status.ok()) return status;
  std::vector<ImageHeader> headers;
  int code;
  while ((code = list->Step()) == SQLITE_ROW) {
    ImageHeader header;
    header.revision = static_cast<uint64_t>(list->Number(0));
    header.chain = static_cast<uint64_t>(list->Number(1));
    header.committed_at_us = list->Number(2);
    header.block_count = static_cast<uint32_t>(list->Number(3));
    headers.push_back(header);
  }
  if (code != SQLITE_DONE) return database_->Error(code);
  return headers;
}

absl::Status SqliteImages::Read(const ImageHeader& header,
                                absl::FunctionRef<absl::Status(absl::string_view)> visit) {
  absl::Status status = database_->Prepare(
      "SELECT crc32c, bytes FROM image_block WHERE revision = ? AND block = ?", &read_);
  for (uint32_t block = 0; status.ok() && block < header.block_count; ++block) {
    SqliteReset reset(read_.get());
    read_->Bind(1, static_cast<int64_t>(header.revision));
    read_->Bind(2, block);
    const int code = read_->Step();
    if (code == SQLITE_DONE) return BlockIsMissing(header.revision, block);
    if (code != SQLITE_ROW) return database_->Error(code);
    const absl::string_view bytes = read_->Bytes(1);
    status = CheckBlock(header.revision, block, bytes, static_cast<uint32_t>(read_->Number(0)));
    if (status.ok()) status = visit(bytes);
  }
  return status;
}

}  // namespace onhand::storage
