#include "server/ledger/decide_tokens.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr size_t kIdHashBytes = 8;
constexpr int64_t kDayS = 86'400;
constexpr int64_t kLifetimeDefaultS = 365 * kDayS;
constexpr int64_t kLifetimeLeastS = 60;
constexpr int64_t kLifetimeMostS = 3'660 * kDayS;

absl::Status Invalid(absl::string_view reason, absl::string_view field, std::string value,
                     std::string problem, std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = reason,
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

// Sorted, each once.
absl::StatusOr<std::vector<std::string>> TakeLocations(const State& state,
                                                       const v1::CreateTokenRequest& request) {
  const bool wanted = request.role() == v1::ROLE_AGENT || request.role() == v1::ROLE_STORE;
  if (!wanted && !request.location_ids().empty()) {
    return Invalid("LOCATIONS_NOT_USED", "location_ids", request.location_ids(0),
                   "is not used: this role is not bound to locations",
                   "leave locations out, or make a token of an agent or a store");
  }
  if (wanted && request.location_ids().empty()) {
    return Invalid("LOCATIONS_MISSING", "location_ids", "", "are missing",
                   "name the locations that the token is for");
  }
  if (request.location_ids_size() > kTokenLocationsMax) {
    return Invalid("TOO_MANY_LOCATIONS", "location_ids", absl::StrCat(request.location_ids_size()),
                   "are more than a token may name",
                   absl::StrCat("name at most ", kTokenLocationsMax));
  }
  for (const std::string& id : request.location_ids()) {
    const absl::StatusOr<uint32_t> location = FindLocation(state, "location_ids", id);
    if (!location.ok()) return location.status();
  }
  std::vector<std::string> ids(request.location_ids().begin(), request.location_ids().end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

absl::StatusOr<int64_t> LifetimeS(const v1::CreateTokenRequest& request) {
  if (!request.has_lifetime()) return kLifetimeDefaultS;
  const int64_t seconds = request.lifetime().seconds();
  if (seconds >= kLifetimeLeastS && seconds <= kLifetimeMostS) return seconds;
  return Invalid("INVALID_LIFETIME", "lifetime", absl::StrCat(seconds, " s"), "is out of range",
                 "give a minute to 3660 days");
}

// Whether one more token fits, beside those there are.
absl::Status CheckRoom(const State& state, int64_t now_us, const std::string& principal) {
  size_t count = 0;
  int holding = 0;
  state.tokens.ForEach([&](const std::string&, const journal::TokenCreated& token) {
    ++count;
    if (token.principal() == principal && token.expires_us() > now_us) ++holding;
  });
  if (holding >= kTokensHoldMax) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "TWO_TOKENS_HOLD",
                   .field = "principal",
                   .value = principal,
                   .problem = "has two tokens that hold already",
                   .remedy = "revoke the one that is not used any more"});
  }
  if (count < kTokensMax) return absl::OkStatus();
  return Refuse(absl::StatusCode::kResourceExhausted,
                {.reason = "TOO_MANY_TOKENS",
                 .value = absl::StrCat(count),
                 .problem = "tokens are there already",
                 .remedy = "revoke those that are not needed"});
}

}  // namespace

std::string TokenIdOf(absl::string_view sha256) {
  return absl::BytesToHexString(sha256.substr(0, kIdHashBytes));
}

absl::StatusOr<v1::CreateTokenResponse> DecideCreateToken(Group& group,
                                                          const v1::CreateTokenRequest& request,
                                                          const std::string& sha256) {
  for (const absl::Status& status :
       {CheckId("principal", request.principal()), CheckText("author", request.author()),
        CheckText("reason", request.reason())}) {
    if (!status.ok()) return status;
  }
  if (!v1::Role_IsValid(request.role()) || request.role() == v1::ROLE_UNSPECIFIED) {
    return Invalid("INVALID_ROLE", "role", absl::StrCat(static_cast<int>(request.role())),
                   "is no role", "give agent, site, store, viewer, rule-editor or admin");
  }
  absl::StatusOr<std::vector<std::string>> locations = TakeLocations(group.state(), request);
  if (!locations.ok()) return locations.status();
  const absl::StatusOr<int64_t> lifetime_s = LifetimeS(request);
  if (!lifetime_s.ok()) return lifetime_s.status();
  absl::Status room = CheckRoom(group.state(), group.now_us(), request.principal());
  if (!room.ok()) return room;

  journal::Fact fact;
  journal::TokenCreated& created = *fact.mutable_token_created();
  created.set_token_id(TokenIdOf(sha256));
  created.set_sha256(sha256);
  created.set_principal(request.principal());
  created.set_role(static_cast<uint32_t>(request.role()));
  for (std::string& id : *locations) created.add_location_ids(std::move(id));
  created.set_created_us(group.now_us());
  created.set_expires_us(group.now_us() + *lifetime_s * 1'000'000);
  created.set_author(request.author());
  created.set_reason(request.reason());
  v1::CreateTokenResponse response;
  *response.mutable_token() = TokenOf(created);
  response.set_revision(group.revision());
  group.Add(std::move(fact));
  return response;
}

absl::StatusOr<v1::RevokeTokenResponse> DecideRevokeToken(Group& group,
                                                          const v1::RevokeTokenRequest& request) {
  for (const absl::Status& status :
       {CheckText("author", request.author()), CheckText("reason", request.reason())}) {
    if (!status.ok()) return status;
  }
  const journal::TokenCreated* token = group.state().tokens.Find(request.token_id());
  if (token == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_TOKEN",
                                                .field = "token_id",
                                                .value = request.token_id(),
                                                .problem = "is not a token of this hub",
                                                .remedy = "ListTokens shows those that are"});
  }
  if (token->role() == v1::ROLE_ADMIN && token->expires_us() > group.now_us() &&
      !AnAdminTokenHolds(group.state(), group.now_us(), request.token_id())) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "LAST_ADMIN_TOKEN",
                   .field = "token_id",
                   .value = request.token_id(),
                   .problem = "is the last admin's token that holds",
                   .remedy = "make another one first"});
  }
  journal::Fact fact;
  fact.mutable_token_revoked()->set_token_id(request.token_id());
  fact.mutable_token_revoked()->set_author(request.author());
  fact.mutable_token_revoked()->set_reason(request.reason());
  group.Add(std::move(fact));
  v1::RevokeTokenResponse response;
  response.set_revision(group.revision());
  return response;
}

bool AnAdminTokenHolds(const State& state, int64_t now_us, absl::string_view but) {
  bool holds = false;
  state.tokens.ForEach([&](const std::string& id, const journal::TokenCreated& token) {
    holds |= token.role() == v1::ROLE_ADMIN && token.expires_us() > now_us && id != but;
  });
  return holds;
}

v1::Token TokenOf(const journal::TokenCreated& token) {
  v1::Token shown;
  shown.set_token_id(token.token_id());
  shown.set_principal(token.principal());
  shown.set_role(static_cast<v1::Role>(token.role()));
  *shown.mutable_location_ids() = token.location_ids();
  *shown.mutable_created_at() = TimestampOf(token.created_us());
  *shown.mutable_expires_at() = TimestampOf(token.expires_us());
  return shown;
}

}  // namespace onhand::ledger
