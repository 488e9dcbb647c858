// Elementary functions that give the same bits on every machine: only + - * / on doubles and bit
// operations in a fixed order, no libm (whose last bits differ between versions), compiled with
// -ffp-contract=off. What apply computes with them can be replayed. Pure functions, any thread.
#ifndef ONHAND_SERVER_LEDGER_EXACT_MATH_H_
#define ONHAND_SERVER_LEDGER_EXACT_MATH_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace onhand::ledger {

// 2^x. Relative error below 4e-16 * (1 + |x| / 1000). Below -1022 the smallest normal double, above
// 1023 2^1023; never zero, infinite or subnormal. Precondition: x is a number. Selects, but does
// not branch.
inline double Exp2(double x) {
  x = std::min(1023.0, std::max(-1022.0, x));
  // Adding 1.5 * 2^52 leaves the nearest whole number in the low bits.
  constexpr double kShift = 6755399441055744.0;
  const double shifted = x + kShift;
  const double u = (x - (shifted - kShift)) * 0.69314718055994530942;
  // Taylor's series of e^u on |u| <= 0.3466: the first term left out is below 5e-18. Two chains,
  // for speed.
  const double u2 = u * u;
  const double even =
      1.0 +
      u2 * (1.0 / 2 +
            u2 * (1.0 / 24 +
                  u2 * (1.0 / 720 + u2 * (1.0 / 40320 + u2 * (1.0 / 3628800 + u2 / 479001600)))));
  const double odd =
      1.0 +
      u2 * (1.0 / 6 +
            u2 * (1.0 / 120 + u2 * (1.0 / 5040 + u2 * (1.0 / 362880 +
                                                       u2 * (1.0 / 39916800 + u2 / 6227020800)))));
  const uint64_t whole = std::bit_cast<uint64_t>(shifted);
  return (even + u * odd) * std::bit_cast<double>((whole + 1023) << 52);
}

// e^x. Relative error below 4e-16 * (1 + |x|); the same limits as Exp2.
inline double Exp(double x) { return Exp2(x * 1.44269504088896340736); }

// Natural logarithm. Absolute error below 1e-15 + 3e-16 |result|. Precondition: x is a normal
// positive double.
double Log(double x);

// Logarithm to base 2. Absolute error below 1e-15 + 4e-16 |result|. Precondition: as for Log.
double Log2(double x);

// log(1 + x). Relative error below 1e-14. Precondition: x > -1.
double Log1p(double x);

// x^y = 2^(y log2 x). Relative error below 1e-15 * (1 + |y log2 x|). Precondition: x > 0.
double Pow(double x, double y);

// Logarithm of the gamma function (Stirling's series after shifting up; Abramowitz &
// Stegun 6.1.41). Absolute error below 1e-13 + 1e-15 |result|. Precondition: 0 < x < 1e15.
double LogGamma(double x);

// The z for which a standard normal variable exceeds it with this probability (Acklam's rational
// approximation). Absolute error below 1e-8 * (1 + |z|). Precondition: 0 < probability < 1.
double NormalUpperQuantile(double probability);

// The probability that a standard normal variable exceeds z (Abramowitz & Stegun 26.2.17). Absolute
// error below 1e-7.
double NormalUpperTail(double z);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_EXACT_MATH_H_
