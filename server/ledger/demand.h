// What may sell before the hub hears of it, and how much to withhold for it: the negative binomial
// forecast of a position, buffers of a location and of the chain, and the fillability rule. Pure
// functions and small values without owners or threads; a read evaluates them over a thousand
// locations, so nanoseconds count.
//
// Sources: Snyder, Ord & Beaumont 2012 (negative binomial forecasts); Wilson & Hilferty 1931 (large
// counts).
#ifndef ONHAND_SERVER_LEDGER_DEMAND_H_
#define ONHAND_SERVER_LEDGER_DEMAND_H_

#include <array>
#include <cstdint>

#include "server/ledger/velocity.h"

namespace onhand::ledger {

// Units that may sell in a window.
struct Demand {
  double mean = 0;
  double variance = 0;
};

// m = lambda x, v = m + m^2 (1/a + c). `exposure`: weighted hours of the window, >= 0.
// `overdispersion` = c: how much real hours scatter beyond a Poisson of known rate.
inline Demand Predict(const Posterior& posterior, double exposure, double overdispersion) {
  const double mean = posterior.rate() * exposure;
  return {.mean = mean, .variance = mean + mean * mean * (1 / posterior.a + overdispersion)};
}

// Windows for which the scatter of demand is learned, hours, and the risks claimed for them.
inline constexpr std::array<int, 4> kScatterHours = {2, 4, 8, 24};
inline constexpr std::array<double, 2> kScatterAlphas = {0.01, 0.05};

// What is known of those windows, for one of another length: along the logarithm of the hours, and
// not beyond the shortest and the longest.
double BetweenWindows(const std::array<double, kScatterHours.size()>& values, double hours);

// c where nothing was learned: 0.21 at 2 h and less, 0.14 at 4 h, 0.09 at 8 h, 0.075 at 24 h and
// more.
double DefaultOverdispersion(double window_hours);

// Learns c = sum[(y-m)^2 - m - m^2/a] / sum m^2 from forecasts and what came.
class OverdispersionTally {
 public:
  void Add(double sold, const Demand& forecast_without_c);
  // Drawn towards `prior` by `prior_weight` (in units of m^2, so few samples keep it there); at
  // least 0.
  double Learned(double prior, double prior_weight) const;
  // One night among many: c moves from `before` as if this tally weighed 1 in `nights`, and less
  // while it has fewer than `squares_min` of m^2; at least 0.
  double Follow(double before, double nights, double squares_min) const;

 private:
  double excess_ = 0;
  double squares_ = 0;
};

// Keeps claimed chances true. The negative binomial's far tail is thinner than that of real sales,
// so one c cannot fit both 5 % and 1 %: for each window length and alpha this learns, from what
// exceeded its buffer and what should have, a factor on the variance beyond Poisson (an adaptive
// conformal step; Gibbs & Candes 2021).
class TailCalibration {
 public:
  TailCalibration() = default;
  // Goes on with a factor that was learned before.
  explicit TailCalibration(double factor) : factor_(factor) {}

  // `exceeded`: 1 if demand exceeded the quantile, 0 if not; `claimed`: the chance the quantile
  // gave it.
  void Add(double exceeded, double claimed);
  // Takes the step: factor <- factor * exp(0.1 (exceeded - claimed) / max(claimed, 10)), within
  // [0.25, 16].
  void CloseDay();
  double factor() const { return factor_; }

 private:
  double factor_ = 1;
  double exceeded_ = 0;
  double claimed_ = 0;
};

// The demand with its variance beyond Poisson times a factor.
inline Demand Widen(const Demand& demand, double factor) {
  return {.mean = demand.mean, .variance = demand.mean + (demand.variance - demand.mean) * factor};
}

// Records that say more than is there although something is: with this chance units are missing, j
// or more of them with chance wrong * ratio^(j-1). Learned from counts. What is missing altogether
// is doubt (doubt.h), not this.
struct RecordError {
  double wrong = 0;
  double ratio = 0;
};

// The distribution of a demand: negative binomial with its mean and variance (r = m^2/(v-m)),
// Poisson where the variance does not exceed the mean. Above a mean of kExactMax it is taken as a
// gamma variable by Wilson and Hilferty, within 1 % of the standard deviation.
class DemandDistribution {
 public:
  static constexpr double kExactMax = 150;

  explicit DemandDistribution(const Demand& demand);

  // P(N > units).
  double ChanceAbove(int64_t units) const;
  // The smallest number of units with P(N > units) <= alpha. Precondition: 0 < alpha < 1.
  int64_t Quantile(double alpha) const;
  // P(N + E >= units), E the units that the record claims in error.
  double ChanceOfReaching(int64_t units, const RecordError& error) const;

 private:
  // Walks p(0), p(1), ...
  struct Walk {
    double p;  // P(N = k)
    double k = 0;
    double q;     // m/(r+m), 0 for Poisson
    double step;  // q r, the mean for Poisson
    void Next() {
      // p(k+1) = p(k) (k+r)/(k+1) m/(r+m)
      p *= (k * q + step) / (k + 1);
      k += 1;
    }
  };
  Walk Start() const;
  double LargeTail(double units) const;

  double mean_;
  double variance_;
};

// buffer_s = min{k : P(N > k) <= alpha} of one location.
inline int64_t LocationBuffer(const Demand& demand, double alpha) {
  return DemandDistribution(demand).Quantile(alpha);
}

// The demand of all locations together: means and variances add, and a chain-wide day (weather, a
// film, a rumour) adds c_c (sum of means)^2. Summed location buffers over-protect; this one does
// not.
class PooledDemand {
 public:
  static constexpr double kDefaultChainOverdispersion = 0.085;

  void Add(const Demand& demand) {
    mean_ += demand.mean;
    variance_ += demand.variance;
  }
  Demand Total(double chain_overdispersion) const {
    return {.mean = mean_, .variance = variance_ + chain_overdispersion * mean_ * mean_};
  }
  int64_t Buffer(double alpha, double chain_overdispersion = kDefaultChainOverdispersion) const {
    return DemandDistribution(Total(chain_overdispersion)).Quantile(alpha);
  }

 private:
  double mean_ = 0;
  double variance_ = 0;
};

// The chance that a location cannot fill one unit: p0 + (1-p0) P(D_W + err >= available).
// `available`: reported less committed; 1 where nothing is. `doubt` = p0.
double FailureChance(double doubt, const Demand& demand, const RecordError& error,
                     int64_t available);

// Whether an order that may try some locations finds its unit: shown if the product of the smallest
// failure chances is at most alpha.
class Fillability {
 public:
  static constexpr int kTriesMax = 8;

  // `tries` = R, 1 to kTriesMax: how many locations an order may try.
  explicit Fillability(int tries);
  void Add(double failure_chance);
  // Whether a chance that is at least this could still change anything.
  bool Matters(double failure_chance) const { return failure_chance < smallest_[tries_ - 1]; }
  // The product of the R smallest chances; 1 if no location was added.
  double ChanceOfFailing() const { return ChanceOfFailing(tries_); }
  // The same for fewer tries.
  double ChanceOfFailing(int tries) const;
  bool Shown(double alpha) const { return ChanceOfFailing() <= alpha; }

 private:
  int tries_;
  std::array<double, kTriesMax> smallest_;  // ascending
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DEMAND_H_
