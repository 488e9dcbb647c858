#include "server/insights/doubts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "server/ledger/availability.h"
#include "server/ledger/estimates.h"

namespace onhand::insights {
namespace {

// Each asks all channels, with a trace.
constexpr int kListedPerSlice = 64;
constexpr int64_t kDay_s = 86'400;

double UnitValueOf(const ledger::State& state, uint32_t item) {
  const ledger::journal::Item* row = state.items.Find(item);
  return row == nullptr || row->unit_value() <= 0 ? 1 : row->unit_value();
}

// How a position meets its customers.
enum class Display { kShown, kHiddenByDoubt, kNotForSale };

Display DisplayOf(const ledger::Ledger& ledger, uint32_t item, uint32_t location) {
  Display display = Display::kNotForSale;
  for (uint32_t channel = 0; channel < ledger::RuleBook::kChannelsMax; ++channel) {
    if (!ledger.rule_book().HasChannel(channel)) continue;
    ledger::Trace trace;
    const ledger::Promise promise =
        ledger::Evaluate(ledger.state(), ledger.rule_book(),
                         {.item = item, .channel = channel, .location = location}, &trace);
    if (promise.orderable) return Display::kShown;
    const bool doubted =
        std::any_of(trace.locations.begin(), trace.locations.end(),
                    [&](const auto& part) { return part.location == location && part.doubted; });
    if (promise.too_risky || doubted) display = Display::kHiddenByDoubt;
  }
  return display;
}

// `3 May`, of the location's own day.
std::string DayText(const ledger::StoreClock& clock, int64_t at_s) {
  const int64_t noon_s = clock.DayStart(at_s) + kDay_s / 2;
  return absl::FormatTime("%-d %b", absl::FromUnixSeconds(noon_s), absl::UTCTimeZone());
}

// Since when a silence must have lasted for so many sales to be expected of it. The rate fell with
// the silence: its middle is that of half of the exposure that the silence brought.
int64_t SilentSince_s(const ledger::ItemLearning& item, const ledger::LocationLearning& location,
                      const Belief& belief) {
  const ledger::Velocity& velocity = belief.estimates.velocity;
  const int64_t to_s = velocity.at_s;
  int64_t low_s = to_s - int64_t{2 * 365} * kDay_s, high_s = to_s;
  while (high_s - low_s > kDay_s / 24) {
    const int64_t middle_s = (low_s + high_s) / 2;
    const double by_mean = ledger::ExpectedUnits(item, location, middle_s, to_s);
    const double exposure = velocity.exposure - std::min<double>(velocity.exposure, by_mean) / 2;
    const double own = (ledger::kPriorSales + velocity.sold) / (ledger::kPriorSales + exposure);
    (own * by_mean < belief.estimates.doubt.run ? high_s : low_s) = middle_s;
  }
  return high_s;
}

std::string WhyEmpty(const ledger::State& state, uint32_t item, const Belief& belief) {
  const std::string record = absl::StrCat("; the record says ", belief.on_hand);
  if (belief.estimates.doubt.run < 0.5F) {
    if (belief.estimates.doubt.empty > 0.9F)
      return absl::StrCat("somebody looked and found nothing", record);
    return absl::StrCat("records like this were often wrong here", record);
  }
  const ledger::LocationLearning& location = state.learned().LocationOf(belief.location);
  const int64_t since_s = SilentSince_s(state.learned().ItemOf(item), location, belief);
  return absl::StrFormat("no sale since about %s where %.1f were expected%s",
                         DayText(location.clock, since_s), belief.estimates.doubt.run, record);
}

}  // namespace

bool DoubtScan::Step(const ledger::Ledger& ledger) {
  const ledger::State& state = ledger.state();
  response_.set_revision(state.counters.revision);
  if (all_seen_) return List(ledger);
  const Places places(state);
  for (int cost = 0; cost < kPositionsPerSlice && next_item_ < state.positions.item_end();
       ++next_item_) {
    cost += CostOf(state, next_item_);
    Look(state, places, next_item_);
  }
  all_seen_ = next_item_ >= state.positions.item_end();
  return false;
}

void DoubtScan::Look(const ledger::State& state, const Places& places, uint32_t item) {
  for (const Belief& belief : BeliefsOf(state, places, item)) {
    if (question_.location != 0 && belief.location != question_.location) continue;
    if (belief.there > 0) Judge(state, item, belief);
  }
}

void DoubtScan::Judge(const ledger::State& state, uint32_t item, const Belief& belief) {
  if (belief.units_per_day() * kTellingDays < kTellingSales)
    response_.set_undetectable_count(response_.undetectable_count() + 1);
  const double chance = belief.estimates.doubt.empty;
  if (belief.estimates.velocity.at_s == 0 || chance < question_.chance_min) return;
  response_.set_doubted_count(response_.doubted_count() + 1);
  Candidate candidate{.item = item, .location = belief.location, .chance = chance};
  candidate.at_stake = UnitValueOf(state, item) * belief.units_per_day() * kNoticedAfterDays;
  const double changes = question_.list == v1::DOUBT_LIST_DISCREPANCY
                             ? state.learned().LocationOf(belief.location).start.At(belief.there)
                             : std::max(chance, 1 - chance);
  candidate.value_max = candidate.at_stake * changes - kCountCost;
  if (candidate.value_max <= 0) return;
  candidates_.push_back(candidate);
  std::push_heap(candidates_.begin(), candidates_.end());
}

// Takes candidates off the heap, the most valuable first. What a candidate is worth at most is
// known; what it is worth becomes known when it is looked at, and then it waits in the heap again.
bool DoubtScan::List(const ledger::Ledger& ledger) {
  for (int looked_at = 0; looked_at < kListedPerSlice; ++looked_at) {
    if (candidates_.empty() ||
        static_cast<size_t>(response_.positions_size()) >= question_.listed_max)
      return true;
    std::pop_heap(candidates_.begin(), candidates_.end());
    Candidate& candidate = candidates_.back();
    const bool hidden =
        question_.list != v1::DOUBT_LIST_DISCREPANCY &&
        DisplayOf(ledger, candidate.item, candidate.location) == Display::kHiddenByDoubt;
    const double changes = hidden ? 1 - candidate.chance : candidate.chance;
    const double value = question_.list == v1::DOUBT_LIST_DISCREPANCY
                             ? candidate.value_max
                             : candidate.at_stake * changes - kCountCost;
    if (value < candidate.value_max - 1e-12) {
      candidate.value_max = value;
      if (value > 0) {
        std::push_heap(candidates_.begin(), candidates_.end());
      } else {
        candidates_.pop_back();
      }
      continue;
    }
    Describe(ledger, candidate);
    candidates_.pop_back();
  }
  return false;
}

void DoubtScan::Describe(const ledger::Ledger& ledger, const Candidate& candidate) {
  const ledger::State& state = ledger.state();
  const ledger::journal::Item* item = state.items.Find(candidate.item);
  const ledger::journal::Location* location = state.locations.Find(candidate.location);
  if (item == nullptr || location == nullptr) return;
  for (const Belief& belief : BeliefsOf(state, Places(state), candidate.item)) {
    if (belief.location != candidate.location) continue;
    v1::DoubtedPosition& row = *response_.add_positions();
    row.set_sku(item->sku());
    row.set_location_id(location->location_id());
    row.set_on_hand(belief.on_hand);
    row.set_chance_empty(candidate.chance);
    row.set_units_per_day(belief.units_per_day());
    row.set_expected_since_sale(belief.estimates.doubt.run);
    row.set_value(candidate.value_max);
    row.set_shown(DisplayOf(ledger, candidate.item, candidate.location) == Display::kShown);
    if (question_.list == v1::DOUBT_LIST_DISCREPANCY) {
      row.set_why(absl::StrFormat(
          "sells %.1f a day, and %.0f %% of such records were wrong here; the record says %d",
          belief.units_per_day(),
          100 * state.learned().LocationOf(belief.location).start.At(belief.there),
          belief.on_hand));
    } else {
      row.set_why(WhyEmpty(state, candidate.item, belief));
    }
  }
}

v1::ListDoubtsResponse DoubtScan::Take() { return std::move(response_); }

}  // namespace onhand::insights
