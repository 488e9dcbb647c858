// The safe interval against the published table, and over a location.
#include "server/insights/cadence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

namespace onhand::insights {
namespace {

TEST(Cadence, SafeSalesAreTheQuantilesOfTheGamma) {
  for (const auto& [headroom, sales] : {std::pair{1, 0.010},
                                        {2, 0.149},
                                        {3, 0.436},
                                        {5, 1.279},
                                        {10, 4.13},
                                        {20, 11.08},
                                        {50, 35.0}}) {
    EXPECT_NEAR(SafeSales(headroom, 0.01), sales, sales < 2 ? 1e-3 : 0.05) << headroom;
  }
  // P(N >= 1) = 1 - exp(-g) exactly.
  EXPECT_NEAR(SafeSales(1, 0.05), -std::log(0.95), 1e-9);
}

TEST(Cadence, ARateThatIsWellKnownGivesTheGammasInterval) {
  const ledger::Posterior sure{.a = 1e9, .b = 1e9 / 2};  // 2 units an hour
  EXPECT_NEAR(SafeHours(3, sure, 0.01), 0.436 / 2, 1e-3);
}

TEST(Cadence, AnUncertainRateShortensIt) {
  // h = 1: P(N >= 1) = 1 - (b/(b+T))^a, so T = b ((1-alpha)^(-1/a) - 1).
  const ledger::Posterior rate{.a = 4, .b = 40};
  EXPECT_NEAR(SafeHours(1, rate, 0.01), 40 * (std::pow(0.99, -0.25) - 1), 1e-6);
  EXPECT_LT(SafeHours(10, rate, 0.01), SafeSales(10, 0.01) / 0.1);
}

TEST(Cadence, TwoSalesADayAllowWhatTheTableSays) {
  const ledger::Posterior rate{.a = 1e9, .b = 1e9 * 12};  // two a day of 24 average hours
  EXPECT_NEAR(SafeHours(1, rate, 0.01) * 60, 7, 0.5);
  EXPECT_NEAR(SafeHours(3, rate, 0.01), 5.2, 0.2);
  EXPECT_NEAR(SafeHours(10, rate, 0.01) / 24, 2.07, 0.05);
}

TEST(Cadence, SnapsDownToAnIntervalThatPeopleUse) {
  EXPECT_EQ(SnapDown(0), 60);
  EXPECT_EQ(SnapDown(299.9), 60);
  EXPECT_EQ(SnapDown(300), 300);
  EXPECT_EQ(SnapDown(90'000), 86'400);
  EXPECT_EQ(SnapDown(1e9), 604'800);
}

TEST(Cadence, OneAnswerGetsItsOwnSafeIntervalLessTheLatency) {
  const ledger::Posterior rate{.a = 20, .b = 240};
  Cadence cadence;
  cadence.Add(3, rate, 1);
  EXPECT_NEAR(cadence.LongestInterval_s(0.01, 30), SafeHours(3, rate, 0.01) * 3'600 - 30, 1.5);
}

TEST(Cadence, NothingToFlipMayStaySilent) {
  const Cadence cadence;
  EXPECT_TRUE(cadence.empty());
  EXPECT_EQ(cadence.LongestInterval_s(0.01, 30), 604'800);
}

TEST(Cadence, AHurriedAnswerCountsByItsWeight) {
  const ledger::Posterior fast{.a = 1e6, .b = 1e5}, slow{.a = 1e6, .b = 1e9};
  Cadence alone, among;
  alone.Add(1, fast, 1);
  among.Add(1, fast, 1);
  among.Add(50, slow, 999);
  EXPECT_EQ(alone.LongestInterval_s(0.01, 30), 0);
  // One look in a thousand may be wrong all the time.
  EXPECT_GT(among.LongestInterval_s(0.01, 30), 86'400);
}

TEST(Cadence, KeepingLikeAnswersTogetherChangesLittle) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> rates(0.01, 2);
  std::uniform_int_distribution<int> headrooms(1, 40);
  Cadence cadence;
  std::vector<std::pair<int, ledger::Posterior>> answers;
  double weight = 0;
  for (int i = 0; i < 2'000; ++i) {
    const double rate = rates(random);
    answers.push_back({headrooms(random), {.a = 20, .b = 20 / rate}});
    cadence.Add(answers.back().first, answers.back().second, rate);
    weight += rate;
  }
  const double interval_s = cadence.LongestInterval_s(0.05, 0);
  const auto exact = [&](double hours) {
    double wrong = 0;
    for (const auto& [headroom, rate] : answers)
      wrong += rate.rate() * (SafeHours(headroom, rate, 0.5) < hours ? 1 : 0);
    return wrong / weight;
  };
  EXPECT_NEAR(cadence.WrongShare(interval_s / 3'600), 0.05, 1e-3);
  // Answers whose median is passed are wrong more often than not.
  EXPECT_LT(exact(interval_s / 3'600), 0.1);
}

}  // namespace
}  // namespace onhand::insights
