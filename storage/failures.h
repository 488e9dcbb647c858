// The failures that every backend names in the same words. Pure; any thread.
#ifndef ONHAND_STORAGE_FAILURES_H_
#define ONHAND_STORAGE_FAILURES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "storage/crc32c.h"
#include "storage/store.h"

namespace onhand::storage {

// FAILED_PRECONDITION: a hub of a later epoch writes the tables.
inline absl::Status FencedProjection(uint64_t epoch) {
  return absl::FailedPreconditionError(absl::StrCat("projection FENCED: a later epoch than ", epoch,
                                                    " has written: this hub must step down"));
}

// ALREADY_EXISTS: a sealed image is never written again.
inline absl::Status ImageIsSealed(uint64_t revision) {
  return absl::AlreadyExistsError(
      absl::StrCat("image: revision ", revision, " is sealed already: load that one"));
}

// FAILED_PRECONDITION: sealing this would make an image that cannot be loaded.
inline absl::Status ImageLacksBlocks(const ImageHeader& header, uint64_t found) {
  return absl::FailedPreconditionError(absl::StrCat("image: revision ", header.revision, " has ",
                                                    found, " blocks from 0 on, not ",
                                                    header.block_count, ": begin it again"));
}

// INVALID_ARGUMENT if a block is larger than a database need take.
inline absl::Status CheckBlockSize(uint64_t revision, uint32_t block, absl::string_view bytes) {
  if (bytes.size() <= ImageStore::kImageBlockBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("image: revision ", revision, " block ", block, " has ", bytes.size(),
                   " bytes, more than ", ImageStore::kImageBlockBytesMax, ": cut it into two"));
}

// DATA_LOSS if the bytes are not those that were stored.
inline absl::Status CheckBlock(uint64_t revision, uint32_t block, absl::string_view bytes,
                               uint32_t crc32c) {
  if (Crc32c(bytes) == crc32c) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("image: revision ", revision, " block ", block,
                                          " is damaged: load the older image"));
}

inline absl::Status BlockIsMissing(uint64_t revision, uint32_t block) {
  return absl::DataLossError(absl::StrCat("image: revision ", revision, " block ", block,
                                          " is missing: load the older image"));
}

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_FAILURES_H_
