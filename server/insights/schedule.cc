#include "server/insights/schedule.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/ledger/availability.h"

namespace onhand::insights {
namespace {

constexpr size_t kNamedMax = 3;
constexpr int64_t kMicrosPerSecond = 1'000'000;

// Units that may sell until the answer flips; 0 if sales cannot flip it.
int64_t HeadroomOf(int64_t salable, int32_t floor) {
  return std::max<int64_t>(0, salable - std::max(floor, 1) + 1);
}

// The rate of all locations together: means and variances add.
ledger::Posterior RateOfChain(const std::vector<Belief>& beliefs) {
  double mean = 0, variance = 0;
  for (const Belief& belief : beliefs) {
    if (belief.there <= 0) continue;
    mean += belief.rate.rate();
    variance += belief.rate.rate() * belief.rate.rate() / belief.rate.a;
  }
  if (mean <= 0) return {};
  const double shape = mean * mean / variance;
  return {.a = shape, .b = shape / mean};
}

std::string TextOf(int64_t interval_s) {
  if (interval_s % 86'400 == 0) return absl::StrCat(interval_s / 86'400, " d");
  if (interval_s % 3'600 == 0) return absl::StrCat(interval_s / 3'600, " h");
  return absl::StrCat(interval_s / 60, " min");
}

}  // namespace

bool ScheduleScan::Step(const ledger::Ledger& ledger) {
  const ledger::State& state = ledger.state();
  if (!begun_) Begin(state);
  const Places places(state);
  // Evaluating a channel costs more than looking at an estimate.
  constexpr int kCostMax = kPositionsPerSlice / 4;
  for (int cost = 0; cost < kCostMax && next_item_ < state.positions.item_end(); ++next_item_) {
    cost += CostOf(state, next_item_);
    Look(ledger, places, next_item_);
  }
  if (next_item_ < state.positions.item_end()) return false;
  Name(state);
  return true;
}

void ScheduleScan::Begin(const ledger::State& state) {
  begun_ = true;
  safe_sales_.resize(Cadence::kHeadroomMax + 1);
  advice_.resize(state.counters.location_end);
  for (uint32_t id = 1; id < advice_.size(); ++id) {
    const ledger::journal::Location* location = state.locations.Find(id);
    if (location == nullptr || (only_ != 0 && id != only_)) continue;
    v1::LocationSchedule& row = advice_[id].row;
    row.set_location_id(location->location_id());
    row.set_name(location->name());
    if (const ledger::LocationClock* clock = state.clocks.Find(id))
      row.set_seen_interval_s(clock->report_interval_us / kMicrosPerSecond);
  }
}

void ScheduleScan::Look(const ledger::Ledger& ledger, const Places& places, uint32_t item) {
  const ledger::State& state = ledger.state();
  const ledger::RuleBook& book = ledger.rule_book();
  const ledger::ItemTraits traits = book.TraitsOf(item);
  if (!traits.published || traits.stopped) return;
  const std::vector<Belief> beliefs = BeliefsOf(state, places, item);
  const ledger::Posterior chain_rate = RateOfChain(beliefs);
  if (chain_rate.a <= 0) return;
  const int64_t now_us = state.counters.time_us;
  for (uint32_t channel = 0; channel < ledger::RuleBook::kChannelsMax; ++channel) {
    if (!book.HasChannel(channel)) continue;
    const auto candidates = book.CandidatesOf(item, book.CategoryOf(traits),
                                              ledger::SupplyAt(traits, now_us), channel, now_us);
    const ledger::ResolvedRules rules = book.Resolve(candidates, std::nullopt);
    if (rules.zero_policy.value == v1::ZERO_POLICY_KEEP_SELLING) continue;
    ledger::Trace trace;
    const ledger::Promise promise =
        ledger::Evaluate(state, book, {.item = item, .channel = channel}, &trace);
    const bool chain_answers = book.KindOf(channel) == v1::CHANNEL_KIND_SHIP;
    const int64_t chain_headroom =
        promise.orderable ? HeadroomOf(promise.salable, rules.chain_floor.value) : 0;
    for (const ledger::LocationPart& part : trace.locations) {
      if (part.salable <= 0 || (only_ != 0 && part.location != only_)) continue;
      const auto belief = std::lower_bound(
          beliefs.begin(), beliefs.end(), part.location,
          [](const Belief& a, uint32_t location) { return a.location < location; });
      if (belief == beliefs.end() || belief->location != part.location) continue;
      if (chain_answers) {
        Add(*belief, item, chain_headroom, chain_rate);
        continue;
      }
      Add(*belief, item, HeadroomOf(part.salable, part.location_floor.value), belief->rate);
    }
  }
}

double ScheduleScan::SafeSalesOf(int64_t headroom) {
  double& sales = safe_sales_[std::min(headroom, Cadence::kHeadroomMax)];
  if (sales == 0) sales = SafeSales(std::min(headroom, Cadence::kHeadroomMax), alpha_);
  return sales;
}

void ScheduleScan::Add(const Belief& belief, uint32_t item, int64_t headroom,
                       const ledger::Posterior& rate) {
  if (headroom <= 0 || belief.location >= advice_.size()) return;
  Advice& advice = advice_[belief.location];
  advice.cadence.Add(headroom, rate, belief.rate.rate());
  if (advice.last_item != item) advice.row.set_position_count(advice.row.position_count() + 1);
  const Hurry hurry{.hours = SafeSalesOf(headroom) / rate.rate(),
                    .item = item,
                    .headroom = headroom,
                    .units_per_day = rate.rate() * kHoursOfDay};
  const auto earlier = [](const Hurry& a, const Hurry& b) { return a.hours < b.hours; };
  std::vector<Hurry>& hurries = advice.hurries;
  const auto same =
      std::find_if(hurries.begin(), hurries.end(), [&](const Hurry& h) { return h.item == item; });
  if (same == hurries.end()) {
    hurries.push_back(hurry);
  } else if (earlier(hurry, *same)) {
    *same = hurry;
  }
  advice.last_item = item;
  std::sort(hurries.begin(), hurries.end(), earlier);
  if (hurries.size() > kNamedMax) hurries.pop_back();
}

// Names need the ledger; the rest does not.
void ScheduleScan::Name(const ledger::State& state) {
  for (Advice& advice : advice_) {
    std::vector<std::string> names;
    for (const Hurry& hurry : advice.hurries) {
      const ledger::journal::Item* item = state.items.Find(hurry.item);
      if (item == nullptr) continue;
      names.push_back(absl::StrFormat("%s (%d to go, %.1f a day)", item->sku(), hurry.headroom,
                                      hurry.units_per_day));
    }
    advice.row.set_why(names.empty() ? "no sale here changes an answer: no reports needed"
                                     : absl::StrJoin(names, ", "));
  }
}

v1::AdviseScheduleResponse ScheduleScan::Take() {
  v1::AdviseScheduleResponse response;
  for (Advice& advice : advice_) {
    if (advice.row.location_id().empty()) continue;
    v1::LocationSchedule& row = *response.add_locations();
    row = std::move(advice.row);
    if (advice.cadence.empty()) continue;
    row.set_exact_interval_s(advice.cadence.LongestInterval_s(alpha_, kLatency_s));
    row.set_interval_s(SnapDown(row.exact_interval_s()));
    row.set_why(absl::StrCat("every ", TextOf(row.interval_s()), " because of ", row.why()));
  }
  std::sort(response.mutable_locations()->begin(), response.mutable_locations()->end(),
            [](const v1::LocationSchedule& a, const v1::LocationSchedule& b) {
              return a.location_id() < b.location_id();
            });
  return response;
}

}  // namespace onhand::insights
