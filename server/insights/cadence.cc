#include "server/insights/cadence.h"

#include <algorithm>
#include <cmath>

#include "server/ledger/demand.h"

namespace onhand::insights {
namespace {

constexpr double kSecondsPerHour = 3'600;
constexpr double kWeek_s = 604'800;
constexpr int kBisections = 60;

// P(N >= headroom).
double ChanceOfReaching(int64_t headroom, double mean, double variance) {
  return ledger::DemandDistribution({.mean = mean, .variance = variance}).ChanceAbove(headroom - 1);
}

// The greatest x in [0, high] at which a rising chance is at most alpha.
template <class Chance>
double Bisect(double high, double alpha, Chance chance) {
  double low = 0;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (chance(middle) <= alpha ? low : high) = middle;
  }
  return low;
}

// A range in which the answer lies: sales beyond twice the headroom leave no doubt.
double SalesBeyond(int64_t headroom) { return 2 * static_cast<double>(headroom) + 50; }

}  // namespace

double SafeSales(int64_t headroom, double alpha) {
  return Bisect(SalesBeyond(headroom), alpha,
                [&](double sales) { return ChanceOfReaching(headroom, sales, sales); });
}

double SafeHours(int64_t headroom, const ledger::Posterior& rate, double alpha) {
  // With an uncertain rate the range may end later: widen it until it holds the answer.
  double high = SalesBeyond(headroom) / rate.rate();
  const auto chance = [&](double hours) {
    const ledger::Demand demand = ledger::Predict(rate, hours, 0);
    return ChanceOfReaching(headroom, demand.mean, demand.variance);
  };
  while (chance(high) <= alpha) high *= 2;
  return Bisect(high, alpha, chance);
}

int64_t SnapDown(double interval_s) {
  int64_t snapped = kIntervals_s.front();
  for (const int64_t interval : kIntervals_s) {
    if (static_cast<double>(interval) <= interval_s) snapped = interval;
  }
  return snapped;
}

void Cadence::Add(int64_t headroom, const ledger::Posterior& rate, double weight) {
  constexpr double kBinsPerOctave = 8;
  const int64_t units = std::clamp<int64_t>(headroom, 1, kHeadroomMax);
  const auto bin = static_cast<int32_t>(std::floor(std::log2(rate.rate()) * kBinsPerOctave));
  Answers& answers = answers_[static_cast<uint64_t>(units) << 32 | static_cast<uint32_t>(bin)];
  answers.weight += weight;
  answers.rate += weight * rate.rate();
  answers.shape += weight * rate.a;
  weight_ += weight;
}

double Cadence::WrongShare(double hours) const {
  if (weight_ <= 0) return 0;
  double wrong = 0;
  for (const auto& [key, answers] : answers_) {
    const double mean = answers.rate / answers.weight * hours;
    const double shape = answers.shape / answers.weight;
    wrong += answers.weight *
             ChanceOfReaching(static_cast<int64_t>(key >> 32), mean, mean + mean * mean / shape);
  }
  return wrong / weight_;
}

double Cadence::LongestInterval_s(double alpha, double latency_s) const {
  const auto wrong = [&](double interval_s) {
    return WrongShare((interval_s + latency_s) / kSecondsPerHour);
  };
  if (wrong(kWeek_s) <= alpha) return kWeek_s;
  if (wrong(0) > alpha) return 0;
  // To a second: finer steps than anybody reports in.
  double low = 0, high = kWeek_s;
  while (high - low > 1) {
    const double middle = (low + high) / 2;
    (wrong(middle) <= alpha ? low : high) = middle;
  }
  return low;
}

}  // namespace onhand::insights
