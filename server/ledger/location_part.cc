#include "server/ledger/location_part.h"

#include <algorithm>
#include <cmath>

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

}  // namespace

int64_t WholeUnits(double units) {
  // What rounding adds to a whole number is not one more unit.
  constexpr double kRounding = 1e-9;
  return static_cast<int64_t>(std::ceil(units - kRounding));
}

void LocationJudge::JudgeFreshness(const LocationRules& rules, const Shelf& shelf,
                                   LocationNumbers& numbers) const {
  const v1::FreshnessAction action = rules.freshness_action;
  if (action == v1::FRESHNESS_ACTION_CLOSE_PICKUP &&
      asked_.channel_kind != v1::CHANNEL_KIND_PICKUP) {
    return;
  }
  const bool ever_told = shelf.known_through_us != 0;
  const int64_t until_us =
      shelf.known_through_us + int64_t{*rules.freshness_target_s.value} * kMicrosPerSecond;
  numbers.stale = !ever_told || asked_.now_us > until_us;
  if (!numbers.stale) {
    numbers.fresh_until_us = until_us;
    return;
  }
  // What was never told has no window that a buffer could grow by.
  numbers.grown = action == v1::FRESHNESS_ACTION_GROW_BUFFER && ever_told;
  numbers.counts = numbers.grown;
}

// The buffer that the location's rule asks for, before what freshness adds.
int64_t LocationJudge::OwnBuffer(const LocationRules& rules, const Shelf& shelf,
                                 LocationNumbers& numbers) const {
  const BufferRule& buffer = rules.buffer.value;
  if (shelf.available <= 0) return buffer.Bounded(0);
  switch (buffer.mode) {
    case BufferRule::Mode::kPercent:
      return buffer.Bounded(WholeUnits(static_cast<double>(shelf.available) * buffer.amount / 100));
    case BufferRule::Mode::kDays:
      return buffer.Bounded(WholeUnits(PerDayAt(rules, shelf) * buffer.amount));
    default:
      break;
  }
  // On SHIP the whole chain answers for the risk: see Fillability.
  if (asked_.channel_kind == v1::CHANNEL_KIND_SHIP) return buffer.Bounded(0);
  // p0 + (1-p0) P(N > units) <= alpha.
  const double doubt = shelf.estimates.doubt.empty;
  if (doubt >= buffer.alpha) {
    numbers.doubted = true;
    return shelf.available;
  }
  return buffer.Bounded(
      LocationBuffer(WidenedAt(rules, shelf), (buffer.alpha - doubt) / (1 - doubt)));
}

// At least what may have sold since the location told, at the risk of its buffer.
void LocationJudge::GrowBuffer(const LocationRules& rules, const Shelf& shelf,
                               LocationNumbers& numbers) const {
  numbers.withheld =
      std::max(numbers.withheld, LocationBuffer(WidenedAt(rules, shelf), rules.buffer.value.alpha));
}

double LocationJudge::FailureChanceAt(const LocationRules& rules, const Shelf& shelf,
                                      int64_t salable) const {
  return FailureChance(shelf.estimates.doubt.empty, WidenedAt(rules, shelf), RecordError{},
                       salable);
}

}  // namespace onhand::ledger
