// The rate of a position: what it tends to, what it forgets, and that the order of arrival does not
// matter.
#include "server/ledger/velocity.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "server/ledger/learned_rates.h"

namespace onhand::ledger {
namespace {

constexpr uint32_t kStart_s = 1'700'000'000;
constexpr uint32_t kDay_s = 86400;
constexpr double kHalfLife_s = 7 * kDay_s;

TEST(Velocity, SteadySalesTendToTheirRateWhateverTheIntervals) {
  std::mt19937 random(3);
  Velocity often{.at_s = kStart_s}, seldom{.at_s = kStart_s};
  uint32_t at_s = kStart_s;
  double waiting = 0;
  for (int day = 0; day < 200; ++day) {
    for (int i = 0; i < 10; ++i) {
      const uint32_t step_s = kDay_s / 10;
      at_s += step_s;
      Advance(often, at_s, 0.1, kHalfLife_s);
      AddSale(often, at_s, 0.3, kHalfLife_s);
      waiting += 0.1;
    }
    if (random() % 3 != 0) continue;
    Advance(seldom, at_s, waiting, kHalfLife_s);
    waiting = 0;
  }
  EXPECT_NEAR(often.sold / often.exposure, 3, 0.03);
  Advance(seldom, at_s, waiting, kHalfLife_s);
  EXPECT_NEAR(seldom.exposure / often.exposure, 1, 0.001);
}

TEST(Velocity, ASaleIsWorthHalfAfterAHalfLife) {
  Velocity velocity{.at_s = kStart_s};
  AddSale(velocity, kStart_s, 8, kHalfLife_s);
  Advance(velocity, kStart_s + 7 * kDay_s, 0, kHalfLife_s);
  EXPECT_FLOAT_EQ(velocity.sold, 4);
}

TEST(Velocity, TwoSalesAtOneMomentAddUpAndExposureStays) {
  Velocity velocity{.sold = 1, .exposure = 5, .at_s = kStart_s};
  Advance(velocity, kStart_s, 3, kHalfLife_s);
  AddSale(velocity, kStart_s, 2, kHalfLife_s);
  EXPECT_EQ(velocity, (Velocity{.sold = 3, .exposure = 5, .at_s = kStart_s}));
}

TEST(Velocity, ALateSaleCountsWhatItWouldCountByNow) {
  Velocity in_time{.at_s = kStart_s}, late{.at_s = kStart_s};
  AddSale(in_time, kStart_s, 6, kHalfLife_s);
  Advance(in_time, kStart_s + 3 * kDay_s, 4, kHalfLife_s);
  Advance(late, kStart_s + 3 * kDay_s, 4, kHalfLife_s);
  AddSale(late, kStart_s, 6, kHalfLife_s);
  EXPECT_NEAR(late.sold, in_time.sold, 1e-5);
  EXPECT_EQ(late.exposure, in_time.exposure);
  EXPECT_EQ(late.at_s, in_time.at_s);
}

TEST(Velocity, AVoidUndoesItsSaleAndNeverGoesBelowNothing) {
  Velocity velocity{.at_s = kStart_s};
  AddSale(velocity, kStart_s, 2, kHalfLife_s);
  AddSale(velocity, kStart_s, -2, kHalfLife_s);
  EXPECT_EQ(velocity.sold, 0);
  AddSale(velocity, kStart_s, -2, kHalfLife_s);
  EXPECT_EQ(velocity.sold, 0);
}

TEST(Velocity, SilenceInAClosedStoreIsNoNews) {
  Velocity velocity{.sold = 40, .exposure = 20, .at_s = kStart_s};
  const double before = velocity.sold / velocity.exposure;
  Advance(velocity, kStart_s + 2 * kDay_s, 0, kHalfLife_s);
  EXPECT_NEAR(velocity.sold / velocity.exposure, before, 1e-5);
}

TEST(Velocity, WithoutHistoryThePosteriorIsThePrior) {
  const Posterior posterior = PosteriorOf({}, 15, 0.25);
  EXPECT_DOUBLE_EQ(posterior.rate(), 0.25);
  EXPECT_EQ(posterior.a, 15);
}

TEST(Velocity, ReadingAheadIsAdvancingACopy) {
  const Velocity velocity{.sold = 7, .exposure = 5, .at_s = kStart_s};
  for (const uint32_t later_s : {0U, 1U, 3600U, 5 * kDay_s}) {
    const double expected = later_s * 2e-5;
    Velocity advanced = velocity;
    Advance(advanced, kStart_s + later_s, expected, kHalfLife_s);
    const Posterior posterior = PosteriorOf(advanced, 15, 0.2);
    const Posterior read =
        PosteriorAt(velocity, kStart_s + later_s, expected, 1 / kHalfLife_s, 15, 0.2);
    EXPECT_NEAR(read.a / posterior.a, 1, 1e-6) << later_s;
    EXPECT_NEAR(read.b / posterior.b, 1, 1e-6) << later_s;
  }
}

TEST(PriorRate, FallsBackToTheNearestThatHasHistory) {
  EXPECT_DOUBLE_EQ(PriorRate({{0, 0}, {30, 10}, {500, 100}}, 5, 1), (30 + 5) / (10 + 5 / 5.0));
  EXPECT_DOUBLE_EQ(PriorRate({{0, 0}, {0, 0}, {500, 100}}, 5, 2), 10);
  EXPECT_GT(PriorRate({{0, 0}}, 5, 1), 0);
}

TEST(PriorRate, SilentLocationsLowerIt) {
  // Sells 10 in one location over 100 hours; 9 others had it in stock as long and sold nothing.
  EXPECT_NEAR(PriorRate({{10, 1000}, {1, 1}}, 0.001, 1), 0.01, 1e-4);
}

// Two items at two locations that sell 2, 6, 1 and 3 a weighted hour, 24 weighted hours a day.
TEST(LearnedRates, ExpectedIsLevelTimesItemTimesLocation) {
  LearnedRates rates(2, 2, {.item_pseudo_sales = 1, .location_pseudo_sales = 10});
  const double truth[2][2] = {{2, 6}, {1, 3}};
  for (int day = 0; day < 120; ++day) {
    for (int item = 0; item < 2; ++item) {
      for (int location = 0; location < 2; ++location) {
        const double expected =
            rates.Expected(item, location) * 24 * rates.WeekdayFactor(item, day % 7);
        rates.AddDay(item, location, day % 7, truth[item][location] * 24, expected);
      }
    }
    rates.CloseDay();
  }
  for (int item = 0; item < 2; ++item) {
    for (int location = 0; location < 2; ++location) {
      EXPECT_NEAR(rates.Expected(item, location) / truth[item][location], 1, 0.1)
          << item << " " << location;
    }
  }
}

TEST(LearnedRates, AGoodDayOfTheWholeChainChangesNoItemAgainstAnother) {
  LearnedRates rates(2, 1, {});
  for (int day = 0; day < 40; ++day) {
    const double shock = day == 39 ? 2 : 1;
    for (int item = 0; item < 2; ++item) {
      rates.AddDay(item, 0, day % 7, (item == 0 ? 100 : 300) * shock, rates.Expected(item, 0) * 24);
    }
    rates.CloseDay();
  }
  EXPECT_NEAR(rates.Expected(1, 0) / rates.Expected(0, 0), 3, 0.05);
  EXPECT_GT(rates.Expected(0, 0) * 24, 115);
}

TEST(LearnedRates, AnItemsOwnWeekdaysAreLearned) {
  LearnedRates rates(2, 1, {});
  for (int day = 0; day < 120; ++day) {
    for (int item = 0; item < 2; ++item) {
      // The first item sells twice on its Saturdays, the second half.
      const double units = 200 * (day % 7 != 5 ? 1 : item == 0 ? 2 : 0.5);
      rates.AddDay(item, 0, day % 7, units,
                   rates.Expected(item, 0) * 24 * rates.WeekdayFactor(item, day % 7));
    }
    rates.CloseDay();
  }
  EXPECT_GT(rates.WeekdayFactor(0, 5), 1.3 * rates.WeekdayFactor(0, 2));
  EXPECT_LT(rates.WeekdayFactor(1, 5), 0.7 * rates.WeekdayFactor(1, 2));
}

TEST(LearnedRates, ANewItemStartsLikeTheOneItIsNamedAfter) {
  LearnedRates rates(3, 1, {}, {{}, {}, {.like_item = 0}});
  for (int day = 0; day < 40; ++day) {
    for (int item = 0; item < 2; ++item) {
      rates.AddDay(item, 0, day % 7, item == 0 ? 10 : 500, rates.Expected(item, 0) * 24);
    }
    rates.CloseDay();
  }
  EXPECT_NEAR(rates.Expected(2, 0) / rates.Expected(0, 0), 1, 0.2);
}

// A position's days, the same whoever learns from them.
double UnitsOf(int item, int location, int day) {
  return (item + 1) * (location + 2) * (3 + day % 7);
}

TEST(LearnedRates, GoesOnWhereEarlierNightsEnded) {
  constexpr int kItems = 2, kLocations = 2;
  LearnedRates always(kItems, kLocations, {}), before(kItems, kLocations, {});
  const auto live = [](LearnedRates& rates, int day) {
    for (int item = 0; item < kItems; ++item) {
      for (int location = 0; location < kLocations; ++location) {
        rates.AddDay(item, location, day % 7, UnitsOf(item, location, day),
                     rates.Expected(item, location) * rates.WeekdayFactor(item, day % 7) * 24);
      }
    }
    rates.CloseDay();
  };
  for (int day = 0; day < 20; ++day) {
    live(always, day);
    live(before, day);
  }

  LearnedRates after(kItems, kLocations, {});
  after.Restore(before.chain());
  for (int item = 0; item < kItems; ++item) after.RestoreItem(item, before.item(item));
  for (int location = 0; location < kLocations; ++location)
    after.RestoreLocation(location, before.location(location));
  for (int day = 20; day < 30; ++day) {
    live(always, day);
    live(after, day);
  }

  EXPECT_EQ(after.chain().nights, 30);
  for (int item = 0; item < kItems; ++item) {
    EXPECT_EQ(after.Expected(item, 1), always.Expected(item, 1));
    EXPECT_EQ(after.WeekdayFactor(item, 3), always.WeekdayFactor(item, 3));
  }
}

TEST(LearnedRates, TheFirstDayOfAFastChainDoesNotOvershoot) {
  LearnedRates rates(2, 2, {});
  for (int item = 0; item < 2; ++item) {
    for (int location = 0; location < 2; ++location) {
      rates.AddDay(item, location, 0, 24.0 * 50 * (item + 1), 24 * rates.Expected(item, location));
    }
  }
  rates.CloseDay();
  EXPECT_NEAR(rates.Expected(0, 0), 50, 5);
  EXPECT_NEAR(rates.Expected(1, 1), 100, 10);
}

TEST(LearnedRates, SumsTeachWhatTheirPositionsTeach) {
  constexpr int kItems = 2, kLocations = 3;
  LearnedRates by_position(kItems, kLocations, {}), by_sums(kItems, kLocations, {});
  for (int day = 0; day < 15; ++day) {
    std::array<Ratio, kItems> of_item{};
    std::array<Ratio, kLocations> of_location{};
    for (int item = 0; item < kItems; ++item) {
      for (int location = 0; location < kLocations; ++location) {
        const double units = UnitsOf(item, location, day);
        const double expected = by_position.Expected(item, location) * 24;
        by_position.AddDay(item, location, day % 7, units, expected);
        of_item[item] = {of_item[item].units + units, of_item[item].exposure + expected};
        of_location[location] = {of_location[location].units + units,
                                 of_location[location].exposure + expected};
      }
    }
    for (int item = 0; item < kItems; ++item)
      by_sums.AddItemDay(item, day % 7, of_item[item].units, of_item[item].exposure);
    for (int location = 0; location < kLocations; ++location)
      by_sums.AddLocationDay(location, of_location[location].units, of_location[location].exposure);
    by_position.CloseDay();
    by_sums.CloseDay();
  }
  EXPECT_NEAR(by_sums.Expected(1, 2) / by_position.Expected(1, 2), 1, 1e-9);
  EXPECT_NEAR(by_sums.WeekdayFactor(1, 2), by_position.WeekdayFactor(1, 2), 1e-9);
}

}  // namespace
}  // namespace onhand::ledger
