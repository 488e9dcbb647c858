// What all positions together teach each one: the chain's level, every item's rate and weekdays,
// every location's factor. The leader runs it nightly over all positions, silent ones included, and
// journals what it learned; apply only reads the result. Owned by whoever learns; one thread.
//
// The expected rate of a position is level x item x location, in units per weighted hour
// (store_clock.h), times the item's factor for the weekday. Each part is a ratio of discounted
// sums, sold over expected, and learns only what the parts above it leave over: a good day of the
// whole chain moves the level, not every item and location with it.
#ifndef ONHAND_SERVER_LEDGER_LEARNED_RATES_H_
#define ONHAND_SERVER_LEDGER_LEARNED_RATES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "server/ledger/velocity.h"

namespace onhand::ledger {

// Half-lives in days, pseudo-sales in units. The defaults are those that `./run evaluate` measures.
struct LearningSettings {
  double level_half_life_days = 1.5;
  double item_half_life_days = 4;
  double item_pseudo_sales = 1;
  double location_half_life_days = 7;
  double location_pseudo_sales = 100;
  double weekday_half_life_days = 40;
  double weekday_pseudo_sales = 100;
};

inline constexpr int kDaysPerWeek = 7;

class LearnedRates {
 public:
  // Where an item without history looks: another item named like it, then its group (parent or
  // category). -1: none.
  struct Fallback {
    int like_item = -1;
    int group = -1;
  };

  // `fallbacks`: by item, or empty.
  LearnedRates(int items, int locations, const LearningSettings& settings,
               std::vector<Fallback> fallbacks = {});

  // One position's day: units sold while the record said in stock (not those that fulfil the hub's
  // own orders), and what was expected of those hours by the position's rate at the day's start.
  // `weekday`: 0 to 6.
  void AddDay(int item, int location, int weekday, double units, double expected);
  // Learns from the days added since the last call.
  void CloseDay();

  // mu: units per weighted hour.
  double Expected(int item, int location) const {
    return level_ * item_rate_[item] * location_factor_[location];
  }
  double WeekdayFactor(int item, int weekday) const { return weekday_factor_[item][weekday]; }

 private:
  using Week = std::array<double, kDaysPerWeek>;

  void LearnItems(double day_ratio);
  void LearnLocations(double day_ratio);
  void LearnWeekdays();

  LearningSettings settings_;
  std::vector<Fallback> fallbacks_;

  int days_closed_ = 0;
  // Since the last CloseDay: units, and what was expected of them.
  std::vector<Ratio> item_day_;
  std::vector<Ratio> location_day_;

  // Discounted: units, and what was expected but for the part learned here.
  Ratio level_history_;
  std::vector<Ratio> item_history_;
  std::vector<Ratio> location_history_;
  std::vector<std::array<Ratio, kDaysPerWeek>> weekday_history_;

  double level_ = 1;
  std::vector<double> item_rate_;
  std::vector<double> location_factor_;
  std::vector<Week> weekday_factor_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEARNED_RATES_H_
