// Time as a store lives it: exposure over weeks, dead hours and changes of the clocks, and learning
// the weights.
#include "server/ledger/store_clock.h"

#include <gtest/gtest.h>

#include <random>

namespace onhand::ledger {
namespace {

constexpr int64_t kMonday_s = 1711929600;  // 2024-04-01 00:00 UTC
constexpr int64_t kHour_s = kSecondsPerHour;
constexpr int64_t kDay_s = 24 * kHour_s;

// Open from 8 to 20 with weight 2, closed on Sundays.
WeekWeights ShopHours() {
  WeekWeights weights{};
  for (int hour = 0; hour < 6 * kHoursPerDay; ++hour)
    weights[hour] = hour % 24 >= 8 && hour % 24 < 20 ? 2 : 0;
  return weights;
}

TEST(StoreClock, NoTimePassesAtNightAndOnClosedSundays) {
  const StoreClock clock(ShopHours(), {}, {});
  EXPECT_EQ(clock.Exposure(kMonday_s + 20 * kHour_s, kMonday_s + 32 * kHour_s), 0);
  EXPECT_EQ(clock.Exposure(kMonday_s + 5 * kDay_s + 20 * kHour_s, kMonday_s + 7 * kDay_s), 0);
  EXPECT_EQ(clock.Exposure(kMonday_s, kMonday_s + kDay_s), 24);
  EXPECT_EQ(clock.Exposure(kMonday_s + 9 * kHour_s, kMonday_s + 9 * kHour_s + 900), 0.5);
  EXPECT_EQ(clock.HourOfWeek(kMonday_s), 0);
  EXPECT_EQ(clock.HourOfWeek(kMonday_s - 1), 167);
}

TEST(StoreClock, ExposureIsTheSumOfItsMinutes) {
  std::mt19937 random(7);
  WeekWeights weights;
  for (float& weight : weights) weight = static_cast<float>(random() % 100) / 50;
  const std::vector<int64_t> dead = {kMonday_s + 30 * kHour_s, kMonday_s + 31 * kHour_s,
                                     kMonday_s + 200 * kHour_s};
  const StoreClock clock(weights, {}, dead);
  for (int round = 0; round < 50; ++round) {
    const int64_t from_s = kMonday_s + static_cast<int64_t>(random() % 20000) * 60;
    const int64_t to_s = from_s + static_cast<int64_t>(random() % 20000) * 60;
    double sum = 0;
    for (int64_t minute_s = from_s; minute_s < to_s; minute_s += 60) {
      const int64_t hour_s = minute_s / kHour_s * kHour_s;
      const bool is_dead = std::find(dead.begin(), dead.end(), hour_s) != dead.end();
      sum += is_dead ? 0 : weights[clock.HourOfWeek(minute_s)] / 60.0;
    }
    EXPECT_NEAR(clock.Exposure(from_s, to_s), sum, 1e-6);
    EXPECT_EQ(clock.Exposure(to_s, from_s), -clock.Exposure(from_s, to_s));
  }
}

TEST(StoreClock, PuttingTheClocksForwardOrBackAddsNoTime) {
  // Berlin 2024: +1 h, from 31 March 01:00 UTC +2 h, from 27 October 01:00 UTC +1 h.
  const std::vector<OffsetTransition> berlin = {{0, 3600}, {1711846800, 7200}, {1729990800, 3600}};
  WeekWeights even;
  even.fill(1);
  const StoreClock clock(even, berlin, {});
  for (const int64_t change_s : {1711846800, 1729990800}) {
    EXPECT_NEAR(clock.Exposure(change_s - 5 * kHour_s, change_s + 5 * kHour_s), 10, 1e-9);
    EXPECT_NEAR(clock.Exposure(change_s - 1, change_s), 1.0 / 3600, 1e-9);
  }
  // Local opening hours keep their place by the wall clock.
  const StoreClock shop(ShopHours(), berlin, {});
  EXPECT_EQ(shop.Exposure(1711929600 + 6 * kHour_s, 1711929600 + 7 * kHour_s), 2);
  EXPECT_EQ(shop.Exposure(1711929600 + 5 * kHour_s, 1711929600 + 6 * kHour_s), 0);
  EXPECT_EQ(clock.DayStart(1711929600), 1711929600 - 7200);
}

TEST(StoreClock, WeightsAreLearnedFromWhatSoldAgainstWhatWasThere) {
  ClockTally tally;
  for (int hour = 0; hour < kHoursPerWeek; ++hour) {
    const bool open = hour % 24 >= 8 && hour % 24 < 20;
    // In the evening half of the shelves are sold out: half the sales from half the rate is the
    // same hour.
    const double in_stock = hour % 24 >= 16 ? 0.5 : 1;
    tally.Add(hour, open ? 2000 * in_stock : 0, 1000 * in_stock);
  }
  const WeekWeights weights = LearnWeights(tally, tally, 1);
  double sum = 0;
  for (const float weight : weights) sum += weight;
  EXPECT_NEAR(sum, kHoursPerWeek, 1e-3);
  EXPECT_NEAR(weights[10], 2, 0.01);
  EXPECT_NEAR(weights[18], 2, 0.01);
  EXPECT_NEAR(weights[3], 0, 0.01);
}

TEST(StoreClock, AYoungLocationLeansOnTheChain) {
  ClockTally chain, young;
  for (int hour = 0; hour < kHoursPerWeek; ++hour)
    chain.Add(hour, hour % 24 >= 12 ? 2000 : 10, 1000);
  young.Add(3, 1, 1);
  const WeekWeights weights = LearnWeights(young, chain, 30);
  EXPECT_GT(weights[13], 20 * weights[5]);
}

TEST(StoreClock, WithoutAnySalesEveryHourIsAlike) {
  for (const float weight : LearnWeights(ClockTally(), ClockTally(), 30)) EXPECT_EQ(weight, 1);
}

TEST(StoreClock, AnHourIsDeadOnlyIfSilenceWasAllButImpossible) {
  EXPECT_FALSE(IsDead(5, 0.1));
  EXPECT_FALSE(IsDead(20, 0.2));
  EXPECT_TRUE(IsDead(200, 0.2));
  EXPECT_TRUE(IsDead(20, 0));
}

}  // namespace
}  // namespace onhand::ledger
