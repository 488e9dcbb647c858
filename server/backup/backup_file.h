// The frames of a backup file, written and read one by one, and every byte checked. One thread.
#ifndef ONHAND_SERVER_BACKUP_BACKUP_FILE_H_
#define ONHAND_SERVER_BACKUP_BACKUP_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/journal/v1/backup.pb.h"

struct XXH64_state_s;

namespace onhand::backup {

inline constexpr uint32_t kFormat = 1;

class FileWriter {
 public:
  // Begins PATH.part, readable by its owner alone. ALREADY_EXISTS if PATH is there.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Create(const std::string& path);
  // Removes what was not sealed.
  ~FileWriter();

  absl::Status Put(const journal::v1::Frame& frame);
  // Empties it again.
  absl::Status StartOver();
  // Ends it, syncs it and gives it its name.
  absl::Status Seal();
  uint64_t bytes() const { return bytes_; }

 private:
  explicit FileWriter(std::string path);
  absl::Status Failed(const char* what) const;
  absl::Status Add(absl::string_view bytes);
  absl::Status Begin();

  const std::string path_;
  const std::string part_;
  std::FILE* file_ = nullptr;
  std::unique_ptr<XXH64_state_s, void (*)(XXH64_state_s*)> checksum_;
  uint64_t frames_ = 0;
  uint64_t bytes_ = 0;
  bool sealed_ = false;
};

// Calls `visit` for each frame but the end. DATA_LOSS if the file is damaged, cut off or goes on
// behind its end; NOT_FOUND or PERMISSION_DENIED; else the first error of `visit`. The bytes.
absl::StatusOr<uint64_t> ReadFrames(
    const std::string& path, absl::FunctionRef<absl::Status(const journal::v1::Frame&)> visit);

}  // namespace onhand::backup

#endif  // ONHAND_SERVER_BACKUP_BACKUP_FILE_H_
