// The part of apply that concerns supply on its way. See apply.h.
#ifndef ONHAND_SERVER_LEDGER_APPLY_SUPPLY_H_
#define ONHAND_SERVER_LEDGER_APPLY_SUPPLY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Announces supply, replaces what was announced under the same reference, item and location, or
// closes it (0 units).
void ApplyIncomingSet(State& state, const journal::IncomingSet& set);

// A receipt named the reference: what was announced is there. Nothing if nothing was.
void CloseIncoming(State& state, absl::string_view reference, uint32_t item, uint32_t location);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_SUPPLY_H_
