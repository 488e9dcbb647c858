#include "server/ledger/availability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/ledger/chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int64_t kHour = ChainForTest::kHour;

// A chain of five stores that ships from all of them and lets customers collect.
class Availability : public testing::Test {
 protected:
  Availability() {
    for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) chain_.Location(store);
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "web-pickup" kind: CHANNEL_KIND_PICKUP)");
    chain_.Channel(R"(channel_id: "in-store" kind: CHANNEL_KIND_IN_STORE)");
    chain_.Item("boot", R"(category: "footwear/hiking")");
    chain_.Item("sock", R"(category: "footwear/socks")");
  }

  v1::AvailabilityStatus Status(const std::string& sku, const std::string& location = "") {
    return chain_.Answer(sku, location.empty() ? "web-ship" : "web-pickup", location).status;
  }

  ChainForTest chain_;
};

TEST_F(Availability, AddsUpWhatTheLocationsCanPromise) {
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 4);
  const Promise promise = chain_.Answer("boot", "web-ship");
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_TRUE(promise.orderable);
  EXPECT_EQ(promise.salable, 7);
  EXPECT_EQ(promise.max_quantity, 7);
  EXPECT_EQ(promise.cache_until_us, chain_.now_us() + 30 * kSecond);
}

TEST_F(Availability, HidesWithoutStockUnlessARuleSaysOtherwise) {
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Rule(R"(rule_id: "tell" zero_policy: ZERO_POLICY_SOLD_OUT)");
  const Promise promise = chain_.Answer("boot", "web-ship");
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_FALSE(promise.orderable);
  EXPECT_EQ(promise.max_quantity, 0);
}

TEST_F(Availability, OversoldLocationNeverEatsAnothersStock) {
  chain_.Stock("boot", "bilbao", -6);
  chain_.Stock("boot", "cadiz", 2);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 2);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, UnitsSetAsideAreNotPromised) {
  chain_.Stock("boot", "bilbao", 3);
  chain_.Move("boot", "bilbao", 2, EventKind::kSetAside);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 1);
  chain_.Move("boot", "bilbao", 2, EventKind::kSetAside);
  chain_.Stock("boot", "cadiz", 1);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 1);
}

TEST_F(Availability, BelowFiveInTheChainDisappearsAndReturnsOnlyAtTheReshowLevel) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 8 })");
  chain_.Stock("boot", "bilbao", 5);
  chain_.Display();
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_IN_STOCK);

  chain_.Move("boot", "bilbao", -1);
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN) << "hiding waits for no fact";
  chain_.Display();
  chain_.Move("boot", "cadiz", 3);  // 7
  chain_.Display();
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_TRUE(chain_.Answer("boot", "web-ship").below_floor);

  chain_.Move("boot", "cadiz", 1);  // 8
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN) << "showing again is a fact";
  chain_.Display();
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(Availability, OneOfEachInFiveStoresIsNotFiveInOneStore) {
  chain_.Rule(R"(rule_id: "store-5" location_floor: 5)");
  for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) {
    chain_.Stock("boot", store, 1);
  }
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 0);
  chain_.Stock("boot", "leon", 5);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 5);
}

TEST_F(Availability, ChainFloorHidesNothingInAStoreWhileTheChainHasPlenty) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 })");
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 57);
  const Promise promise = chain_.Answer("boot", "web-pickup", "bilbao");
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_EQ(promise.max_quantity, 3);
}

TEST_F(Availability, ChainFloorHidesAStoreOfAChainThatHasTooLittle) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 })");
  chain_.Stock("boot", "bilbao", 4);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, PausedLocationBeatsARuleForTheSku) {
  chain_.Rule(R"(rule_id: "boots" scope { sku: "boot" location_id: "bilbao" }
                 zero_policy: ZERO_POLICY_KEEP_SELLING)");
  chain_.Stock("boot", "bilbao", 9);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.LocationState("bilbao", R"(state: LOCATION_STATE_PAUSED)");
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_FALSE(chain_.Answer("boot", "web-pickup", "bilbao").orderable);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 0);
}

TEST_F(Availability, PauseOfOneChannelLeavesTheOthersAndEndsByItself) {
  chain_.Stock("boot", "bilbao", 9);
  chain_.LocationState("bilbao",
                       "state: LOCATION_STATE_PAUSED paused_channel_ids: 'web-pickup' "
                       "paused_until { seconds: 1700003600 }");
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 9);
  chain_.Wait(kHour - 1);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Wait(1);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(Availability, ClosingStoreSellsInTheStoreOnly) {
  chain_.Stock("boot", "bilbao", 2);
  chain_.LocationState("bilbao", "state: LOCATION_STATE_CLOSING");
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 0);
  EXPECT_EQ(chain_.Answer("boot", "web-pickup", "bilbao").salable, 0);
  EXPECT_EQ(chain_.Answer("boot", "in-store", "bilbao").salable, 2);
  chain_.LocationState("bilbao", "state: LOCATION_STATE_CLOSED");
  EXPECT_EQ(chain_.Answer("boot", "in-store", "bilbao").salable, 0);
}

TEST_F(Availability, OneSkuKeepsSellingAtZeroWhileItsNeighbourTurnsToBackOrder) {
  chain_.Rule(R"(rule_id: "boots" scope { sku: "boot" } zero_policy: ZERO_POLICY_KEEP_SELLING)");
  chain_.Rule(R"(rule_id: "socks" scope { sku: "sock" } zero_policy: ZERO_POLICY_BACKORDER
                 backorder_limit: 20 backorder_lead_days: 14)");
  const Promise boot = chain_.Answer("boot", "web-ship");
  EXPECT_EQ(boot.status, v1::AVAILABILITY_STATUS_KEEP_SELLING);
  EXPECT_EQ(boot.max_quantity, 10'000);
  EXPECT_EQ(boot.available_from_us, 0);
  const Promise sock = chain_.Answer("sock", "web-ship");
  EXPECT_EQ(sock.status, v1::AVAILABILITY_STATUS_BACKORDER);
  EXPECT_TRUE(sock.orderable);
  EXPECT_EQ(sock.max_quantity, 20);
  EXPECT_EQ(sock.available_from_us, chain_.now_us() + int64_t{14} * 24 * kHour);
}

TEST_F(Availability, KeepSellingIgnoresBufferAndFreshnessButNoStop) {
  chain_.Rule(
      R"(rule_id: "careful" buffer { units: 5 } chain_buffer { units: 5 } freshness_target_s: 60)");
  chain_.Rule(R"(rule_id: "boots" scope { sku: "boot" } zero_policy: ZERO_POLICY_KEEP_SELLING
                 max_quantity: 50)");
  chain_.Stock("boot", "bilbao", 4);
  const Promise promise = chain_.Answer("boot", "web-ship");
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_EQ(promise.salable, 4);
  EXPECT_EQ(promise.max_quantity, 50);
  for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) {
    chain_.LocationState(store, "state: LOCATION_STATE_PAUSED");
  }
  EXPECT_FALSE(chain_.Answer("boot", "web-ship").orderable);
}

TEST_F(Availability, EndedSupplyPromisesNothingBeyondStock) {
  chain_.Item("last-boot", "supply: SUPPLY_ENDED");
  chain_.Item("summer-boot", "supply: SUPPLY_SEASONAL supply_date { seconds: 1700003600 }");
  chain_.Rule(R"(rule_id: "all" zero_policy: ZERO_POLICY_BACKORDER backorder_limit: 9)");
  EXPECT_EQ(Status("last-boot"), v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_EQ(Status("summer-boot"), v1::AVAILABILITY_STATUS_BACKORDER);
  chain_.Wait(kHour);
  EXPECT_EQ(Status("summer-boot"), v1::AVAILABILITY_STATUS_SOLD_OUT);
}

TEST_F(Availability, BuffersWithholdBeforeFloorsCompare) {
  chain_.Rule(R"(rule_id: "r" buffer { units: 2 } location_floor: 3 chain_buffer { units: 1 })");
  chain_.Stock("boot", "bilbao", 4);  // 2 after the buffer, under the floor
  chain_.Stock("boot", "cadiz", 5);   // 3
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 2);
}

TEST_F(Availability, SilentStoreStopsPromisingWhileTheChainShipsFromElsewhere) {
  chain_.Rule(R"(rule_id: "fresh" freshness_target_s: 86400)");
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 4);
  chain_.KnownThrough("bilbao", chain_.now_us());
  chain_.KnownThrough("cadiz", chain_.now_us() - kHour);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 7);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").known_through_us, chain_.now_us() - kHour);
  chain_.Wait(24 * kHour - kHour + 1);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 3);
  EXPECT_EQ(Status("boot", "cadiz"), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(Availability, StoreThatNeverToldIsNeverFresh) {
  chain_.Stock("boot", "bilbao", 3);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").known_through_us, 0);
  chain_.Rule(R"(rule_id: "fresh" freshness_target_s: 86400)");
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 0);
}

TEST_F(Availability, UnpublishedOrStoppedItemIsHidden) {
  chain_.Stock("boot", "bilbao", 3);
  chain_.Rule(R"(rule_id: "keep" zero_policy: ZERO_POLICY_KEEP_SELLING)");
  v1::StopItemRequest request;
  request.set_sku("boot");
  request.set_stopped(true);
  request.set_reason("recall");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideStopItem(g, request); }).ok());
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, LocationLeftOutAddsNothingAndAnItemLeftOutIsHidden) {
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 4);
  chain_.Rule(R"(rule_id: "out" scope { location_id: "bilbao" } included: false)");
  chain_.Rule(R"(rule_id: "keep" zero_policy: ZERO_POLICY_KEEP_SELLING)");
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 4);
  EXPECT_EQ(Status("boot", "bilbao"), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Rule(
      R"(rule_id: "no-boots" scope { sku: "boot" channel_id: "web-ship" } included: false)");
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, ChannelUsesOnlyItsLocationsAndGroups) {
  chain_.LocationGroup(R"(group_id: "north" location_ids: ["gijon", "bilbao"])");
  chain_.Channel(R"(channel_id: "market" kind: CHANNEL_KIND_SHIP location_ids: "vigo"
                    group_ids: "north")");
  for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) {
    chain_.Stock("boot", store, 1);
  }
  EXPECT_EQ(chain_.Answer("boot", "market").salable, 3);
  EXPECT_EQ(chain_.Answer("boot", "market", "cadiz").status, v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, FewLeftIsLowStockAndNoMoreThanTheMaximumIsShown) {
  chain_.Rule(R"(rule_id: "r" low_stock_at: 3 max_quantity: 2)");
  chain_.Stock("boot", "bilbao", 4);
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Stock("boot", "bilbao", 3);
  EXPECT_EQ(Status("boot"), v1::AVAILABILITY_STATUS_LOW_STOCK);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").max_quantity, 2);
}

TEST_F(Availability, AnswerIsKeptNoLongerThanItsRulesHold) {
  chain_.Stock("boot", "bilbao", 4);
  chain_.Rule(R"(rule_id: "sale" max_quantity: 2 cache_s: 600
                 effective_until { seconds: 1700000060 })");
  EXPECT_EQ(chain_.Answer("boot", "web-ship").cache_until_us, chain_.now_us() + 60 * kSecond);
  chain_.Wait(60 * kSecond);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").cache_until_us, chain_.now_us() + 30 * kSecond);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").max_quantity, 4);
}

TEST_F(Availability, UnknownItemIsHidden) {
  EXPECT_EQ(Evaluate(chain_.state(), chain_.book(), {.item = 999}).status,
            v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(Availability, OverlayAnswersAsTheCommittedStateWill) {
  chain_.Stock("boot", "bilbao", 4);
  Group group = chain_.NewGroup();
  journal::Fact fact;
  journal::MovementByPerson& movement = *fact.mutable_movement_by_person();
  movement.set_item(chain_.ItemId("boot"));
  movement.set_location(chain_.LocationId("cadiz"));
  movement.set_kind(static_cast<uint32_t>(EventKind::kReceipt));
  movement.set_quantity(5);
  movement.set_occurred_us(chain_.now_us());
  group.Add(std::move(fact));
  EXPECT_EQ(Evaluate(group.state(), chain_.book(), chain_.Ask("boot", "web-ship")).salable, 9);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").salable, 4);
}

TEST_F(Availability, ExplainsAFloorInOneSentence) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 8 })");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  EXPECT_EQ(chain_.Explain("boot", "web-ship").sentence,
            "Hidden since 22:13 UTC: 4 left in the chain, rule 'below-5' needs 5 (set by Ana on 14 "
            "Nov 2023); returns at 8.");
}

TEST_F(Availability, ExplainsAPauseInOneSentence) {
  chain_.LocationState("bilbao",
                       "state: LOCATION_STATE_PAUSED reason: 'water damage' "
                       "paused_until { seconds: 1700003600 }");
  EXPECT_EQ(chain_.Explain("boot", "web-pickup", "bilbao").sentence,
            "Hidden at bilbao: the location is paused until 23:13 UTC (water damage).");
}

TEST_F(Availability, ExplainsInTheOrderOfDecision) {
  chain_.Rule(R"(rule_id: "r" buffer { units: 1 } location_floor: 3 chain_buffer { units: 1 }
                 chain_floor { units: 9 } zero_policy: ZERO_POLICY_SOLD_OUT)");
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 5);
  chain_.Stock("boot", "vigo", 5);
  chain_.LocationState("vigo", "state: LOCATION_STATE_PAUSED");
  const Trace trace = chain_.Explain("boot", "web-ship");
  std::vector<std::string> steps;
  for (const Step& step : trace.steps) {
    steps.push_back(absl::StrCat(step.step, " ", step.location, ": ", step.before, " -> ",
                                 step.after, " ", step.rule_id));
  }
  EXPECT_THAT(steps, testing::ElementsAre("stock 1: 3 -> 3 ", "location buffer 1: 3 -> 2 r",
                                          "location floor 1: 2 -> 0 r", "stock 2: 5 -> 5 ",
                                          "location buffer 2: 5 -> 4 r", "stops 5: 5 -> 0 ",
                                          "sum 0: 4 -> 4 ", "chain buffer 0: 4 -> 3 r",
                                          "chain floor 0: 3 -> 0 r", "zero policy 0: 3 -> 0 r"));
  ASSERT_EQ(trace.locations.size(), 3u);
  EXPECT_EQ(trace.locations[1].salable, 4);
  EXPECT_EQ(trace.locations[2].salable, 0);
}

}  // namespace
}  // namespace onhand::ledger
