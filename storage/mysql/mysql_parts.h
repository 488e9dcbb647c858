// The three parts of the MySQL store. Each owns its connections; each of those is used by one
// thread at a time.
#ifndef ONHAND_STORAGE_MYSQL_MYSQL_PARTS_H_
#define ONHAND_STORAGE_MYSQL_MYSQL_PARTS_H_

#include <random>
#include <string>
#include <vector>

#include "storage/fenced_journal.h"
#include "storage/mysql/session.h"
#include "storage/store.h"
#include "storage/tables.h"

namespace onhand::storage {

class MysqlJournal : public FencedJournal {
 public:
  explicit MysqlJournal(const MysqlAddress* address) : session_(address) {}

  absl::StatusOr<JournalHead> Head() override;
  absl::StatusOr<uint64_t> FirstRevision() override;

 protected:
  absl::StatusOr<Inserted> Insert(const JournalHead& head, const JournalRow& row) override;
  absl::StatusOr<std::optional<Identity>> IdentityOf(uint64_t revision) override;
  absl::StatusOr<int> ReadSome(uint64_t first_revision,
                               absl::FunctionRef<absl::Status(const JournalRow&)> visit) override;
  absl::Status DeleteThrough(uint64_t last_revision) override;
  void Disconnect() override { session_.Disconnect(); }

 private:
  MysqlSession session_;
};

class MysqlImages : public ImageStore {
 public:
  explicit MysqlImages(const MysqlAddress* address) : session_(address) {}

  absl::Status Begin(uint64_t revision) override;
  absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) override;
  absl::Status Seal(const ImageHeader& header) override;
  absl::StatusOr<std::vector<ImageHeader>> List() override;
  absl::Status Read(const ImageHeader& header,
                    absl::FunctionRef<absl::Status(absl::string_view)> visit) override;

 private:
  absl::StatusOr<uint64_t> CountBlocks(uint64_t revision);
  absl::Status DropOldSeals();
  absl::Status DropBlocksWithoutSeal();
  absl::Status DropBlocks(uint64_t revision);

  MysqlSession session_;
};

// A connection that writes plain tables. Used by one thread at a time.
class MysqlTableWriter {
 public:
  explicit MysqlTableWriter(const MysqlAddress* address) : session_(address) {}

  // Runs the statements and then `move_head`, an update of the head row that matches it only where
  // no later epoch has written, as one transaction: FAILED_PRECONDITION (FENCED) if it matches
  // nothing. Repeats it as a whole after transient errors.
  absl::Status RunTransaction(uint64_t epoch, const std::vector<std::string>& statements,
                              const std::string& move_head);
  // Repeats `work` after transient errors, bounded and with jitter.
  absl::Status RetryTransient(absl::FunctionRef<absl::Status()> work);
  MysqlSession& session() { return session_; }

 private:
  absl::Status TryTransaction(uint64_t epoch, const std::vector<std::string>& statements,
                              const std::string& move_head);

  MysqlSession session_;
  std::minstd_rand jitter_{std::random_device{}()};
};

// Movements have a connection of their own: the server then inserts them beside the other tables'
// rows, on another core.
class MysqlProjection : public Projection {
 public:
  explicit MysqlProjection(const MysqlAddress* address) : tables_(address), movements_(address) {}

  absl::StatusOr<ProjectionHead> Head() override;
  absl::Status Write(uint64_t epoch, ProjectionBatch batch) override;
  absl::Status WriteMovements(uint64_t epoch, uint64_t through_revision,
                              std::vector<MovementRow> movements) override;
  absl::StatusOr<std::optional<int64_t>> MovementTimeUs(uint64_t revision) override;
  absl::Status DropMovements(uint64_t last_revision) override;

 private:
  MysqlTableWriter tables_;
  MysqlTableWriter movements_;
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_MYSQL_MYSQL_PARTS_H_
