// What a chain's history teaches: rates near the truth, clocks, doubt, and that stock never moves.
#include "server/ledger/past_sales.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int kItems = 6;
constexpr int kShops = 3;
constexpr int kDays = 60;
constexpr int64_t kDay_s = 86'400;
// A Monday, some days before the test chain's clock starts.
constexpr int64_t kFirst_s = 1'694'390'400;

// A chain whose true rates are known: open from 9 to 19, closed on Sundays.
class PastSalesTest : public testing::Test {
 protected:
  PastSalesTest() {
    for (int shop = 0; shop < kShops; ++shop) chain_.Location(absl::StrCat("M", shop));
    for (int item = 0; item < kItems; ++item) chain_.Item(absl::StrCat("sku", item));
  }

  // Units an open hour.
  static double TrueRate(int item, int shop) { return 8.0 * (item + 1) * (0.5 + 0.5 * shop); }
  static bool IsOpen(int hour_of_day, int day) {
    return hour_of_day >= 9 && hour_of_day < 19 && day % 7 != 6;
  }

  uint32_t ItemId(int item) const { return chain_.ItemId(absl::StrCat("sku", item)); }
  uint32_t LocationId(int shop) const { return chain_.LocationId(absl::StrCat("M", shop)); }

  // `factor` on all rates. Position (0, 0) sells nothing from `silent_from_day` on.
  PastSales Generate(double factor = 1, int silent_from_day = kDays, bool whole_days = false) {
    std::mt19937 random(5);
    PastSales sales;
    for (int day = 0; day < kDays; ++day) {
      for (int item = 0; item < kItems; ++item) {
        for (int shop = 0; shop < kShops; ++shop) {
          int of_day = 0;
          for (int hour = 0; hour < 24; ++hour) {
            if (!IsOpen(hour, day)) continue;
            const int units = std::poisson_distribution<int>(TrueRate(item, shop) * factor)(random);
            if (units == 0 || (item == 0 && shop == 0 && day >= silent_from_day)) continue;
            of_day += units;
            if (!whole_days) {
              sales.Add(ItemId(item), LocationId(shop), kFirst_s + day * kDay_s + hour * 3600 + 60,
                        units, false);
            }
          }
          if (whole_days && of_day > 0) {
            sales.Add(ItemId(item), LocationId(shop), kFirst_s + day * kDay_s, of_day, true);
          }
        }
      }
    }
    return sales;
  }

  Lesson TeachChain(PastSales& sales) {
    LessonBefore before{.chain = chain_.state().learned().chain,
                        .locations = chain_.state().learned().locations};
    for (const ItemLearning& item : chain_.state().learned().items)
      before.item_rate.push_back(item.rate);
    Lesson lesson = Teach(sales.Sorted(), before);
    chain_.Run([&](Group& group) {
      for (const journal::Fact& fact : lesson.facts) group.Add(fact);
      return 0;
    });
    return lesson;
  }

  const Cell& CellOf(int item, int shop) const {
    return *chain_.state().positions.Find(ItemId(item), LocationId(shop)).cell;
  }
  // Units an average day, and the truth.
  double UnitsPerDay(int item, int shop) const {
    const Learned& learned = chain_.state().learned();
    const double mean =
        learned.ItemOf(ItemId(item)).rate * learned.LocationOf(LocationId(shop)).factor;
    return RateOf(CellOf(item, shop).estimates, mean).rate() * 24;
  }
  static double TrueUnitsPerDay(int item, int shop) { return TrueRate(item, shop) * 10 * 6 / 7; }

  // The greatest distance of a position's rate from the truth, as a share of it.
  double WorstError(double factor = 1) const {
    double worst = 0;
    for (int item = 0; item < kItems; ++item) {
      for (int shop = 0; shop < kShops; ++shop) {
        const double truth = factor * TrueUnitsPerDay(item, shop);
        worst = std::max(worst, std::abs(UnitsPerDay(item, shop) / truth - 1));
      }
    }
    return worst;
  }
  double MeanError(double factor = 1) const {
    double sum = 0;
    for (int item = 0; item < kItems; ++item) {
      for (int shop = 0; shop < kShops; ++shop)
        sum += UnitsPerDay(item, shop) / (factor * TrueUnitsPerDay(item, shop)) - 1;
    }
    return sum / (kItems * kShops);
  }

  ChainForTest chain_;
};

TEST_F(PastSalesTest, SixtyDaysTeachRatesWithinAFewPercent) {
  PastSales sales = Generate();
  const Lesson lesson = TeachChain(sales);

  EXPECT_EQ(lesson.item_count, kItems);
  EXPECT_EQ(lesson.location_count, kShops);
  EXPECT_EQ(lesson.position_count, kItems * kShops);
  EXPECT_LT(std::abs(MeanError()), 0.03);
  EXPECT_LT(WorstError(), 0.15);
}

TEST_F(PastSalesTest, ClocksLearnOpeningHoursAndSundays) {
  PastSales sales = Generate();
  TeachChain(sales);

  const StoreClock& clock = chain_.state().learned().LocationOf(LocationId(1)).clock;
  EXPECT_NEAR(clock.Exposure(kFirst_s, kFirst_s + 7 * kDay_s), 168, 1e-3);
  EXPECT_LT(clock.weight(3), 0.1);
  EXPECT_NEAR(clock.weight(12), 168.0 / 60, 0.3);
  EXPECT_LT(clock.weight(6 * 24 + 12), 0.3);
}

TEST_F(PastSalesTest, DailyTotalsTeachTheSameRates) {
  PastSales sales = Generate(1, kDays, /*whole_days=*/true);
  TeachChain(sales);
  EXPECT_LT(std::abs(MeanError()), 0.03);
  EXPECT_LT(WorstError(), 0.15);
}

TEST_F(PastSalesTest, ASecondImportReplacesTheFirst) {
  PastSales first = Generate();
  TeachChain(first);
  PastSales second = Generate(2);
  TeachChain(second);
  EXPECT_LT(std::abs(MeanError(2)), 0.03);
  EXPECT_LT(WorstError(2), 0.15);
}

TEST_F(PastSalesTest, StockStaysWhatItWas) {
  chain_.Stock("sku1", "M1", 7);
  PastSales sales = Generate();
  TeachChain(sales);
  EXPECT_EQ(CellOf(1, 1).on_hand, 7);
  EXPECT_EQ(CellOf(0, 0).on_hand, 0);
}

TEST_F(PastSalesTest, APositionSilentForLongIsDoubted) {
  PastSales sales = Generate(1, kDays - 20);
  TeachChain(sales);
  EXPECT_GT(CellOf(0, 0).estimates.doubt.empty, 0.95);
  EXPECT_GT(CellOf(0, 0).estimates.doubt.run, 20);
  EXPECT_LT(CellOf(1, 0).estimates.doubt.empty, 0.1);
  // Doubt keeps the silence from teaching slowness.
  EXPECT_GT(UnitsPerDay(0, 0), 0.6 * TrueUnitsPerDay(0, 0));
}

TEST_F(PastSalesTest, PositionsWithStockThatNeverSoldLowerTheirItemsRate) {
  PastSales sales;
  std::mt19937 random(9);
  for (int day = 0; day < kDays; ++day) {
    sales.Add(ItemId(1), LocationId(0), kFirst_s + day * kDay_s + 3600 * 12, 5, false);
    sales.Add(ItemId(1), LocationId(1), kFirst_s + day * kDay_s + 3600 * 12, 5, false);
    if (day == 20) sales.Add(ItemId(0), LocationId(0), kFirst_s + day * kDay_s, 1, false);
  }
  LessonBefore alone;
  LessonBefore with_silent;
  with_silent.stocked = {{ItemId(0), LocationId(0)}, {ItemId(0), LocationId(1)}};
  const auto rate = [&](const LessonBefore& before) {
    const Lesson lesson = Teach(sales.Sorted(), before);
    for (const journal::Fact& fact : lesson.facts) {
      if (fact.has_learned_items()) return fact.learned_items().rate(0);
    }
    return 0.0F;
  };
  EXPECT_LT(rate(with_silent), 0.8 * rate(alone));
}

TEST_F(PastSalesTest, LessThanAWeekTeachesNothing) {
  PastSales sales;
  for (int day = 0; day < 6; ++day)
    sales.Add(ItemId(0), LocationId(0), kFirst_s + day * kDay_s, 1, false);
  const Lesson lesson = Teach(sales.Sorted(), {});
  EXPECT_FALSE(lesson.is_enough());
  EXPECT_TRUE(lesson.facts.empty());
  EXPECT_EQ(lesson.unit_count, 6);
}

TEST_F(PastSalesTest, VoidsAndRowsOfTheSameHourAddUp) {
  PastSales sales;
  sales.Add(1, 1, kFirst_s, 3, false);
  sales.Add(1, 1, kFirst_s + 60, -1, false);
  sales.Add(1, 1, kFirst_s, 4, true);
  ASSERT_EQ(sales.Sorted().size(), 2u);
  EXPECT_EQ(sales.Sorted()[0].units, 2);
  EXPECT_EQ(sales.Sorted()[1].units, 4);
}

TEST_F(PastSalesTest, AStoreWhoseHistoryEndsEarlierRaisesNoDoubt) {
  PastSales all = Generate();
  PastSales sales;
  for (const PastHour& row : all.Sorted()) {
    if (row.location == LocationId(0) && row.hour * 3600 >= kFirst_s + (kDays - 10) * kDay_s)
      continue;
    sales.Add(row.item, row.location, row.hour * kSecondsPerHour, row.units, false);
  }
  TeachChain(sales);
  EXPECT_LT(CellOf(5, 0).estimates.doubt.empty, 0.1);
  EXPECT_LE(CellOf(5, 0).estimates.velocity.at_s, kFirst_s + (kDays - 10) * kDay_s);
}

}  // namespace
}  // namespace onhand::ledger
