// CRC32C (Castagnoli), the checksum of stored blocks and rows. Pure; any thread.
#ifndef ONHAND_STORAGE_CRC32C_H_
#define ONHAND_STORAGE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace onhand::storage {

// The CRC32C of `bytes` as in RFC 3720, appendix B.4; 0 for no bytes.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_CRC32C_H_
