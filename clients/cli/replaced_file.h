// A file that readers find as it was or as it is now, never half of it: written beside its place
// and renamed. Owned by the command that writes it; one thread.
#ifndef ONHAND_CLIENTS_CLI_REPLACED_FILE_H_
#define ONHAND_CLIENTS_CLI_REPLACED_FILE_H_

#include <fstream>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace onhand::cli {

class ReplacedFile {
 public:
  // Creates PATH.part-PID; `status` says whether that worked.
  explicit ReplacedFile(std::string path);
  // Takes away what was not put in its place.
  ~ReplacedFile();
  ReplacedFile(const ReplacedFile&) = delete;
  ReplacedFile& operator=(const ReplacedFile&) = delete;

  // DATA_LOSS names the path: it cannot be written.
  absl::Status status() const;
  std::ostream& out() { return stream_; }
  // Forces what was written onto the disk, then renames. DATA_LOSS: the old file still stands.
  absl::Status PutInPlace();

 private:
  const std::string path_;
  const std::string part_;
  std::ofstream stream_;
  bool is_in_place_ = false;
};

// A whole file at once.
absl::Status ReplaceFile(const std::string& path, const std::string& content);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_REPLACED_FILE_H_
