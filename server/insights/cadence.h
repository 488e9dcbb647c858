// How long a location may stay silent until too many of its answers are wrong. Pure numbers; any
// thread.
//
// An answer flips when as many units as its headroom h have sold unseen: with a known rate lambda
// the longest safe interval is T = g_alpha(h)/lambda, g the alpha quantile of Gamma(h, 1); with an
// uncertain one sales are negative binomial, and T = b q/(1-q), q = BetaInv(alpha; h, a). Over a
// location: the largest T with sum w P(N(T + latency) >= h) <= alpha sum w (Cho & Garcia-Molina
// 2003 for the setting; SCIENCE part D for the headroom).
#ifndef ONHAND_SERVER_INSIGHTS_CADENCE_H_
#define ONHAND_SERVER_INSIGHTS_CADENCE_H_

#include <array>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/velocity.h"

namespace onhand::insights {

// g_alpha(h): sales that may be expected until `headroom` or more have come with a chance of
// alpha. Preconditions: headroom >= 1, 0 < alpha < 1.
double SafeSales(int64_t headroom, double alpha);

// The weighted hours after which `headroom` units or more have sold with a chance of alpha, the
// rate known as well as the posterior says.
double SafeHours(int64_t headroom, const ledger::Posterior& rate, double alpha);

// Intervals that are advised, seconds, ascending.
inline constexpr std::array<int64_t, 7> kIntervals_s = {60,     300,    900,    3'600,
                                                        14'400, 86'400, 604'800};
// The longest of them that is not above an interval; the shortest where none is.
int64_t SnapDown(double interval_s);

// The answers of one location that units could flip. Like ones are kept together, so that a
// location takes as much memory with a hundred thousand items as with a thousand.
class Cadence {
 public:
  // Beyond so many units nothing sells within a week that a coarser number would tell apart.
  static constexpr int64_t kHeadroomMax = 1'000;

  // Precondition: headroom >= 1. `weight`: how often the answer is looked at.
  void Add(int64_t headroom, const ledger::Posterior& rate, double weight);
  bool empty() const { return answers_.empty(); }

  // Share of the looks at answers that units sold in so many weighted hours have made wrong.
  double WrongShare(double hours) const;
  // The longest interval, at most a week, in seconds; 0 if even `latency_s` alone is too long.
  double LongestInterval_s(double alpha, double latency_s) const;

 private:
  struct Answers {
    double weight = 0;
    double rate = 0;  // sums, weighted
    double shape = 0;
  };
  double weight_ = 0;
  absl::flat_hash_map<uint64_t, Answers> answers_;  // by headroom and logarithm of the rate
};

}  // namespace onhand::insights

#endif  // ONHAND_SERVER_INSIGHTS_CADENCE_H_
