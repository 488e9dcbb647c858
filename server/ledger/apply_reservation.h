// What reservation facts do to the state. Part of apply: total, deterministic.
#ifndef ONHAND_SERVER_LEDGER_APPLY_RESERVATION_H_
#define ONHAND_SERVER_LEDGER_APPLY_RESERVATION_H_

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The row as it is from now on takes the place of the one before: what that added to positions and
// to the chain goes, what this adds comes, and its corrections enter the folds.
void ApplyReservationChanged(State& state, const journal::ReservationChanged& changed);

// Forgets reservations whose last line ended long enough ago. Part of BeginRow.
void ForgetEndedReservations(State& state);

// What open lines claim at a position; nothing if it is not known.
Reserved ReservedAt(const State& state, uint32_t item, uint32_t location);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_RESERVATION_H_
