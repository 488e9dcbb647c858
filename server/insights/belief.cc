#include "server/insights/belief.h"

#include "server/ledger/catalog_view.h"
#include "server/ledger/estimates.h"

namespace onhand::insights {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

ledger::Posterior RateOf(const ledger::Estimates& estimates, const ledger::ItemLearning& item,
                         const ledger::LocationLearning& location) {
  return ledger::RateOf(estimates, item.rate * location.factor);
}

}  // namespace

Places::Places(const ledger::State& state) {
  places_.reserve(state.counters.location_end);
  for (uint32_t id = 0; id < state.counters.location_end; ++id)
    places_.push_back(state.PlaceOf(id));
}

std::vector<Belief> BeliefsOf(const ledger::State& state, const Places& places, uint32_t item) {
  const ledger::PositionTable::ItemPositions positions = state.positions.Of(item);
  const ledger::ItemLearning& learned = state.learned().ItemOf(item);
  const ledger::DoubtPolicy policy = ledger::PolicyOf(state.learned().chain);
  std::vector<Belief> beliefs;
  beliefs.reserve(positions.cells.size());
  for (size_t i = 0; i < positions.cells.size(); ++i) {
    const ledger::Cell& cell = positions.cells[i];
    const ledger::Beside* beside = state.positions.BesideOf(cell);
    const ledger::EvidencePlace& place = places.Of(positions.locations[i]);
    Belief belief{.location = positions.locations[i],
                  .on_hand = cell.on_hand,
                  .there = cell.on_hand - (beside == nullptr ? 0 : beside->now.unavailable()),
                  .estimates = cell.estimates};
    if (cell.estimates.velocity.at_s != 0) {
      ledger::AdvanceEstimates(learned, place, belief.there > 0,
                               static_cast<uint32_t>(place.known_through_us / kMicrosPerSecond),
                               policy, belief.estimates);
    }
    belief.rate = RateOf(belief.estimates, learned, *place.learned);
    beliefs.push_back(belief);
  }
  return beliefs;
}

bool EstimateOf(const ledger::State& state, uint32_t item, uint32_t location,
                v1::PositionEstimate* estimate) {
  const ledger::Cell* cell = state.positions.Find(item, location).cell;
  if (cell == nullptr || cell->estimates.velocity.at_s == 0) return false;
  const ledger::Posterior rate =
      RateOf(cell->estimates, state.learned().ItemOf(item), state.learned().LocationOf(location));
  estimate->set_units_per_day(rate.rate() * kHoursOfDay);
  estimate->set_evidence(rate.a);
  estimate->set_chance_empty(cell->estimates.doubt.empty);
  estimate->set_expected_since_sale(cell->estimates.doubt.run);
  *estimate->mutable_as_of() =
      ledger::TimestampOf(int64_t{cell->estimates.velocity.at_s} * kMicrosPerSecond);
  return true;
}

}  // namespace onhand::insights
