#include "server/ledger/learned_rates.h"

#include <algorithm>
#include <utility>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

// A chain that sells nothing for months, as one in the off season, can still rise again.
constexpr double kLevelMin = 1e-6;
// Days until rates have left it behind: earlier ones would teach weekdays how wrong it was.
constexpr int kFirstDays = 3;

double Kept(double half_life_days) { return Exp2(-1 / half_life_days); }

void TakeDay(Ratio& history, double kept, double units, double exposure) {
  history.units = history.units * kept + units;
  history.exposure = history.exposure * kept + exposure;
}

}  // namespace

LearnedRates::LearnedRates(int items, int locations, const LearningSettings& settings,
                           std::vector<Fallback> fallbacks)
    : settings_(settings),
      fallbacks_(std::move(fallbacks)),
      item_day_(items),
      location_day_(locations),
      items_(items),
      locations_(locations) {}

void LearnedRates::AddDay(int item, int location, int weekday, double units, double expected) {
  AddItemDay(item, weekday, units, expected);
  AddLocationDay(location, units, expected);
}

void LearnedRates::AddItemDay(int item, int weekday, double units, double expected) {
  item_day_[item].units += units;
  item_day_[item].exposure += expected;
  if (chain_.nights < kFirstDays) return;
  Item& part = items_[item];
  part.weekday_history[weekday].units += units;
  part.weekday_history[weekday].exposure += expected / part.weekday[weekday];
}

void LearnedRates::AddLocationDay(int location, double units, double expected) {
  location_day_[location].units += units;
  location_day_[location].exposure += expected;
}

void LearnedRates::CloseDay() {
  Ratio day;
  for (const Ratio& item : item_day_) {
    day.units += item.units;
    day.exposure += item.exposure;
  }
  if (day.exposure <= 0 || (chain_.nights == 0 && day.units <= 0)) return;
  ++chain_.nights;
  // What the whole chain did beyond expectation is no item's and no location's news. Bounded,
  // because some days expect next to nothing; but not on the first day that sells: what was
  // expected then was a guess, and the level alone must make up for it, or level, items and
  // locations would each do so and their product overshoot by orders of magnitude.
  const double ratio = day.units / day.exposure;
  const bool first_sales = chain_.history.units <= 0 && day.units > 0;
  const double day_ratio = first_sales ? ratio : std::clamp(ratio, 0.25, 4.0);
  TakeDay(chain_.history, Kept(settings_.level_half_life_days), day.units,
          day.exposure / chain_.level);
  LearnItems(day_ratio);
  LearnLocations(day_ratio);
  LearnWeekdays();
  if (chain_.history.units > 0) {
    chain_.level =
        std::clamp(chain_.history.units / chain_.history.exposure, kLevelMin, 1 / kLevelMin);
  }
}

void LearnedRates::LearnItems(double day_ratio) {
  const double kept = Kept(settings_.item_half_life_days);
  Ratio all;
  std::vector<Ratio> groups;
  for (size_t i = 0; i < items_.size(); ++i) {
    TakeDay(items_[i].history, kept, item_day_[i].units,
            item_day_[i].exposure / items_[i].rate * day_ratio);
    item_day_[i] = {};
    all.units += items_[i].history.units;
    all.exposure += items_[i].history.exposure;
    if (fallbacks_.empty() || fallbacks_[i].group < 0) continue;
    groups.resize(std::max<size_t>(groups.size(), fallbacks_[i].group + 1));
    groups[fallbacks_[i].group].units += items_[i].history.units;
    groups[fallbacks_[i].group].exposure += items_[i].history.exposure;
  }
  for (size_t i = 0; i < items_.size(); ++i) {
    std::array<Ratio, 4> nearest_first;
    size_t count = 0;
    nearest_first[count++] = items_[i].history;
    if (!fallbacks_.empty()) {
      if (fallbacks_[i].like_item >= 0)
        nearest_first[count++] = items_[fallbacks_[i].like_item].history;
      if (fallbacks_[i].group >= 0) nearest_first[count++] = groups[fallbacks_[i].group];
    }
    nearest_first[count++] = all;
    items_[i].rate = PriorRate({nearest_first.data(), count}, settings_.item_pseudo_sales, 1);
  }
}

void LearnedRates::LearnLocations(double day_ratio) {
  const double kept = Kept(settings_.location_half_life_days);
  for (size_t i = 0; i < locations_.size(); ++i) {
    TakeDay(locations_[i].history, kept, location_day_[i].units,
            location_day_[i].exposure / locations_[i].factor * day_ratio);
    location_day_[i] = {};
    locations_[i].factor =
        LocationFactor(locations_[i].history.units, locations_[i].history.exposure,
                       settings_.location_pseudo_sales);
  }
}

void LearnedRates::LearnWeekdays() {
  const double kept = Kept(settings_.weekday_half_life_days);
  for (int weekday = 0; weekday < kDaysPerWeek; ++weekday) {
    // Weekdays that all items share belong to the clocks.
    Ratio all;
    for (Item& item : items_) {
      Ratio& history = item.weekday_history[weekday];
      TakeDay(history, kept, 0, 0);
      all.units += history.units;
      all.exposure += history.exposure;
    }
    if (all.units <= 0 || all.exposure <= 0) continue;
    const double mean = all.units / all.exposure;
    for (Item& item : items_) {
      const Ratio& own = item.weekday_history[weekday];
      item.weekday[weekday] =
          LocationFactor(own.units, own.exposure * mean, settings_.weekday_pseudo_sales);
    }
  }
}

}  // namespace onhand::ledger
