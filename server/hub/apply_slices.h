// Where a row that is applied may stop for a moment: readers come in between slices, so that no
// fact, however many positions it touches, makes another one's readers wait with it. Pure
// functions; the applying thread.
#ifndef ONHAND_SERVER_HUB_APPLY_SLICES_H_
#define ONHAND_SERVER_HUB_APPLY_SLICES_H_

#include <cstdint>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::hub {

// A slice ends with the fact that brings it to so many positions touched, or to so many facts.
inline constexpr int64_t kSlicePositionsMax = 512;
inline constexpr int kSliceFactsMax = 64;

// Movements that a fact brings: rows of reports and snapshots.
int64_t MovementsOf(const ledger::journal::Fact& fact);
// Positions that applying it touches, each movement for itself. What is learned of an item touches
// all its positions.
int64_t PositionsTouched(const ledger::State& state, const ledger::journal::Fact& fact);
// The fact behind the last one of the slice that begins with `first`. `state` is what the facts
// before it left.
int SliceEnd(const ledger::State& state, const ledger::journal::Record& record, int first);

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_APPLY_SLICES_H_
