#include "server/hub/watch_token.h"

#include <bit>
#include <cstring>

#include "absl/strings/escaping.h"
#include "server/ledger/refusal.h"
#include "storage/crc32c.h"

namespace onhand::hub {
namespace {

static_assert(std::endian::native == std::endian::little, "tokens are little-endian");

constexpr uint8_t kVersion = 1;
constexpr size_t kBytes = 1 + 4 * sizeof(uint64_t) + 2 * sizeof(uint32_t);

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/.
constexpr uint64_t kFnvStart = 0xcbf29ce484222325;
uint64_t Fnv(uint64_t hash, absl::string_view text) {
  constexpr uint64_t kPrime = 0x100000001b3;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * kPrime;
  return hash;
}

}  // namespace

std::string EncodeToken(const WatchToken& token) {
  std::string bytes(1, static_cast<char>(kVersion));
  const auto add = [&bytes](const auto& number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  add(token.journal);
  add(token.asked);
  add(token.run);
  add(token.serial);
  add(token.all_from);
  add(storage::Crc32c(bytes));
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<WatchToken> DecodeToken(absl::string_view text) {
  std::string bytes;
  WatchToken token;
  uint32_t crc32c = 0;
  if (absl::WebSafeBase64Unescape(text, &bytes) && bytes.size() == kBytes &&
      static_cast<uint8_t>(bytes[0]) == kVersion) {
    const char* next = bytes.data() + 1;
    const auto take = [&next](auto& number) {
      std::memcpy(&number, next, sizeof(number));
      next += sizeof(number);
    };
    take(token.journal);
    take(token.asked);
    take(token.run);
    take(token.serial);
    take(token.all_from);
    take(crc32c);
    const absl::string_view before(bytes.data(), kBytes - sizeof(crc32c));
    if (storage::Crc32c(before) == crc32c) return token;
  }
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = "INVALID_RESUME_TOKEN",
                         .field = "resume_token",
                         .value = std::string(text),
                         .problem = "was not written by a hub",
                         .remedy = "send it as it came, or none, and initial"});
}

uint64_t TokenHash(absl::string_view text) { return Fnv(kFnvStart, text); }

uint64_t AskedHash(const v1::WatchRequest& request) {
  uint64_t hash = kFnvStart;
  const auto add = [&hash](absl::string_view text) {
    // With an end, so that parts cannot change places unseen.
    hash = Fnv(Fnv(hash, text), absl::string_view("\0", 1));
  };
  add(request.channel_id());
  add(request.location_id());
  add(request.category());
  for (const std::string& sku : request.skus()) add(sku);
  return hash;
}

}  // namespace onhand::hub
