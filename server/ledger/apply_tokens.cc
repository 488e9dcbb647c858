#include "server/ledger/apply_tokens.h"

#include <string>
#include <vector>

namespace onhand::ledger {

void ApplyTokenCreated(State& state, const journal::TokenCreated& created) {
  std::vector<std::string> expired;
  state.tokens.ForEach([&](const std::string& id, const journal::TokenCreated& token) {
    if (token.principal() == created.principal() && token.expires_us() <= created.created_us()) {
      expired.push_back(id);
    }
  });
  for (const std::string& id : expired) state.tokens.Erase(id);
  state.tokens.Mutable(created.token_id()) = created;
}

void ApplyTokenRevoked(State& state, const journal::TokenRevoked& revoked) {
  state.tokens.Erase(revoked.token_id());
}

}  // namespace onhand::ledger
