// The part of apply that concerns tokens. See apply.h.
#ifndef ONHAND_SERVER_LEDGER_APPLY_TOKENS_H_
#define ONHAND_SERVER_LEDGER_APPLY_TOKENS_H_

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Forgets tokens of the same principal that have expired, so that rotation does not pile them up.
void ApplyTokenCreated(State& state, const journal::TokenCreated& created);
void ApplyTokenRevoked(State& state, const journal::TokenRevoked& revoked);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_TOKENS_H_
