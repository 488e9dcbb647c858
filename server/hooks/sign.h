// What proves to a receiver that a delivery is the hub's: the symmetric scheme of the Standard
// Webhooks specification. Pure.
#ifndef ONHAND_SERVER_HOOKS_SIGN_H_
#define ONHAND_SERVER_HOOKS_SIGN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace onhand::hooks {

// The header webhook-signature: `v1,` and base64 of HMAC-SHA256(secret, id.timestamp.body).
std::string Sign(absl::string_view secret, absl::string_view id, int64_t timestamp_s,
                 absl::string_view body);

}  // namespace onhand::hooks

#endif  // ONHAND_SERVER_HOOKS_SIGN_H_
