// The ledger's own functions against libm, within the errors that their header states.
#include "server/ledger/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>

namespace onhand::ledger {
namespace {

TEST(ExactMath, Exp2StaysWithinItsStatedError) {
  for (double x = -1000; x <= 1000; x += 0.37) {
    EXPECT_NEAR(Exp2(x) / std::exp2(x), 1, 4e-16 * (1 + std::abs(x) / 1000)) << x;
  }
}

TEST(ExactMath, Exp2OfWholeNumbersIsExact) {
  for (int n = -1022; n <= 1023; ++n) EXPECT_EQ(Exp2(n), std::ldexp(1.0, n)) << n;
}

TEST(ExactMath, Exp2NeverReachesZeroOrInfinity) {
  EXPECT_EQ(Exp2(-1e9), std::ldexp(1.0, -1022));
  EXPECT_EQ(Exp2(1e9), std::ldexp(1.0, 1023));
}

TEST(ExactMath, ExpStaysWithinItsStatedError) {
  for (double x = -600; x <= 600; x += 0.31)
    EXPECT_NEAR(Exp(x) / std::exp(x), 1, 4e-16 * (1 + std::abs(x))) << x;
}

TEST(ExactMath, LogarithmsStayWithinTheirStatedError) {
  for (double x = 1e-300; x < 1e300; x *= 1.0937) {
    EXPECT_NEAR(Log(x), std::log(x), 1e-15 + 3e-16 * std::abs(std::log(x))) << x;
    EXPECT_NEAR(Log2(x), std::log2(x), 1e-15 + 4e-16 * std::abs(std::log2(x))) << x;
  }
}

TEST(ExactMath, Log1pKeepsTheDigitsOfSmallNumbers) {
  for (double x = 1e-18; x < 1e6; x *= 1.173) EXPECT_NEAR(Log1p(x) / std::log1p(x), 1, 1e-14) << x;
  for (double x = 1e-18; x < 0.99; x *= 1.173)
    EXPECT_NEAR(Log1p(-x) / std::log1p(-x), 1, 1e-14) << x;
}

TEST(ExactMath, PowStaysWithinItsStatedError) {
  for (double x = 1e-6; x < 1e6; x *= 1.37) {
    for (double y = -20; y <= 20; y += 0.93) {
      EXPECT_NEAR(Pow(x, y) / std::pow(x, y), 1, 1e-15 * (1 + std::abs(y * std::log2(x))))
          << x << "^" << y;
    }
  }
}

TEST(ExactMath, LogGammaStaysWithinItsStatedError) {
  for (double x = 1e-6; x < 1e12; x *= 1.071) {
    EXPECT_NEAR(LogGamma(x), std::lgamma(x), 1e-13 + 1e-15 * std::abs(std::lgamma(x))) << x;
  }
}

TEST(ExactMath, NormalUpperQuantileInvertsTheTail) {
  for (double p = 1e-9; p < 1; p += (p < 0.01 ? p * 0.1 : 0.01)) {
    const double z = NormalUpperQuantile(p);
    EXPECT_NEAR(0.5 * std::erfc(z / std::sqrt(2.0)) / p, 1, 3e-8 * (1 + z * z)) << p;
  }
}

TEST(ExactMath, NormalUpperTailStaysWithinItsStatedError) {
  for (double z = -8; z <= 8; z += 0.013)
    EXPECT_NEAR(NormalUpperTail(z), 0.5 * std::erfc(z / std::sqrt(2.0)), 1e-7);
}

TEST(ExactMath, TheBitsAreThoseOfEveryOtherMachine) {
  EXPECT_EQ(std::bit_cast<uint64_t>(Exp2(-0.3)), 0x3fe9fdf8bcce533eULL);
  EXPECT_EQ(std::bit_cast<uint64_t>(Log(10.0)), 0x40026bb1bbb55515ULL);
}

}  // namespace
}  // namespace onhand::ledger
