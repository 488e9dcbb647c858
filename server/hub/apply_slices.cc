#include "server/hub/apply_slices.h"

namespace onhand::hub {
namespace {

using ledger::journal::Fact;

template <class Items>
int64_t PositionsOf(const ledger::State& state, const Items& items) {
  int64_t positions = 0;
  for (const uint32_t item : items) {
    positions += static_cast<int64_t>(state.positions.Of(item).cells.size());
  }
  return positions;
}

}  // namespace

int64_t MovementsOf(const Fact& fact) {
  return fact.has_report()           ? fact.report().rows().item_size()
         : fact.has_snapshot_slice() ? fact.snapshot_slice().item_size()
                                     : 0;
}

int64_t PositionsTouched(const ledger::State& state, const Fact& fact) {
  switch (fact.fact_case()) {
    case Fact::kLearnedItems:
      return PositionsOf(state, fact.learned_items().item());
    case Fact::kNightInstalled:
      return PositionsOf(state, fact.night_installed().item());
    case Fact::kPositionsTaught:
      return fact.positions_taught().item_size();
    default:
      return MovementsOf(fact);
  }
}

int SliceEnd(const ledger::State& state, const ledger::journal::Record& record, int first) {
  int end = first;
  int64_t touched = 0;
  while (end < record.facts_size() && end - first < kSliceFactsMax &&
         touched < kSlicePositionsMax) {
    touched += PositionsTouched(state, record.facts(end));
    ++end;
  }
  return end;
}

}  // namespace onhand::hub
