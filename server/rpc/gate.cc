#include "server/rpc/gate.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "server/ledger/decide_tokens.h"
#include "server/ledger/refusal.h"
#include "server/rpc/token_text.h"

namespace onhand::rpc {
namespace {

constexpr char kScheme[] = "Bearer ";

// No value: what was shown may be a secret.
absl::Status Unauthenticated(absl::string_view reason, std::string problem, std::string remedy) {
  return ledger::Refuse(absl::StatusCode::kUnauthenticated, {.reason = reason,
                                                             .field = "authorization",
                                                             .problem = std::move(problem),
                                                             .remedy = std::move(remedy)});
}

absl::Status UnknownToken() {
  return Unauthenticated("TOKEN_UNKNOWN", "shows a token that this hub does not know, or no more",
                         "ask an admin of the hub for another one");
}

absl::Status CheckExpiry(const ledger::State& state, const ledger::journal::TokenCreated& token) {
  if (token.expires_us() > state.counters.time_us) return absl::OkStatus();
  return Unauthenticated("TOKEN_EXPIRED", "shows a token that has expired",
                         "ask an admin of the hub for another one");
}

bool IsForAnyone(const Permission* row) { return row != nullptr && (row->anywhere & 1) != 0; }

}  // namespace

absl::StatusOr<Principal> Gate::Identify(absl::string_view authorization) const {
  if (authorization.empty()) {
    return Unauthenticated("TOKEN_MISSING", "is missing: this hub asks for a token",
                           "send `authorization: Bearer onhand_...`; programs of Onhand take "
                           "--token-file");
  }
  if (!absl::StartsWithIgnoreCase(authorization, kScheme) ||
      !IsTokenText(authorization.substr(sizeof(kScheme) - 1))) {
    return Unauthenticated("TOKEN_MALFORMED", "is not `Bearer` and a whole token",
                           "copy the token again: onhand_, 43 characters, _ and 8 more");
  }
  const std::string sha256 = Sha256Of(authorization.substr(sizeof(kScheme) - 1));
  const std::string token_id = ledger::TokenIdOf(sha256);
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::StatusOr<Principal> {
    const ledger::State& state = ledger.state();
    const ledger::journal::TokenCreated* token = state.tokens.Find(token_id);
    if (token == nullptr || !SameHash(token->sha256(), sha256)) return UnknownToken();
    if (absl::Status expiry = CheckExpiry(state, *token); !expiry.ok()) return expiry;
    return Principal{.token_id = token_id,
                     .name = token->principal(),
                     .role = static_cast<v1::Role>(token->role()),
                     .location_ids = {token->location_ids().begin(), token->location_ids().end()}};
  });
}

absl::StatusOr<Principal> Gate::Identify(const grpc::ServerContext& context) const {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return Identify(absl::string_view());
  return Identify(absl::string_view(found->second.data(), found->second.size()));
}

absl::StatusOr<Caller> Gate::Let(absl::StatusOr<Principal> principal, CallLimits::Kind kind) {
  if (!principal.ok()) return principal.status();
  absl::StatusOr<CallLimits::Place> place = limits_.Enter(principal->name, kind, absl::Now());
  if (!place.ok()) return place.status();
  return Caller{*std::move(principal), *std::move(place)};
}

absl::StatusOr<Caller> Gate::Enter(const Permission* row, const grpc::ServerContext& context,
                                   CallLimits::Kind kind) {
  if (IsForAnyone(row)) return Caller();
  return Let(Identify(context), kind);
}

absl::StatusOr<Caller> Gate::EnterRoute(absl::string_view route, absl::string_view authorization,
                                        const std::string* location_id) {
  const Permission* row = FindPermission(route);
  if (IsForAnyone(row)) return Caller();
  absl::StatusOr<Caller> caller = Let(Identify(authorization), CallLimits::Kind::kCall);
  if (!caller.ok()) return caller;
  absl::Status checked = hub_->Read([&](const ledger::Ledger& ledger) {
    return CheckPermission(row, ledger.state(), caller->principal, nullptr, location_id);
  });
  if (!checked.ok()) return checked;
  return caller;
}

absl::Status Gate::Check(const Permission* row, const Principal& principal,
                         const google::protobuf::Message& request) const {
  return hub_->Read([&](const ledger::Ledger& ledger) {
    return CheckPermission(row, ledger.state(), principal, &request);
  });
}

void Gate::Add(Guarded guarded) {
  absl::MutexLock lock(&mutex_);
  guarded_.push_back(std::move(guarded));
}

absl::Status Gate::StillHolds(const std::string& token_id) const {
  return hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::journal::TokenCreated* token = ledger.state().tokens.Find(token_id);
    return token == nullptr ? UnknownToken() : CheckExpiry(ledger.state(), *token);
  });
}

void Gate::EndStale() {
  std::vector<Guarded> all;
  {
    absl::MutexLock lock(&mutex_);
    all.swap(guarded_);
  }
  std::vector<Guarded> kept;
  for (Guarded& guarded : all) {
    const std::shared_ptr<void> stream = guarded.stream.lock();
    if (stream == nullptr) continue;
    const absl::Status holds = StillHolds(guarded.token_id);
    if (holds.ok()) {
      kept.push_back(std::move(guarded));
    } else {
      guarded.end(holds);
    }
  }
  absl::MutexLock lock(&mutex_);
  guarded_.insert(guarded_.end(), std::make_move_iterator(kept.begin()),
                  std::make_move_iterator(kept.end()));
}

}  // namespace onhand::rpc
