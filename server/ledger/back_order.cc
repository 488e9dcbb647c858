#include "server/ledger/back_order.h"

#include <algorithm>
#include <vector>

namespace onhand::ledger {

constexpr int64_t kMicrosPerDay = int64_t{24} * 3'600 * 1'000'000;

std::optional<NextSupply> NextSupplyOf(const State& state, const RuleBook& book, uint32_t item,
                                       uint32_t channel, uint32_t location, int64_t now_us,
                                       int64_t promised) {
  const std::vector<journal::IncomingSet>* open = state.incoming.Find(item);
  if (open == nullptr) return std::nullopt;
  std::optional<NextSupply> next;
  int64_t coming = 0;
  for (const journal::IncomingSet& one : *open) {  // by due date
    if (now_us > one.due_us() + kIncomingGraceUs) continue;
    if (location != 0 && one.location() != location) continue;
    if (!book.IsOpen(one.location(), channel, now_us)) continue;
    const int64_t due_us = std::max(one.due_us(), now_us);
    if (next.has_value() && next->units > 0 && due_us > next->due_us) break;
    coming += one.units();
    next = NextSupply{.due_us = due_us, .units = std::max<int64_t>(coming - promised, 0)};
  }
  return next;
}

BackOrder BackOrderOf(const State& state, const RuleBook& book, const ResolvedRules& rules,
                      uint32_t item, uint32_t channel, uint32_t location, int64_t now_us,
                      int64_t more_promised) {
  const MarkedUnits* found = state.reservations.marked_units.Find(item);
  const MarkedUnits marked = found == nullptr ? MarkedUnits{} : *found;
  const int64_t limit = rules.backorder_limit.value.value_or(0);
  BackOrder order{.units = std::max<int64_t>(limit - marked.backorder - more_promised, 0)};
  if (order.units == 0) return order;
  order.available_from_us = now_us + rules.backorder_lead_days.value * kMicrosPerDay;
  if (const auto next = NextSupplyOf(state, book, item, channel, location, now_us,
                                     marked.Sum() + more_promised)) {
    order.available_from_us = next->due_us;
    order.units = std::min(order.units, next->units);
  }
  return order;
}

int64_t NextBackOrderChange(const State& state, uint32_t item, int64_t now_us) {
  constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
  int64_t next_us = (now_us / kDayUs + 1) * kDayUs;
  const std::vector<journal::IncomingSet>* open = state.incoming.Find(item);
  if (open == nullptr) return next_us;
  for (const journal::IncomingSet& one : *open) {
    for (const int64_t at_us : {one.due_us(), one.due_us() + kIncomingGraceUs + 1}) {
      if (at_us > now_us) next_us = std::min(next_us, at_us);
    }
  }
  return next_us;
}

}  // namespace onhand::ledger
