// The announced rise or fall of demand that rules speak of, for one position at one moment. Part of
// apply, which knows no rule book: costs a look at each such rule (demand_rules.h), however many
// others there are.
#ifndef ONHAND_SERVER_LEDGER_DEMAND_FACTOR_H_
#define ONHAND_SERVER_LEDGER_DEMAND_FACTOR_H_

#include <cstdint>

#include "server/ledger/state.h"

namespace onhand::ledger {

// 1 if no rule in effect at that moment sets one; else that of the rule that wins the field (item
// over nearest category over all; then location over group by rank over chain; then the later
// effective date; then the rule id). Such rules name no channel.
double DemandFactorAt(const State& state, uint32_t item, uint32_t location, int64_t at_us);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DEMAND_FACTOR_H_
