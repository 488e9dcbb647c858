// What the hub believes of positions now: their estimates brought to where their location's reports
// end, and walks over all positions in slices, so that nobody holds the ledger for long. Pure
// functions; any thread that may read the state.
#ifndef ONHAND_SERVER_INSIGHTS_BELIEF_H_
#define ONHAND_SERVER_INSIGHTS_BELIEF_H_

#include <cstdint>
#include <vector>

#include "onhand/v1/stock.pb.h"
#include "server/ledger/ledger.h"
#include "server/ledger/state.h"

namespace onhand::insights {

// Weighted hours of an average day (store_clock.h: the weights' mean is 1).
inline constexpr double kHoursOfDay = 24;

struct Belief {
  uint32_t location = 0;
  int64_t on_hand = 0;
  int64_t there = 0;            // on hand less unavailable
  ledger::Estimates estimates;  // up to the location's known_through
  ledger::Posterior rate;       // units per weighted hour
  double units_per_day() const { return rate.rate() * kHoursOfDay; }
};

// A slice of a walk over all items: about a millisecond or two under the lock.
inline constexpr int kPositionsPerSlice = 4'096;

// Where evidence comes from, looked up once a slice.
class Places {
 public:
  explicit Places(const ledger::State& state);
  const ledger::EvidencePlace& Of(uint32_t location) const { return places_[location]; }

 private:
  std::vector<ledger::EvidencePlace> places_;  // by location id
};

// What is believed of each position of an item, in location order.
std::vector<Belief> BeliefsOf(const ledger::State& state, const Places& places, uint32_t item);

// What is believed of a position as of its last event or the last night. Empty before its first
// event.
bool EstimateOf(const ledger::State& state, uint32_t item, uint32_t location,
                v1::PositionEstimate* estimate);

// The cost of looking at an item, in positions.
inline int CostOf(const ledger::State& state, uint32_t item) {
  return 1 + static_cast<int>(state.positions.Of(item).cells.size());
}

}  // namespace onhand::insights

#endif  // ONHAND_SERVER_INSIGHTS_BELIEF_H_
