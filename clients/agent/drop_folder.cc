#include "clients/agent/drop_folder.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/files/csv.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kFileBytesMax = 512u << 20;
constexpr const char* kTaking = "taking";
constexpr const char* kDone = "done";
constexpr const char* kRejected = "rejected";
constexpr size_t kOrdinalDigits = 10;
constexpr size_t kHashDigits = 16;

bool IsWorkFolder(const std::string& name) {
  return name == kTaking || name == kDone || name == kRejected || absl::StartsWith(name, ".");
}

// Names that programs give to files they are still writing.
bool IsUnfinishedName(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  for (const char* ending : {".done", ".tmp", ".part", ".filepart", ".crdownload", "~"}) {
    if (absl::EndsWith(lower, ending)) return true;
  }
  return absl::StartsWith(lower, ".");
}

absl::Status SystemError(const std::string& doing, const fs::path& path,
                         const std::error_code& error) {
  return absl::UnavailableError(absl::StrCat("cannot ", doing, " ", path.string(), ": ",
                                             error.message(), ": check the folder and its rights"));
}

absl::Status Move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? SystemError("move", from, error) : absl::OkStatus();
}

absl::Status WriteFile(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (file && file << content && file.flush()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot write ", path.string(), ": check the disk and the folder's rights"));
}

}  // namespace

absl::StatusOr<std::string> ReadWholeFile(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error) return SystemError("read", path, error);
  if (size > kFileBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("FILE_TOO_LARGE: ", path.filename().string(),
                                                     " has ", size, " bytes: split it, at most ",
                                                     kFileBytesMax, " are read"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file || !file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return absl::UnavailableError(
        absl::StrCat("cannot read ", path.string(), ": check its rights"));
  }
  return bytes;
}

absl::StatusOr<absl::Time> ModifiedAt(const fs::path& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    return SystemError("read", path, std::error_code(errno, std::generic_category()));
  }
  return absl::TimeFromTimespec(info.st_mtim);
}

absl::StatusOr<std::unique_ptr<DropFolder>> DropFolder::Open(Options options) {
  const fs::path root = options.directory;
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(
        absl::StrCat("source folder ", options.directory,
                     " does not exist: create it, or correct --source csv:DIR"));
  }
  std::vector<std::string> locations = options.locations;
  if (locations.empty()) {
    for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_directory(error) && !IsWorkFolder(name)) locations.push_back(name);
    }
    std::sort(locations.begin(), locations.end());
  }
  if (locations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no location is known: give --location, or a subfolder for each location in ",
                     options.directory));
  }
  std::vector<Folder> folders;
  std::vector<std::string> sharing;
  for (const std::string& location : locations) {
    if (fs::is_directory(root / location, error)) {
      folders.push_back({root / location, location});
    } else {
      sharing.push_back(location);
    }
  }
  if (!sharing.empty())
    folders.push_back({root, sharing.size() == 1 && folders.empty() ? sharing[0] : ""});

  auto folder = std::unique_ptr<DropFolder>(
      new DropFolder(std::move(options), std::move(folders), std::move(locations)));
  if (const auto status = folder->Prepare(); !status.ok()) return status;
  return folder;
}

DropFolder::DropFolder(Options options, std::vector<Folder> folders,
                       std::vector<std::string> locations)
    : options_(std::move(options)),
      folders_(std::move(folders)),
      locations_(std::move(locations)) {}

DropFolder::~DropFolder() {
  if (inotify_ >= 0) close(inotify_);
}

absl::Status DropFolder::Prepare() {
  // Without inotify (out of watches) polling alone finds every file, only later.
  inotify_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  for (const Folder& folder : folders_) {
    for (const char* name : {kTaking, kDone, kRejected}) {
      std::error_code error;
      fs::create_directory(folder.path / name, error);
      if (error) return SystemError("create", folder.path / name, error);
    }
    for (const char* name : {kTaking, kDone}) {
      std::error_code error;
      for (const fs::directory_entry& entry : fs::directory_iterator(folder.path / name, error)) {
        Remember(folder, entry.path());
      }
      if (error) return SystemError("list", folder.path / name, error);
    }
    if (inotify_ >= 0) {
      inotify_add_watch(inotify_, folder.path.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
    }
  }
  return absl::OkStatus();
}

void DropFolder::Remember(const Folder& folder, const fs::path& path) {
  const std::string file = path.filename().string();
  constexpr size_t kPrefix = kOrdinalDigits + 1 + kHashDigits + 1;
  TakenFile taken;
  if (file.size() <= kPrefix || file[kOrdinalDigits] != '.' || file[kPrefix - 1] != '.' ||
      !absl::SimpleAtoi(file.substr(0, kOrdinalDigits), &taken.ordinal) ||
      !absl::SimpleHexAtoi(file.substr(kOrdinalDigits + 1, kHashDigits), &taken.content_hash)) {
    return;
  }
  taken.name = file.substr(kPrefix);
  taken.location = folder.location;
  taken.path = path;
  RaiseOrdinal(taken.ordinal);
  files_[taken.ordinal] = std::move(taken);
}

absl::StatusOr<bool> DropFolder::Look(absl::Time now) {
  bool all_complete = true;
  absl::StatusOr<std::vector<Candidate>> candidates = FindCandidates(now, all_complete);
  if (!candidates.ok()) return candidates.status();
  std::sort(candidates->begin(), candidates->end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.modified, a.path) < std::tie(b.modified, b.path);
  });
  for (const Candidate& candidate : *candidates) {
    const absl::Status status = Claim(candidate);
    if (status.ok()) {
      unreadable_.erase(candidate.path);
    } else {
      all_complete = false;
      if (unreadable_.insert(candidate.path).second)
        spdlog::error("{}", std::string(status.message()));
    }
  }
  return all_complete;
}

absl::StatusOr<std::vector<DropFolder::Candidate>> DropFolder::FindCandidates(absl::Time now,
                                                                              bool& all_complete) {
  std::vector<Candidate> complete;
  std::map<fs::path, Seen> still_there;
  for (const Folder& folder : folders_) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path, error)) {
      std::error_code gone;
      const std::string name = entry.path().filename().string();
      if (IsUnfinishedName(name) || !entry.is_regular_file(gone)) continue;
      const Seen current{entry.file_size(gone), entry.last_write_time(gone), now};
      if (gone) continue;
      const bool marked = fs::exists(entry.path().string() + ".done", gone);
      const auto before = seen_.find(entry.path());
      const bool unchanged = before != seen_.end() && before->second.size == current.size &&
                             before->second.modified == current.modified;
      const Seen& seen = unchanged ? before->second : current;
      if (marked || (unchanged && now - seen.first_seen >= options_.poll)) {
        complete.push_back({entry.path(), &folder, current.modified, marked});
      } else {
        all_complete = false;
        still_there[entry.path()] = seen;
      }
    }
    if (error) return SystemError("list", folder.path, error);
  }
  seen_ = std::move(still_there);
  return complete;
}

absl::Status DropFolder::Claim(const Candidate& candidate) {
  uint64_t content_hash = 0;
  const absl::StatusOr<std::string> bytes = ReadWholeFile(candidate.path);
  if (bytes.ok()) {
    content_hash = XXH64(bytes->data(), bytes->size(), 0);
  } else if (!absl::IsResourceExhausted(bytes.status())) {
    return bytes.status();
  }
  const std::string name = candidate.path.filename().string();
  const fs::path taking = candidate.folder->path / kTaking /
                          absl::StrFormat("%010u.%016x.%s", last_ordinal_ + 1, content_hash, name);
  if (const auto status = Move(candidate.path, taking); !status.ok()) return status;
  if (candidate.marked_done) {
    std::error_code ignored;  // a marker that stays marks nothing
    fs::remove(candidate.path.string() + ".done", ignored);
  }
  Remember(*candidate.folder, taking);
  return absl::OkStatus();
}

void DropFolder::WaitForChange(absl::Duration wait) {
  if (wait <= absl::ZeroDuration()) return;
  pollfd events = {inotify_, POLLIN, 0};
  const int ready =
      ::poll(&events, inotify_ >= 0 ? 1 : 0, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1);
  if (ready <= 0) return;
  std::array<char, 4096> ignored;
  while (read(inotify_, ignored.data(), ignored.size()) > 0) {
  }
}

std::optional<TakenFile> DropFolder::FirstFrom(uint64_t ordinal) const {
  const auto found = files_.lower_bound(ordinal);
  if (found == files_.end()) return std::nullopt;
  return found->second;
}

std::optional<TakenFile> DropFolder::WithContent(uint64_t content_hash) const {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->second.content_hash == content_hash) return file->second;
  }
  return std::nullopt;
}

std::optional<TakenFile> DropFolder::EarlierCopy(const TakenFile& file) const {
  for (const auto& [ordinal, other] : files_) {
    if (ordinal >= file.ordinal) break;
    if (other.content_hash == file.content_hash && other.name == file.name &&
        other.location == file.location) {
      return other;
    }
  }
  return std::nullopt;
}

void DropFolder::RaiseOrdinal(uint64_t ordinal) {
  last_ordinal_ = std::max(last_ordinal_, ordinal);
}

const DropFolder::Folder& DropFolder::FolderOf(const TakenFile& file) const {
  const fs::path folder = file.path.parent_path().parent_path();
  return *std::find_if(folders_.begin(), folders_.end(),
                       [&](const Folder& candidate) { return candidate.path == folder; });
}

absl::Status DropFolder::Finish(uint64_t ordinal) {
  const auto found = files_.find(ordinal);
  if (found == files_.end()) return absl::OkStatus();
  TakenFile& file = found->second;
  const fs::path done = FolderOf(file).path / kDone / file.path.filename();
  if (file.path == done) return absl::OkStatus();
  if (const auto status = Move(file.path, done); !status.ok()) return status;
  file.path = done;
  return absl::OkStatus();
}

absl::Status DropFolder::Reject(uint64_t ordinal, const std::string& reason) {
  const auto found = files_.find(ordinal);
  if (found == files_.end()) return absl::OkStatus();
  const TakenFile& file = found->second;
  const fs::path rejected = FolderOf(file).path / kRejected;
  if (const auto status = WriteFile(rejected / (file.name + ".reason"), reason + "\n");
      !status.ok()) {
    return status;
  }
  if (const auto status = Move(file.path, rejected / file.name); !status.ok()) return status;
  files_.erase(found);
  return absl::OkStatus();
}

absl::Status DropFolder::ListRejectedRows(const TakenFile& file,
                                          const std::vector<files::RejectedRow>& rows) const {
  std::string list = "where,reason,row\n";
  for (const files::RejectedRow& row : rows) {
    absl::StrAppend(&list, files::QuoteCsvField(row.where), ",", files::QuoteCsvField(row.reason),
                    ",", files::QuoteCsvField(row.content), "\n");
  }
  return WriteFile(FolderOf(file).path / kRejected / (file.name + ".rejected.csv"), list);
}

}  // namespace onhand::agent
