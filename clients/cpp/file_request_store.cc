#include "clients/cpp/file_request_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"

namespace onhand::client {
namespace {

constexpr char kPut = 'P';
constexpr char kRemoved = 'R';
constexpr size_t kHeadBytes = 8;
// Below this a file is not worth writing anew.
constexpr size_t kCompactBytesMin = 64 << 10;

absl::Status FileError(absl::string_view what, absl::string_view path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " '", path, "'"));
}

void AppendNumber(std::string* out, uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(number >> shift));
}

uint32_t NumberAt(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) {
    number |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return number;
}

void AppendText(std::string* out, const std::string& text) {
  AppendNumber(out, static_cast<uint32_t>(text.size()));
  out->append(text);
}

// Takes a text off the front of `bytes`.
std::optional<std::string> TakeText(absl::string_view* bytes) {
  if (bytes->size() < 4) return std::nullopt;
  const size_t size = NumberAt(*bytes);
  if (bytes->size() - 4 < size) return std::nullopt;
  std::string text(bytes->substr(4, size));
  bytes->remove_prefix(4 + size);
  return text;
}

std::string PutStep(const StoredRequest& request) {
  std::string step(1, kPut);
  for (const std::string* text :
       {&request.request_id, &request.method, &request.name, &request.body}) {
    AppendText(&step, *text);
  }
  return step;
}

std::string RemovedStep(const std::string& request_id) {
  std::string step(1, kRemoved);
  AppendText(&step, request_id);
  return step;
}

uint32_t Checksum(absl::string_view content) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
}

std::string Record(absl::string_view content) {
  std::string record;
  AppendNumber(&record, static_cast<uint32_t>(content.size()));
  AppendNumber(&record, Checksum(content));
  absl::StrAppend(&record, content);
  return record;
}

bool WriteAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

absl::StatusOr<std::string> ReadAll(int file, const std::string& path) {
  std::string bytes;
  char buffer[64 << 10];
  for (;;) {
    const ssize_t count = pread(file, buffer, sizeof buffer, static_cast<off_t>(bytes.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("cannot read", path);
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
  }
}

// A name is durable only once its folder is.
bool SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return false;
  const bool synced = fsync(file) == 0;
  close(file);
  return synced;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileRequestStore>> FileRequestStore::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return FileError("cannot open", path);
  std::unique_ptr<FileRequestStore> store(new FileRequestStore(path, file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    return absl::UnavailableError(absl::StrCat("another process has '", path, "' open"));
  }
  // A process that had it open may have replaced the file in between.
  struct stat opened {};
  struct stat named {};
  if (fstat(file, &opened) != 0 || stat(path.c_str(), &named) != 0 ||
      opened.st_ino != named.st_ino) {
    return absl::UnavailableError(absl::StrCat("another process has replaced '", path, "'"));
  }
  if (!SyncFolder(path)) return FileError("cannot sync the folder of", path);
  if (absl::Status status = store->Recover(); !status.ok()) return status;
  return store;
}

// What is still queued are removals: without them the next start would only ask in vain.
FileRequestStore::~FileRequestStore() {
  absl::MutexLock lock(&mu_);
  if (broken_.ok() && !queue_.empty()) WriteAll(file_, Record(queue_));
  close(file_);
}

absl::Status FileRequestStore::Recover() {
  absl::MutexLock lock(&mu_);
  const absl::StatusOr<std::string> read = ReadAll(file_, path_);
  if (!read.ok()) return read.status();
  const absl::string_view bytes = *read;
  size_t at = 0;
  while (bytes.size() - at >= kHeadBytes) {
    const size_t size = NumberAt(bytes.substr(at));
    const size_t rest = bytes.size() - at - kHeadBytes;
    if (size > rest) break;
    const absl::string_view content = bytes.substr(at + kHeadBytes, size);
    if (size == 0 || Checksum(content) != NumberAt(bytes.substr(at + 4))) {
      // Bytes that never reached the disk read as zeros.
      const bool is_torn = size == rest || bytes.find_first_not_of('\0', at) == bytes.npos;
      if (is_torn) break;
      return absl::DataLossError(
          absl::StrCat("'", path_, "' is damaged at byte ", at,
                       ": keep a copy, look up its reservations at the hub, then remove the file"));
    }
    if (absl::Status status = TakeIn(content); !status.ok()) return status;
    at += kHeadBytes + size;
  }
  file_bytes_ = at;
  if (at == bytes.size()) return absl::OkStatus();
  if (ftruncate(file_, static_cast<off_t>(at)) != 0) return FileError("cannot shorten", path_);
  return absl::OkStatus();
}

absl::Status FileRequestStore::TakeIn(absl::string_view steps) {
  while (!steps.empty()) {
    const char kind = steps[0];
    steps.remove_prefix(1);
    const std::optional<std::string> request_id = TakeText(&steps);
    if (kind == kRemoved && request_id) {
      Drop(*request_id);
      continue;
    }
    const std::optional<std::string> method = TakeText(&steps);
    const std::optional<std::string> name = TakeText(&steps);
    std::optional<std::string> body = TakeText(&steps);
    if (kind != kPut || !request_id || !method || !name || !body) {
      return absl::DataLossError(
          absl::StrCat("'", path_, "' holds a record that this program does not know"));
    }
    Add({*request_id, *method, *name, *std::move(body)});
  }
  return absl::OkStatus();
}

void FileRequestStore::Add(StoredRequest request) {
  Drop(request.request_id);
  live_bytes_ += PutStep(request).size();
  places_[request.request_id] = next_place_;
  requests_[next_place_++] = std::move(request);
}

void FileRequestStore::Drop(const std::string& request_id) {
  const auto place = places_.find(request_id);
  if (place == places_.end()) return;
  const auto request = requests_.find(place->second);
  live_bytes_ -= PutStep(request->second).size();
  requests_.erase(request);
  places_.erase(place);
}

absl::StatusOr<std::vector<StoredRequest>> FileRequestStore::Load() {
  absl::MutexLock lock(&mu_);
  std::vector<StoredRequest> requests;
  requests.reserve(requests_.size());
  for (const auto& [place, request] : requests_) requests.push_back(request);
  return requests;
}

absl::Status FileRequestStore::Put(const StoredRequest& request) {
  absl::MutexLock lock(&mu_);
  Add(request);
  queue_ += PutStep(request);
  return Sync(++queued_);
}

// The next Put takes it along to the disk.
absl::Status FileRequestStore::Remove(const std::string& request_id) {
  absl::MutexLock lock(&mu_);
  if (!places_.contains(request_id)) return absl::OkStatus();
  Drop(request_id);
  queue_ += RemovedStep(request_id);
  ++queued_;
  return broken_;
}

absl::Status FileRequestStore::Sync(uint64_t count) {
  const auto free = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !flushing_ || synced_ >= count || !broken_.ok();
  };
  while (synced_ < count && broken_.ok()) {
    mu_.Await(absl::Condition(&free));
    if (synced_ < count && broken_.ok() && !flushing_) Flush();
  }
  return broken_;
}

void FileRequestStore::Flush() {
  flushing_ = true;
  const std::string bytes = Record(queue_);
  queue_.clear();
  const uint64_t count = queued_;
  const int file = file_;
  mu_.Unlock();
  const bool written = WriteAll(file, bytes) && fdatasync(file) == 0;
  const absl::Status failed = written ? absl::OkStatus() : FileError("cannot write", path_);
  mu_.Lock();
  flushing_ = false;
  if (!written) {
    broken_ = failed;
    return;
  }
  synced_ = count;
  file_bytes_ += bytes.size();
  if (file_bytes_ > kCompactBytesMin && file_bytes_ > 2 * live_bytes_) broken_ = Compact();
}

absl::Status FileRequestStore::Compact() {
  const std::string path = path_ + ".new";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return FileError("cannot open", path);
  // What is queued but not written is among the requests already.
  std::string steps;
  for (const auto& [place, request] : requests_) steps += PutStep(request);
  std::string bytes;
  if (!steps.empty()) bytes = Record(steps);
  const bool replaced = flock(file, LOCK_EX | LOCK_NB) == 0 && WriteAll(file, bytes) &&
                        fsync(file) == 0 && rename(path.c_str(), path_.c_str()) == 0 &&
                        SyncFolder(path_);
  if (!replaced) {
    const absl::Status failed = FileError("cannot write", path);
    close(file);
    return failed;
  }
  close(file_);
  file_ = file;
  file_bytes_ = bytes.size();
  queue_.clear();
  synced_ = queued_;
  return absl::OkStatus();
}

}  // namespace onhand::client
