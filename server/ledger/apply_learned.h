// The part of apply that concerns what is learned. See apply.h, learned.h.
#ifndef ONHAND_SERVER_LEDGER_APPLY_LEARNED_H_
#define ONHAND_SERVER_LEDGER_APPLY_LEARNED_H_

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Installs what was learned; positions are first told up to their location's known_through with
// what was known before. Does nothing on an overlay: decisions of a group read what is committed.
// Rows of a night are kept aside first and installed when all are told.
// Precondition: the fact is LearnedChain, LearnedLocations, LearnedItems, NightBegun, NightRows,
// NightInstalled, PositionsTaught or OffsetsLearned.
void ApplyLearnedFact(State& state, const journal::Fact& fact);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_LEARNED_H_
