#include "storage/store.h"

#include <array>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

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

absl::StatusOr<std::string> Store::JournalId() {
  absl::StatusOr<std::string> id = StoredJournalId();
  if (!id.ok()) return id.status();
  if (id->empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(kind(), " store: no journal_id: run `onhandd migrate --store ...`"));
  }
  if (*id == kRestoring) {
    return absl::FailedPreconditionError(
        absl::StrCat(kind(),
                     " store: a restore into it was broken off: empty the database, or remove the "
                     "file and its -tables, and run `onhandd restore` again"));
  }
  return id;
}

absl::Status Store::EndRestore() { return SetJournalId(NewJournalId()); }

std::string NewJournalId() {
  std::random_device random;
  std::string id;
  for (int word = 0; word < 4; ++word) absl::StrAppendFormat(&id, "%08x", random());
  return id;
}

}  // namespace onhand::storage
