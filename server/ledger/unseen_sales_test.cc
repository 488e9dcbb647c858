// What a fall of a number means, once it is known how fast things sell: a night's file of a shop of
// 40 items, each of which sells six a day.
#include "server/ledger/unseen_sales.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/decide_quarantine.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/report_for_test.h"
#include "server/ledger/row_judge.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kHour = ChainForTest::kHour;
constexpr int64_t kDay = 24 * kHour;
constexpr int kItems = 40;
constexpr double kPerHour = 0.25;

class UnseenSalesTest : public testing::Test {
 protected:
  UnseenSalesTest() {
    chain_.Location("bilbao");
    for (int i = 0; i < kItems; ++i) chain_.Item(Sku(i));
    till_.hello().add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
    EXPECT_TRUE(till_.Open().ok());
    stock_.assign(kItems, 300);
  }

  static std::string Sku(int i) { return absl::StrCat("sku-", i); }

  // As if the chain had lived for weeks.
  void Teach(uint32_t nights = 30, double item_hours = 150, float weekday = 1) {
    chain_.Run([&](Group& group) {
      journal::Fact chain;
      chain.mutable_learned_chain()->set_nights(nights);
      chain.mutable_learned_chain()->set_level(1);
      group.Add(std::move(chain));
      journal::Fact place;
      journal::LearnedLocation& row = *place.mutable_learned_locations()->add_locations();
      row.set_location(chain_.LocationId("bilbao"));
      row.set_factor(1);
      row.mutable_history()->set_units(1'000);
      row.mutable_history()->set_expected(1'000);
      group.Add(std::move(place));
      journal::Fact items;
      journal::LearnedItems& rows = *items.mutable_learned_items();
      for (int i = 0; i < kItems; ++i) {
        rows.add_item(chain_.ItemId(Sku(i)));
        rows.add_rate(kPerHour);
        rows.add_units(static_cast<float>(kPerHour * item_hours));
        rows.add_expected(static_cast<float>(item_hours));
        for (int day = 0; day < kDaysPerWeek; ++day) {
          rows.add_weekday(weekday);
          rows.add_weekday_units(0);
          rows.add_weekday_expected(0);
        }
      }
      group.Add(std::move(items));
      return 0;
    });
  }

  // The next day's file: what is there of each item.
  void NightlyFile() {
    chain_.Wait(kDay);
    std::vector<std::pair<std::string, int64_t>> rows;
    for (int i = 0; i < kItems; ++i) rows.emplace_back(Sku(i), stock_[i]);
    till_.Snapshot(rows, chain_.now_us());
    till_.Settle();
  }
  // The movement that was read out of an item's last number; kind 0: none.
  std::pair<EventKind, int64_t> Inferred(int i) const {
    const auto view =
        chain_.state().positions.Find(chain_.ItemId(Sku(i)), chain_.LocationId("bilbao"));
    const Event& event = view.beside->window.back();
    if (event.inferred == 0) return {EventKind{0}, 0};
    return {event.event_kind(), event.quantity};
  }
  const Estimates& Believed(int i) const {
    return chain_.state()
        .positions.Find(chain_.ItemId(Sku(i)), chain_.LocationId("bilbao"))
        .cell->estimates;
  }
  int64_t OnHand(int i) const {
    return PositionOf(chain_.state(), chain_.ItemId(Sku(i)), chain_.LocationId("bilbao")).on_hand();
  }
  std::string QuarantineReason() const {
    const std::vector<uint64_t> ids = chain_.state().quarantine.SortedKeys();
    return ids.empty() ? "" : chain_.state().quarantine.Find(ids[0])->reason();
  }

  ChainForTest chain_;
  SourceForTest till_{&chain_, "till-1", {"bilbao"}};
  std::vector<int64_t> stock_;
};

using Movement = std::pair<EventKind, int64_t>;

TEST_F(UnseenSalesTest, TheFileOfABusySaturdayRaisesNothing) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  NightlyFile();
  // It sells twice what other days do, this one half as much again, and each item has its own luck.
  Teach(/*nights=*/30, /*item_hours=*/150, /*weekday=*/2);
  std::gamma_distribution<double> luck(8, 1.0 / 8);
  for (int64_t& units : stock_) {
    units -= std::poisson_distribution<int>(1.5 * 2 * 24 * kPerHour * luck(random))(random);
  }
  NightlyFile();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  int sold = 0;
  for (int i = 0; i < kItems; ++i) {
    EXPECT_EQ(OnHand(i), stock_[i]);
    sold += Inferred(i).first == EventKind::kSale ? 1 : 0;
  }
  EXPECT_GE(sold, kItems - 4) << "one or the other may sell what nobody would think";
}

TEST_F(UnseenSalesTest, ACountTypedIntoTheTillIsAnAdjustmentAndTeachesNoVelocity) {
  NightlyFile();
  Teach();
  stock_[0] -= 280;
  stock_[1] -= 6;
  NightlyFile();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
  EXPECT_EQ(Inferred(0), Movement(EventKind::kAdjustment, -280));
  EXPECT_EQ(OnHand(0), 20) << "the number is taken all the same";
  EXPECT_EQ(Inferred(1), Movement(EventKind::kSale, 6));
  EXPECT_EQ(Believed(0).velocity.sold, 0);
  EXPECT_EQ(Believed(1).velocity.sold, 6);
}

TEST_F(UnseenSalesTest, OneNumberSentByItselfIsReadLikeAFile) {
  EXPECT_EQ(till_.Tell(Sku(0), v1::MOVEMENT_KIND_LEVEL, 300, chain_.now_us()), "");
  EXPECT_EQ(till_.Tell(Sku(1), v1::MOVEMENT_KIND_LEVEL, 300, chain_.now_us()), "");
  Teach();
  chain_.Wait(3 * kHour);
  EXPECT_EQ(till_.Tell(Sku(0), v1::MOVEMENT_KIND_LEVEL, 100, chain_.now_us()), "");
  EXPECT_EQ(till_.Tell(Sku(1), v1::MOVEMENT_KIND_LEVEL, 297, chain_.now_us()), "");
  EXPECT_EQ(Inferred(0), Movement(EventKind::kAdjustment, -200));
  EXPECT_EQ(Inferred(1), Movement(EventKind::kSale, 3));
  chain_.Wait(kHour);
  EXPECT_EQ(till_.Tell(Sku(1), v1::MOVEMENT_KIND_LEVEL, 900, chain_.now_us()), "");
  EXPECT_EQ(Inferred(1), Movement(EventKind::kReceipt, 603));
}

TEST_F(UnseenSalesTest, TheFileOfAnotherStoreWaitsThoughFewItemsAreGone) {
  NightlyFile();
  Teach();
  std::vector<int64_t> own = stock_;
  for (int i = 0; i < kItems; ++i) stock_[i] += i % 2 == 0 ? -40 - i : 35;
  NightlyFile();
  ASSERT_EQ(QuarantineReason(), "SNAPSHOT_IMPLAUSIBLE");
  EXPECT_EQ(chain_.state().quarantine.Find(1)->lost_positions(), 0u);
  for (int i = 0; i < kItems; ++i) EXPECT_EQ(OnHand(i), own[i]);
  // The right one ends it.
  stock_ = own;
  NightlyFile();
  EXPECT_EQ(chain_.state().quarantine.size(), 0u);
}

TEST_F(UnseenSalesTest, UpToThirtyPercentMayFallMoreMayNot) {
  NightlyFile();
  Teach();
  for (int i = 0; i < 12; ++i) stock_[i] -= 60;
  NightlyFile();
  EXPECT_EQ(QuarantineReason(), "");
  EXPECT_EQ(Inferred(0).first, EventKind::kAdjustment);
  for (int i = 12; i < 25; ++i) stock_[i] -= 60;
  NightlyFile();
  EXPECT_EQ(QuarantineReason(), "SNAPSHOT_IMPLAUSIBLE");
}

TEST_F(UnseenSalesTest, APersonMayAcceptWhatLooksWrongAndThenNothingIsReadOutOfIt) {
  NightlyFile();
  Teach();
  for (int64_t& units : stock_) units -= 60;
  NightlyFile();
  ASSERT_EQ(QuarantineReason(), "SNAPSHOT_IMPLAUSIBLE");
  v1::AcceptQuarantinedRequest accept;
  accept.set_quarantine_id(1);
  accept.set_author("Ana");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideAcceptQuarantined(g, accept); }).ok());
  till_.Settle();
  EXPECT_EQ(OnHand(0), 240);
  EXPECT_EQ(Inferred(0).first, EventKind{0});
}

TEST_F(UnseenSalesTest, AnAnnouncedStocktakeMayFindLessEverywhere) {
  NightlyFile();
  Teach();
  v1::AnnounceStocktakeRequest announce;
  announce.set_location_id("bilbao");
  announce.mutable_until()->set_seconds((chain_.now_us() + 2 * kDay) / ChainForTest::kSecond);
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideAnnounceStocktake(g, announce); }).ok());
  for (int64_t& units : stock_) units -= 60;
  NightlyFile();
  EXPECT_EQ(QuarantineReason(), "");
  EXPECT_EQ(OnHand(0), 240);
  EXPECT_EQ(Inferred(0).first, EventKind::kAdjustment) << "found missing is not sold";
}

TEST_F(UnseenSalesTest, BeforeAnythingIsKnownAFallIsASale) {
  NightlyFile();
  for (int64_t& units : stock_) units -= 60;
  NightlyFile();
  EXPECT_EQ(QuarantineReason(), "");
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 60));
  // A first week, and an item that was hardly ever there, are no knowledge either.
  Teach(/*nights=*/6);
  stock_[0] -= 60;
  NightlyFile();
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 60));
  Teach(/*nights=*/30, /*item_hours=*/24);
  stock_[0] -= 60;
  NightlyFile();
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 60));
}

TEST_F(UnseenSalesTest, ABasketOfASlowThingIsASale) {
  NightlyFile();
  Teach();
  chain_.Run([&](Group& group) {
    journal::Fact fact;
    journal::LearnedItems& rows = *fact.mutable_learned_items();
    rows.add_item(chain_.ItemId(Sku(0)));
    rows.add_rate(1e-5F);
    rows.add_units(0);
    rows.add_expected(1e5F);
    for (int day = 0; day < kDaysPerWeek; ++day) {
      rows.add_weekday(1);
      rows.add_weekday_units(0);
      rows.add_weekday_expected(0);
    }
    group.Add(std::move(fact));
    return 0;
  });
  stock_[0] -= kBasketUnits;
  NightlyFile();
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, kBasketUnits));
}

TEST_F(UnseenSalesTest, AFallThatComesAgainIsDemandThatRose) {
  NightlyFile();
  Teach();
  stock_[0] -= 60;
  NightlyFile();
  EXPECT_EQ(Inferred(0).first, EventKind::kAdjustment);
  stock_[0] -= 60;
  NightlyFile();
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 60));
  EXPECT_EQ(Believed(0).velocity.sold, 60);
}

TEST_F(UnseenSalesTest, AnAnnouncedSaleExplainsAFall) {
  NightlyFile();
  Teach();
  chain_.Rule("rule_id: 'black-friday' demand_factor: 10 effective_until { seconds: 1800000000 }");
  stock_[0] -= 60;
  NightlyFile();
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 60));
}

TEST_F(UnseenSalesTest, AWeekWithoutAFileExplainsAWeeksSales) {
  NightlyFile();
  Teach();
  chain_.Wait(6 * kDay);
  for (int64_t& units : stock_) units -= 7 * 6;
  NightlyFile();
  EXPECT_EQ(QuarantineReason(), "");
  EXPECT_EQ(Inferred(0), Movement(EventKind::kSale, 42));
}

}  // namespace
}  // namespace onhand::ledger
