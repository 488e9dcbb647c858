#include "server/ledger/store_clock.h"

#include <algorithm>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecondsPerDay = kHoursPerDay * kSecondsPerHour;
constexpr int64_t kSecondsPerWeek = kHoursPerWeek * kSecondsPerHour;
// 1 January 1970 was a Thursday: three days into its week.
constexpr int64_t kEpochInWeek_s = 3 * kSecondsPerDay;

int64_t FloorDiv(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

}  // namespace

StoreClock::StoreClock()
    : StoreClock(
          [] {
            WeekWeights even;
            even.fill(1);
            return even;
          }(),
          {}, {}) {}

StoreClock::StoreClock(const WeekWeights& weights, absl::Span<const OffsetTransition> transitions,
                       absl::Span<const int64_t> dead_hours_s)
    : weights_(weights),
      transitions_(transitions.begin(), transitions.end()),
      dead_hours_s_(dead_hours_s.begin(), dead_hours_s.end()) {
  before_[0] = 0;
  for (int hour = 0; hour < kHoursPerWeek; ++hour)
    before_[hour + 1] = before_[hour] + weights_[hour];

  // Putting the clocks forward must not add the hour that never was, nor putting them back lose one
  // that was twice.
  double skipped = 0;
  for (size_t i = 0; i < transitions_.size(); ++i) {
    if (i > 0) {
      const int64_t at_s = transitions_[i].at_s;
      skipped += LocalReading(at_s + transitions_[i].offset_s) -
                 LocalReading(at_s + transitions_[i - 1].offset_s);
    }
    skipped_.push_back(skipped);
  }
  double dead = 0;
  for (const int64_t hour_s : dead_hours_s_) {
    dead_before_.push_back(dead);
    dead += weights_[HourOfWeek(hour_s)];
  }
  dead_before_.push_back(dead);
}

int32_t StoreClock::OffsetAt(int64_t at_s) const {
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), at_s,
                       [](int64_t at, const OffsetTransition& t) { return at < t.at_s; });
  if (transitions_.empty()) return 0;
  return next == transitions_.begin() ? next->offset_s : (next - 1)->offset_s;
}

int StoreClock::HourOfWeek(int64_t at_s) const {
  const int64_t in_week_s = at_s + OffsetAt(at_s) + kEpochInWeek_s;
  return static_cast<int>(FloorDiv(in_week_s, kSecondsPerHour) -
                          FloorDiv(in_week_s, kSecondsPerWeek) * kHoursPerWeek);
}

int64_t StoreClock::DayStart(int64_t at_s) const {
  const int64_t offset_s = OffsetAt(at_s);
  return FloorDiv(at_s + offset_s, kSecondsPerDay) * kSecondsPerDay - offset_s;
}

double StoreClock::LocalReading(int64_t local_s) const {
  const int64_t week = FloorDiv(local_s + kEpochInWeek_s, kSecondsPerWeek);
  const int64_t in_week_s = local_s + kEpochInWeek_s - week * kSecondsPerWeek;
  const int64_t hour = in_week_s / kSecondsPerHour;
  return static_cast<double>(week) * before_[kHoursPerWeek] + before_[hour] +
         static_cast<double>(in_week_s % kSecondsPerHour) / kSecondsPerHour * weights_[hour];
}

double StoreClock::Reading(int64_t at_s) const {
  double reading = 0;
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), at_s,
                       [](int64_t at, const OffsetTransition& t) { return at < t.at_s; });
  if (transitions_.empty()) {
    reading = LocalReading(at_s);
  } else {
    const size_t index = next == transitions_.begin() ? 0 : next - transitions_.begin() - 1;
    reading = LocalReading(at_s + transitions_[index].offset_s) - skipped_[index];
  }
  if (dead_hours_s_.empty()) return reading;
  const size_t dead =
      std::upper_bound(dead_hours_s_.begin(), dead_hours_s_.end(), at_s) - dead_hours_s_.begin();
  if (dead == 0) return reading;
  // The newest dead hour may not have passed yet.
  const int64_t last_s = dead_hours_s_[dead - 1];
  const int64_t spent_s = std::min(at_s - last_s, kSecondsPerHour);
  return reading - dead_before_[dead - 1] -
         static_cast<double>(spent_s) / kSecondsPerHour * weights_[HourOfWeek(last_s)];
}

void ClockTally::Add(int hour_of_week, double units, double rate_in_stock) {
  units_[hour_of_week] += units;
  rate_[hour_of_week] += rate_in_stock;
}

void ClockTally::Decay(double factor) {
  for (double& units : units_) units *= factor;
  for (double& rate : rate_) rate *= factor;
}

void ClockTally::Merge(const ClockTally& other) {
  for (int hour = 0; hour < kHoursPerWeek; ++hour) Add(hour, other.units_[hour], other.rate_[hour]);
}

WeekWeights LearnWeights(const ClockTally& location, const ClockTally& chain, double prior_units) {
  constexpr double kTiny = 1e-9;
  std::array<double, kHoursPerDay> units{}, rate{}, chain_units{}, chain_rate{};
  double all_units = 0, all_rate = 0, chain_all_units = 0, chain_all_rate = 0;
  for (int hour = 0; hour < kHoursPerWeek; ++hour) {
    units[hour % kHoursPerDay] += location.units(hour);
    rate[hour % kHoursPerDay] += location.rate(hour);
    chain_units[hour % kHoursPerDay] += chain.units(hour);
    chain_rate[hour % kHoursPerDay] += chain.rate(hour);
    all_units += location.units(hour);
    all_rate += location.rate(hour);
    chain_all_units += chain.units(hour);
    chain_all_rate += chain.rate(hour);
  }
  WeekWeights weights;
  weights.fill(1);
  if (chain_all_units <= 0 || chain_all_rate <= 0) return weights;

  // Each level leans on the one above it by as many pseudo-sales: chain's hour of the day,
  // location's hour of the day, location's hour of the week.
  const double chain_mean = chain_all_units / chain_all_rate;
  const double mean = all_rate > 0 && all_units > 0 ? all_units / all_rate : chain_mean;
  std::array<double, kHoursPerWeek> exact;
  double sum = 0;
  for (int hour = 0; hour < kHoursPerWeek; ++hour) {
    const int of_day = hour % kHoursPerDay;
    const double chain_day =
        (chain_units[of_day] + kTiny) / (chain_rate[of_day] + kTiny / chain_mean);
    const double chain_week = (chain.units(hour) + prior_units) /
                              (chain.rate(hour) + prior_units / std::max(chain_day, kTiny));
    const double own_prior = mean * chain_day / chain_mean;
    const double own_day =
        (units[of_day] + prior_units) / (rate[of_day] + prior_units / std::max(own_prior, kTiny));
    const double prior = own_day * chain_week / std::max(chain_day, kTiny);
    exact[hour] = (location.units(hour) + prior_units) /
                  (location.rate(hour) + prior_units / std::max(prior, kTiny));
    sum += exact[hour];
  }
  for (int hour = 0; hour < kHoursPerWeek; ++hour) {
    weights[hour] = static_cast<float>(exact[hour] * kHoursPerWeek / sum);
  }
  return weights;
}

bool IsDead(double expected_units, double overdispersion) {
  constexpr double kOneInAMillion = 1e-6;
  // P(0) of a negative binomial with variance m + c m^2.
  const double log_none = overdispersion > 0
                              ? -Log1p(overdispersion * expected_units) / overdispersion
                              : -expected_units;
  return log_none < Log(kOneInAMillion);
}

}  // namespace onhand::ledger
