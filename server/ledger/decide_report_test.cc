#include "server/ledger/decide_report.h"

#include <gtest/gtest.h>

#include "server/ledger/decide_quarantine.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/report_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int64_t kHour = ChainForTest::kHour;

class DecideReportTest : public testing::Test {
 protected:
  DecideReportTest() {
    chain_.Location("bilbao");
    chain_.Location("sevilla");
    chain_.Item("ball");
    chain_.Item(
        "shoe",
        "aliases { code: 'shoe-box' pack_factor: 12 } aliases { code: '77' source_id: 'till-1' }");
    EXPECT_TRUE(till_.Open().ok());
  }

  int64_t OnHand(const std::string& sku, const std::string& location = "bilbao") {
    return PositionOf(chain_.state(), chain_.ItemId(sku), chain_.LocationId(location)).on_hand();
  }
  int64_t now() const { return chain_.now_us(); }

  ChainForTest chain_;
  SourceForTest till_{&chain_, "till-1", {"bilbao"}};
};

TEST_F(DecideReportTest, SaleLowersOnHand) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now() - kHour), "");
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_SALE, 3, now() - 1), "");
  EXPECT_EQ(OnHand("ball"), 7);
}

TEST_F(DecideReportTest, RetriedBatchIsAppliedOnce) {
  const v1::Batch batch = till_.Next(
      "movements { sku: 'ball' kind: MOVEMENT_KIND_RECEIPT quantity: 5 occurred_at_us: 7 }");
  EXPECT_FALSE(till_.Send(batch)->already_applied);
  EXPECT_TRUE(till_.Send(batch)->already_applied);
  EXPECT_EQ(OnHand("ball"), 5);
}

TEST_F(DecideReportTest, SameSequenceWithOtherContentIsADistinctError) {
  v1::Batch batch = till_.Next(
      "movements { sku: 'ball' kind: MOVEMENT_KIND_RECEIPT quantity: 5 occurred_at_us: 7 }");
  ASSERT_TRUE(till_.Send(batch).ok());
  batch.mutable_movements(0)->set_quantity(6);
  const auto again = till_.Send(batch);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(again.status()), "SEQUENCE_REUSED");
  EXPECT_EQ(OnHand("ball"), 5);
}

TEST_F(DecideReportTest, SendersHashIsWhatIsCompared) {
  v1::Batch batch = till_.Next();
  batch.set_rolling_hash(77);
  ASSERT_TRUE(till_.Send(batch).ok());
  EXPECT_TRUE(till_.Send(batch)->already_applied);
  batch.set_rolling_hash(78);
  EXPECT_EQ(ReasonOf(till_.Send(batch).status()), "SEQUENCE_REUSED");
}

TEST_F(DecideReportTest, GapInTheSequenceIsRefused) {
  till_.Next();
  EXPECT_EQ(ReasonOf(till_.Send(till_.Next()).status()), "SEQUENCE_GAP");
}

TEST_F(DecideReportTest, BadRowIsQuarantinedAndBlocksNothing) {
  const auto decision = till_.Send(till_.Next(R"pb(
    movements { sku: 'ball' kind: MOVEMENT_KIND_RECEIPT quantity: 5 occurred_at_us: 7 }
    movements { sku: 'ball' kind: MOVEMENT_KIND_COUNT quantity: -1 occurred_at_us: 7 }
    movements { sku: 'ball' kind: MOVEMENT_KIND_RECEIPT quantity: 1099511627776 occurred_at_us: 7 }
    movements { sku: 'a\tb' kind: MOVEMENT_KIND_SALE quantity: 1 occurred_at_us: 7 }
    movements {
      sku: '12345678901234567890123456789012345678901234567890123456789012345'
      kind: MOVEMENT_KIND_SALE
      quantity: 1
      occurred_at_us: 7
    }
    movements {
      sku: 'ball'
      kind: MOVEMENT_KIND_SALE
      quantity: 1
      occurred_at_us: 7
      location_id: 'sevilla'
    }
    movements { sku: 'ball' quantity: 1 occurred_at_us: 7 }
    movements { sku: 'ball' kind: MOVEMENT_KIND_SALE quantity: 1 }
    movements { sku: 'ball' kind: MOVEMENT_KIND_SALE quantity: 2 occurred_at_us: 8 })pb"));
  ASSERT_TRUE(decision.ok()) << decision.status();
  std::vector<std::string> reasons;
  for (const v1::RowProblem& problem : decision->problems) reasons.push_back(problem.reason());
  EXPECT_EQ(reasons, (std::vector<std::string>{
                         "NEGATIVE_COUNT", "QUANTITY_OUT_OF_RANGE", "INVALID_SKU", "INVALID_SKU",
                         "LOCATION_NOT_REPORTED", "INVALID_KIND", "INVALID_TIME"}));
  EXPECT_EQ(decision->problems[1].row(), 2u);
  EXPECT_EQ(OnHand("ball"), 3);
  EXPECT_EQ(chain_.state().quarantine.size(), 7u);
}

TEST_F(DecideReportTest, NegativeLevelIsKeptAndPromisesNothing) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, -4, now()), "");
  EXPECT_EQ(OnHand("ball"), -4);
  EXPECT_EQ(
      PositionOf(chain_.state(), chain_.ItemId("ball"), chain_.LocationId("bilbao")).available(),
      0);
}

TEST_F(DecideReportTest, PositionNeverLeavesInt32) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_RECEIPT, 1'000'000'000, now()), "");
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_RECEIPT, 1'000'000'000, now()),
            "QUANTITY_OUT_OF_RANGE");
  EXPECT_EQ(OnHand("ball"), 2'000'000'000);
}

TEST_F(DecideReportTest, PositionNeverLeavesInt32WithinOneBatch) {
  v1::Batch batch = till_.Next();
  for (int i = 0; i < 4; ++i) {
    v1::Movement& movement = *batch.add_movements();
    movement.set_sku("ball");
    movement.set_kind(v1::MOVEMENT_KIND_RECEIPT);
    movement.set_quantity(1'000'000'000);
    movement.set_occurred_at_us(now());
  }
  const auto decision = till_.Send(batch);
  ASSERT_EQ(decision->problems.size(), 2u);
  EXPECT_EQ(decision->problems[0].row(), 2u);
  EXPECT_EQ(OnHand("ball"), 2'000'000'000);
}

TEST_F(DecideReportTest, AliasLeadsToItsItemWithItsPack) {
  EXPECT_EQ(till_.Tell("shoe-box", v1::MOVEMENT_KIND_RECEIPT, 2, now()), "");
  EXPECT_EQ(OnHand("shoe"), 24);
}

TEST_F(DecideReportTest, AliasOfOneSourceIsForeignToAnother) {
  EXPECT_EQ(till_.Tell("77", v1::MOVEMENT_KIND_RECEIPT, 1, now()), "");
  EXPECT_EQ(OnHand("shoe"), 1);
  SourceForTest other(&chain_, "till-2", {"sevilla"});
  ASSERT_TRUE(other.Open().ok());
  EXPECT_EQ(other.Tell("77", v1::MOVEMENT_KIND_RECEIPT, 1, now()), "UNKNOWN_ITEM");
}

TEST_F(DecideReportTest, RowOfAnUnknownItemIsTakenWhenItsItemAppears) {
  EXPECT_EQ(till_.Tell("new-ball", v1::MOVEMENT_KIND_RECEIPT, 6, now()), "UNKNOWN_ITEM");
  EXPECT_EQ(chain_.state().quarantine.size(), 1u);
  chain_.Item("new-ball");
  EXPECT_EQ(OnHand("new-ball"), 6);
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
}

TEST_F(DecideReportTest, HeldRowStaysInQuarantineAfterADay) {
  EXPECT_EQ(till_.Tell("new-ball", v1::MOVEMENT_KIND_RECEIPT, 6, now()), "UNKNOWN_ITEM");
  chain_.Wait(25 * kHour);
  chain_.Item("new-ball");
  EXPECT_EQ(chain_.state().quarantine.size(), 1u);
  v1::RetryQuarantinedRequest retry;
  retry.set_quarantine_id(1);
  EXPECT_TRUE(chain_.Run([&](Group& group) { return DecideRetryQuarantined(group, retry); }).ok());
  EXPECT_EQ(OnHand("new-ball"), 6);
}

TEST_F(DecideReportTest, SourceMayAskToCreateOrRejectUnknownItems) {
  SourceForTest creating(&chain_, "till-3", {"sevilla"});
  creating.hello().set_unknown_items(v1::UNKNOWN_ITEMS_CREATE);
  ASSERT_TRUE(creating.Open().ok());
  EXPECT_EQ(creating.Tell("made", v1::MOVEMENT_KIND_RECEIPT, 6, now()), "");
  EXPECT_EQ(OnHand("made", "sevilla"), 6);
  EXPECT_FALSE(chain_.state().items.Find(chain_.ItemId("made"))->published());
  SourceForTest rejecting(&chain_, "till-4", {"sevilla"});
  rejecting.hello().set_unknown_items(v1::UNKNOWN_ITEMS_REJECT);
  ASSERT_TRUE(rejecting.Open().ok());
  EXPECT_EQ(rejecting.Tell("refused", v1::MOVEMENT_KIND_RECEIPT, 6, now()), "UNKNOWN_ITEM");
  chain_.Item("refused");
  EXPECT_EQ(OnHand("refused", "sevilla"), 0);
}

TEST_F(DecideReportTest, LevelFromBeforeTheClosedHistoryIsQuarantined) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_SALE, 1, now() - kHour), "");
  chain_.Wait(37 * kHour);
  chain_.Tick();
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_COUNT, 5, ChainForTest::kStart - 2 * kHour),
            "LATE_COUNT");
  // A delta of any age is taken.
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_SALE, 1, ChainForTest::kStart - 2 * kHour), "");
  EXPECT_EQ(OnHand("ball"), -2);
}

TEST_F(DecideReportTest, DeltaFromBeforeADroppedLevelIsContainedInIt) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now()), "");
  chain_.Wait(37 * kHour);
  chain_.Tick();
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_SALE, 1, ChainForTest::kStart - kHour), "");
  EXPECT_EQ(OnHand("ball"), 10);
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_SALE, 1, ChainForTest::kStart + kHour), "");
  EXPECT_EQ(OnHand("ball"), 9);
}

TEST_F(DecideReportTest, PositionAtRestNeedsNothingBesideItsCell) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now()), "");
  chain_.Wait(37 * kHour);
  chain_.Tick();
  EXPECT_EQ(
      chain_.state().positions.Find(chain_.ItemId("ball"), chain_.LocationId("bilbao")).beside,
      nullptr);
}

TEST_F(DecideReportTest, SendersClockIsCorrected) {
  SourceForTest behind(&chain_, "till-5", {"sevilla"});
  const int64_t sent_us = now() - kHour;
  behind.hello().mutable_sent_at()->set_seconds(sent_us / kSecond);
  const auto opened = behind.Open();
  EXPECT_EQ(opened->clock_correction_us, kHour);
  EXPECT_EQ(behind.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 4, sent_us - 60 * kSecond), "");
  const auto view =
      chain_.state().positions.Find(chain_.ItemId("ball"), chain_.LocationId("sevilla"));
  EXPECT_EQ(view.beside->window.back().at_us, now() - 60 * kSecond);
}

TEST_F(DecideReportTest, NothingHappensInTheFuture) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 4, now() + kHour), "");
  const auto view =
      chain_.state().positions.Find(chain_.ItemId("ball"), chain_.LocationId("bilbao"));
  EXPECT_EQ(view.beside->window.back().at_us, now());
}

TEST_F(DecideReportTest, OnlyKnownThroughMakesALocationFresh) {
  const uint32_t bilbao = chain_.LocationId("bilbao");
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 4, now()), "");
  EXPECT_EQ(chain_.state().clocks.Find(bilbao)->KnownThrough(), 0);
  v1::Batch batch = till_.Next();
  batch.add_known_through()->set_at_us(now() - kSecond);
  ASSERT_TRUE(till_.Send(batch).ok());
  EXPECT_EQ(chain_.state().clocks.Find(bilbao)->KnownThrough(), now() - kSecond);
  // A second source of the location that has told nothing yet holds it back; retiring it frees it.
  SourceForTest erp(&chain_, "erp", {"bilbao", "sevilla"});
  ASSERT_TRUE(erp.Open().ok());
  EXPECT_EQ(chain_.state().clocks.Find(bilbao)->KnownThrough(), 0);
  v1::RetireSourceRequest retire;
  retire.set_source_id("erp");
  ASSERT_TRUE(chain_.Run([&](Group& group) { return DecideRetireSource(group, retire); }).ok());
  EXPECT_EQ(chain_.state().clocks.Find(bilbao)->KnownThrough(), now() - kSecond);
  EXPECT_EQ(ReasonOf(erp.Open().status()), "SOURCE_RETIRED");
}

TEST_F(DecideReportTest, KnownThroughNeverGoesBack) {
  v1::Heartbeat heartbeat;
  for (const int64_t at_us : {now() - kSecond, now() - kHour}) {
    heartbeat.clear_known_through();
    heartbeat.add_known_through()->set_at_us(at_us);
    chain_.Run([&](Group& group) {
      DecideHeartbeat(group, till_.source(), 0, heartbeat);
      return 0;
    });
  }
  EXPECT_EQ(chain_.state().clocks.Find(chain_.LocationId("bilbao"))->KnownThrough(),
            now() - kSecond);
}

TEST_F(DecideReportTest, NewSpoolStartsAtOneFromTheInputPosition) {
  v1::Batch batch = till_.Next("input_position: 'line 7'");
  batch.set_rolling_hash(5);
  ASSERT_TRUE(till_.Send(batch).ok());
  till_.hello().set_spool_id("spool-2");
  const auto opened = till_.Open();
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->durable_sequence, 0u);
  EXPECT_EQ(opened->input_position, "line 7");
  EXPECT_EQ(opened->last_spool_id, "spool-1");
  // Whoever comes back with the old spool must not go on with it: its sequences are forgotten.
  till_.hello().set_spool_id("spool-1");
  EXPECT_EQ(ReasonOf(till_.Open().status()), "SPOOL_ENDED");
}

TEST_F(DecideReportTest, HelloTellsWhatIsWrongWithIt) {
  SourceForTest source(&chain_, "x", {"nowhere"});
  EXPECT_EQ(ReasonOf(source.Open().status()), "UNKNOWN_LOCATION");
  EXPECT_EQ(ReasonOf(SourceForTest(&chain_, "x", {}).Open().status()), "INVALID_HELLO");
  EXPECT_EQ(ReasonOf(SourceForTest(&chain_, "", {"bilbao"}).Open().status()), "INVALID_HELLO");
}

TEST_F(DecideReportTest, LevelOfASourceWithoutSalesIsReadAsMovements) {
  SourceForTest erp(&chain_, "erp", {"sevilla"});
  erp.hello().add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
  erp.hello().add_declared_kinds(v1::MOVEMENT_KIND_RECEIPT);
  ASSERT_TRUE(erp.Open().ok());
  EXPECT_EQ(erp.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now() - 5 * kHour), "");
  EXPECT_EQ(erp.Tell("ball", v1::MOVEMENT_KIND_RECEIPT, 4, now() - 4 * kHour), "");
  // 10 + 4 - 9 = 5 sold; the number itself stays the LEVEL.
  EXPECT_EQ(erp.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 9, now() - 3 * kHour), "");
  EXPECT_EQ(OnHand("ball", "sevilla"), 9);
  const auto view =
      chain_.state().positions.Find(chain_.ItemId("ball"), chain_.LocationId("sevilla"));
  const Event& inferred = view.beside->window.back();
  EXPECT_EQ(inferred.inferred, 1u);
  EXPECT_EQ(inferred.event_kind(), EventKind::kSale);
  EXPECT_EQ(inferred.quantity, 5);
  // An older LEVEL is no news, and where a source declares SALE nothing is inferred.
  const size_t events = view.beside->window.size();
  EXPECT_EQ(erp.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 11, now() - 6 * kHour), "");
  SourceForTest till_2(&chain_, "till-2", {"sevilla"});
  ASSERT_TRUE(till_2.Open().ok());
  EXPECT_EQ(erp.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 3, now()), "");
  EXPECT_EQ(chain_.state()
                .positions.Find(chain_.ItemId("ball"), chain_.LocationId("sevilla"))
                .beside->window.size(),
            events + 2);
}

TEST_F(DecideReportTest, PersonCountsAndTheTillCatchesUp) {
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now() - kHour), "");
  v1::AdjustRequest count;
  count.set_sku("ball");
  count.set_location_id("bilbao");
  count.set_kind(v1::MOVEMENT_KIND_COUNT);
  count.set_quantity(8);
  const auto counted = chain_.Run([&](Group& group) { return DecideAdjust(group, count); });
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->position().on_hand(), 8);
  EXPECT_EQ(counted->position().corrections(), -2);
  chain_.Wait(kHour);
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 10, now()), "");
  EXPECT_EQ(OnHand("ball"), 8);
  chain_.Wait(kHour);
  EXPECT_EQ(till_.Tell("ball", v1::MOVEMENT_KIND_LEVEL, 8, now()), "");
  EXPECT_EQ(OnHand("ball"), 8);
}

TEST_F(DecideReportTest, PeopleMayNotRecordWhatTillsReport) {
  v1::AdjustRequest sale;
  sale.set_sku("ball");
  sale.set_location_id("bilbao");
  sale.set_kind(v1::MOVEMENT_KIND_SALE);
  EXPECT_EQ(ReasonOf(chain_.Run([&](Group& group) { return DecideAdjust(group, sale); }).status()),
            "INVALID_KIND");
  sale.set_kind(v1::MOVEMENT_KIND_COUNT);
  sale.set_quantity(-1);
  EXPECT_EQ(ReasonOf(chain_.Run([&](Group& group) { return DecideAdjust(group, sale); }).status()),
            "QUANTITY_OUT_OF_RANGE");
}

}  // namespace
}  // namespace onhand::ledger
