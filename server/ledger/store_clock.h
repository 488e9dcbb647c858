// A location's own clock: how much of an average hour's selling each hour of its week holds (168
// weights with mean 1, local time). Exposure is time on this clock: nights and closed Sundays count
// for nothing, so no rate decays and no shelf is doubted while nobody can buy. Values without
// owners or threads; learned nightly, journaled as bits.
#ifndef ONHAND_SERVER_LEDGER_STORE_CLOCK_H_
#define ONHAND_SERVER_LEDGER_STORE_CLOCK_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace onhand::ledger {

inline constexpr int kHoursPerDay = 24;
inline constexpr int kHoursPerWeek = 168;
inline constexpr int64_t kSecondsPerHour = 3600;

// From this moment on, local time is UTC plus this offset. Times are seconds since the epoch.
struct OffsetTransition {
  int64_t at_s = 0;
  int32_t offset_s = 0;
  friend bool operator==(const OffsetTransition&, const OffsetTransition&) = default;
};

using WeekWeights = std::array<float, kHoursPerWeek>;  // Monday 00:00 first

class StoreClock {
 public:
  // Every hour weighs 1, at UTC.
  StoreClock();
  // Preconditions: weights >= 0; transitions and dead hours ascending. The first offset also holds
  // before its moment. A dead hour is the start, in seconds, of an hour that carries no exposure
  // whatever its weight.
  StoreClock(const WeekWeights& weights, absl::Span<const OffsetTransition> transitions,
             absl::Span<const int64_t> dead_hours_s);

  // Weighted hours between two moments; negative if they are in the other order. Constant time but
  // for a binary search among the transitions and the dead hours between them.
  double Exposure(int64_t from_s, int64_t to_s) const { return Reading(to_s) - Reading(from_s); }

  // The hour of the local week that contains a moment: 0 is Monday from midnight to one.
  int HourOfWeek(int64_t at_s) const;
  // Local midnight at or before a moment.
  int64_t DayStart(int64_t at_s) const;
  float weight(int hour_of_week) const { return weights_[hour_of_week]; }

 private:
  int32_t OffsetAt(int64_t at_s) const;
  // Weighted hours since a fixed moment, dead hours and offset changes taken out.
  double Reading(int64_t at_s) const;
  double LocalReading(int64_t local_s) const;

  WeekWeights weights_;
  std::array<double, kHoursPerWeek + 1> before_;  // weight of the week before each hour
  std::vector<OffsetTransition> transitions_;
  std::vector<double>
      skipped_;  // by transition: local exposure that the change of offset itself made up
  std::vector<int64_t> dead_hours_s_;
  std::vector<double> dead_before_;  // by dead hour: exposure of all before it
};

// What one location and hour of the week sold from positions that had stock, against what those
// positions' rates stood for. A ratio of the two is free of the evening hours in which sold-out
// shelves could not sell.
class ClockTally {
 public:
  // `rate_in_stock`: sum of lambda (units per weighted hour) over the positions in stock during the
  // hour.
  void Add(int hour_of_week, double units, double rate_in_stock);
  // Forgets: everything so far counts this much of what it did.
  void Decay(double factor);
  // Adds another tally, for that of the chain.
  void Merge(const ClockTally& other);

  double units(int hour_of_week) const { return units_[hour_of_week]; }
  double rate(int hour_of_week) const { return rate_[hour_of_week]; }

 private:
  std::array<double, kHoursPerWeek> units_{};
  std::array<double, kHoursPerWeek> rate_{};
};

// The 168 weights of a location, mean 1: its own ratio of units to rate in each hour, drawn towards
// (its ratio in that hour of the day) x (the chain's ratio in that hour of the week / in that hour
// of the day), which counts like `prior_units` sales an hour. Without any sales, all weights are 1.
WeekWeights LearnWeights(const ClockTally& location, const ClockTally& chain, double prior_units);

// Whether an hour or a run of hours in which a location sold nothing at all was dead (holiday,
// power cut): the chance of no sale, with overdispersion c, is below one in a million.
bool IsDead(double expected_units, double overdispersion);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_STORE_CLOCK_H_
