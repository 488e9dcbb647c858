#include "storage/store.h"

#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace onhand::storage {
namespace {

void PutLittleEndian(uint64_t value, char* to) {
  for (int byte = 0; byte < 8; ++byte) to[byte] = static_cast<char>(value >> (8 * byte));
}

}  // namespace

uint64_t ChainAfter(uint64_t previous_chain, const JournalRow& row) {
  std::array<char, 32> fixed;
  PutLittleEndian(previous_chain, &fixed[0]);
  PutLittleEndian(row.epoch, &fixed[8]);
  PutLittleEndian(row.writer, &fixed[16]);
  PutLittleEndian(static_cast<uint64_t>(row.committed_at_us), &fixed[24]);

  XXH64_state_t state;
  XXH64_reset(&state, 0);
  XXH64_update(&state, fixed.data(), fixed.size());
  XXH64_update(&state, row.payload.data(), row.payload.size());
  return XXH64_digest(&state);
}

}  // namespace onhand::storage
