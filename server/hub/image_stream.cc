#include "server/hub/image_stream.h"

#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

// The stream: chunk after chunk, each a byte kind (ImageChunk), its length (8 bytes, little-endian)
// and its bytes. The first chunk holds the tables, every other one a segment
// (server/ledger/encode.cc). Blocks are the stream cut every kImageBlockBytesMax bytes, whatever
// lies there.
namespace onhand::hub {
namespace {

constexpr size_t kHeadBytes = 9;

}  // namespace

absl::Status ImageBlockWriter::Put(ImageChunk kind, absl::string_view bytes) {
  rest_.push_back(static_cast<char>(kind));
  for (size_t i = 0; i < 8; ++i)
    rest_.push_back(static_cast<char>(uint64_t{bytes.size()} >> (8 * i)));
  rest_.append(bytes.data(), bytes.size());
  bytes_ += kHeadBytes + bytes.size();
  return PutFullBlocks();
}

absl::Status ImageBlockWriter::PutFullBlocks() {
  constexpr size_t kBlock = storage::ImageStore::kImageBlockBytesMax;
  size_t done = 0;
  while (rest_.size() - done >= kBlock) {
    absl::Status status =
        images_->PutBlock(revision_, blocks_, absl::string_view(rest_).substr(done, kBlock));
    if (!status.ok()) return status;
    ++blocks_;
    done += kBlock;
  }
  rest_.erase(0, done);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ImageBlockWriter::Finish() {
  if (!rest_.empty()) {
    absl::Status status = images_->PutBlock(revision_, blocks_, rest_);
    if (!status.ok()) return status;
    ++blocks_;
    rest_.clear();
  }
  return blocks_;
}

absl::StatusOr<uint64_t> ReadImageChunks(
    storage::ImageStore& images, const storage::ImageHeader& header,
    absl::FunctionRef<absl::Status(ImageChunk, absl::string_view)> visit) {
  std::string buffer;
  uint64_t bytes = 0;
  const auto take_block = [&](absl::string_view block) -> absl::Status {
    buffer.append(block.data(), block.size());
    bytes += block.size();
    size_t done = 0;
    while (buffer.size() - done >= kHeadBytes) {
      uint64_t size = 0;
      for (size_t i = 0; i < 8; ++i)
        size |= uint64_t{static_cast<uint8_t>(buffer[done + 1 + i])} << (8 * i);
      if (size > buffer.size() - done - kHeadBytes) break;
      const auto kind = static_cast<ImageChunk>(buffer[done]);
      absl::Status status = visit(kind, absl::string_view(buffer).substr(done + kHeadBytes, size));
      if (!status.ok()) return status;
      done += kHeadBytes + size;
    }
    buffer.erase(0, done);
    return absl::OkStatus();
  };
  absl::Status status = images.Read(header, take_block);
  if (!status.ok()) return status;
  if (!buffer.empty()) {
    return absl::DataLossError(absl::StrCat("image ", header.revision, " ends inside a chunk"));
  }
  return bytes;
}

}  // namespace onhand::hub
