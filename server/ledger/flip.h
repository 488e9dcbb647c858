// The smallest change that would flip an answer between shown and not shown, or orderable and not:
// units that would have to come or go, found by asking the same question of an overlay with other
// stock, or the rule that would have to change, found by asking it without. Pure; any thread that
// may read the state and the rule book. Costs some hundred evaluations, so it is not for hot reads.
#ifndef ONHAND_SERVER_LEDGER_FLIP_H_
#define ONHAND_SERVER_LEDGER_FLIP_H_

#include <cstdint>
#include <optional>

#include "onhand/v1/availability.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Locations at which units are tried, those with the most stock first.
inline constexpr size_t kPlacesTried = 16;
// Most units that are tried.
inline constexpr int64_t kUnitsTried = 1'000'000;

// Units are what the record would say more or less, as an ADJUSTMENT; they come at one location, or
// go from one, or, where that is not enough, from several. Of a floor's re-show level and dwell the
// flip is that of the next display decision. Nothing if neither units nor one rule would flip it.
// Committed states only.
std::optional<v1::Flip> FindFlip(const State& state, const RuleBook& book,
                                 const Question& question);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_FLIP_H_
