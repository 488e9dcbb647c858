#include "storage/memory/memory_store.h"

#include <algorithm>

#include "storage/crc32c.h"
#include "storage/failures.h"
#include "storage/fenced_journal.h"
#include "storage/migrations/migrations.h"

namespace onhand::storage {
namespace {

using Accident = MemoryDatabase::Accident;

class MemoryJournal : public FencedJournal {
 public:
  explicit MemoryJournal(MemoryDatabase* database) : database_(*database) {}

  absl::StatusOr<JournalHead> Head() override {
    absl::MutexLock lock(&database_.mutex);
    if (database_.journal.empty()) return JournalHead{};
    const JournalRow& last = database_.journal.rbegin()->second;
    return JournalHead{last.revision, last.chain};
  }

  absl::StatusOr<uint64_t> FirstRevision() override {
    absl::MutexLock lock(&database_.mutex);
    return database_.journal.empty() ? 0 : database_.journal.begin()->first;
  }

 protected:
  absl::StatusOr<Inserted> Insert(const JournalHead& head, const JournalRow& row) override {
    absl::MutexLock lock(&database_.mutex);
    const Accident accident = std::exchange(database_.next_insert, Accident::kNone);
    if (accident == Accident::kLostBeforeCommit) return absl::UnavailableError("staged accident");
    const Inserted inserted = InsertLocked(head, row);
    if (accident == Accident::kLostAfterCommit) return absl::UnavailableError("staged accident");
    return inserted;
  }

  absl::StatusOr<std::optional<Identity>> IdentityOf(uint64_t revision) override {
    absl::MutexLock lock(&database_.mutex);
    const auto found = database_.journal.find(revision);
    if (found == database_.journal.end()) return std::optional<Identity>();
    return std::optional<Identity>(Identity{found->second.writer, found->second.chain});
  }

  absl::StatusOr<int> ReadSome(uint64_t first_revision,
                               absl::FunctionRef<absl::Status(const JournalRow&)> visit) override {
    constexpr size_t kRowsMax = 64;
    std::vector<JournalRow> rows;
    {
      absl::MutexLock lock(&database_.mutex);
      for (auto row = database_.journal.lower_bound(first_revision);
           row != database_.journal.end() && rows.size() < kRowsMax; ++row) {
        rows.push_back(row->second);
      }
    }
    for (const JournalRow& row : rows) {
      absl::Status status = visit(row);
      if (!status.ok()) return status;
    }
    return static_cast<int>(rows.size());
  }

  absl::Status DeleteThrough(uint64_t last_revision) override {
    absl::MutexLock lock(&database_.mutex);
    database_.journal.erase(database_.journal.begin(),
                            database_.journal.upper_bound(last_revision));
    return absl::OkStatus();
  }

  void Disconnect() override {}

 private:
  Inserted InsertLocked(const JournalHead& head, const JournalRow& row)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_.mutex) {
    if (head.revision == 0) {
      if (!database_.journal.empty()) return Inserted::kNone;
    } else {
      const auto standing = database_.journal.find(head.revision);
      if (standing == database_.journal.end() || standing->second.chain != head.chain) {
        return Inserted::kNone;
      }
    }
    return database_.journal.emplace(row.revision, row).second ? Inserted::kOne
                                                               : Inserted::kDuplicate;
  }

  MemoryDatabase& database_;
};

class MemoryImages : public ImageStore {
 public:
  explicit MemoryImages(MemoryDatabase* database) : database_(*database) {}

  absl::Status Begin(uint64_t revision) override {
    absl::MutexLock lock(&database_.mutex);
    if (database_.images.contains(revision)) return ImageIsSealed(revision);
    DropBlocks(revision);
    return absl::OkStatus();
  }

  absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) override {
    absl::Status status = CheckBlockSize(revision, block, bytes);
    if (!status.ok()) return status;
    absl::MutexLock lock(&database_.mutex);
    database_.blocks[{revision, block}] = {Crc32c(bytes), std::string(bytes)};
    return absl::OkStatus();
  }

  absl::Status Seal(const ImageHeader& header) override {
    absl::MutexLock lock(&database_.mutex);
    uint32_t found = 0;
    while (database_.blocks.contains({header.revision, found})) ++found;
    if (found != header.block_count) return ImageLacksBlocks(header, found);
    database_.images[header.revision] = header;
    while (database_.images.size() > 2) database_.images.erase(database_.images.begin());
    std::erase_if(database_.blocks,
                  [&](const auto& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_.mutex) {
                    return !database_.images.contains(entry.first.first);
                  });
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<ImageHeader>> List() override {
    absl::MutexLock lock(&database_.mutex);
    std::vector<ImageHeader> headers;
    for (const auto& [revision, header] : database_.images) headers.push_back(header);
    std::reverse(headers.begin(), headers.end());
    return headers;
  }

  absl::Status Read(const ImageHeader& header,
                    absl::FunctionRef<absl::Status(absl::string_view)> visit) override {
    for (uint32_t number = 0; number < header.block_count; ++number) {
      MemoryDatabase::Block block;
      {
        absl::MutexLock lock(&database_.mutex);
        const auto found = database_.blocks.find({header.revision, number});
        if (found == database_.blocks.end()) return BlockIsMissing(header.revision, number);
        block = found->second;
      }
      absl::Status status = CheckBlock(header.revision, number, block.bytes, block.crc32c);
      if (status.ok()) status = visit(block.bytes);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  void DropBlocks(uint64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_.mutex) {
    std::erase_if(database_.blocks,
                  [&](const auto& entry) { return entry.first.first == revision; });
  }

  MemoryDatabase& database_;
};

// Replaces the row of `key` unless a newer one stands.
template <typename Rows, typename Key, typename Row>
void MoveUp(Rows* rows, const Key& key, const Row& row) {
  const auto [standing, inserted] = rows->emplace(key, row);
  if (!inserted && row.revision > standing->second.revision) standing->second = row;
}

class MemoryProjection : public Projection {
 public:
  explicit MemoryProjection(MemoryDatabase* database) : database_(*database) {}

  absl::StatusOr<ProjectionHead> Head() override {
    absl::MutexLock lock(&database_.mutex);
    return database_.head;
  }

  absl::Status Write(uint64_t epoch, ProjectionBatch batch) override {
    absl::MutexLock lock(&database_.mutex);
    absl::Status status = TakeHead(epoch);
    if (!status.ok()) return status;
    for (const auto& row : batch.locations) MoveUp(&database_.locations, row.location_id, row);
    for (const auto& row : batch.items) MoveUp(&database_.items, row.sku, row);
    for (const auto& row : batch.rules) MoveUp(&database_.rules, row.rule_id, row);
    for (const auto& row : batch.stock) {
      MoveUp(&database_.stock, std::pair(row.sku, row.location_id), row);
    }
    for (const auto& row : batch.reservations) {
      MoveUp(&database_.reservations, std::pair(row.reservation_id, row.line_id), row);
    }
    for (const auto& row : batch.display_changes) {
      database_.display_changes.emplace(std::pair(row.revision, row.ordinal), row);
    }
    for (const auto& row : batch.audits) {
      database_.audits.emplace(std::pair(row.revision, row.ordinal), row);
    }
    database_.head.through_revision =
        std::max(database_.head.through_revision, batch.through_revision);
    return absl::OkStatus();
  }

  absl::Status WriteMovements(uint64_t epoch, uint64_t through_revision,
                              std::vector<MovementRow> movements) override {
    absl::MutexLock lock(&database_.mutex);
    absl::Status status = TakeHead(epoch);
    if (!status.ok()) return status;
    for (const auto& row : movements) {
      database_.movements.emplace(std::pair(row.revision, row.ordinal), row);
    }
    database_.head.movements_through_revision =
        std::max(database_.head.movements_through_revision, through_revision);
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<int64_t>> MovementTimeUs(uint64_t revision) override {
    absl::MutexLock lock(&database_.mutex);
    const auto found = database_.movements.lower_bound({revision, 0});
    if (found == database_.movements.end()) return std::optional<int64_t>();
    return std::optional<int64_t>(found->second.occurred_at_us);
  }

  absl::Status DropMovements(uint64_t last_revision) override {
    absl::MutexLock lock(&database_.mutex);
    std::erase_if(database_.movements,
                  [&](const auto& entry) { return entry.first.first <= last_revision; });
    return absl::OkStatus();
  }

 private:
  absl::Status TakeHead(uint64_t epoch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_.mutex) {
    if (database_.head.writer_epoch > epoch) return FencedProjection(epoch);
    database_.head.writer_epoch = epoch;
    return absl::OkStatus();
  }

  MemoryDatabase& database_;
};

class MemoryStore : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDatabase> database)
      : database_(std::move(database)),
        journal_(database_.get()),
        images_(database_.get()),
        projection_(database_.get()) {}

  absl::string_view kind() const override { return "memory"; }

  absl::StatusOr<std::vector<std::string>> Migrate() override {
    absl::MutexLock lock(&database_->mutex);
    absl::Status status = CheckNotNewer(database_->applied_migrations);
    if (!status.ok()) return status;
    std::vector<std::string> applied_now;
    std::vector<int>& applied = database_->applied_migrations;
    for (const Migration* migration : Migrations()) {
      if (std::find(applied.begin(), applied.end(), migration->number) != applied.end()) continue;
      applied.push_back(migration->number);
      applied_now.push_back(NameOf(*migration));
    }
    if (database_->journal_id.empty()) database_->journal_id = NewJournalId();
    return applied_now;
  }

  absl::Status CheckSchema() override {
    absl::MutexLock lock(&database_->mutex);
    return CheckApplied(database_->applied_migrations, {SchemaPart::kTruth, SchemaPart::kTables});
  }

  Journal& journal() override { return journal_; }
  absl::StatusOr<std::unique_ptr<Journal>> OpenJournalReader() override {
    return std::make_unique<MemoryJournal>(database_.get());
  }
  ImageStore& images() override { return images_; }
  Projection& projection() override { return projection_; }

 protected:
  absl::StatusOr<std::string> StoredJournalId() override {
    absl::MutexLock lock(&database_->mutex);
    return database_->journal_id;
  }
  absl::Status SetJournalId(const std::string& id) override {
    absl::MutexLock lock(&database_->mutex);
    database_->journal_id = id;
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<MemoryDatabase> database_;
  MemoryJournal journal_;
  MemoryImages images_;
  MemoryProjection projection_;
};

}  // namespace

std::unique_ptr<Store> NewMemoryStore(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryStore>(std::move(database));
}

}  // namespace onhand::storage
