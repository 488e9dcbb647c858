// How orders leave the shelf: picked, handed over by the API or the till in either order, deducted
// by the source, not found, moved elsewhere.
#include <gtest/gtest.h>

#include "server/ledger/basket_for_test.h"
#include "server/ledger/report_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;

class FulfilmentTest : public testing::Test {
 protected:
  FulfilmentTest() {
    for (const char* store : {"A", "B"}) shop_.Location(store);
    shop_.Channel("channel_id: 'ship' kind: CHANNEL_KIND_SHIP");
    shop_.Item("ball");
    shop_.Stock("ball", "B", 6);
  }
  // A till at A that says how orders reach its numbers, and that there are ten balls.
  void TillSays(v1::OrdersInNumbers orders) {
    till_.hello().set_orders_in_numbers(orders);
    ASSERT_TRUE(till_.Open().ok());
    Level(10);
  }
  void Level(int64_t units) {
    shop_.Wait(kSecond);
    EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, units, shop_.now_us()), "");
  }
  // A batch with sales as (units, order) and orders that are gone.
  void Sell(const std::vector<std::pair<int64_t, std::string>>& sales,
            const std::vector<std::string>& gone = {}) {
    shop_.Wait(kSecond);
    v1::Batch batch = till_.Next();
    for (const auto& [units, order] : sales) {
      v1::Movement& sale = *batch.add_movements();
      sale.set_sku("ball");
      sale.set_kind(v1::MOVEMENT_KIND_SALE);
      sale.set_quantity(units);
      sale.set_occurred_at_us(shop_.now_us());
      sale.set_order_reference(order);
    }
    for (const std::string& order : gone) batch.add_orders_gone()->add_order_references(order);
    const auto decision = till_.Send(batch);
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_TRUE(decision->problems.empty());
  }
  std::string A() const { return shop_.Numbers("ball", "A"); }
  double DoubtAtA() const {
    return shop_.state()
        .positions.Find(shop_.ItemId("ball"), shop_.LocationId("A"))
        .cell->estimates.doubt.empty;
  }
  double SoldAtA() const {
    return shop_.state()
        .positions.Find(shop_.ItemId("ball"), shop_.LocationId("A"))
        .cell->estimates.velocity.sold;
  }

  ShopForTest shop_;
  SourceForTest till_{&shop_, "till-A", {"A"}};
};

TEST_F(FulfilmentTest, PickedUnitsStayOnHandUntilTheyLeave) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.Order("o", "ball", "A", 3);
  ASSERT_TRUE(shop_.Pick(id, "lines { line_id: 1 units: 2 }").ok());
  EXPECT_EQ(shop_.Get(id).lines(0).units(), 1);
  EXPECT_EQ(shop_.Get(id).lines(1).state(), v1::RESERVATION_STATE_PICKED);
  EXPECT_EQ(shop_.At("ball", "A").picked(), 2);
  EXPECT_EQ(A(), "5/0/3/2");
  ASSERT_TRUE(shop_.Fulfil(id, "lines { line_id: 2 }").ok());
  EXPECT_EQ(A(), "3/0/1/2");
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(A(), "2/0/0/2");
  EXPECT_EQ(shop_.Get(id).state(), v1::RESERVATION_STATE_FULFILLED);
  EXPECT_EQ(ReasonOf(shop_.Fulfil(id).status()), "INVALID_STEP");
  EXPECT_EQ(ReasonOf(shop_.Pick(id).status()), "INVALID_STEP");
  EXPECT_EQ(ReasonOf(shop_.Release(id).status()), "INVALID_STEP");
}

TEST_F(FulfilmentTest, StepsNameTheirLines) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.HoldAt("ball", "A", 3);
  EXPECT_EQ(ReasonOf(shop_.Fulfil(id).status()), "INVALID_STEP");
  EXPECT_EQ(ReasonOf(shop_.Release(id, "lines { line_id: 7 }").status()), "INVALID_LINE");
  EXPECT_EQ(ReasonOf(shop_.Release(id, "lines { line_id: 1 units: 4 }").status()), "INVALID_LINE");
  EXPECT_EQ(ReasonOf(shop_.Release(id, "lines { line_id: 1 } lines { line_id: 1 }").status()),
            "INVALID_LINE");
  ASSERT_TRUE(shop_.Release(id, "lines { line_id: 1 units: 1 }").ok());
  EXPECT_EQ(A(), "5/2/0/3");
}

TEST_F(FulfilmentTest, NumbersThatNeverHearOfOrdersAreCorrectedForGood) {
  TillSays(v1::ORDERS_IN_NUMBERS_NEVER);
  ASSERT_TRUE(shop_.Fulfil(shop_.Order("o", "ball", "A", 2)).ok());
  EXPECT_EQ(A(), "8/0/0/8");
  Level(10);
  EXPECT_EQ(A(), "8/0/0/8");
  Level(8);  // two were sold at the till
  EXPECT_EQ(A(), "6/0/0/6");
}

TEST_F(FulfilmentTest, ALevelThatHasDeductedAnOrderEndsItsCorrection) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  ASSERT_TRUE(shop_.Fulfil(shop_.Order("o", "ball", "A", 2)).ok());
  Level(10);
  EXPECT_EQ(A(), "8/0/0/8");
  Level(8);
  EXPECT_EQ(A(), "8/0/0/8");
  Sell({}, {"o"});
  EXPECT_EQ(A(), "8/0/0/8");
}

TEST_F(FulfilmentTest, AnOrderDeductedBeforeItLeavesIsNotCountedTwice) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  EXPECT_EQ(A(), "10/0/2/8");
  Sell({}, {"o"});
  EXPECT_EQ(A(), "8/0/2/8");
  EXPECT_TRUE(shop_.Get(id).lines(0).deducted());
  Level(8);
  EXPECT_EQ(A(), "8/0/2/8");
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(A(), "8/0/0/8");
}

TEST_F(FulfilmentTest, ALevelThatComesBeforeItsOrdersGoneCountsOnce) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  Level(8);
  Sell({}, {"o"});
  EXPECT_EQ(A(), "8/0/2/8");
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(A(), "8/0/0/8");
}

TEST_F(FulfilmentTest, OneOrderGoneLeavesTheOthersCorrectionAlone) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  ASSERT_TRUE(shop_.Fulfil(shop_.Order("o1", "ball", "A", 1)).ok());
  ASSERT_TRUE(shop_.Fulfil(shop_.Order("o2", "ball", "A", 1)).ok());
  EXPECT_EQ(A(), "8/0/0/8");
  Level(9);
  Sell({}, {"o1"});
  EXPECT_EQ(A(), "8/0/0/8");
  Level(9);  // the other one is still in it
  EXPECT_EQ(A(), "8/0/0/8");
  Sell({}, {"o2"});
  EXPECT_EQ(A(), "8/0/0/8");
  Level(8);
  EXPECT_EQ(A(), "8/0/0/8");
}

TEST_F(FulfilmentTest, AWatermarkDeductsAllOrdersPlacedByThen) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  const std::string early = shop_.Order("o1", "ball", "A", 1);
  const int64_t watermark_us = shop_.now_us();
  shop_.Wait(kSecond);
  const std::string late = shop_.Order("o2", "ball", "A", 1);
  v1::Batch batch = till_.Next();
  batch.add_orders_gone()->set_watermark_us(watermark_us);
  ASSERT_TRUE(till_.Send(batch).ok());
  EXPECT_TRUE(shop_.Get(early).lines(0).deducted());
  EXPECT_FALSE(shop_.Get(late).lines(0).deducted());
}

// The API and the till tell of the same units; on hand falls by the greater of the two.
TEST_F(FulfilmentTest, ApiThenTillLowersOnHandOnce) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(A(), "8/0/0/8");
  Sell({{2, "o"}});
  EXPECT_EQ(A(), "8/0/0/8");
  EXPECT_TRUE(shop_.Get(id).lines(0).fulfilled_by_till());
  Level(8);
  EXPECT_EQ(A(), "8/0/0/8");
  Sell({{1, "o"}});  // beyond the order: a sale like others
  EXPECT_EQ(A(), "7/0/0/7");
}

// Else units sold in one order's name would count for another.
TEST_F(FulfilmentTest, AnOrderKeepsItsNameOnceUnitsWereSoldInIt) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  const std::string id = shop_.HoldAt("ball", "A", 3, "order_reference: 'early'");
  Sell({{1, "early"}});
  EXPECT_EQ(ReasonOf(shop_.Commit(id, "late").status()), "ORDER_REFERENCE_DIFFERS");
  ASSERT_TRUE(shop_.Commit(id, "").ok());
  EXPECT_EQ(A(), "9/0/2/7");
  const std::string unsold = shop_.HoldAt("ball", "A", 1, "order_reference: 'first'");
  ASSERT_TRUE(shop_.Commit(unsold, "second").ok());
  EXPECT_EQ(ReasonOf(FindReservation(shop_.state(), "", "first").status()), "UNKNOWN_RESERVATION");
  EXPECT_EQ(shop_.Get(unsold).order_reference(), "second");
}

TEST_F(FulfilmentTest, TillThenApiLowersOnHandOnce) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  const std::string id = shop_.Order("o", "ball", "A", 5);
  Sell({{2, "o"}});
  EXPECT_EQ(A(), "8/0/3/5");
  ASSERT_TRUE(shop_.Fulfil(id, "lines { line_id: 1 units: 2 }").ok());
  EXPECT_EQ(A(), "8/0/3/5");
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  EXPECT_EQ(A(), "5/0/0/5");
  Sell({{3, "o"}});
  EXPECT_EQ(A(), "5/0/0/5");
  Level(5);
  EXPECT_EQ(A(), "5/0/0/5");
}

TEST_F(FulfilmentTest, TwoSalesOfOneBatchNeverMeanTheSameUnits) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  const std::string id = shop_.Order("o", "ball", "A", 4);
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  Sell({{2, "o"}, {2, "o"}});
  EXPECT_EQ(A(), "6/0/0/6");
  ASSERT_TRUE(shop_.Fulfil(shop_.Order("o2", "ball", "A", 1)).ok());
  const double sold = SoldAtA();
  Sell({{1, ""}, {1, ""}});
  EXPECT_EQ(A(), "4/0/0/4");
  EXPECT_GT(SoldAtA(), sold);  // one of them was somebody at the shelf
}

TEST_F(FulfilmentTest, ANamedSaleOfASourceThatNeverHearsOfOrdersCountsOnceToo) {
  TillSays(v1::ORDERS_IN_NUMBERS_NEVER);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  ASSERT_TRUE(shop_.Fulfil(id).ok());
  Sell({{2, "o"}});
  EXPECT_EQ(A(), "8/0/0/8");
}

TEST_F(FulfilmentTest, ASaleWithoutANameMatchesWhatTheApiToldWithinADay) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  const std::string told = shop_.Order("o1", "ball", "A", 2);
  const std::string waits = shop_.Order("o2", "ball", "A", 1);
  ASSERT_TRUE(shop_.Pick(waits).ok());
  ASSERT_TRUE(shop_.Fulfil(told).ok());
  Sell({{1, ""}});  // a customer who walked in
  EXPECT_EQ(A(), "7/0/1/6");
  Sell({{2, ""}, {2, ""}});  // the order, and another customer
  EXPECT_EQ(A(), "5/0/1/4");
  EXPECT_TRUE(shop_.Get(told).lines(0).till_inferred());
  EXPECT_EQ(shop_.Get(waits).state(), v1::RESERVATION_STATE_PICKED);

  const std::string old = shop_.Order("o3", "ball", "A", 3);
  ASSERT_TRUE(shop_.Fulfil(old).ok());
  shop_.Wait(25 * ChainForTest::kHour);
  Sell({{3, ""}});
  EXPECT_FALSE(shop_.Get(old).lines(0).fulfilled_by_till());
}

TEST_F(FulfilmentTest, HandingOverAnOrderIsNoDemandAtTheShelfButProofOfIt) {
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
  shop_.Order("o", "ball", "A", 2);
  const double sold = SoldAtA();
  Sell({{2, "o"}});
  EXPECT_EQ(SoldAtA(), sold);
  EXPECT_FLOAT_EQ(static_cast<float>(DoubtAtA()), 0.005F);
  Sell({{1, ""}});
  EXPECT_GT(SoldAtA(), sold);
}

TEST_F(FulfilmentTest, OrdersAreNoInferredSales) {
  till_.hello().add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
  TillSays(v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED);
  shop_.Order("o", "ball", "A", 2);
  const double sold = SoldAtA();
  shop_.Wait(kSecond);
  v1::Batch batch = till_.Next("orders_gone { order_references: 'o' }");
  v1::Movement& level = *batch.add_movements();
  level.set_sku("ball");
  level.set_kind(v1::MOVEMENT_KIND_LEVEL);
  level.set_quantity(8);
  level.set_occurred_at_us(shop_.now_us());
  ASSERT_TRUE(till_.Send(batch).ok());
  EXPECT_EQ(A(), "8/0/2/8");
  EXPECT_EQ(SoldAtA(), sold);
  Level(7);
  EXPECT_GT(SoldAtA(), sold);
}

TEST_F(FulfilmentTest, ACountWithoutPickedUnitsKeepsThemOnHand) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  ASSERT_TRUE(shop_.Pick(id).ok());
  ASSERT_TRUE(
      shop_.Adjust("sku: 'ball' location_id: 'A' kind: MOVEMENT_KIND_COUNT quantity: 3").ok());
  EXPECT_EQ(A(), "5/0/2/3");
  ASSERT_TRUE(shop_
                  .Adjust("sku: 'ball' location_id: 'A' kind: MOVEMENT_KIND_COUNT quantity: 4 "
                          "includes_picked: true")
                  .ok());
  EXPECT_EQ(A(), "4/0/2/2");
}

TEST_F(FulfilmentTest, NotFoundLeavesWhatWasFoundAndDoubt) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.Order("o", "ball", "A", 3);
  const auto failed = shop_.FailPick(id,
                                     "line_id: 1 failure: PICK_FAILURE_NOT_FOUND found_units: 1 "
                                     "then: AFTER_FAILED_PICK_RELEASE reason: 'none left'");
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(A(), "1/0/1/0");
  EXPECT_FLOAT_EQ(static_cast<float>(DoubtAtA()), 0.99F);
  EXPECT_EQ(failed->reservation().lines(1).state(), v1::RESERVATION_STATE_RELEASED);
  EXPECT_EQ(failed->reservation().lines(1).units(), 2);
}

TEST_F(FulfilmentTest, NotFoundCountsPickedUnitsOfOthers) {
  shop_.Stock("ball", "A", 5);
  const std::string picked = shop_.Order("o1", "ball", "A", 2);
  ASSERT_TRUE(shop_.Pick(picked).ok());
  const std::string id = shop_.Order("o2", "ball", "A", 2);
  ASSERT_TRUE(shop_.FailPick(id, "line_id: 1 failure: PICK_FAILURE_NOT_FOUND").ok());
  EXPECT_EQ(shop_.At("ball", "A").on_hand(), 2);
  EXPECT_EQ(shop_.At("ball", "A").shortage(), 2);
}

TEST_F(FulfilmentTest, AFailedPickGoesElsewhereInOneDecision) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.Order("o", "ball", "A", 3);
  ASSERT_TRUE(shop_
                  .FailPick(id,
                            "line_id: 1 failure: PICK_FAILURE_MISMATCH found_units: 1 then: "
                            "AFTER_FAILED_PICK_REASSIGN")
                  .ok());
  EXPECT_EQ(A(), "3/0/1/2");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "6/0/2/4");
  // Where nothing is, nothing of the call happens.
  const std::string big = shop_.Order("o2", "ball", "B", 4);
  EXPECT_EQ(ReasonOf(shop_
                         .FailPick(big,
                                   "line_id: 1 failure: PICK_FAILURE_NOT_FOUND then: "
                                   "AFTER_FAILED_PICK_REASSIGN")
                         .status()),
            "NOT_ENOUGH");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "6/0/6/0");
  EXPECT_EQ(ReasonOf(shop_.FailPick(big, "line_id: 1").status()), "INVALID_PICK");
  EXPECT_EQ(
      ReasonOf(
          shop_.FailPick(big, "line_id: 1 failure: PICK_FAILURE_DAMAGED found_units: 4").status()),
      "INVALID_PICK");
}

TEST_F(FulfilmentTest, DamagedUnitsAreSetAsideWithoutDoubt) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.Order("o", "ball", "A", 2);
  const double doubt = DoubtAtA();
  ASSERT_TRUE(shop_
                  .FailPick(id,
                            "line_id: 1 failure: PICK_FAILURE_DAMAGED then: "
                            "AFTER_FAILED_PICK_RELEASE")
                  .ok());
  EXPECT_EQ(A(), "5/0/0/3");
  EXPECT_EQ(shop_.At("ball", "A").unavailable(), 2);
  EXPECT_EQ(DoubtAtA(), doubt);
}

TEST_F(FulfilmentTest, ALineMovesToAnotherLocation) {
  shop_.Stock("ball", "A", 5);
  const std::string id = shop_.HoldAt("ball", "A", 3);
  ASSERT_TRUE(shop_.Reassign(id, 1).ok());
  EXPECT_EQ(A(), "5/0/0/5");
  EXPECT_EQ(shop_.Numbers("ball", "B"), "6/3/0/3");
  EXPECT_EQ(ReasonOf(shop_.Reassign(id, 1, "B").status()), "INVALID_LINE");
  EXPECT_EQ(ReasonOf(shop_.Reassign(id, 9).status()), "INVALID_LINE");
  EXPECT_EQ(ReasonOf(shop_.Reassign(id, 1, "nowhere").status()), "UNKNOWN_LOCATION");
  shop_.Stock("ball", "A", 2);
  EXPECT_EQ(ReasonOf(shop_.Reassign(id, 1, "A").status()), "NOT_ENOUGH");
}

}  // namespace
}  // namespace onhand::ledger
