// Which items are dead, and which only look so because the hub is young.
#include "server/insights/dead_items.h"

#include <gtest/gtest.h>

#include <string>

#include "server/ledger/chain_for_test.h"

namespace onhand::insights {
namespace {

using ledger::ChainForTest;

class DeadItemsTest : public testing::Test {
 protected:
  static constexpr int64_t kDay = 24 * ChainForTest::kHour;

  DeadItemsTest() {
    chain_.Location("M1");
    chain_.Channel("channel_id: 'web' name: 'Web' kind: CHANNEL_KIND_SHIP");
    chain_.Item("ball", "name: 'Ball'");
    chain_.Item("boot");
    for (const char* sku : {"ball", "boot"}) chain_.Stock(sku, "M1", 4);
    chain_.Display();
  }
  void Wait(int days) {
    chain_.Wait(days * kDay);
    chain_.Tick();
  }
  v1::ListDeadItemsResponse Ask(const DeadQuestion& question = {}) const {
    DeadScan scan(question);
    while (!scan.Step(chain_.ledger())) {
    }
    return scan.Take();
  }

  ChainForTest chain_;
};

TEST_F(DeadItemsTest, AnItemThatNobodyMovedForLongIsDead) {
  Wait(100);
  chain_.Move("boot", "M1", 1, ledger::EventKind::kSale);
  Wait(81);
  const v1::ListDeadItemsResponse response = Ask();
  ASSERT_EQ(response.items_size(), 1);
  EXPECT_EQ(response.items(0).sku(), "ball");
  EXPECT_EQ(response.items(0).name(), "Ball");
  EXPECT_EQ(response.items(0).reason(), v1::DEAD_REASON_NO_MOVEMENT);
  EXPECT_EQ(response.items(0).on_hand(), 4);
  EXPECT_FALSE(response.items(0).has_last_sale_at());
  ASSERT_EQ(response.items(0).channel_ids_size(), 1);
  EXPECT_EQ(response.items(0).channel_ids(0), "web");
}

TEST_F(DeadItemsTest, AnItemThatIsKnownForLessThanThePeriodIsNotDead) {
  Wait(179);
  EXPECT_EQ(Ask().dead_count(), 0u);
  EXPECT_EQ(Ask({.receipt_days = 100, .sale_days = 90}).dead_count(), 2u);
  Wait(2);
  EXPECT_EQ(Ask().dead_count(), 2u);
}

TEST_F(DeadItemsTest, AReceiptKeepsItAlive) {
  Wait(100);
  chain_.Move("ball", "M1", 3, ledger::EventKind::kReceipt);
  Wait(100);
  const v1::ListDeadItemsResponse response = Ask();
  ASSERT_EQ(response.items_size(), 1);
  EXPECT_EQ(response.items(0).sku(), "boot");
}

TEST_F(DeadItemsTest, AnEndedItemThatAChannelStillSellsIsListedAtOnce) {
  chain_.Item("ball", "name: 'Ball' supply: SUPPLY_ENDED");
  const v1::ListDeadItemsResponse response = Ask();
  ASSERT_EQ(response.items_size(), 1);
  EXPECT_EQ(response.items(0).reason(), v1::DEAD_REASON_ENDED);
}

TEST_F(DeadItemsTest, WhatNoChannelSellsIsNotListed) {
  chain_.Item("ball", "supply: SUPPLY_ENDED");
  chain_.Stock("ball", "M1", 0);
  EXPECT_EQ(Ask().dead_count(), 0u);
}

TEST_F(DeadItemsTest, CountsAllAndListsSome) {
  Wait(200);
  const v1::ListDeadItemsResponse response = Ask({.listed_max = 1});
  EXPECT_EQ(response.items_size(), 1);
  EXPECT_EQ(response.dead_count(), 2u);
}

}  // namespace
}  // namespace onhand::insights
