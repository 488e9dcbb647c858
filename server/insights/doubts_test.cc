// What to count first, in a chain that is small enough to reckon by hand.
#include "server/insights/doubts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/ledger/chain_for_test.h"

namespace onhand::insights {
namespace {

using ledger::ChainForTest;
using ledger::Group;

class DoubtsTest : public testing::Test {
 protected:
  static constexpr int64_t kDay = 24 * ChainForTest::kHour;

  DoubtsTest() {
    chain_.Location("M1");
    chain_.Location("M2");
    chain_.Channel("channel_id: 'web' name: 'Web' kind: CHANNEL_KIND_PICKUP");
    chain_.Item("ball");
    chain_.Item("boot");
    chain_.Item("sock");
    Value("ball", 10);
    Night();
  }

  void Value(const std::string& sku, double unit_value) {
    chain_.Run([&](Group& group) {
      ledger::journal::Fact fact;
      ledger::journal::Item& item = *fact.mutable_item_set()->mutable_item();
      item = *chain_.state().items.Find(chain_.ItemId(sku));
      item.set_unit_value(unit_value);
      group.Add(std::move(fact));
      return 0;
    });
  }

  // Units an average hour; a night would have learned it.
  void Rate(const std::string& sku, float rate) {
    chain_.Run([&](Group& group) {
      ledger::journal::Fact fact;
      auto& rows = *fact.mutable_learned_items();
      rows.add_item(chain_.ItemId(sku));
      rows.add_rate(rate);
      rows.add_units(100);
      rows.add_expected(100 / rate);
      for (int day = 0; day < ledger::kDaysPerWeek; ++day) {
        rows.add_weekday(1);
        rows.add_weekday_units(0);
        rows.add_weekday_expected(0);
      }
      group.Add(std::move(fact));
      return 0;
    });
  }

  // Somebody counts the stock, and then nothing is sold for so many days that the location tells.
  void Silence(const std::string& location, int64_t units, int days) {
    for (const char* sku : {"ball", "boot", "sock"})
      chain_.Move(sku, location, units, ledger::EventKind::kCount);
    for (int day = 0; day < days; ++day) {
      chain_.Wait(kDay);
      chain_.KnownThrough(location, chain_.now_us());
      Night();
    }
  }
  void Night() {
    Rate("ball", 0.2F);
    Rate("boot", 0.2F);
    Rate("sock", 0.0005F);
  }

  v1::ListDoubtsResponse Ask(const DoubtQuestion& question) const {
    DoubtScan scan(question);
    while (!scan.Step(chain_.ledger())) {
    }
    return scan.Take();
  }

  ChainForTest chain_;
};

TEST_F(DoubtsTest, ALongSilenceIsDoubtedAndTheDearerItemComesFirst) {
  Silence("M1", 2, 5);
  const v1::ListDoubtsResponse response = Ask({});

  ASSERT_EQ(response.positions_size(), 2);
  EXPECT_EQ(response.doubted_count(), 2u);
  const v1::DoubtedPosition& ball = response.positions(0);
  EXPECT_EQ(ball.sku(), "ball");
  EXPECT_EQ(ball.location_id(), "M1");
  EXPECT_EQ(ball.on_hand(), 2);
  EXPECT_GT(ball.chance_empty(), 0.8);
  // 5 days of 24 hours at 0.2 an hour are 24, but every silent day slows what is expected.
  EXPECT_GT(ball.expected_since_sale(), 12);
  EXPECT_LT(ball.expected_since_sale(), 24);
  EXPECT_NEAR(ball.value(), 10 * ball.units_per_day() * 7 * ball.chance_empty() - kCountCost, 1e-3);
  EXPECT_TRUE(ball.shown());
  EXPECT_GT(ball.value(), response.positions(1).value());
}

TEST_F(DoubtsTest, SaysWhyInAManagersWords) {
  Silence("M1", 2, 5);
  // Five days before the test chain's 19 November, as far as rates tell.
  EXPECT_THAT(Ask({}).positions(0).why(),
              testing::MatchesRegex("no sale since about 1[45] Nov where 1[0-9]\\.[0-9] were "
                                    "expected; the record says 2"));
}

TEST_F(DoubtsTest, ASlowSellerIsToldToBeUndetectable) {
  Silence("M1", 2, 5);
  // 0.0005 an hour is 1.1 in 90 days.
  EXPECT_EQ(Ask({}).undetectable_count(), 1u);
}

TEST_F(DoubtsTest, ATillThatIsOfflineRaisesNoDoubt) {
  for (const char* sku : {"ball", "boot"}) chain_.Move(sku, "M1", 2, ledger::EventKind::kCount);
  chain_.KnownThrough("M1", chain_.now_us());
  chain_.Wait(5 * kDay);
  chain_.Tick();
  EXPECT_EQ(Ask({}).doubted_count(), 0u);
}

TEST_F(DoubtsTest, ASaleEndsTheDoubt) {
  Silence("M1", 2, 5);
  chain_.Move("ball", "M1", 1, ledger::EventKind::kSale);
  const v1::ListDoubtsResponse response = Ask({});
  ASSERT_EQ(response.positions_size(), 1);
  EXPECT_EQ(response.positions(0).sku(), "boot");
}

TEST_F(DoubtsTest, WhatDoubtHidesIsWorthTheChanceThatItIsThere) {
  Silence("M1", 2, 5);
  chain_.Rule("rule_id: 'careful' scope { sku: 'ball' } buffer { risk_one_in: 100 }");
  const v1::ListDoubtsResponse response = Ask({});
  ASSERT_EQ(response.positions_size(), 2);
  for (const v1::DoubtedPosition& row : response.positions()) {
    if (row.sku() != "ball") continue;
    EXPECT_FALSE(row.shown());
    EXPECT_NEAR(row.value(), 10 * row.units_per_day() * 7 * (1 - row.chance_empty()) - kCountCost,
                1e-3);
  }
  // A chance of a hundredth of ten lost sales is less than most of one.
  EXPECT_EQ(response.positions(0).sku(), "boot");
}

TEST_F(DoubtsTest, OnlyTheLocationAskedForAndNoMoreThanListed) {
  Silence("M1", 2, 5);
  Silence("M2", 3, 5);
  const DoubtQuestion one{.location = chain_.LocationId("M2"), .listed_max = 1};
  const v1::ListDoubtsResponse response = Ask(one);
  ASSERT_EQ(response.positions_size(), 1);
  EXPECT_EQ(response.positions(0).location_id(), "M2");
  EXPECT_EQ(response.doubted_count(), 2u);
}

TEST_F(DoubtsTest, DiscrepanciesRankByVolumeTimesPastError) {
  Silence("M1", 2, 1);
  Silence("M2", 30, 1);
  const v1::ListDoubtsResponse response =
      Ask({.chance_min = 0, .list = v1::DOUBT_LIST_DISCREPANCY});
  ASSERT_GE(response.positions_size(), 4);
  EXPECT_EQ(response.positions(0).sku(), "ball");
  // Records of 2 were wrong more often than records of 30.
  EXPECT_EQ(response.positions(0).location_id(), "M1");
  EXPECT_EQ(response.positions(1).location_id(), "M2");
  EXPECT_THAT(response.positions(0).why(), testing::HasSubstr("8 % of such records were wrong"));
}

}  // namespace
}  // namespace onhand::insights
