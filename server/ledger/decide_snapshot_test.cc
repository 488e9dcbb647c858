#include "server/ledger/decide_snapshot.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/ledger/decide_quarantine.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/report_for_test.h"

namespace onhand::ledger {
namespace {

using Rows = std::vector<std::pair<std::string, int64_t>>;
constexpr int64_t kHour = ChainForTest::kHour;

class DecideSnapshotTest : public testing::Test {
 protected:
  DecideSnapshotTest() {
    chain_.Location("bilbao");
    for (int i = 0; i < 40; ++i) chain_.Item(Sku(i));
    till_.hello().add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
    EXPECT_TRUE(till_.Open().ok());
    till_.Snapshot(All(5), chain_.now_us() - 2 * kHour);
    till_.Settle();
  }

  static std::string Sku(int i) { return absl::StrCat("sku-", i); }
  static Rows All(int64_t quantity, int from = 0, int to = 40) {
    Rows rows;
    for (int i = from; i < to; ++i) rows.emplace_back(Sku(i), quantity);
    return rows;
  }
  int64_t OnHand(int i) const {
    return PositionOf(chain_.state(), chain_.ItemId(Sku(i)), chain_.LocationId("bilbao")).on_hand();
  }
  std::string QuarantineReason() const {
    if (chain_.state().quarantine.size() != 1)
      return absl::StrCat(chain_.state().quarantine.size(), " entries");
    return chain_.state().quarantine.Find(chain_.state().quarantine.SortedKeys()[0])->reason();
  }
  absl::Status Accept() {
    v1::AcceptQuarantinedRequest accept;
    accept.set_quarantine_id(chain_.state().quarantine.SortedKeys()[0]);
    accept.set_author("Ana");
    return chain_.Run([&](Group& group) { return DecideAcceptQuarantined(group, accept); });
  }

  ChainForTest chain_;
  SourceForTest till_{&chain_, "till-1", {"bilbao"}};
};

TEST_F(DecideSnapshotTest, FirstSnapshotIsTakenAndInfersNothing) {
  EXPECT_EQ(OnHand(0), 5);
  EXPECT_EQ(OnHand(39), 5);
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  const auto view =
      chain_.state().positions.Find(chain_.ItemId(Sku(0)), chain_.LocationId("bilbao"));
  EXPECT_EQ(view.beside->window.size(), 1u);
}

TEST_F(DecideSnapshotTest, LaterSnapshotIsReadAsMovements) {
  till_.Snapshot(All(3), chain_.now_us() - kHour);
  till_.Settle();
  EXPECT_EQ(OnHand(7), 3);
  const auto view =
      chain_.state().positions.Find(chain_.ItemId(Sku(7)), chain_.LocationId("bilbao"));
  EXPECT_EQ(view.beside->window.back().inferred, 1u);
  EXPECT_EQ(view.beside->window.back().quantity, 2);
}

TEST_F(DecideSnapshotTest, MissingPositionsAreZeroOnlyIfItSaysComplete) {
  till_.Snapshot(All(4, 0, 30), chain_.now_us() - kHour, /*complete=*/false);
  till_.Settle();
  EXPECT_EQ(OnHand(35), 5);
  till_.Snapshot(All(4, 0, 30), chain_.now_us(), /*complete=*/true);
  till_.Settle();
  EXPECT_EQ(OnHand(35), 0);
  EXPECT_EQ(OnHand(29), 4);
}

TEST_F(DecideSnapshotTest, EmptySnapshotIsQuarantinedAndOldNumbersStand) {
  till_.Snapshot({}, chain_.now_us());
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_DROP");
  EXPECT_EQ(OnHand(0), 5);
  // Later reports go on.
  EXPECT_EQ(till_.Tell(Sku(0), v1::MOVEMENT_KIND_SALE, 1, chain_.now_us()), "");
  EXPECT_EQ(OnHand(0), 4);
}

TEST_F(DecideSnapshotTest, AnnouncedStocktakeMayTakeWhatItFinds) {
  v1::AnnounceStocktakeRequest announce;
  announce.set_location_id("bilbao");
  const auto decide = [&](Group& group) { return DecideAnnounceStocktake(group, announce); };
  EXPECT_EQ(ReasonOf(chain_.Run(decide).status()), "INVALID_STATE");
  announce.mutable_until()->set_seconds(chain_.now_us() / ChainForTest::kSecond + 3600);
  const auto announced = chain_.Run(decide);
  ASSERT_TRUE(announced.ok()) << announced.status();
  EXPECT_EQ(announced->location().stocktake_until().seconds(), announce.until().seconds());
  chain_.Wait(kHour / 2);
  till_.Snapshot(All(2, 0, 10), chain_.now_us());
  till_.Settle();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  EXPECT_EQ(OnHand(39), 0);
  // After its end the guard is back.
  chain_.Wait(kHour);
  till_.Snapshot(All(9), chain_.now_us() - kHour / 4);
  till_.Settle();
  till_.Snapshot({}, chain_.now_us());
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_DROP");
}

TEST_F(DecideSnapshotTest, ThirtyPercentMayGoMoreMayNot) {
  Rows rows = All(5);
  for (int i = 0; i < 12; ++i) rows[static_cast<size_t>(i)].second = 0;
  till_.Snapshot(rows, chain_.now_us() - kHour);
  till_.Settle();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  EXPECT_EQ(OnHand(0), 0);
  for (int i = 12; i < 21; ++i) rows[static_cast<size_t>(i)].second = 0;
  till_.Snapshot(rows, chain_.now_us());
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_DROP");
  EXPECT_EQ(OnHand(12), 5);
}

TEST_F(DecideSnapshotTest, PersonAcceptsAQuarantinedOne) {
  till_.Snapshot({}, chain_.now_us());
  till_.Settle();
  ASSERT_TRUE(Accept().ok());
  till_.Settle();
  EXPECT_EQ(OnHand(0), 0);
  EXPECT_EQ(OnHand(39), 0);
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  const auto view =
      chain_.state().positions.Find(chain_.ItemId(Sku(0)), chain_.LocationId("bilbao"));
  EXPECT_EQ(view.beside->window.back().inferred, 0u) << "a released snapshot infers nothing";
}

TEST_F(DecideSnapshotTest, NextGoodOneEndsTheQuarantine) {
  till_.Snapshot({}, chain_.now_us() - kHour);
  till_.Settle();
  till_.Snapshot(All(6), chain_.now_us());
  till_.Settle();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  EXPECT_EQ(OnHand(3), 6);
}

TEST_F(DecideSnapshotTest, TruncatedOneIsQuarantinedAndCannotBeAccepted) {
  till_.Snapshot(All(4, 0, 39), chain_.now_us(), true, 40);
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_TRUNCATED");
  EXPECT_EQ(OnHand(0), 5);
  EXPECT_EQ(ReasonOf(Accept()), "SNAPSHOT_BROKEN");
}

TEST_F(DecideSnapshotTest, RepeatedItemIsNeverLastWins) {
  Rows rows = All(4);
  rows.emplace_back(Sku(3), 9);
  till_.Snapshot(rows, chain_.now_us());
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_REPEATED_ITEM");
  EXPECT_EQ(OnHand(3), 5);
}

TEST_F(DecideSnapshotTest, AcceptingOneThatIsTooOldIsRefused) {
  till_.Snapshot({}, chain_.now_us() - 3 * kHour);
  till_.Settle();
  chain_.Wait(37 * kHour);
  chain_.Tick();
  EXPECT_EQ(ReasonOf(Accept()), "SNAPSHOT_TOO_OLD");
}

TEST_F(DecideSnapshotTest, UnknownItemsInItAreHeldAndCountAsRows) {
  Rows rows = All(4);
  rows.emplace_back("unheard-of", 9);
  till_.Snapshot(rows, chain_.now_us());
  till_.Settle();
  EXPECT_EQ(QuarantineReason(), "UNKNOWN_ITEM");
  EXPECT_EQ(OnHand(0), 4);
  chain_.Item("unheard-of");
  EXPECT_EQ(PositionOf(chain_.state(), chain_.ItemId("unheard-of"), chain_.LocationId("bilbao"))
                .on_hand(),
            9);
}

TEST_F(DecideSnapshotTest, SalesAfterItsMomentAreNotLost) {
  EXPECT_EQ(till_.Tell(Sku(0), v1::MOVEMENT_KIND_SALE, 1, chain_.now_us() - kHour / 2), "");
  till_.Snapshot(All(5), chain_.now_us() - kHour);
  till_.Settle();
  EXPECT_EQ(OnHand(0), 4);
}

TEST_F(DecideSnapshotTest, UnfinishedOneIsDroppedAfterADay) {
  v1::Batch batch =
      till_.Next("snapshots { begin { as_of_us: 5 } rows { sku: 'sku-0' quantity: 1 } }");
  ASSERT_TRUE(till_.Send(batch).ok());
  EXPECT_EQ(chain_.state().staging.size(), 1u);
  chain_.Wait(25 * kHour);
  chain_.Tick();
  EXPECT_EQ(chain_.state().staging.size(), 0u);
  EXPECT_EQ(chain_.state().staged_rows.size(), 0u);
}

TEST_F(DecideSnapshotTest, LargeOneIsAppliedInSlicesAndGoesOnAfterARestart) {
  Rows rows;
  for (int i = 0; i < 5'000; ++i) {
    const std::string sku = absl::StrCat("bulk-", i);
    rows.emplace_back(sku, i + 1);
  }
  till_.hello().set_unknown_items(v1::UNKNOWN_ITEMS_CREATE);
  ASSERT_TRUE(till_.Open().ok());
  till_.Snapshot(rows, chain_.now_us(), /*complete=*/false);
  const SourceLocation key = *chain_.ledger().closed_snapshots().begin();
  int slices = 0;
  for (bool done = false; !done; ++slices) {
    // A job made anew each step is what a restart makes.
    SnapshotJob job(key);
    done = chain_.Run([&](Group& group) { return job.Step(group, chain_.ledger()); });
    ASSERT_LT(slices, 10);
  }
  EXPECT_GE(slices, 4);
  EXPECT_EQ(
      PositionOf(chain_.state(), chain_.ItemId("bulk-4999"), chain_.LocationId("bilbao")).on_hand(),
      5'000);
  EXPECT_EQ(
      PositionOf(chain_.state(), chain_.ItemId("bulk-0"), chain_.LocationId("bilbao")).on_hand(),
      1);
}

}  // namespace
}  // namespace onhand::ledger
