// Baskets, holds and orders: what is held where, for how long, and what is promised beyond stock.
#include <gtest/gtest.h>

#include "server/ledger/basket_for_test.h"
#include "server/ledger/decide_supply.h"
#include "server/ledger/encode.h"
#include "server/ledger/supply_comes.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;

class ReservationTest : public testing::Test {
 protected:
  ReservationTest() {
    for (const char* store : {"A", "B", "C"}) shop_.Location(store);
    shop_.Channel("channel_id: 'ship' kind: CHANNEL_KIND_SHIP");
    shop_.Channel("channel_id: 'pickup' kind: CHANNEL_KIND_PICKUP reservation_ttl_s: 60");
    shop_.Item("ball");
    shop_.Item("bat");
    shop_.Stock("ball", "A", 5);
    shop_.Stock("ball", "B", 8);
    shop_.Stock("bat", "B", 2);
  }

  std::string ReasonOfHold(const std::string& text) {
    const auto held = shop_.Hold(text);
    return held.ok() ? "" : ReasonOf(held.status());
  }
  // Does the leader's work on what waits for supply.
  void Settle() {
    supply_ = SupplyComes();
    shop_.Run([&](Group& group) {
      supply_.Decide(group, shop_.book(), 1'000);
      return 0;
    });
  }

  ShopForTest shop_;
  SupplyComes supply_;
};

TEST_F(ReservationTest, AHoldTakesFromAvailableAndNotFromOnHand) {
  shop_.HoldAt("ball", "A", 3);
  EXPECT_EQ(shop_.Numbers("ball", "A"), "5/3/0/2");
  EXPECT_EQ(shop_.Answer("ball", "ship").salable, 10);
  EXPECT_EQ(shop_.Answer("ball", "ship", "A").salable, 2);
}

TEST_F(ReservationTest, ABasketIsHeldWholeOrNotAtAll) {
  const std::string both =
      "basket { channel_id: 'ship' lines { sku: 'ball' units: 2 } lines { sku: 'bat' units: 3 } }";
  const auto held = shop_.Hold(both);
  ASSERT_EQ(ReasonOf(held.status()), "NOT_ENOUGH");
  EXPECT_NE(held.status().message().find("'bat' is wanted 3 times; 2 can be held"),
            std::string::npos)
      << held.status();
  EXPECT_EQ(shop_.Numbers("ball", "A"), "5/0/0/5");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "8/0/0/8");

  const auto partial = shop_.Hold(both + " allow_partial: true");
  ASSERT_TRUE(partial.ok()) << partial.status();
  EXPECT_EQ(partial->answers(1).units(), 2);
  EXPECT_EQ(partial->answers(1).shortfall(), "NOT_ENOUGH");
  EXPECT_EQ(shop_.Numbers("bat", "B"), "2/2/0/0");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'bat' units: 1 } } "
                         "allow_partial: true"),
            "NOT_ENOUGH");
}

TEST_F(ReservationTest, TheLastUnitIsHeldOnce) {
  shop_.HoldAt("bat", "B", 1);
  shop_.HoldAt("bat", "B", 1);
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'bat' units: 1 } }"),
            "NOT_ENOUGH");
}

TEST_F(ReservationTest, LinesOfOneBasketShareWhatIsThere) {
  const std::string named = "lines { sku: 'ball' units: 8 location_id: 'B' } ";
  EXPECT_EQ(
      ReasonOfHold("basket { channel_id: 'ship' " + named + "lines { sku: 'ball' units: 6 } }"),
      "NOT_ENOUGH");
  const auto held =
      shop_.Hold("basket { channel_id: 'ship' " + named + "lines { sku: 'ball' units: 5 } }");
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ(shop_.Numbers("ball", "A"), "5/5/0/0");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "8/8/0/0");
}

TEST_F(ReservationTest, TwoBasketsOfOneGroupSeeEachOther) {
  const auto one = shop_.Basket("basket { channel_id: 'ship' lines { sku: 'bat' units: 2 } }");
  const auto two = shop_.Basket("basket { channel_id: 'ship' lines { sku: 'bat' units: 1 } }");
  shop_.Run([&](Group& group) {
    EXPECT_TRUE(DecideCreateReservation(group, shop_.book(), one).ok());
    EXPECT_EQ(ReasonOf(DecideCreateReservation(group, shop_.book(), two).status()), "NOT_ENOUGH");
    return 0;
  });
  EXPECT_EQ(shop_.At("bat", "B").held(), 2);
}

TEST_F(ReservationTest, TheHubPrefersOneLocationForAllLines) {
  const auto held = shop_.Hold(
      "basket { channel_id: 'ship' lines { sku: 'ball' units: 2 } lines { sku: 'bat' units: 1 } }");
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ(held->reservation().lines(0).location_id(), "B");
  EXPECT_EQ(held->reservation().lines(1).location_id(), "B");
  EXPECT_EQ(held->reservation().lines(0).location_reason(), "has all 2 lines; priority 100");
}

TEST_F(ReservationTest, PriorityComesBeforeNearnessAndNearnessBeforeStock) {
  const auto place = [&](const std::string& id, double latitude) {
    v1::BatchUpsertLocationsRequest request;
    v1::Location& location = *request.add_locations();
    location.set_location_id(id);
    location.set_time_zone("UTC");
    location.set_latitude(latitude);
    location.set_has_coordinates(true);
    ASSERT_TRUE(shop_
                    .Run([&](Group& group) {
                      return DecideUpsertLocations(group, request,
                                                   [](absl::string_view) { return true; });
                    })
                    .ok());
  };
  place("A", 50);
  place("B", 51);
  const std::string wish =
      "basket { channel_id: 'ship' near { latitude: 50.1 } lines { sku: 'ball' units: 1 } }";
  EXPECT_EQ(shop_.Hold("basket { channel_id: 'ship' lines { sku: 'ball' units: 1 } }")
                ->reservation()
                .lines(0)
                .location_id(),
            "B");
  const auto near = shop_.Hold(wish);
  EXPECT_EQ(near->reservation().lines(0).location_id(), "A");
  EXPECT_EQ(near->reservation().lines(0).location_reason(),
            "has the whole line; priority 100; 11.1 km away");
  shop_.Rule("rule_id: 'first' scope { location_id: 'B' } priority: 1");
  EXPECT_EQ(shop_.Hold(wish)->reservation().lines(0).location_id(), "B");
}

TEST_F(ReservationTest, ALineIsSplitOnlyIfTheBasketAllowsIt) {
  const std::string wish = "channel_id: 'ship' lines { sku: 'ball' units: 12 } ";
  EXPECT_EQ(ReasonOfHold("basket { " + wish + " }"), "NOT_ENOUGH");
  const auto held = shop_.Hold("basket { " + wish + " allow_split: true }");
  ASSERT_TRUE(held.ok()) << held.status();
  ASSERT_EQ(held->reservation().lines_size(), 2);
  EXPECT_EQ(held->reservation().lines(0).units(), 8);
  EXPECT_EQ(held->reservation().lines(1).units(), 4);
  EXPECT_EQ(held->reservation().lines(1).basket_line(), 0);
  EXPECT_EQ(held->reservation().lines(1).line_id(), 2);
}

TEST_F(ReservationTest, BuffersWithholdFromHoldsAndFloorsDoNot) {
  shop_.Rule(
      "rule_id: 'floor' scope { sku: 'ball' } location_floor: 7 chain_floor { units: 50 "
      "reshow_units: 50 }");
  shop_.Rule("rule_id: 'buffer' scope { sku: 'ball' } buffer { units: 2 }");
  EXPECT_EQ(shop_.Answer("ball", "ship").status, v1::AVAILABILITY_STATUS_HIDDEN);
  shop_.HoldAt("ball", "A", 3);
  EXPECT_EQ(
      ReasonOfHold("basket { channel_id: 'ship' location_id: 'A' lines { sku: 'ball' units: 1 } }"),
      "NOT_ENOUGH");
}

TEST_F(ReservationTest, AChainBufferWithholdsFromAllHoldsTogether) {
  shop_.Rule("rule_id: 'pool' scope {} chain_mode: CHAIN_MODE_POOLED chain_buffer { units: 10 }");
  EXPECT_EQ(shop_.Answer("ball", "ship").salable, 3);
  shop_.HoldAt("ball", "A", 2);
  EXPECT_EQ(
      ReasonOfHold("basket { channel_id: 'ship' location_id: 'B' lines { sku: 'ball' units: 2 } }"),
      "NOT_ENOUGH");
  const std::string id = shop_.HoldAt("ball", "B", 1);
  // Moving a unit needs no more of the chain than it has.
  EXPECT_TRUE(shop_.Reassign(id, 1).ok());
  EXPECT_EQ(shop_.At("ball", "A").held(), 3);
}

TEST_F(ReservationTest, StopsRefuseAHold) {
  shop_.LocationState("A", "state: LOCATION_STATE_PAUSED");
  const auto checked = shop_.Check(
      "channel_id: 'ship' lines { sku: 'ball' units: 1 location_id: 'A' } "
      "lines { sku: 'ghost' units: 1 } lines { sku: 'bat' units: 3 }");
  EXPECT_FALSE(checked.can_hold());
  EXPECT_EQ(checked.answers(0).shortfall(), "LOCATION_CLOSED");
  EXPECT_EQ(checked.answers(1).shortfall(), "UNKNOWN_ITEM");
  EXPECT_EQ(checked.answers(2).shortfall(), "NOT_ENOUGH");
  EXPECT_EQ(checked.answers(2).units(), 2);
  const auto stop = FromText<v1::StopItemRequest>("sku: 'ball' stopped: true reason: 'recall'");
  ASSERT_TRUE(shop_.Run([&](Group& g) { return DecideStopItem(g, stop); }).ok());
  EXPECT_EQ(shop_.Check("channel_id: 'ship' lines { sku: 'ball' units: 1 }").answers(0).shortfall(),
            "STOPPED");
}

TEST_F(ReservationTest, BasketsAreCheckedBeforeAnythingElse) {
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' }"), "INVALID_BASKET");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'ball' units: 0 } }"),
            "INVALID_BASKET");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'ball' units: 1 } "
                         "lines { sku: 'ball' units: 1 } }"),
            "INVALID_BASKET");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'pickup' lines { sku: 'ball' units: 1 } }"),
            "INVALID_BASKET");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'ghost' units: 1 } }"),
            "UNKNOWN_ITEM");
  EXPECT_EQ(ReasonOfHold("basket { lines { sku: 'ball' units: 1 } }"), "UNKNOWN_CHANNEL");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'ball' units: 1 } } ttl_s: -1"),
            "INVALID_TTL");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'ball' units: 1 } } "
                         "commit: true"),
            "INVALID_ID");
}

TEST_F(ReservationTest, TheRequestsIdIsTheReservations) {
  const auto request = shop_.Basket("basket { channel_id: 'ship' lines { sku: 'bat' units: 1 } }");
  ASSERT_TRUE(shop_.Create(request).ok());
  EXPECT_EQ(shop_.Get(request.request_id()).reservation_id(), request.request_id());
  EXPECT_EQ(ReasonOf(shop_.Create(request).status()), "REQUEST_ID_REUSED");
}

TEST_F(ReservationTest, AHoldEndsByTime) {
  const auto held =
      shop_.Hold("basket { channel_id: 'pickup' location_id: 'B' lines { sku: 'bat' units: 2 } }");
  ASSERT_TRUE(held.ok()) << held.status();
  const std::string id = held->reservation().reservation_id();
  EXPECT_EQ(held->reservation().expires_at().seconds(), shop_.now_us() / kSecond + 60);
  shop_.Wait(59 * kSecond);
  EXPECT_EQ(shop_.Expire(), 0);
  ASSERT_TRUE(shop_.Extend(id, 0).ok());
  shop_.Wait(59 * kSecond);
  EXPECT_EQ(shop_.Expire(), 0);
  shop_.Wait(kSecond);
  EXPECT_EQ(shop_.Expire(), 1);
  EXPECT_EQ(shop_.Get(id).state(), v1::RESERVATION_STATE_EXPIRED);
  EXPECT_EQ(shop_.Numbers("bat", "B"), "2/0/0/2");
  EXPECT_EQ(ReasonOf(shop_.Extend(id, 0).status()), "INVALID_STEP");
}

TEST_F(ReservationTest, UnitsOfAnExpiredHoldAreFreeBeforeAnySweep) {
  const std::string id = shop_.HoldAt("bat", "B", 2, "ttl_s: 10");
  EXPECT_EQ(ReasonOfHold("basket { channel_id: 'ship' lines { sku: 'bat' units: 1 } }"),
            "NOT_ENOUGH");
  shop_.Wait(10 * kSecond);
  shop_.HoldAt("bat", "B", 1);
  EXPECT_EQ(shop_.Get(id).state(), v1::RESERVATION_STATE_EXPIRED);
}

TEST_F(ReservationTest, CommittingAfterExpirySucceedsWhileUnitsAreLeft) {
  const std::string first = shop_.HoldAt("bat", "B", 2, "ttl_s: 10");
  const std::string second = shop_.HoldAt("ball", "A", 5, "ttl_s: 10");
  shop_.Wait(10 * kSecond);
  ASSERT_TRUE(shop_.Commit(first, "order-1").ok());
  EXPECT_EQ(shop_.Numbers("bat", "B"), "2/0/2/0");
  shop_.HoldAt("ball", "A", 1);
  EXPECT_EQ(ReasonOf(shop_.Commit(second, "order-2").status()), "NOT_ENOUGH");
  EXPECT_EQ(shop_.Get(second).state(), v1::RESERVATION_STATE_EXPIRED);
  EXPECT_EQ(shop_.Get(second).order_reference(), "");
  EXPECT_EQ(ReasonOf(shop_.Commit(first, "order-1").status()), "INVALID_STEP");
}

TEST_F(ReservationTest, AnOrdersReferenceIsItsOwn) {
  shop_.Order("order-1", "ball", "A", 1);
  const std::string id = shop_.HoldAt("ball", "A", 1);
  EXPECT_EQ(ReasonOf(shop_.Commit(id, "order-1").status()), "ORDER_REFERENCE_TAKEN");
  EXPECT_EQ(ReasonOf(shop_.Commit(id, "").status()), "INVALID_ID");
  const auto found = FindReservation(shop_.state(), "", "order-1");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->order_reference(), "order-1");
  EXPECT_EQ(ReasonOf(FindReservation(shop_.state(), "", "order-2").status()),
            "UNKNOWN_RESERVATION");
}

TEST_F(ReservationTest, AShortageTakesFromNobodyElse) {
  shop_.Order("order-1", "ball", "A", 4);
  shop_.Move("ball", "A", -3);
  EXPECT_EQ(shop_.Numbers("ball", "A"), "2/0/4/0");
  EXPECT_EQ(shop_.At("ball", "A").shortage(), 2);
  EXPECT_EQ(shop_.Answer("ball", "ship").salable, 8);
  const auto shortages = ShortagesAfter(shop_.state(), 0, "", "", 10);
  ASSERT_EQ(shortages.size(), 1u);
  EXPECT_EQ(shortages[0].sku(), "ball");
  EXPECT_EQ(shortages[0].units(), 2);
  EXPECT_EQ(shortages[0].reservation_ids_size(), 1);
  EXPECT_TRUE(ShortagesAfter(shop_.state(), 0, "ball", "A", 10).empty());
}

TEST_F(ReservationTest, APositionThatOnlyAReservationMadeIsNotReported) {
  ASSERT_TRUE(shop_
                  .Import("orders { order_reference: 'old' channel_id: 'ship' "
                          "lines { sku: 'bat' units: 1 location_id: 'C' } }")
                  .ok());
  EXPECT_EQ(shop_.At("bat", "C").shortage(), 1);
  EXPECT_TRUE(shop_.Explain("bat", "ship").locations.size() == 1u);
  EXPECT_EQ(shop_.Answer("bat", "ship").salable, 2);
}

TEST_F(ReservationTest, UnitsBeyondStockAreMarkedWithinTheLimitAndSupply) {
  shop_.Rule(
      "rule_id: 'late' scope { sku: 'bat' } zero_policy: ZERO_POLICY_BACKORDER "
      "backorder_limit: 5 backorder_lead_days: 7");
  shop_.Stock("bat", "B", 0);
  const auto held = shop_.Hold("basket { channel_id: 'ship' lines { sku: 'bat' units: 3 } }");
  ASSERT_TRUE(held.ok()) << held.status();
  const v1::ReservationLine& line = held->reservation().lines(0);
  EXPECT_EQ(line.promise(), v1::LINE_PROMISE_BACKORDER);
  EXPECT_EQ(line.location_id(), "");
  EXPECT_EQ(line.available_from().seconds(), shop_.now_us() / kSecond + 7 * 86'400);
  EXPECT_EQ(shop_.Answer("bat", "ship").max_quantity, 2);
  EXPECT_EQ(shop_.Check("channel_id: 'ship' lines { sku: 'bat' units: 3 }").answers(0).shortfall(),
            "LIMIT_REACHED");
  // Of announced supply the first three units are promised.
  auto incoming = FromText<v1::SetIncomingRequest>(
      "incoming { reference: 'po' sku: 'bat' location_id: 'C' units: 4 }");
  incoming.mutable_incoming()->mutable_due_at()->set_seconds(shop_.now_us() / kSecond + 86'400);
  ASSERT_TRUE(shop_.Run([&](Group& g) { return DecideSetIncoming(g, incoming); }).ok());
  EXPECT_EQ(shop_.Answer("bat", "ship").max_quantity, 1);
  ASSERT_TRUE(shop_.Release(held->reservation().reservation_id()).ok());
  EXPECT_EQ(shop_.Answer("bat", "ship").max_quantity, 4);
}

TEST_F(ReservationTest, SupplyTurnsTheOldestPromisesIntoRealUnits) {
  shop_.Rule("rule_id: 'on' scope { sku: 'bat' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  shop_.Stock("bat", "B", 0);
  const std::string wish =
      "basket { channel_id: 'ship' lines { sku: 'bat' units: 3 } } commit: "
      "true order_reference: ";
  const auto first = shop_.Hold(wish + "'first'");
  shop_.Wait(kSecond);
  const auto second = shop_.Hold(wish + "'second'");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->reservation().lines(0).promise(), v1::LINE_PROMISE_KEEP_SELLING);
  shop_.Stock("bat", "C", 4);
  Settle();
  const v1::Reservation one = shop_.Get(first->reservation().reservation_id());
  EXPECT_EQ(one.lines(0).promise(), v1::LINE_PROMISE_STOCK);
  EXPECT_EQ(one.lines(0).location_id(), "C");
  const v1::Reservation two = shop_.Get(second->reservation().reservation_id());
  ASSERT_EQ(two.lines_size(), 2);
  EXPECT_EQ(two.lines(0).units(), 2);
  EXPECT_EQ(two.lines(0).promise(), v1::LINE_PROMISE_KEEP_SELLING);
  EXPECT_EQ(two.lines(1).units(), 1);
  EXPECT_EQ(two.lines(1).location_id(), "C");
  EXPECT_EQ(shop_.Numbers("bat", "C"), "4/0/4/0");
}

TEST_F(ReservationTest, AMergedItemTakesItsReservationsAlong) {
  const std::string id = shop_.Order("order-1", "bat", "B", 2);
  const auto merge = FromText<v1::MergeItemsRequest>("sku: 'ball' duplicate_sku: 'bat'");
  ASSERT_TRUE(shop_.Run([&](Group& g) { return DecideMergeItems(g, merge); }).ok());
  EXPECT_EQ(shop_.Get(id).lines(0).sku(), "ball");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "10/0/2/8");
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(shop_.Numbers("ball", "B"), "8/0/0/8");
}

TEST_F(ReservationTest, EndedReservationsAreForgottenAfterThirtyDays) {
  const std::string id = shop_.Order("order-1", "bat", "B", 1);
  ASSERT_TRUE(shop_.Release(id, "reason: 'changed her mind'").ok());
  EXPECT_EQ(shop_.Get(id).lines(0).reason(), "changed her mind");
  shop_.Wait(30 * 24 * ChainForTest::kHour - 1);
  shop_.Tick();
  EXPECT_TRUE(FindReservation(shop_.state(), id, "").ok());
  shop_.Wait(1);
  shop_.Tick();
  EXPECT_EQ(ReasonOf(FindReservation(shop_.state(), id, "").status()), "UNKNOWN_RESERVATION");
  EXPECT_EQ(shop_.state().reservations.by_end.size(), 0u);
  shop_.Order("order-1", "bat", "B", 1);
}

TEST_F(ReservationTest, ImportedOrdersAskNotWhetherThereIsEnough) {
  const std::string orders =
      "orders { order_reference: 'old-1' channel_id: 'ship' picked: true "
      "lines { sku: 'bat' units: 3 location_id: 'B' } lines { sku: 'ball' units: 1 } } "
      "orders { order_reference: 'old-2' channel_id: 'ship' lines { sku: 'ghost' units: 1 } } ";
  auto checked = shop_.Import(orders + "dry_run: true");
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->results(0).outcome(), v1::IMPORT_OUTCOME_IMPORTED);
  EXPECT_EQ(shop_.At("bat", "B").committed(), 0);
  auto done = shop_.Import(orders);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->results(0).outcome(), v1::IMPORT_OUTCOME_IMPORTED);
  EXPECT_EQ(done->results(1).outcome(), v1::IMPORT_OUTCOME_REFUSED);
  EXPECT_EQ(done->results(1).reason(), "UNKNOWN_ITEM");
  EXPECT_EQ(shop_.At("bat", "B").picked(), 3);
  EXPECT_EQ(shop_.At("bat", "B").shortage(), 1);
  done = shop_.Import(orders);
  EXPECT_EQ(done->results(0).outcome(), v1::IMPORT_OUTCOME_ALREADY_THERE);
  EXPECT_EQ(shop_.At("bat", "B").committed(), 3);
  // What waited for a place finds one where units are.
  Settle();
  EXPECT_EQ(shop_.At("ball", "B").committed(), 1);
}

TEST_F(ReservationTest, EverythingSurvivesAnImage) {
  const std::string order = shop_.Order("order-1", "ball", "A", 4);
  ASSERT_TRUE(shop_.Pick(order, "lines { line_id: 1 units: 2 }").ok());
  ASSERT_TRUE(shop_.Fulfil(order, "lines { line_id: 2 units: 1 }").ok());
  shop_.HoldAt("bat", "B", 1, "ttl_s: 10");
  ASSERT_TRUE(shop_.Release(shop_.HoldAt("ball", "B", 1)).ok());
  Ledger read(Settings{});
  ASSERT_TRUE(DecodeTables(EncodeTables(shop_.state()), read.mutable_state()).ok());
  for (uint32_t i = 0; i < SegmentCount(shop_.state()); ++i) {
    ASSERT_TRUE(DecodeSegment(EncodeSegment(shop_.state(), i), read.mutable_state()).ok());
  }
  EXPECT_EQ(EncodeState(read.state()), EncodeState(shop_.state()));
  EXPECT_EQ(
      read.state().positions.Find(shop_.ItemId("ball"), shop_.LocationId("A")).beside->reserved,
      (Reserved{.committed = 3, .picked = 1}));
  const Reservations& before = shop_.state().reservations;
  const Reservations& after = read.state().reservations;
  EXPECT_EQ(after.by_creation.size(), before.by_creation.size());
  EXPECT_EQ(after.by_expiry.size(), before.by_expiry.size());
  EXPECT_EQ(after.by_end.size(), before.by_end.size());
  EXPECT_EQ(after.open_lines.size(), before.open_lines.size());
  EXPECT_EQ(after.handed_over.size(), before.handed_over.size());
}

}  // namespace
}  // namespace onhand::ledger
