#include "server/ledger/demand.h"

#include <algorithm>
#include <cmath>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {

double BetweenWindows(const std::array<double, kScatterHours.size()>& values, double hours) {
  if (hours <= kScatterHours.front()) return values.front();
  for (size_t i = 1; i < values.size(); ++i) {
    const double low = kScatterHours[i - 1];
    const double high = kScatterHours[i];
    if (hours > high) continue;
    return values[i - 1] + Log(hours / low) / Log(high / low) * (values[i] - values[i - 1]);
  }
  return values.back();
}

double DefaultOverdispersion(double window_hours) {
  return BetweenWindows({0.21, 0.14, 0.09, 0.075}, window_hours);
}

void OverdispersionTally::Add(double sold, const Demand& forecast_without_c) {
  const double error = sold - forecast_without_c.mean;
  excess_ += error * error - forecast_without_c.variance;
  squares_ += forecast_without_c.mean * forecast_without_c.mean;
}

double OverdispersionTally::Follow(double before, double nights, double squares_min) const {
  const double weight = nights * std::max(squares_, squares_min);
  return std::max(0.0, before + (excess_ - before * squares_) / weight);
}

double OverdispersionTally::Learned(double prior, double prior_weight) const {
  if (squares_ + prior_weight <= 0) return prior;
  return std::max(0.0, (excess_ + prior * prior_weight) / (squares_ + prior_weight));
}

void TailCalibration::Add(double exceeded, double claimed) {
  exceeded_ += exceeded;
  claimed_ += claimed;
}

void TailCalibration::CloseDay() {
  constexpr double kStep = 0.1;
  // Few expected exceedances say little; without this a slow chain would swing with each of them.
  constexpr double kClaimedMin = 10;
  const double step = kStep * (exceeded_ - claimed_) / std::max(claimed_, kClaimedMin);
  factor_ = std::clamp(factor_ * Exp(std::clamp(step, -1.0, 1.0)), 0.25, 16.0);
  exceeded_ = claimed_ = 0;
}

DemandDistribution::DemandDistribution(const Demand& demand)
    : mean_(demand.mean), variance_(demand.variance) {}

DemandDistribution::Walk DemandDistribution::Start() const {
  const double excess = variance_ - mean_;
  // Below this r is so large that the two distributions agree in every digit that counts.
  if (excess <= 1e-9 * mean_) return {.p = Exp(-mean_), .q = 0, .step = mean_};
  // m/r = (v-m)/m and q = m/(r+m) = (v-m)/v, so that no quotient waits for another.
  const double mean_by_r = excess / mean_;
  const double r = mean_ / mean_by_r;
  const double q = excess / variance_;
  return {.p = Exp(-r * Log1p(mean_by_r)), .q = q, .step = q * r};
}

double DemandDistribution::LargeTail(double units) const {
  const double shape = mean_ * mean_ / variance_;
  // A half for the step from counts to a continuous variable.
  const double root = Exp2(Log2((units + 0.5) / mean_) / 3);
  return NormalUpperTail((root - 1 + 1 / (9 * shape)) * 3 * std::sqrt(shape));
}

double DemandDistribution::ChanceAbove(int64_t units) const {
  if (units < 0) return 1;
  if (mean_ <= 0) return 0;
  if (mean_ > kExactMax) return LargeTail(static_cast<double>(units));
  // Far out nothing is left that a double could tell from rounding.
  const double far = mean_ + 40 * std::sqrt(variance_) + 40;
  if (static_cast<double>(units) > far) return 0;
  Walk walk = Start();
  double below = walk.p;
  for (int64_t k = 0; k < units; ++k) {
    walk.Next();
    below += walk.p;
  }
  return std::max(0.0, 1 - below);
}

int64_t DemandDistribution::Quantile(double alpha) const {
  if (mean_ <= 0) return 0;
  if (mean_ > kExactMax) {
    const double shape = mean_ * mean_ / variance_;
    const double root = 1 - 1 / (9 * shape) + NormalUpperQuantile(alpha) / (3 * std::sqrt(shape));
    const double units = mean_ * root * root * root - 0.5;
    return units <= 0 ? 0 : static_cast<int64_t>(std::ceil(units));
  }
  const double wanted = 1 - alpha;
  const double far = mean_ + 40 * std::sqrt(variance_) + 40;
  Walk walk = Start();
  double below = walk.p;
  // The bound ends a walk that rounding keeps from ever reaching an alpha near the last digit.
  while (below < wanted && walk.k < far) {
    walk.Next();
    below += walk.p;
  }
  return static_cast<int64_t>(walk.k);
}

double DemandDistribution::ChanceOfReaching(int64_t units, const RecordError& error) const {
  // So many units hide no error worth the walk; taking fewer only adds caution.
  constexpr int64_t kWalkMax = 256;
  if (units <= 0) return 1;
  if (mean_ > kExactMax) return ChanceAbove(units - 1);
  units = std::min(units, std::max<int64_t>(kWalkMax, static_cast<int64_t>(mean_ * 4)));
  Walk walk = Start();
  // The error alone must reach units - k after k were sold: wrong * ratio^(units-k-1).
  double beyond = error.wrong *
                  (error.ratio > 0 ? Pow(error.ratio, static_cast<double>(units - 1)) : units == 1);
  const double grow = error.ratio > 0 ? 1 / error.ratio : 0;
  double below = 0, by_error = 0;
  for (int64_t k = 0; k < units; ++k) {
    below += walk.p;
    by_error += walk.p * beyond;
    walk.Next();
    beyond = error.ratio > 0 ? beyond * grow : (k + 2 == units ? error.wrong : 0);
  }
  return std::min(1.0, std::max(0.0, 1 - below) + by_error);
}

double FailureChance(double doubt, const Demand& demand, const RecordError& error,
                     int64_t available) {
  if (available <= 0) return 1;
  return doubt + (1 - doubt) * DemandDistribution(demand).ChanceOfReaching(available, error);
}

Fillability::Fillability(int tries) : tries_(std::clamp(tries, 1, kTriesMax)) { smallest_.fill(1); }

void Fillability::Add(double failure_chance) {
  if (failure_chance >= smallest_[tries_ - 1]) return;
  int at = tries_ - 1;
  while (at > 0 && smallest_[at - 1] > failure_chance) {
    smallest_[at] = smallest_[at - 1];
    --at;
  }
  smallest_[at] = failure_chance;
}

double Fillability::ChanceOfFailing(int tries) const {
  double product = 1;
  for (int i = 0; i < std::min(tries, tries_); ++i) product *= smallest_[i];
  return product;
}

}  // namespace onhand::ledger
