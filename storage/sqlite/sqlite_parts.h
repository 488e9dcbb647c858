// The three parts of the SQLite store. Each owns its connection and is used by one thread at a
// time.
#ifndef ONHAND_STORAGE_SQLITE_SQLITE_PARTS_H_
#define ONHAND_STORAGE_SQLITE_SQLITE_PARTS_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/fenced_journal.h"
#include "storage/sqlite/database.h"
#include "storage/store.h"
#include "storage/tables.h"

namespace onhand::storage {

class SqliteJournal : public FencedJournal {
 public:
  explicit SqliteJournal(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<JournalHead> Head() override;
  absl::StatusOr<uint64_t> FirstRevision() override;

 protected:
  // Ends the process on an I/O error: whether the row is durable cannot be asked through the same
  // failing disk, but a restart's recovery decides it.
  absl::StatusOr<Inserted> Insert(const JournalHead& head, const JournalRow& row) override;
  absl::StatusOr<std::optional<Identity>> IdentityOf(uint64_t revision) override;
  absl::StatusOr<int> ReadSome(uint64_t first_revision,
                               absl::FunctionRef<absl::Status(const JournalRow&)> visit) override;
  absl::Status DeleteThrough(uint64_t last_revision) override;
  // A local file has no connection to lose.
  void Disconnect() override {}

 private:
  const std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteStatement> head_, first_, insert_, insert_first_, identity_, read_, delete_;
};

class SqliteImages : public ImageStore {
 public:
  explicit SqliteImages(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::Status Begin(uint64_t revision) override;
  absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) override;
  absl::Status Seal(const ImageHeader& header) override;
  absl::StatusOr<std::vector<ImageHeader>> List() override;
  absl::Status Read(const ImageHeader& header,
                    absl::FunctionRef<absl::Status(absl::string_view)> visit) override;

 private:
  absl::StatusOr<uint64_t> CountBlocks(uint64_t revision);
  absl::Status InsertSeal(const ImageHeader& header);
  absl::Status DropOldSeals();
  absl::Status DropBlocksWithoutSeal();

  const std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteStatement> put_, read_, drop_some_;
};

class SqliteProjection : public Projection {
 public:
  explicit SqliteProjection(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<ProjectionHead> Head() override;
  absl::Status Write(uint64_t epoch, ProjectionBatch batch) override;
  absl::Status WriteMovements(uint64_t epoch, uint64_t through_revision,
                              std::vector<MovementRow> movements) override;
  absl::StatusOr<std::optional<int64_t>> MovementTimeUs(uint64_t revision) override;
  absl::Status DropMovements(uint64_t last_revision) override;

 private:
  absl::Status Begin(uint64_t epoch);
  absl::Status Put(uint64_t epoch, const Table& table, const Values& values);
  // Moves the watermark in `column` up and commits.
  absl::Status Finish(absl::string_view column, uint64_t through_revision);
  // Undoes an open transaction after an error, and returns that error.
  absl::Status Undo(absl::Status status);
  absl::StatusOr<SqliteStatement*> UpsertInto(const Table& table);

  const std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteStatement> take_head_;
  std::map<const Table*, std::unique_ptr<SqliteStatement>> upserts_;
  int rows_in_transaction_ = 0;
  // SQLite lets one writer at a time into a file, and here both kinds of rows go through one
  // connection: the second waits for the first.
  std::mutex writing_;
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_SQLITE_SQLITE_PARTS_H_
