// Copies a SQLite file's WAL back into the file on a thread and a connection of its own, so that no
// commit of the connection it watches pays for that. Owned by the store, which destroys the watched
// connection first; the thread starts with the first checkpoint, so a short command has none.
#ifndef ONHAND_STORAGE_SQLITE_CHECKPOINTER_H_
#define ONHAND_STORAGE_SQLITE_CHECKPOINTER_H_

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/sqlite/database.h"

namespace onhand::storage {

class SqliteCheckpointer {
 public:
  struct Options {
    // A checkpoint is due from this WAL on: 64 MiB of pages.
    int wal_pages_due = 16'384;
    // A commit that finds this WAL (1 GiB) checkpoints by itself, so that a thread which cannot
    // keep up, or whose checkpoints fail, does not let the WAL grow without end.
    int wal_pages_max = 262'144;
  };

  SqliteCheckpointer(std::string path, Options options)
      : path_(std::move(path)), options_(options) {}
  // Waits for the checkpoint under way.
  ~SqliteCheckpointer();

  // Takes over from the checkpoints of `database`, a connection to the same file, which must be
  // closed before the checkpointer is destroyed. Returns it.
  std::unique_ptr<SqliteDatabase> Watch(std::unique_ptr<SqliteDatabase> database);

 private:
  static int AfterCommit(void* checkpointer, sqlite3* database, const char* name, int wal_pages);
  void Run();
  // False if the WAL could not be begun anew.
  bool Checkpoint(SqliteDatabase* database);

  const std::string path_;
  const Options options_;

  absl::Mutex mutex_;
  bool due_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_SQLITE_CHECKPOINTER_H_
