#include "server/ledger/exact_math.h"

#include <cmath>

namespace onhand::ledger {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

// x = 2^exponent * m with m in [sqrt(1/2), sqrt(2)), and log m by the series of atanh:
// log m = 2 (s + s^3/3 + s^5/5 + ...), s = (m-1)/(m+1), |s| <= 0.1716.
struct Split {
  double exponent;
  double log_mantissa;
};

double LogOfMantissa(double numerator, double denominator) {
  const double s = numerator / denominator;
  const double z = s * s;
  // Spelled out, or each term would cost a division.
  constexpr double kTerms[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                               1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
  double sum = 1.0 / 23;
  for (const double term : kTerms) sum = sum * z + term;
  return 2 * s * (1 + z * sum);
}

Split SplitLog(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdULL;
  const int64_t exponent = static_cast<int64_t>(bits - kSqrtHalf) >> 52;
  const double m = std::bit_cast<double>(bits - (static_cast<uint64_t>(exponent) << 52));
  return {.exponent = static_cast<double>(exponent), .log_mantissa = LogOfMantissa(m - 1, m + 1)};
}

}  // namespace

double Log(double x) {
  const Split split = SplitLog(x);
  return split.exponent * kLn2 + split.log_mantissa;
}

double Log2(double x) {
  const Split split = SplitLog(x);
  return split.exponent + split.log_mantissa * 1.44269504088896340736;
}

double Log1p(double x) {
  // Near zero 1 + x would lose the digits of x that matter: the series takes x itself.
  if (x > -0.25 && x < 0.35) return LogOfMantissa(x, 2 + x);
  return Log(1 + x);
}

double Pow(double x, double y) { return Exp2(y * Log2(x)); }

double LogGamma(double x) {
  double product = 1;
  while (x < 12) {
    product *= x;
    x += 1;
  }
  const double z = 1 / (x * x);
  const double series =
      (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z / 1188)))) / x;
  return (x - 0.5) * Log(x) - x + 0.91893853320467274178 + series - Log(product);
}

double NormalUpperQuantile(double probability) {
  constexpr double kA[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                           1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double kB[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                           6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double kC[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                           -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double kD[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                           3.754408661907416e+00};
  const double tail = std::min(probability, 1 - probability);
  double z = 0;
  if (tail >= 0.02425) {
    const double q = 0.5 - tail;
    const double r = q * q;
    z = (((((kA[0] * r + kA[1]) * r + kA[2]) * r + kA[3]) * r + kA[4]) * r + kA[5]) * q /
        (((((kB[0] * r + kB[1]) * r + kB[2]) * r + kB[3]) * r + kB[4]) * r + 1);
  } else {
    // IEEE 754 prescribes every bit of a square root, unlike the rest of libm.
    const double q = std::sqrt(-2 * Log(tail));
    z = -(((((kC[0] * q + kC[1]) * q + kC[2]) * q + kC[3]) * q + kC[4]) * q + kC[5]) /
        ((((kD[0] * q + kD[1]) * q + kD[2]) * q + kD[3]) * q + 1);
  }
  return probability < 0.5 ? z : -z;
}

double NormalUpperTail(double z) {
  const double x = z < 0 ? -z : z;
  const double t = 1 / (1 + 0.2316419 * x);
  const double density = 0.39894228040143267794 * Exp(-x * x / 2);
  const double tail =
      density * t *
      (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z < 0 ? 1 - tail : tail;
}

}  // namespace onhand::ledger
