// Decisions on tokens: who may call the hub, as what, until when. The text of a token never comes
// here, only its SHA-256.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_TOKENS_H_
#define ONHAND_SERVER_LEDGER_DECIDE_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/tokens.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

inline constexpr size_t kTokensMax = 50'000;
inline constexpr int kTokenLocationsMax = 1'000;
// Of one principal, that hold at the same time: the one in use, and the one that replaces it.
inline constexpr int kTokensHoldMax = 2;

// The name of the token with this SHA-256.
std::string TokenIdOf(absl::string_view sha256);

// INVALID_ARGUMENT: INVALID_ID, INVALID_TEXT, INVALID_ROLE, INVALID_LIFETIME, LOCATIONS_MISSING,
// LOCATIONS_NOT_USED, TOO_MANY_LOCATIONS. NOT_FOUND: UNKNOWN_LOCATION. FAILED_PRECONDITION:
// TWO_TOKENS_HOLD. RESOURCE_EXHAUSTED: TOO_MANY_TOKENS. The answer has no text.
absl::StatusOr<v1::CreateTokenResponse> DecideCreateToken(Group& group,
                                                          const v1::CreateTokenRequest& request,
                                                          const std::string& sha256);
// NOT_FOUND: UNKNOWN_TOKEN. FAILED_PRECONDITION: LAST_ADMIN_TOKEN.
absl::StatusOr<v1::RevokeTokenResponse> DecideRevokeToken(Group& group,
                                                          const v1::RevokeTokenRequest& request);

// Whether some admin's token holds at `now_us`, that of the id `but` not counted.
bool AnAdminTokenHolds(const State& state, int64_t now_us, absl::string_view but = "");
// As the contract shows it.
v1::Token TokenOf(const journal::TokenCreated& token);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_TOKENS_H_
