#include "server/ledger/back_order.h"

#include <algorithm>
#include <vector>

namespace onhand::ledger {

std::optional<NextSupply> NextSupplyOf(const State& state, const RuleBook& book, uint32_t item,
                                       uint32_t channel, uint32_t location, int64_t now_us) {
  const std::vector<journal::IncomingSet>* open = state.incoming.Find(item);
  if (open == nullptr) return std::nullopt;
  std::optional<NextSupply> next;
  for (const journal::IncomingSet& one : *open) {  // by due date
    if (now_us > one.due_us() + kIncomingGraceUs) continue;
    if (location != 0 && one.location() != location) continue;
    if (!book.IsOpen(one.location(), channel, now_us)) continue;
    const int64_t due_us = std::max(one.due_us(), now_us);
    if (!next.has_value()) next = NextSupply{.due_us = due_us};
    if (due_us > next->due_us) break;
    next->units += one.units();
  }
  return next;
}

}  // namespace onhand::ledger
