// Doubt in a manager's words: what raises it, what ends it, and what says nothing.
#include "server/ledger/doubt.h"

#include <gtest/gtest.h>

#include <cmath>

namespace onhand::ledger {
namespace {

TEST(Doubt, ASilenceOfTenExpectedSalesIsAnAlarm) {
  Doubt doubt{.empty = 0.02F};
  for (int i = 0; i < 20; ++i) TakeSilence(doubt, 0.5, {.clumping = 0.1});
  EXPECT_GT(doubt.empty, 0.8);
  EXPECT_FLOAT_EQ(doubt.run, 10);
}

TEST(Doubt, ManySmallSilencesAreOneLongSilence) {
  Doubt pieces{.empty = 0.02F}, whole{.empty = 0.02F};
  for (int i = 0; i < 100; ++i) TakeSilence(pieces, 0.05, {});
  TakeSilence(whole, 5, {});
  EXPECT_NEAR(pieces.empty, whole.empty, 1e-4);
}

TEST(Doubt, AStoreThatIsClosedOrSilentToTheHubRaisesNone) {
  Doubt doubt{.empty = 0.02F, .run = 1};
  TakeSilence(doubt, 0, {});
  EXPECT_EQ(doubt, (Doubt{.empty = 0.02F, .run = 1}));
}

TEST(Doubt, ClumpySalesAreDoubtedLater) {
  Doubt even{.empty = 0.02F}, clumpy{.empty = 0.02F};
  TakeSilence(even, 6, {.clumping = 0});
  TakeSilence(clumpy, 6, {.clumping = 0.2});
  EXPECT_NEAR(even.empty, 0.02 / (0.02 + 0.98 * std::exp(-6.0)), 1e-5);
  EXPECT_LT(clumpy.empty, even.empty);
}

TEST(Doubt, ASaleEndsIt) {
  Doubt doubt{.empty = 0.9F, .run = 12};
  TakeSale(doubt);
  EXPECT_FLOAT_EQ(doubt.empty, 0.005F);
  EXPECT_EQ(doubt.run, 0);
}

TEST(Doubt, AReceiptLowersItTheMoreTheMoreCame) {
  Doubt doubt{.empty = 0.6F, .run = 4};
  TakeReceipt(doubt, 5);
  EXPECT_FLOAT_EQ(doubt.empty, 0.1F);
  EXPECT_EQ(doubt.run, 0);
}

TEST(Doubt, ACountIsTheTruthAndAFailedPickNearlySo) {
  Doubt doubt{.empty = 0.6F, .run = 4};
  TakeCount(doubt, 3);
  EXPECT_EQ(doubt, (Doubt{.empty = 0, .run = 0}));
  TakeCount(doubt, 0);
  EXPECT_EQ(doubt.empty, 1);
  TakeSale(doubt);
  TakeFailedPick(doubt);
  EXPECT_FLOAT_EQ(doubt.empty, 0.99F);
}

TEST(Doubt, ShelvesEmptyUnseenAsDaysGoBy) {
  Doubt doubt{.empty = 0};
  Drift(doubt, 86400, {.loss_per_day = 0.0025});
  EXPECT_NEAR(doubt.empty, 0.0025, 1e-5);
  for (int day = 0; day < 10000; ++day) Drift(doubt, 86400, {.loss_per_day = 0.0025});
  EXPECT_LE(doubt.empty, 1);
}

TEST(ShelfTurn, WithoutLooksOnlyTheDailyLossIsKnown) {
  const ShelfTurn turn = ShelfTurnTally().At(8, 0.24);
  EXPECT_NEAR(turn.emptied, 0.01, 1e-9);
  EXPECT_EQ(turn.refilled, 0);
}

TEST(ShelfTurn, HoursInWhichShelvesFillAreLearned) {
  ShelfTurnTally tally;
  for (int i = 0; i < 1000; ++i) {
    for (int hour = 0; hour < 24; ++hour) tally.Add(hour, true, hour != 6);
    tally.Add(18, false, i % 10 == 0);
  }
  EXPECT_GT(tally.At(6, 0).refilled, 0.9);
  EXPECT_LT(tally.At(7, 0).refilled, 0.01);
  EXPECT_NEAR(tally.At(18, 0).emptied, 0.1, 0.01);
  Doubt doubt{.empty = 0.8F, .run = 10};
  Drift(doubt, ShelfTurn{.emptied = 0, .refilled = 0.5});
  EXPECT_FLOAT_EQ(doubt.empty, 0.4F);
  EXPECT_FLOAT_EQ(doubt.run, 5);
}

TEST(StartDoubt, LearnsWhetherAnyoneFindsTheLastTwoUnits) {
  StartDoubt start;
  const double before = start.At(2);
  for (int i = 0; i < 90; ++i) start.Add(2, i % 3 == 0);
  EXPECT_NEAR(start.At(2), (before * 10 + 30) / 100, 1e-5);
  EXPECT_EQ(start.At(0), 0);
  EXPECT_EQ(StartDoubt::BandOf(5), StartDoubt::BandOf(3));
  EXPECT_GT(start.At(1), start.At(50));
}

}  // namespace
}  // namespace onhand::ledger
