#include "storage/sqlite/checkpointer.h"

#include <chrono>

#include "absl/time/time.h"

namespace onhand::storage {
namespace {

// While the last pages are copied no commit can begin, so what is left for then must be little.
constexpr int kPassesMax = 4;
constexpr int kLastPagesMax = 256;

// The last pass waits this often, some 0.1 ms each, for a gap between commits and then for readers.
// During the second wait commits wait too: better to leave the rest to the next checkpoint. The gap
// can be short, so it is looked for often.
constexpr int kAttemptsMax = 300;
constexpr auto kPause = std::chrono::microseconds(50);
constexpr absl::Duration kPauseAfterFailure = absl::Seconds(1);

int WaitALittle(void*, int attempts) {
  if (attempts >= kAttemptsMax) return 0;
  std::this_thread::sleep_for(kPause);
  return 1;
}

}  // namespace

SqliteCheckpointer::~SqliteCheckpointer() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

std::unique_ptr<SqliteDatabase> SqliteCheckpointer::Watch(
    std::unique_ptr<SqliteDatabase> database) {
  // Takes the place of wal_autocheckpoint, which is such a hook too.
  sqlite3_wal_hook(database->handle(), AfterCommit, this);
  return database;
}

int SqliteCheckpointer::AfterCommit(void* checkpointer, sqlite3* database, const char* name,
                                    int wal_pages) {
  auto& self = *static_cast<SqliteCheckpointer*>(checkpointer);
  if (wal_pages < self.options_.wal_pages_due) return SQLITE_OK;
  if (wal_pages >= self.options_.wal_pages_max) {
    // The commit stands whatever becomes of this, and the next one tries again.
    sqlite3_wal_checkpoint_v2(database, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return SQLITE_OK;
  }
  absl::MutexLock lock(&self.mutex_);
  self.due_ = true;
  if (!self.thread_.joinable()) self.thread_ = std::thread([&self] { self.Run(); });
  return SQLITE_OK;
}

void SqliteCheckpointer::Run() {
  const auto has_work = [this]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return due_ || stopping_; };
  std::unique_ptr<SqliteDatabase> database;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
    }
    if (database == nullptr) {
      absl::StatusOr<std::unique_ptr<SqliteDatabase>> opened = SqliteDatabase::Open(path_);
      if (opened.ok()) {
        database = *std::move(opened);
        sqlite3_busy_handler(database->handle(), WaitALittle, nullptr);
      }
    }
    // A disk that fails here fails for commits too, and they say so.
    const bool done = database != nullptr && Checkpoint(database.get());
    absl::MutexLock lock(&mutex_);
    // A long reader holds the WAL up: not with every commit anew, because commits wait meanwhile.
    if (!done) mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPauseAfterFailure);
    // Commits during the checkpoint saw the same long WAL; those to come say so if it still is.
    due_ = false;
  }
}

bool SqliteCheckpointer::Checkpoint(SqliteDatabase* database) {
  // PASSIVE copies beside the commits, which meanwhile add more pages: each pass has less to copy
  // than the one before.
  int copied_before = 0;
  for (int pass = 0; pass < kPassesMax; ++pass) {
    int pages = 0;
    int copied = 0;
    if (sqlite3_wal_checkpoint_v2(database->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages,
                                  &copied) != SQLITE_OK) {
      return false;
    }
    if (copied - copied_before <= kLastPagesMax) break;
    copied_before = copied;
  }
  // Only a WAL that is copied whole is begun anew, and while commits go on that seldom happens by
  // itself: RESTART keeps them out for the last few pages.
  return sqlite3_wal_checkpoint_v2(database->handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr,
                                   nullptr) == SQLITE_OK;
}

}  // namespace onhand::storage
