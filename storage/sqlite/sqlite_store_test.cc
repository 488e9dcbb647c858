#include "storage/sqlite/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <map>

namespace onhand::storage {
namespace {

// A disk that fails when told to: SQLite's own file system with two functions replaced.
class FailingDisk {
 public:
  enum class Failure { kNone, kSyncFails, kIsFull };
  static inline Failure failure = Failure::kNone;

  static void Install() {
    static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
    if (original_open_ != nullptr) return;
    original_open_ = vfs.xOpen;
    vfs.zName = "failing";
    vfs.xOpen = Open;
    sqlite3_vfs_register(&vfs, /*makeDflt=*/1);
  }

 private:
  struct Methods : sqlite3_io_methods {
    const sqlite3_io_methods* original;
  };

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = original_open_(vfs, name, file, flags, out);
    if (file->pMethods == nullptr) return code;
    static std::map<const sqlite3_io_methods*, Methods> replaced;
    Methods& methods = replaced[file->pMethods];
    static_cast<sqlite3_io_methods&>(methods) = *file->pMethods;
    methods.original = file->pMethods;
    methods.xSync = Sync;
    methods.xWrite = Write;
    file->pMethods = &methods;
    return code;
  }

  static const sqlite3_io_methods* Original(sqlite3_file* file) {
    return static_cast<const Methods*>(file->pMethods)->original;
  }

  static int Sync(sqlite3_file* file, int flags) {
    if (failure == Failure::kSyncFails) return SQLITE_IOERR_FSYNC;
    return Original(file)->xSync(file, flags);
  }

  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    if (failure == Failure::kIsFull) return SQLITE_FULL;
    return Original(file)->xWrite(file, bytes, size, offset);
  }

  static inline int (*original_open_)(sqlite3_vfs*, const char*, sqlite3_file*, int,
                                      int*) = nullptr;
};

class SqliteStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FailingDisk::Install();
    folder_ = ::testing::TempDir() + "/onhand_sqlite_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    store_ = *OpenSqliteStore(folder_ + "/journal.db");
    ASSERT_TRUE(store_->Migrate().ok());
  }
  void TearDown() override {
    FailingDisk::failure = FailingDisk::Failure::kNone;
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static JournalRow FirstRow() {
    JournalRow row;
    row.revision = 1;
    row.writer = 1;
    row.payload = "sale";
    row.chain = ChainAfter(0, row);
    return row;
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
};

using SqliteStoreDeathTest = SqliteStoreTest;

TEST_F(SqliteStoreDeathTest, SyncErrorOnCommitEndsTheProcess) {
  std::string detail;
  EXPECT_DEATH(
      {
        FailingDisk::failure = FailingDisk::Failure::kSyncFails;
        store_->journal().Append({}, FirstRow(), &detail);
      },
      "outcome of a commit cannot be known");
}

TEST_F(SqliteStoreDeathTest, RowThatDoesNotBuildOnItsHeadEndsTheProcess) {
  std::string detail;
  JournalRow row = FirstRow();
  row.chain += 1;
  EXPECT_DEATH(store_->journal().Append({}, row, &detail), "does not build on head");
}

TEST_F(SqliteStoreDeathTest, RowThatNoDatabaseNeedTakeEndsTheProcess) {
  std::string detail;
  JournalRow row = FirstRow();
  row.payload.assign(Journal::kPayloadBytesMax + 1, 'x');
  row.chain = ChainAfter(0, row);
  EXPECT_DEATH(store_->journal().Append({}, row, &detail), "has 8388609 bytes, more than 8388608");
}

TEST_F(SqliteStoreTest, FullDiskRefusesARowAndTakesItOnceThereIsSpace) {
  std::string detail;
  FailingDisk::failure = FailingDisk::Failure::kIsFull;
  EXPECT_EQ(store_->journal().Append({}, FirstRow(), &detail), AppendOutcome::kUnknown);
  EXPECT_THAT(detail, ::testing::HasSubstr("full"));
  EXPECT_EQ(store_->journal().ResolveAppend({}, FirstRow(), &detail), AppendOutcome::kUnknown);

  FailingDisk::failure = FailingDisk::Failure::kNone;
  EXPECT_EQ(store_->journal().ResolveAppend({}, FirstRow(), &detail), AppendOutcome::kAppended);
  EXPECT_EQ(store_->journal().Head()->revision, 1u);
}

TEST_F(SqliteStoreTest, FullDiskFailsAProjectionWriteAndLeavesItRepeatable) {
  ProjectionBatch batch;
  batch.through_revision = 5;
  batch.stock.push_back({.sku = "bat", .location_id = "s1", .on_hand = 3, .revision = 5});
  FailingDisk::failure = FailingDisk::Failure::kIsFull;
  EXPECT_EQ(store_->projection().Write(1, batch).code(), absl::StatusCode::kUnavailable);
  FailingDisk::failure = FailingDisk::Failure::kNone;
  EXPECT_EQ(store_->projection().Head()->through_revision, 0u);
  EXPECT_TRUE(store_->projection().Write(1, batch).ok());
  EXPECT_EQ(store_->projection().Head()->through_revision, 5u);
}

TEST_F(SqliteStoreTest, TablesStandInAFileOfTheirOwnThatMayBeLost) {
  std::string detail;
  ASSERT_EQ(store_->journal().Append({}, FirstRow(), &detail), AppendOutcome::kAppended);
  store_.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(folder_ + "/journal.db-tables" + suffix);
  }
  store_ = *OpenSqliteStore(folder_ + "/journal.db");
  EXPECT_FALSE(store_->CheckSchema().ok());
  // The steps of the tables, and none of the journal's.
  EXPECT_EQ(store_->Migrate()->front(), "0003_tables");
  EXPECT_TRUE(store_->CheckSchema().ok());
  EXPECT_EQ(store_->journal().Head()->revision, 1u);
}

}  // namespace
}  // namespace onhand::storage
