// What may sell of an item at a location before the hub hears of it, as reads ask it: the
// location's window beside its other traits, the chain's scatter as a table, and one item's rates
// over many locations. Pure values without owners or threads; a read asks it a thousand times, so
// nanoseconds count.
//
// A position's state is taken as of its last event or last night: a read does not advance it, which
// would cost more than the hours of silence since then say.
#ifndef ONHAND_SERVER_LEDGER_FORECAST_H_
#define ONHAND_SERVER_LEDGER_FORECAST_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/demand.h"
#include "server/ledger/estimates.h"
#include "server/ledger/learned.h"
#include "server/ledger/positions.h"

namespace onhand::ledger {

// Of one location, on its own clock.
struct ForecastWindow {
  float hours = 0;       // weighted ones since it told everything; 0: it never did
  float weight_now = 1;  // the greater weight of this hour and the next
  float factor = 1;      // on the rates expected of its positions
  uint8_t weekday = 0;   // 0: Monday
};

// The window from `told_through_us` (0: never told) to `until_us`, at the moment `now_us`.
ForecastWindow WindowOf(const LocationLearning& location, int64_t told_through_us, int64_t now_us,
                        int64_t until_us);

// How much sales scatter beyond a Poisson of known rate, by the weighted hours of a window: as the
// chain learned it, or the defaults of demand.h. Every eighth of an hour to 24 h is worked out
// beforehand, because a logarithm a location would cost more than all the rest.
class Scatter {
 public:
  Scatter() : Scatter(journal::LearnedChain()) {}
  explicit Scatter(const journal::LearnedChain& chain);

  // c of Predict.
  double Overdispersion(double hours) const { return At(hours, 0); }
  // The factor of Widen at a risk, told by its place between 1 % (0) and 5 % (1).
  double TailFactor(double hours, double tail_share) const {
    return At(hours, 1) * (1 - tail_share) + At(hours, 2) * tail_share;
  }
  // c_c of PooledDemand.
  double chain_overdispersion() const { return chain_overdispersion_; }

 private:
  static constexpr int kRowsPerHour = 8;
  static constexpr int kHours = 24;
  double At(double hours, int column) const {
    const double row = std::min<double>(hours, kHours) * kRowsPerHour;
    const int above = static_cast<int>(row);
    const double low = rows_[above][column];
    return low + (row - above) * (rows_[above + 1][column] - low);
  }

  std::array<std::array<float, 3>, kHours * kRowsPerHour + 2> rows_;
  double chain_overdispersion_;
};

// Where a risk lies between 1 % (0) and 5 % (1), along its logarithm and not beyond them.
double TailShareOf(double alpha);

// One item's rates at any location.
class ItemForecast {
 public:
  ItemForecast(const ItemLearning& item, const Scatter& scatter) : item_(item), scatter_(scatter) {}

  // Units on an average day (24 weighted hours) at present velocity.
  double PerDay(const ForecastWindow& window, const Estimates& estimates,
                double demand_factor) const {
    return kHoursPerDay * Rate(window, estimates) * demand_factor;
  }
  // What may sell in the window and in `more_hours` at its present weight.
  Demand In(const ForecastWindow& window, double more_hours, const Estimates& estimates,
            double demand_factor) const {
    const double hours = HoursOf(window, more_hours);
    const double mean =
        Rate(window, estimates) * item_.weekday[window.weekday] * demand_factor * hours;
    const double a = kPriorSales + estimates.velocity.sold;
    return {.mean = mean,
            .variance = mean + mean * mean * (1 / a + scatter_.Overdispersion(hours))};
  }
  // The same with a tail that keeps the chance of a quantile true.
  Demand Widened(const ForecastWindow& window, double more_hours, const Estimates& estimates,
                 double demand_factor, double tail_share) const {
    return Widen(In(window, more_hours, estimates, demand_factor),
                 scatter_.TailFactor(HoursOf(window, more_hours), tail_share));
  }
  double chain_overdispersion() const { return scatter_.chain_overdispersion(); }

 private:
  static double HoursOf(const ForecastWindow& window, double more_hours) {
    return window.hours + window.weight_now * more_hours;
  }
  // lambda of RateOf with one division: mu (n0 + S)/(n0 + E).
  double Rate(const ForecastWindow& window, const Estimates& estimates) const {
    return item_.rate * window.factor * (kPriorSales + estimates.velocity.sold) /
           (kPriorSales + estimates.velocity.exposure);
  }

  const ItemLearning& item_;
  const Scatter& scatter_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_FORECAST_H_
