#include "server/ledger/stale_items.h"

#include <algorithm>
#include <utility>

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

}  // namespace

void StaleItems::Note(const State& state, const RuleBook& book, const Question& question) {
  Trace trace;
  Evaluate(state, book, question, &trace);
  for (const LocationPart& part : trace.locations) {
    if (!part.stale) continue;
    Stale& stale = by_location_[part.location];
    stale.items.insert(question.item);
    stale.target_us_max =
        std::max(stale.target_us_max, int64_t{part.freshness_target_s} * kMicrosPerSecond);
  }
}

void StaleItems::Release(const State& state, uint32_t location,
                         absl::FunctionRef<void(uint32_t item)> visit) {
  const auto found = by_location_.find(location);
  if (found == by_location_.end()) return;
  const LocationClock* clock = state.clocks.Find(location);
  const int64_t known_through_us = clock == nullptr ? 0 : clock->KnownThrough();
  if (known_through_us + found->second.target_us_max < state.counters.time_us) return;
  const absl::flat_hash_set<uint32_t> items = std::move(found->second.items);
  by_location_.erase(found);
  for (const uint32_t item : items) visit(item);
}

}  // namespace onhand::ledger
