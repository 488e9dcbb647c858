#include "clients/cpp/request_id.h"

#include <algorithm>
#include <cstdint>

#include "absl/random/distributions.h"
#include "absl/strings/str_format.h"

namespace onhand::client {

std::string NewRequestId(absl::Time now, absl::BitGenRef random) {
  const uint64_t unix_ms =
      static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(now), 0)) & 0xFFFFFFFFFFFFull;
  const uint64_t version_and_random = 0x7000 | absl::Uniform<uint64_t>(random, 0, 0x1000);
  const uint64_t variant_and_random = 0x8000 | absl::Uniform<uint64_t>(random, 0, 0x4000);
  const uint64_t rest = absl::Uniform<uint64_t>(random, 0, uint64_t{1} << 48);
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", unix_ms >> 16, unix_ms & 0xFFFF,
                         version_and_random, variant_and_random, rest);
}

}  // namespace onhand::client
