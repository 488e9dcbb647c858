// From when units may be promised that are not there, and how many of them: by the supply on its
// way. Pure; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_BACK_ORDER_H_
#define ONHAND_SERVER_LEDGER_BACK_ORDER_H_

#include <cstdint>
#include <optional>

#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Supply that is late by more backs no promise.
inline constexpr int64_t kIncomingGraceUs = int64_t{2} * 86'400 * 1'000'000;

struct NextSupply {
  int64_t due_us = 0;
  int64_t units = 0;  // of all that is due by then
};

// The earliest supply of an item at a location that may promise something on the channel, or at the
// one given (0: any), less what is promised of it: the first `promised` units are others'. What is
// late within the grace counts as due now. Nothing if nothing is on its way; 0 units if all of it
// is promised.
std::optional<NextSupply> NextSupplyOf(const State& state, const RuleBook& book, uint32_t item,
                                       uint32_t channel, uint32_t location, int64_t now_us,
                                       int64_t promised);

struct BackOrder {
  int64_t units = 0;
  int64_t available_from_us = 0;
};
// How many units beyond stock may still be promised under a back-order rule, and from when: up to
// the limit less the units that are promised so already, and of announced supply no more than comes
// by that date. `more_promised`: on top of those of the state.
BackOrder BackOrderOf(const State& state, const RuleBook& book, const ResolvedRules& rules,
                      uint32_t item, uint32_t channel, uint32_t location, int64_t now_us,
                      int64_t more_promised = 0);

// The next moment after `now_us` at which the passing of time may change what is told of an item on
// back order: its date, which counts from today where it is a lead time or the supply is late, and
// what comes by it.
int64_t NextBackOrderChange(const State& state, uint32_t item, int64_t now_us);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_BACK_ORDER_H_
