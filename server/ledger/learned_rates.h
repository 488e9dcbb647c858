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
  using Week = std::array<double, kDaysPerWeek>;

  // Where an item without history looks: another item named like it, then its group (parent or
  // category). -1: none.
  struct Fallback {
    int like_item = -1;
    int group = -1;
  };
  // The chain's part.
  struct Chain {
    int nights = 0;    // days closed
    double level = 1;  // factor on all expected rates
    Ratio history;     // what taught it; histories are discounted
  };
  // An item's part. It starts with a guess, which the first day that sells replaces.
  struct Item {
    double rate = 1e-3;  // units per weighted hour at a location of factor 1 and a level of 1
    Ratio history;       // units, and what was expected of them but for the rate
    Week weekday = {1, 1, 1, 1, 1, 1, 1};
    std::array<Ratio, kDaysPerWeek> weekday_history{};  // likewise, but for the weekday
  };
  // A location's part.
  struct Location {
    double factor = 1;
    Ratio history;  // units, and what was expected of them but for the factor
  };

  // `fallbacks`: by item, or empty.
  LearnedRates(int items, int locations, const LearningSettings& settings,
               std::vector<Fallback> fallbacks = {});

  // Goes on where earlier nights ended, part by part; before the first day is added.
  void Restore(const Chain& chain) { chain_ = chain; }
  void RestoreItem(int item, const Item& part) { items_[item] = part; }
  void RestoreLocation(int location, const Location& part) { locations_[location] = part; }

  // One position's day: units sold while the record said in stock (not those that fulfil the hub's
  // own orders), and what was expected of those hours by the position's rate at the day's start.
  // `weekday`: 0 to 6.
  void AddDay(int item, int location, int weekday, double units, double expected);
  // The same where only the sums are known: an item's day over all locations, and a location's day
  // over all items. Both must tell the same units in all.
  void AddItemDay(int item, int weekday, double units, double expected);
  void AddLocationDay(int location, double units, double expected);
  // Learns from the days added since the last call.
  void CloseDay();

  // mu: units per weighted hour.
  double Expected(int item, int location) const {
    return chain_.level * items_[item].rate * locations_[location].factor;
  }
  double WeekdayFactor(int item, int weekday) const { return items_[item].weekday[weekday]; }

  const Chain& chain() const { return chain_; }
  const Item& item(int item) const { return items_[item]; }
  const Location& location(int location) const { return locations_[location]; }

 private:
  void LearnItems(double day_ratio);
  void LearnLocations(double day_ratio);
  void LearnWeekdays();

  LearningSettings settings_;
  std::vector<Fallback> fallbacks_;

  // Since the last CloseDay: units, and what was expected of them.
  std::vector<Ratio> item_day_;
  std::vector<Ratio> location_day_;

  Chain chain_;
  std::vector<Item> items_;
  std::vector<Location> locations_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEARNED_RATES_H_
