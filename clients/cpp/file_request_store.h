// A RequestStore in one file: records are appended and synced, what many threads put at a time with
// one sync, and the file is written anew once most of it is outdated. One process at a time may
// have it open. Any thread may call it.
//
// The file is a sequence of records, each written at once: length of its content and the CRC-32
// (IEEE) of it, both 32 bits in little endian, then the content, which is a sequence of steps. A
// step is the byte P (put) or R (removed), followed by texts, each as 32 bits of length and its
// bytes: of P request_id, method, name and body; of R the request_id. A record that the end of the
// file cuts short, or a last one with a wrong checksum, was never acknowledged and is dropped; a
// wrong checksum before that is a damaged file, which is refused.
#ifndef ONHAND_CLIENTS_CPP_FILE_REQUEST_STORE_H_
#define ONHAND_CLIENTS_CPP_FILE_REQUEST_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/request_store.h"

namespace onhand::client {

class FileRequestStore : public RequestStore {
 public:
  // Opens or creates the file. UNAVAILABLE: another process has it open, or it cannot be opened;
  // DATA_LOSS: it is damaged.
  static absl::StatusOr<std::unique_ptr<FileRequestStore>> Open(const std::string& path);
  ~FileRequestStore() override;
  FileRequestStore(const FileRequestStore&) = delete;
  FileRequestStore& operator=(const FileRequestStore&) = delete;

  absl::StatusOr<std::vector<StoredRequest>> Load() override ABSL_LOCKS_EXCLUDED(mu_);
  // After a failure to write, every later Put fails too: nobody knows what the file holds. Open it
  // anew.
  absl::Status Put(const StoredRequest& request) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Remove(const std::string& request_id) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  FileRequestStore(std::string path, int file) : path_(std::move(path)), file_(file) {}

  // Reads what the file holds and cuts off a torn end.
  absl::Status Recover() ABSL_LOCKS_EXCLUDED(mu_);
  // Does the steps of a record in memory.
  absl::Status TakeIn(absl::string_view steps) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Add(StoredRequest request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Drop(const std::string& request_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Waits until that many steps are in the file, writing them itself unless another thread does.
  absl::Status Sync(uint64_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes what is queued and syncs it. Lets go of the lock meanwhile.
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Replaces the file by one with only what is still there.
  absl::Status Compact() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;

  absl::Mutex mu_;
  int file_ ABSL_GUARDED_BY(mu_);
  // In the order of putting.
  std::map<uint64_t, StoredRequest> requests_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, uint64_t> places_ ABSL_GUARDED_BY(mu_);  // in requests_, by request id
  uint64_t next_place_ ABSL_GUARDED_BY(mu_) = 0;
  size_t file_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  size_t live_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // of steps in the file that still count
  std::string queue_ ABSL_GUARDED_BY(mu_);      // steps that are not in the file yet
  uint64_t queued_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t synced_ ABSL_GUARDED_BY(mu_) = 0;
  bool flushing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_FILE_REQUEST_STORE_H_
