// How often a location should report, from what may sell there until an answer flips.
#include "server/insights/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/ledger/chain_for_test.h"

namespace onhand::insights {
namespace {

using ledger::ChainForTest;
using ledger::Group;

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest() {
    chain_.Location("M1");
    chain_.Location("M2");
    chain_.Item("ball");
    chain_.Run([&](Group& group) {
      ledger::journal::Fact fact;
      auto& rows = *fact.mutable_learned_items();
      rows.add_item(chain_.ItemId("ball"));
      rows.add_rate(kRate);
      rows.add_units(100);
      rows.add_expected(100 / kRate);
      for (int day = 0; day < ledger::kDaysPerWeek; ++day) {
        rows.add_weekday(1);
        rows.add_weekday_units(0);
        rows.add_weekday_expected(0);
      }
      group.Add(std::move(fact));
      return 0;
    });
  }

  v1::AdviseScheduleResponse Ask(double alpha = 0.01, const std::string& location = "") const {
    ScheduleScan scan(location.empty() ? 0 : chain_.LocationId(location), alpha);
    while (!scan.Step(chain_.ledger())) {
    }
    return scan.Take();
  }

  // Two units a day.
  static constexpr float kRate = 2.0F / 24;
  ChainForTest chain_;
};

TEST_F(ScheduleTest, PickupAsksByWhatTheStoreHasLeft) {
  chain_.Channel("channel_id: 'pickup' name: 'P' kind: CHANNEL_KIND_PICKUP");
  chain_.Stock("ball", "M1", 3);
  chain_.Stock("ball", "M2", 10);
  const v1::AdviseScheduleResponse response = Ask();
  ASSERT_EQ(response.locations_size(), 2);
  const ledger::Posterior rate{.a = ledger::kPriorSales, .b = ledger::kPriorSales / kRate};
  EXPECT_EQ(response.locations(0).location_id(), "M1");
  EXPECT_EQ(response.locations(0).position_count(), 1u);
  EXPECT_NEAR(response.locations(0).exact_interval_s(),
              SafeHours(3, rate, 0.01) * 3'600 - kLatency_s, 2);
  EXPECT_EQ(response.locations(0).interval_s(), 14'400);
  EXPECT_EQ(response.locations(1).interval_s(), 86'400);
  EXPECT_EQ(response.locations(0).why(), "every 4 h because of ball (3 to go, 2.0 a day)");
}

TEST_F(ScheduleTest, AFloorLeavesLessToSell) {
  chain_.Channel("channel_id: 'pickup' name: 'P' kind: CHANNEL_KIND_PICKUP");
  chain_.Rule("rule_id: 'floor' scope {} location_floor: 3");
  chain_.Stock("ball", "M1", 3);
  EXPECT_LT(Ask(0.01, "M1").locations(0).exact_interval_s(), 600);
}

TEST_F(ScheduleTest, TheChainsAnswerAsksByWhatTheChainHasLeft) {
  chain_.Channel("channel_id: 'web' name: 'Web' kind: CHANNEL_KIND_SHIP");
  chain_.Stock("ball", "M1", 3);
  const double alone_s = Ask(0.01, "M1").locations(0).exact_interval_s();
  chain_.Stock("ball", "M2", 30);
  EXPECT_GT(Ask(0.01, "M1").locations(0).exact_interval_s(), 5 * alone_s);
  chain_.Rule("rule_id: 'five' scope {} chain_floor { units: 31 }");
  EXPECT_LT(Ask(0.01, "M1").locations(0).exact_interval_s(), alone_s);
}

TEST_F(ScheduleTest, WhatKeepsSellingAtZeroNeedsNoReport) {
  chain_.Channel("channel_id: 'web' name: 'Web' kind: CHANNEL_KIND_SHIP");
  chain_.Rule("rule_id: 'on' scope {} zero_policy: ZERO_POLICY_KEEP_SELLING");
  chain_.Stock("ball", "M1", 1);
  const v1::LocationSchedule row = Ask(0.01, "M1").locations(0);
  EXPECT_EQ(row.interval_s(), 0);
  EXPECT_EQ(row.position_count(), 0u);
  EXPECT_THAT(row.why(), testing::HasSubstr("no reports needed"));
}

TEST_F(ScheduleTest, AGreaterRiskAllowsALongerSilence) {
  chain_.Channel("channel_id: 'pickup' name: 'P' kind: CHANNEL_KIND_PICKUP");
  chain_.Stock("ball", "M1", 3);
  EXPECT_LT(Ask(0.001, "M1").locations(0).exact_interval_s(),
            Ask(0.1, "M1").locations(0).exact_interval_s());
}

TEST_F(ScheduleTest, TheIntervalSeenStandsBesideTheAdvice) {
  chain_.KnownThrough("M1", chain_.now_us());
  chain_.Wait(ChainForTest::kHour);
  chain_.KnownThrough("M1", chain_.now_us());
  EXPECT_EQ(Ask(0.01, "M1").locations(0).seen_interval_s(), 3'600);
}

}  // namespace
}  // namespace onhand::insights
