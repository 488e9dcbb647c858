// An image as a stream of chunks (tables, then segments in any order), cut into the blocks that an
// ImageStore takes. The format is specified in image_stream.cc. One thread each.
#ifndef ONHAND_SERVER_HUB_IMAGE_STREAM_H_
#define ONHAND_SERVER_HUB_IMAGE_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/store.h"

namespace onhand::hub {

enum class ImageChunk : uint8_t { kTables = 1, kSegment = 2 };

// Writes the blocks of one image. The caller has begun it and seals it.
class ImageBlockWriter {
 public:
  ImageBlockWriter(storage::ImageStore* images, uint64_t revision)
      : images_(images), revision_(revision) {}

  // Errors are the store's.
  absl::Status Put(ImageChunk kind, absl::string_view bytes);
  // Writes what is left; the number of blocks.
  absl::StatusOr<uint32_t> Finish();
  uint64_t bytes() const { return bytes_; }

 private:
  absl::Status PutFullBlocks();

  storage::ImageStore* const images_;
  const uint64_t revision_;
  std::string rest_;  // not written yet, less than a block between calls
  uint32_t blocks_ = 0;
  uint64_t bytes_ = 0;
};

// Calls visit(kind, bytes) for each chunk of a sealed image in the order in which they were put.
// DATA_LOSS if a block is missing or damaged or the blocks do not hold whole chunks; else the first
// error of `visit`. Returns the bytes.
absl::StatusOr<uint64_t> ReadImageChunks(
    storage::ImageStore& images, const storage::ImageHeader& header,
    absl::FunctionRef<absl::Status(ImageChunk, absl::string_view)> visit);

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_IMAGE_STREAM_H_
