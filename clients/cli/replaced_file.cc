#include "clients/cli/replaced_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhand::cli {
namespace {

// Of a file or a folder; without it a crash of the machine may leave an empty file under the new
// name.
bool ForceOntoDisk(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool is_forced = fsync(file) == 0;
  close(file);
  return is_forced;
}

absl::Status CannotBeWritten(const std::string& path) {
  return absl::DataLossError(absl::StrCat(
      "file '", path, "' cannot be written, and stands as it was; check its folder and the disk"));
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

ReplacedFile::ReplacedFile(std::string path)
    : path_(std::move(path)),
      part_(absl::StrCat(path_, ".part-", getpid())),
      stream_(part_, std::ios::binary | std::ios::trunc) {}

ReplacedFile::~ReplacedFile() {
  if (!is_in_place_) std::remove(part_.c_str());
}

absl::Status ReplacedFile::status() const {
  return stream_.good() ? absl::OkStatus() : CannotBeWritten(path_);
}

absl::Status ReplacedFile::PutInPlace() {
  stream_.close();
  if (!stream_.good() || !ForceOntoDisk(part_) || std::rename(part_.c_str(), path_.c_str()) != 0) {
    return CannotBeWritten(path_);
  }
  is_in_place_ = true;
  ForceOntoDisk(FolderOf(path_));
  return absl::OkStatus();
}

absl::Status ReplaceFile(const std::string& path, const std::string& content) {
  ReplacedFile file(path);
  file.out() << content;
  return file.PutInPlace();
}

}  // namespace onhand::cli
