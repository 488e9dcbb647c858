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
