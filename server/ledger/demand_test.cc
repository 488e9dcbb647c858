// The demand distribution against sums of libm's own, and what the buffers and the fillability rule
// promise.
#include "server/ledger/demand.h"

#include <gtest/gtest.h>

#include <cmath>

namespace onhand::ledger {
namespace {

double ProbabilityByLibm(int k, const Demand& demand) {
  const double r = demand.mean * demand.mean / (demand.variance - demand.mean);
  return std::exp(std::lgamma(k + r) - std::lgamma(r) - std::lgamma(k + 1.0) +
                  r * std::log(r / (r + demand.mean)) +
                  k * std::log(demand.mean / (r + demand.mean)));
}

double AboveByLibm(int units, const Demand& demand) {
  double below = 0;
  for (int k = 0; k <= units; ++k) below += ProbabilityByLibm(k, demand);
  return 1 - below;
}

TEST(Demand, TailsMatchTheNegativeBinomial) {
  for (const double mean : {0.01, 0.3, 1.0, 4.0, 20.0, 140.0}) {
    for (const double c : {0.05, 0.2, 1.0}) {
      const Demand demand{.mean = mean, .variance = mean + c * mean * mean};
      for (int units = 0; units < 40; units += 3) {
        EXPECT_NEAR(DemandDistribution(demand).ChanceAbove(units), AboveByLibm(units, demand), 1e-9)
            << mean << " " << c << " " << units;
      }
    }
  }
}

TEST(Demand, WithoutExcessVarianceItIsPoisson) {
  const DemandDistribution distribution({.mean = 2, .variance = 2});
  EXPECT_NEAR(distribution.ChanceAbove(0), 1 - std::exp(-2.0), 1e-12);
  EXPECT_NEAR(distribution.ChanceAbove(2), 1 - std::exp(-2.0) * 5, 1e-12);
}

TEST(Demand, TheQuantileIsTheSmallestThatHolds) {
  for (const double mean : {0.001, 0.2, 3.0, 30.0, 149.0}) {
    for (const double alpha : {0.05, 0.01, 0.001}) {
      const DemandDistribution distribution({.mean = mean, .variance = mean + 0.2 * mean * mean});
      const int64_t units = distribution.Quantile(alpha);
      EXPECT_LE(distribution.ChanceAbove(units), alpha * (1 + 1e-9));
      EXPECT_GT(distribution.ChanceAbove(units - 1), alpha);
    }
  }
}

TEST(Demand, LargeCountsAreApproximatedWithinOnePercentOfTheDeviation) {
  for (const double mean : {151.0, 400.0, 700.0}) {
    for (const double c : {0.01, 0.085, 0.3}) {
      for (const double alpha : {0.05, 0.01}) {
        const Demand demand{.mean = mean, .variance = mean + c * mean * mean};
        int exact = 0;
        double below = ProbabilityByLibm(0, demand);
        while (1 - below > alpha) below += ProbabilityByLibm(++exact, demand);
        EXPECT_NEAR(static_cast<double>(DemandDistribution(demand).Quantile(alpha)), exact,
                    1 + 0.01 * std::sqrt(demand.variance))
            << mean << " " << c << " " << alpha;
      }
    }
  }
}

TEST(Demand, NoDemandNeedsNoBuffer) {
  EXPECT_EQ(LocationBuffer({}, 0.01), 0);
  EXPECT_EQ(PooledDemand().Buffer(0.01), 0);
  EXPECT_EQ(DemandDistribution({}).ChanceAbove(0), 0);
}

TEST(Demand, PoolingNeedsLessThanTheSumOfTheBuffers) {
  PooledDemand pooled;
  int64_t summed = 0;
  for (int location = 0; location < 18; ++location) {
    const Demand demand = Predict({.a = 30, .b = 100}, 4, 0.14);
    pooled.Add(demand);
    summed += LocationBuffer(demand, 0.01);
  }
  EXPECT_LT(2 * pooled.Buffer(0.01), summed);
  EXPECT_GT(pooled.Buffer(0.01), 18 * 1.2);
}

TEST(Demand, OverdispersionIsLearnedFromWhatCame) {
  OverdispersionTally tally;
  EXPECT_EQ(tally.Learned(0.2, 1), 0.2);
  // 10 expected; 5 and 15 came: (25 - 10) / 100.
  for (int i = 0; i < 1000; ++i) tally.Add(i % 2 == 0 ? 5 : 15, {.mean = 10, .variance = 10});
  EXPECT_NEAR(tally.Learned(0.5, 100), 0.15, 0.001);
  EXPECT_NEAR(DefaultOverdispersion(4), 0.14, 1e-12);
  EXPECT_NEAR(DefaultOverdispersion(48), 0.075, 1e-12);
}

TEST(Demand, ATailThatIsExceededTooOftenGrowsUntilItIsNot) {
  TailCalibration calibration;
  for (int day = 0; day < 200; ++day) {
    // The truth is three times as wide as claimed.
    const double claimed = 0.01 * calibration.factor() / 3;
    calibration.Add(1000 * 0.01, 1000 * claimed + 1e-9);
    calibration.CloseDay();
  }
  EXPECT_NEAR(calibration.factor(), 3, 0.05);
  EXPECT_DOUBLE_EQ(Widen({.mean = 2, .variance = 3}, 2).variance, 4);
}

TEST(Fillability, RecordErrorsAreAddedToDemand) {
  const Demand demand{.mean = 1.5, .variance = 2};
  const RecordError error{.wrong = 0.2, .ratio = 0.6};
  for (int units = 1; units < 12; ++units) {
    double expected = 0;
    for (int k = 0; k < 200; ++k) {
      const double reach = k >= units ? 1 : error.wrong * std::pow(error.ratio, units - k - 1);
      expected += ProbabilityByLibm(k, demand) * reach;
    }
    EXPECT_NEAR(DemandDistribution(demand).ChanceOfReaching(units, error), expected, 1e-9) << units;
    EXPECT_NEAR(DemandDistribution(demand).ChanceOfReaching(units, {}),
                DemandDistribution(demand).ChanceAbove(units - 1), 1e-12);
  }
}

TEST(Fillability, OneUnitMissingWhereOneIsRecordedFails) {
  EXPECT_NEAR(DemandDistribution({}).ChanceOfReaching(1, {.wrong = 0.3, .ratio = 0}), 0.3, 1e-12);
  EXPECT_NEAR(DemandDistribution({}).ChanceOfReaching(2, {.wrong = 0.3, .ratio = 0}), 0, 1e-12);
}

TEST(Fillability, DoubtAndEmptyRecordsFail) {
  EXPECT_EQ(FailureChance(0.2, {}, {}, 0), 1);
  EXPECT_DOUBLE_EQ(FailureChance(0.2, {}, {}, 3), 0.2);
}

TEST(Fillability, AnOrderMayTryTheBestLocations) {
  Fillability fillability(2);
  for (const double chance : {0.5, 0.1, 0.9, 0.2}) fillability.Add(chance);
  EXPECT_DOUBLE_EQ(fillability.ChanceOfFailing(), 0.02);
  EXPECT_TRUE(fillability.Shown(0.021));
  EXPECT_FALSE(fillability.Shown(0.019));
  EXPECT_EQ(Fillability(3).ChanceOfFailing(), 1);
}

}  // namespace
}  // namespace onhand::ledger
