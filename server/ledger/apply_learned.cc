#include "server/ledger/apply_learned.h"

#include <algorithm>
#include <cstddef>

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr uint32_t kLivedOn_s = 7 * 86'400;

void CopyWeek(const google::protobuf::RepeatedField<float>& column, int row,
              ItemLearning::Week& week) {
  std::copy_n(column.begin() + std::ptrdiff_t{row} * kDaysPerWeek, kDaysPerWeek, week.begin());
}

// Tells the positions of an item up to their locations' known_through.
void AdvancePositions(State& state, uint32_t item, float restate, const DoubtPolicy& policy) {
  const ItemLearning& learned = state.learned().ItemOf(item);
  const absl::Span<const uint32_t> locations = state.positions.Of(item).locations;
  const absl::Span<Cell> cells = state.positions.CellsOf(item);
  for (size_t i = 0; i < cells.size(); ++i) {
    Cell& cell = cells[i];
    if (cell.estimates.velocity.at_s == 0) continue;
    const EvidencePlace place = state.PlaceOf(locations[i]);
    const Beside* beside = state.positions.BesideOf(cell);
    const int64_t there = cell.on_hand - (beside == nullptr ? 0 : beside->now.unavailable());
    const auto through_s = static_cast<uint32_t>(place.known_through_us / kMicrosPerSecond);
    AdvanceEstimates(learned, place, there > 0, through_s, policy, cell.estimates);
    cell.estimates.velocity.exposure *= restate;
  }
}

void ApplyItems(State& state, const journal::LearnedItems& items) {
  const DoubtPolicy policy = PolicyOf(state.learned().chain);
  for (int i = 0; i < items.item_size(); ++i) {
    const uint32_t id = items.item(i);
    AdvancePositions(state, id, items.restate_size() == 0 ? 1 : items.restate(i), policy);
    ItemLearning& item = state.mutable_learned().MutableItem(id);
    item.rate = items.rate(i);
    item.units = items.units(i);
    item.expected = items.expected(i);
    CopyWeek(items.weekday(), i, item.weekday);
    CopyWeek(items.weekday_units(), i, item.weekday_units);
    CopyWeek(items.weekday_expected(), i, item.weekday_expected);
  }
}

void ApplyLocations(Learned& learned, const journal::LearnedLocations& rows) {
  for (const journal::LearnedLocation& row : rows.locations()) {
    LocationLearning& location = learned.MutableLocation(row.location());
    location.learned = row;
    location.Derive();
  }
}

// The first rows bring the chain's part with them; it goes on keeping the rest of its night.
void TakeChainOfNight(journal::LearnedChain& chain) {
  journal::LearnedChain told;
  told.Swap(chain.mutable_night()->mutable_chain());
  told.mutable_night()->Swap(chain.mutable_night());
  told.mutable_night()->clear_chain();
  chain.Swap(&told);
}

void InstallNext(State& state) {
  journal::LearnedChain& chain = state.mutable_learned().chain;
  // A lesson of past sales came between and replaced what the night was told of.
  if (!chain.has_night()) return;
  const auto next = static_cast<int>(chain.night().installed());
  if (next == 0) TakeChainOfNight(chain);
  journal::ToldNight& night = *chain.mutable_night();
  if (next < night.rows_size()) {
    journal::NightRows rows;
    rows.Swap(night.mutable_rows(next));
    ApplyLocations(state.mutable_learned(), rows.locations());
    ApplyItems(state, rows.items());
  }
  night.set_installed(static_cast<uint32_t>(next) + 1);
  if (next + 1 >= night.rows_size()) chain.clear_night();
}

void ApplyTaught(State& state, const journal::PositionsTaught& taught) {
  const DoubtPolicy policy = PolicyOf(state.learned().chain);
  for (int i = 0; i < taught.item_size(); ++i) {
    const uint32_t item = taught.item(i);
    const PositionTable::View view = state.positions.Find(item, taught.location(i));
    if (item >= state.activity.size()) state.activity.resize(item + 1);
    uint32_t& last_sale_s = state.activity[item].last_sale_s;
    last_sale_s = std::max(last_sale_s, taught.last_sale_s(i));
    const uint32_t lived_s = view.cell == nullptr ? 0 : view.cell->estimates.velocity.at_s;
    // What lived on for long since the past that is taught knows better; what was only just told of
    // its stock does not.
    if (lived_s > taught.at_s(i) + kLivedOn_s) continue;
    const bool is_there = view.cell != nullptr && view.cell->on_hand > 0;
    PositionTable::Editor position = state.positions.Edit(item, taught.location(i));
    if (position.created()) ++state.clocks.Mutable(taught.location(i)).position_count;
    Estimates& estimates = position.cell().estimates;
    estimates = {.velocity = {taught.sold(i), taught.exposure(i), taught.at_s(i)},
                 .doubt = {.empty = taught.empty(i), .run = taught.run(i)}};
    AdvanceEstimates(state.learned().ItemOf(item), state.PlaceOf(taught.location(i)), is_there,
                     lived_s, policy, estimates);
  }
}

}  // namespace

void ApplyLearnedFact(State& state, const journal::Fact& fact) {
  if (state.is_overlay) return;
  Learned& learned = state.mutable_learned();
  switch (fact.fact_case()) {
    case journal::Fact::kLearnedChain:
      learned.chain = fact.learned_chain();
      return;
    case journal::Fact::kLearnedLocations:
      return ApplyLocations(learned, fact.learned_locations());
    case journal::Fact::kLearnedItems:
      return ApplyItems(state, fact.learned_items());
    case journal::Fact::kNightBegun:
      learned.chain.clear_night();
      *learned.chain.mutable_night()->mutable_chain() = fact.night_begun().chain();
      return;
    case journal::Fact::kNightRows:
      if (learned.chain.has_night()) *learned.chain.mutable_night()->add_rows() = fact.night_rows();
      return;
    case journal::Fact::kNightInstalled:
      return InstallNext(state);
    case journal::Fact::kPositionsTaught:
      return ApplyTaught(state, fact.positions_taught());
    case journal::Fact::kOffsetsLearned:
      for (const journal::LocationOffsets& row : fact.offsets_learned().locations()) {
        LocationLearning& location = learned.MutableLocation(row.location());
        location.offsets = row;
        location.Derive();
      }
      return;
    default:
      return;
  }
}

}  // namespace onhand::ledger
