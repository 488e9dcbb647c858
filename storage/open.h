// Opens a store by its URL. The only place that knows all backends.
#ifndef ONHAND_STORAGE_OPEN_H_
#define ONHAND_STORAGE_OPEN_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/store.h"

namespace onhand::storage {

// `sqlite:PATH` (the journal; tables for people go to PATH-tables beside it),
// `mysql://USER@HOST:PORT[,HOST:PORT]/DB` or `memory:`. `password` is for mysql only.
// INVALID_ARGUMENT names the part of the URL that is wrong and shows a right one. Connects, but
// neither migrates nor locks.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(absl::string_view url,
                                                 const std::string& password);

// Holds the exclusive lock file of an SQLite store (PATH.lock, flock) until destroyed; for other
// stores it holds nothing. FAILED_PRECONDITION names the file if another process has it. Taken by
// the commands serve, restore and compact, not by the store, so that two writers can be tested.
class StoreLock {
 public:
  static absl::StatusOr<std::unique_ptr<StoreLock>> Take(absl::string_view url);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  explicit StoreLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_OPEN_H_
