#include "server/ledger/learned.h"

#include <algorithm>

namespace onhand::ledger {

void LocationLearning::Derive() {
  factor = learned.factor() > 0 ? learned.factor() : 1;
  WeekWeights weights;
  weights.fill(1);
  if (learned.weight_size() == kHoursPerWeek) {
    std::copy(learned.weight().begin(), learned.weight().end(), weights.begin());
  }
  std::vector<OffsetTransition> transitions;
  for (int i = 0; i < std::min(offsets.at_s_size(), offsets.offset_s_size()); ++i) {
    transitions.push_back({.at_s = offsets.at_s(i), .offset_s = offsets.offset_s(i)});
  }
  clock = StoreClock(weights, transitions, learned.dead_hour_s());
  start = learned.start_looked_size() == StartDoubt::kBands &&
                  learned.start_nothing_size() == StartDoubt::kBands
              ? StartDoubt(learned.start_nothing(), learned.start_looked())
              : StartDoubt();
}

ItemLearning& Learned::MutableItem(uint32_t item) {
  if (item >= items.size()) items.resize(item + 1);
  return items[item];
}

LocationLearning& Learned::MutableLocation(uint32_t location) {
  if (location >= locations.size()) locations.resize(location + 1);
  return locations[location];
}

}  // namespace onhand::ledger
