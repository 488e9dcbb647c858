#include "server/ledger/learned_rates.h"

#include <algorithm>
#include <utility>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

// Before anything is known; the first day that sells replaces it.
constexpr double kFirstRate = 1e-3;
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
      item_history_(items),
      location_history_(locations),
      weekday_history_(items),
      item_rate_(items, kFirstRate),
      location_factor_(locations, 1) {
  Week even;
  even.fill(1);
  weekday_factor_.assign(items, even);
}

void LearnedRates::AddDay(int item, int location, int weekday, double units, double expected) {
  item_day_[item].units += units;
  item_day_[item].exposure += expected;
  location_day_[location].units += units;
  location_day_[location].exposure += expected;
  if (days_closed_ < kFirstDays) return;
  weekday_history_[item][weekday].units += units;
  weekday_history_[item][weekday].exposure += expected / weekday_factor_[item][weekday];
}

void LearnedRates::CloseDay() {
  Ratio day;
  for (const Ratio& item : item_day_) {
    day.units += item.units;
    day.exposure += item.exposure;
  }
  if (day.exposure <= 0) return;
  ++days_closed_;
  // What the whole chain did beyond expectation is no item's and no location's news. Bounded,
  // because the first days expect next to nothing.
  const double day_ratio = std::clamp(day.units / day.exposure, 0.25, 4.0);
  TakeDay(level_history_, Kept(settings_.level_half_life_days), day.units, day.exposure / level_);
  LearnItems(day_ratio);
  LearnLocations(day_ratio);
  LearnWeekdays();
  if (level_history_.units > 0) level_ = level_history_.units / level_history_.exposure;
}

void LearnedRates::LearnItems(double day_ratio) {
  const double kept = Kept(settings_.item_half_life_days);
  Ratio all;
  std::vector<Ratio> groups;
  for (size_t i = 0; i < item_history_.size(); ++i) {
    TakeDay(item_history_[i], kept, item_day_[i].units,
            item_day_[i].exposure / item_rate_[i] * day_ratio);
    item_day_[i] = {};
    all.units += item_history_[i].units;
    all.exposure += item_history_[i].exposure;
    if (fallbacks_.empty() || fallbacks_[i].group < 0) continue;
    groups.resize(std::max<size_t>(groups.size(), fallbacks_[i].group + 1));
    groups[fallbacks_[i].group].units += item_history_[i].units;
    groups[fallbacks_[i].group].exposure += item_history_[i].exposure;
  }
  for (size_t i = 0; i < item_rate_.size(); ++i) {
    std::array<Ratio, 4> nearest_first;
    size_t count = 0;
    nearest_first[count++] = item_history_[i];
    if (!fallbacks_.empty()) {
      if (fallbacks_[i].like_item >= 0)
        nearest_first[count++] = item_history_[fallbacks_[i].like_item];
      if (fallbacks_[i].group >= 0) nearest_first[count++] = groups[fallbacks_[i].group];
    }
    nearest_first[count++] = all;
    item_rate_[i] = PriorRate({nearest_first.data(), count}, settings_.item_pseudo_sales, 1);
  }
}

void LearnedRates::LearnLocations(double day_ratio) {
  const double kept = Kept(settings_.location_half_life_days);
  for (size_t i = 0; i < location_history_.size(); ++i) {
    TakeDay(location_history_[i], kept, location_day_[i].units,
            location_day_[i].exposure / location_factor_[i] * day_ratio);
    location_day_[i] = {};
    location_factor_[i] = LocationFactor(location_history_[i].units, location_history_[i].exposure,
                                         settings_.location_pseudo_sales);
  }
}

void LearnedRates::LearnWeekdays() {
  const double kept = Kept(settings_.weekday_half_life_days);
  for (int weekday = 0; weekday < kDaysPerWeek; ++weekday) {
    // Weekdays that all items share belong to the clocks.
    Ratio all;
    for (auto& history : weekday_history_) {
      TakeDay(history[weekday], kept, 0, 0);
      all.units += history[weekday].units;
      all.exposure += history[weekday].exposure;
    }
    if (all.units <= 0 || all.exposure <= 0) continue;
    const double mean = all.units / all.exposure;
    for (size_t i = 0; i < weekday_factor_.size(); ++i) {
      const Ratio& own = weekday_history_[i][weekday];
      weekday_factor_[i][weekday] =
          LocationFactor(own.units, own.exposure * mean, settings_.weekday_pseudo_sales);
    }
  }
}

}  // namespace onhand::ledger
