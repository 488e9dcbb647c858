#include "server/backup/backup_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "storage/crc32c.h"
#include "xxhash.h"

namespace onhand::backup {
namespace {

constexpr char kMagic[] = "ONHANDBK";
constexpr size_t kMagicBytes = sizeof(kMagic) - 1;
// A row is at most 8 MiB, a block 1 MiB.
constexpr uint32_t kFrameBytesMax = 9 << 20;
constexpr size_t kHeadBytes = 8;

std::array<char, kHeadBytes> HeadOf(absl::string_view frame) {
  std::array<char, kHeadBytes> head;
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t k = 0; k < 4; ++k) head[at + k] = static_cast<char>(value >> (8 * k));
  };
  put(0, static_cast<uint32_t>(frame.size()));
  put(4, storage::Crc32c(frame));
  return head;
}

uint32_t NumberAt(const std::array<char, kHeadBytes>& head, size_t at) {
  uint32_t value = 0;
  for (size_t k = 0; k < 4; ++k)
    value |= static_cast<uint32_t>(static_cast<unsigned char>(head[at + k])) << (8 * k);
  return value;
}

absl::Status Damaged(const std::string& path, uint64_t at, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("backup '", path, "': ", what, " at byte ", at,
                                          ": take another copy of it, or an older one"));
}

}  // namespace

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)),
      part_(path_ + ".part"),
      checksum_(XXH64_createState(), [](XXH64_state_s* state) { XXH64_freeState(state); }) {}

absl::StatusOr<std::unique_ptr<FileWriter>> FileWriter::Create(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return absl::AlreadyExistsError(
        absl::StrCat("--to '", path, "' is there already; name another file"));
  }
  std::unique_ptr<FileWriter> writer(new FileWriter(path));
  const int opened = open(writer->part_.c_str(),
                          O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (opened < 0) return writer->Failed("cannot be made");
  writer->file_ = fdopen(opened, "wb");
  if (absl::Status begun = writer->Begin(); !begun.ok()) return begun;
  return writer;
}

FileWriter::~FileWriter() {
  if (file_ != nullptr) std::fclose(file_);
  if (!sealed_) std::remove(part_.c_str());
}

absl::Status FileWriter::Failed(const char* what) const {
  return absl::UnavailableError(absl::StrCat("--to '", path_, "' ", what, ": ",
                                             std::strerror(errno),
                                             "; name a file on a disk with room enough"));
}

absl::Status FileWriter::Begin() {
  XXH64_reset(checksum_.get(), 0);
  frames_ = 0;
  bytes_ = 0;
  return Add(absl::string_view(kMagic, kMagicBytes));
}

absl::Status FileWriter::Add(absl::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
    return Failed("cannot be written");
  XXH64_update(checksum_.get(), bytes.data(), bytes.size());
  bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status FileWriter::Put(const journal::v1::Frame& frame) {
  const std::string bytes = frame.SerializeAsString();
  const std::array<char, kHeadBytes> head = HeadOf(bytes);
  if (absl::Status added = Add({head.data(), head.size()}); !added.ok()) return added;
  ++frames_;
  return Add(bytes);
}

absl::Status FileWriter::StartOver() {
  if (std::fflush(file_) != 0 || ftruncate(fileno(file_), 0) != 0 ||
      std::fseek(file_, 0, SEEK_SET) != 0) {
    return Failed("cannot be written");
  }
  return Begin();
}

absl::Status FileWriter::Seal() {
  journal::v1::Frame frame;
  frame.mutable_end()->set_frames(frames_);
  frame.mutable_end()->set_checksum(XXH64_digest(checksum_.get()));
  if (absl::Status put = Put(frame); !put.ok()) return put;
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) return Failed("cannot be written");
  // Not over a file that came meanwhile; where the file system knows no links, it is looked for.
  if (link(part_.c_str(), path_.c_str()) == 0) {
    std::remove(part_.c_str());
  } else if (errno == EEXIST || access(path_.c_str(), F_OK) == 0 ||
             std::rename(part_.c_str(), path_.c_str()) != 0) {
    return Failed("cannot be named");
  }
  sealed_ = true;
  const int folder = open(std::filesystem::path(path_).parent_path().empty()
                              ? "."
                              : std::filesystem::path(path_).parent_path().c_str(),
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return Failed("cannot be synced");
  const int synced = fsync(folder);
  close(folder);
  return synced == 0 ? absl::OkStatus() : Failed("cannot be synced");
}

absl::StatusOr<uint64_t> ReadFrames(
    const std::string& path, absl::FunctionRef<absl::Status(const journal::v1::Frame&)> visit) {
  std::FILE* const file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    const std::string text = absl::StrCat(
        "--from '", path, "' cannot be read: ", std::strerror(errno), "; name a backup's file");
    return errno == ENOENT ? absl::NotFoundError(text) : absl::PermissionDeniedError(text);
  }
  const absl::Cleanup closed = [file] { std::fclose(file); };
  const std::unique_ptr<XXH64_state_s, void (*)(XXH64_state_s*)> checksum(
      XXH64_createState(), [](XXH64_state_s* state) { XXH64_freeState(state); });
  XXH64_reset(checksum.get(), 0);

  std::string bytes(kMagicBytes, '\0');
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size() || bytes != kMagic)
    return Damaged(path, 0, "it is no backup");
  XXH64_update(checksum.get(), bytes.data(), bytes.size());
  uint64_t at = bytes.size();
  journal::v1::Frame frame;
  for (uint64_t frames = 0;; ++frames) {
    std::array<char, kHeadBytes> head;
    if (std::fread(head.data(), 1, head.size(), file) != head.size())
      return Damaged(path, at, "it is cut off");
    if (NumberAt(head, 0) > kFrameBytesMax) return Damaged(path, at, "a length is damaged");
    bytes.resize(NumberAt(head, 0));
    if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size())
      return Damaged(path, at, "it is cut off");
    if (storage::Crc32c(bytes) != NumberAt(head, 4) || !frame.ParseFromString(bytes))
      return Damaged(path, at, "a frame is damaged");
    if (frame.has_end()) {
      if (frame.end().frames() != frames ||
          frame.end().checksum() != XXH64_digest(checksum.get())) {
        return Damaged(path, at, "frames are missing or in disorder");
      }
      at += head.size() + bytes.size();
      if (std::fgetc(file) != EOF) return Damaged(path, at, "it goes on behind its end");
      return at;
    }
    XXH64_update(checksum.get(), head.data(), head.size());
    XXH64_update(checksum.get(), bytes.data(), bytes.size());
    at += head.size() + bytes.size();
    if (absl::Status visited = visit(frame); !visited.ok()) return visited;
  }
}

}  // namespace onhand::backup
