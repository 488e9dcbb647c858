#include "server/ledger/apply_supply.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace onhand::ledger {
namespace {

bool IsDueBefore(const journal::IncomingSet& a, const journal::IncomingSet& b) {
  return std::forward_as_tuple(a.due_us(), a.reference(), a.location()) <
         std::forward_as_tuple(b.due_us(), b.reference(), b.location());
}

}  // namespace

void CloseIncoming(State& state, absl::string_view reference, uint32_t item, uint32_t location) {
  if (state.incoming.Find(item) == nullptr) return;
  std::vector<journal::IncomingSet>& open = state.incoming.Mutable(item);
  open.erase(std::remove_if(open.begin(), open.end(),
                            [&](const journal::IncomingSet& one) {
                              return one.reference() == reference && one.location() == location;
                            }),
             open.end());
  if (open.empty()) state.incoming.Erase(item);
}

void ApplyIncomingSet(State& state, const journal::IncomingSet& set) {
  CloseIncoming(state, set.reference(), set.item(), set.location());
  if (set.units() == 0) return;
  std::vector<journal::IncomingSet>& open = state.incoming.Mutable(set.item());
  open.insert(std::upper_bound(open.begin(), open.end(), set, IsDueBefore), set);
}

}  // namespace onhand::ledger
