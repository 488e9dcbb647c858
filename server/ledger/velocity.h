// How fast a position sells: a gamma-Poisson rate that forgets, in units per weighted hour of the
// location's clock (store_clock.h). The state is three numbers of four bytes beside the position;
// each event costs O(1) and depends on nothing but the state and the event. Values without owners
// or threads.
//
// Exposure is told in expected units: weighted hours in stock times the rate expected of the
// position at that time (learned_rates.h). So S/E is how much better than expected the position
// sells; a rise of the whole chain or of the item reaches every position at once, and the
// position's own part may have a long memory.
//
// Sources: Harvey & Fernandes 1989 (discounted gamma-Poisson); Snyder, Ord & Beaumont 2012
// (negative binomial smoothing of intermittent demand).
#ifndef ONHAND_SERVER_LEDGER_VELOCITY_H_
#define ONHAND_SERVER_LEDGER_VELOCITY_H_

#include <cstdint>

#include "absl/types/span.h"
#include "server/ledger/exact_math.h"

namespace onhand::ledger {

// S, E and t of one position.
struct Velocity {
  float sold = 0;      // S: units sold, each worth half as much per half-life gone by
  float exposure = 0;  // E: units expected while in stock, forgotten alike
  uint32_t at_s = 0;   // t: seconds since the epoch up to which both are told; 0: nothing known yet
  friend bool operator==(const Velocity&, const Velocity&) = default;
};

// Halves per half-life. `elapsed_s` >= 0.
double Discount(double elapsed_s, double half_life_s);

// Brings the state to `at_s`: d = 2^(-Dt/H), S <- d S, E <- d E + (Dx/Dt)(1-d) H/ln 2, where Dx =
// `expected` are the units expected while in stock since the state's moment (times 1 - p0, see
// doubt.h), so that S/E tends to sold over expected whatever the intervals between events. An
// `at_s` not after the state's changes nothing; the first one only sets the moment.
void Advance(Velocity& velocity, uint32_t at_s, double expected, double half_life_s);

// Takes a sale of `units` at `at_s`; Advance to it first. An event before the state's moment counts
// what it would count by now: S <- S + q 2^(-(t-at)/H); neither E nor t moves. A void is a sale of
// negative units.
void AddSale(Velocity& velocity, uint32_t at_s, double units, double half_life_s);

// A ratio of sums: units sold over weighted hours (or over units expected), both discounted.
struct Ratio {
  double units = 0;
  double exposure = 0;
};

// The rate to expect of a position before its own history says otherwise, in units per weighted
// hour: (rate of the nearest that has history) x (the location's factor). `nearest_first`: the item
// over the chain, then its like_sku, parent and category; each leans on the next by `pseudo_sales`,
// so that nothing jumps as history grows. At least 1e-7, so that a posterior always exists.
double PriorRate(absl::Span<const Ratio> nearest_first, double pseudo_sales,
                 double location_factor);

// The location's factor: units sold over units expected from the chain's rates alone, drawn towards
// 1 by `pseudo_sales`.
double LocationFactor(double units, double expected_units, double pseudo_sales);

// What is known about a position's rate: gamma with shape a and rate b.
struct Posterior {
  double a = 0;
  double b = 1;                          // weighted hours
  double rate() const { return a / b; }  // lambda, units per weighted hour
};

// a = n0 + S, b = (n0 + E)/mu. `prior_sales` = n0 > 0; `expected_rate` = mu > 0, units per weighted
// hour, as of now.
Posterior PosteriorOf(const Velocity& velocity, double prior_sales, double expected_rate);

// The posterior as of a moment not before the state's, without changing the state: what Advance
// would make of `expected`, in double precision. For reads over many positions;
// `inverse_half_life_per_s` = 1/H.
inline Posterior PosteriorAt(const Velocity& velocity, uint32_t at_s, double expected,
                             double inverse_half_life_per_s, double prior_sales,
                             double expected_rate) {
  constexpr double kLn2 = 0.69314718055994530942;
  const double half_lives = static_cast<double>(at_s - velocity.at_s) * inverse_half_life_per_s;
  const double d = Exp2(-half_lives);
  // The small term keeps 0/0 away; nothing is expected of no time.
  const double kept = (1 - d) / ((half_lives + 1e-12) * kLn2);
  return {.a = prior_sales + d * velocity.sold,
          .b = (prior_sales + d * velocity.exposure + kept * expected) / expected_rate};
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_VELOCITY_H_
