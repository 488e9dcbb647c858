// A promise as the public contract tells it. Pure; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_ANSWER_VIEW_H_
#define ONHAND_SERVER_LEDGER_ANSWER_VIEW_H_

#include <cstdint>

#include "onhand/v1/availability.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Fills everything but locations and explanation. The item is known.
void FillAnswer(const State& state, uint32_t item, const Promise& promise,
                v1::Availability* answer);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ANSWER_VIEW_H_
