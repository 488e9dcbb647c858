// A small chain lives for weeks: its tills tell every hour, its hub learns every night.
#include "server/ledger/learner.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "server/ledger/encode.h"
#include "server/ledger/report_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kHour = ChainForTest::kHour;
constexpr int64_t kMicros = 1'000'000;
constexpr int kOpens = 9, kCloses = 21;

class LearnerTest : public testing::Test {
 protected:
  static constexpr int kStores = 5;

  LearnerTest() {
    // Monday 2023-11-13 is over in less than two hours: the chain begins on a Tuesday.
    chain_.Wait(kHour * 2 - chain_.now_us() % kHour);
    chain_.Channel("channel_id: 'web' kind: CHANNEL_KIND_SHIP");
    for (int i = 0; i < kStores; ++i) {
      stores_.push_back("store-" + std::to_string(i));
      chain_.Location(stores_.back());
      tills_.push_back(std::make_unique<SourceForTest>(&chain_, "till-" + stores_.back(),
                                                       std::vector<std::string>{stores_.back()}));
    }
  }

  // An item that sells so many units a day at each store, with this many there.
  void Sells(const std::string& sku, double per_day, int64_t stock = 100'000) {
    chain_.Item(sku);
    per_day_[sku] = per_day;
    for (int i = 0; i < kStores; ++i) {
      if (tills_[i]->source() == 0) {
        ASSERT_TRUE(tills_[i]->Open().ok());
      }
      EXPECT_EQ(tills_[i]->Tell(sku, v1::MOVEMENT_KIND_LEVEL, stock, chain_.now_us()), "");
    }
  }

  // What one store's till tells of the hour that just ended.
  void TellHour(int store) {
    const int hour = static_cast<int>((chain_.now_us() / kHour + 23) % 24);
    v1::Batch batch = tills_[store]->Next();
    for (const auto& [sku, per_day] : per_day_) {
      if (hour < kOpens || hour >= kCloses) break;
      const int sold = std::poisson_distribution<int>(per_day / (kCloses - kOpens))(random_);
      if (sold == 0 || vanished_.contains({sku, store})) continue;
      v1::Movement& sale = *batch.add_movements();
      sale.set_sku(sku);
      sale.set_kind(v1::MOVEMENT_KIND_SALE);
      sale.set_quantity(sold);
      sale.set_occurred_at_us(chain_.now_us() - kHour / 2);
    }
    v1::KnownThrough& known = *batch.add_known_through();
    known.set_at_us(chain_.now_us());
    ASSERT_TRUE(tills_[store]->Send(batch).ok());
  }

  void Live(int hours) {
    for (int i = 0; i < hours; ++i) {
      chain_.Wait(kHour);
      for (int store = 0; store < kStores; ++store) {
        if (silent_store_ != store) TellHour(store);
      }
      chain_.Tick();
      Learn();
    }
  }
  void Learn() {
    while (learner_.HasDue(chain_.state(), chain_.now_us())) {
      Group group = chain_.NewGroup();
      learner_.Step(group, 16);
      if (group.fact_count() == 0) continue;
      for (const journal::Fact& fact : group.record().facts()) learner_.NoteFact(fact);
      chain_.Apply(group);
    }
  }

  const Estimates& At(const std::string& sku, int store) {
    return chain_.state()
        .positions.Find(chain_.ItemId(sku), chain_.LocationId(stores_[store]))
        .cell->estimates;
  }
  // Units an average day by what is believed.
  double PerDay(const std::string& sku, int store) {
    const Learned& learned = chain_.state().learned();
    const double mu = learned.ItemOf(chain_.ItemId(sku)).rate *
                      learned.LocationOf(chain_.LocationId(stores_[store])).factor;
    return RateOf(At(sku, store), mu).rate() * 24;
  }
  double PerDay(const std::string& sku) {
    double sum = 0;
    for (int store = 0; store < kStores; ++store) sum += PerDay(sku, store);
    return sum / kStores;
  }

  ChainForTest chain_;
  Learner learner_{nullptr};
  std::mt19937 random_{7};
  std::vector<std::string> stores_;
  std::vector<std::unique_ptr<SourceForTest>> tills_;
  std::map<std::string, double> per_day_;
  std::set<std::pair<std::string, int>> vanished_;  // the record says otherwise
  int silent_store_ = -1;
};

TEST_F(LearnerTest, RatesComeNearTheTruth) {
  Sells("fast", 20);
  Sells("mid", 2);
  Sells("slow", 0.2);
  Live(24 * 42);
  EXPECT_GE(chain_.state().learned().chain.nights(), 41u);
  EXPECT_NEAR(PerDay("fast"), 20, 3);
  // Rates remember some four days: of 60 units in mid's case, of 6 in slow's.
  EXPECT_NEAR(PerDay("mid"), 2, 0.6);
  EXPECT_NEAR(PerDay("slow"), 0.2, 0.12);
}

TEST_F(LearnerTest, ARiseOfTheChainIsFollowedWithinDays) {
  Sells("a", 5);
  Sells("b", 5);
  Live(24 * 28);
  const double before = PerDay("a");
  per_day_["a"] = per_day_["b"] = 10;
  Live(24 * 5);
  EXPECT_GT(PerDay("a"), 1.6 * before);
}

TEST_F(LearnerTest, HoursInWhichNobodyBuysCarryNoExposure) {
  Sells("fast", 40);
  Live(24 * 21);
  const StoreClock& clock = chain_.state().learned().LocationOf(1).clock;
  for (int hour = 0; hour < 24; ++hour) {
    const bool open = hour >= kOpens && hour < kCloses;
    EXPECT_EQ(clock.weight(24 + hour) > 0.5, open) << hour;
  }
}

TEST_F(LearnerTest, AShelfThatStoppedSellingIsDoubtedAndTheOthersAreNot) {
  Sells("boot", 3, 40'000);
  Sells("ball", 3, 40'000);
  Live(24 * 21);
  EXPECT_LT(At("boot", 2).doubt.empty, 0.1);
  vanished_.insert({"boot", 2});
  int days = 0;
  for (; At("boot", 2).doubt.empty < 0.8 && days < 20; ++days) Live(24);
  EXPECT_GT(days, 1) << "a lull of a day is no phantom";
  EXPECT_LE(days, 6);
  EXPECT_LT(At("boot", 1).doubt.empty, 0.3);
  EXPECT_LT(At("ball", 2).doubt.empty, 0.3);
}

TEST_F(LearnerTest, ATillThatIsOfflineForTwoDaysRaisesNoPhantom) {
  Sells("boot", 6, 40'000);
  Live(24 * 21);
  const float before = At("boot", 3).doubt.empty;
  silent_store_ = 3;
  Live(48);
  EXPECT_LE(At("boot", 3).doubt.empty, std::max(before, 0.05F));
  EXPECT_NEAR(PerDay("boot", 3), 6, 1.5);
}

TEST_F(LearnerTest, OneLateSaleEndsTheDoubt) {
  Sells("boot", 3, 40'000);
  Live(24 * 21);
  vanished_.insert({"boot", 2});
  Live(24 * 8);
  ASSERT_GT(At("boot", 2).doubt.empty, 0.8);
  EXPECT_EQ(tills_[2]->Tell("boot", v1::MOVEMENT_KIND_SALE, 1, chain_.now_us() - 5 * kHour), "");
  EXPECT_LT(At("boot", 2).doubt.empty, 0.1);
}

TEST_F(LearnerTest, APhantomRepeatedInSixtyNightlyFilesIsFound) {
  Sells("boot", 2, 40'000);
  Live(24 * 21);
  vanished_.insert({"boot", 0});
  const int64_t recorded = 2;
  ASSERT_EQ(tills_[0]->Tell("boot", v1::MOVEMENT_KIND_LEVEL, recorded, chain_.now_us()), "");
  int found_on = 0;
  for (int night = 1; night <= 60; ++night) {
    Live(24);
    ASSERT_EQ(tills_[0]->Tell("boot", v1::MOVEMENT_KIND_LEVEL, recorded, chain_.now_us()), "");
    if (found_on == 0 && At("boot", 0).doubt.empty > 0.8) found_on = night;
  }
  EXPECT_GT(found_on, 0) << "the record that repeats itself hid it";
  EXPECT_LE(found_on, 12);
  EXPECT_GT(At("boot", 0).doubt.empty, 0.95);
}

TEST_F(LearnerTest, ACountSettlesTheDoubtAndTeachesWhereDoubtBegins) {
  Sells("boot", 3, 2);
  Live(24);
  const uint32_t location = chain_.LocationId(stores_[1]);
  chain_.Stock("boot", stores_[1], 2);
  const double start = chain_.state().learned().LocationOf(location).start.At(2);
  chain_.Move("boot", stores_[1], 0, EventKind::kCount);
  EXPECT_EQ(At("boot", 1).doubt.empty, 1);
  Live(24);
  EXPECT_GT(chain_.state().learned().LocationOf(location).start.At(2), start);
}

// A till's file comes in batches, and only the last one says up to when everything is told.
TEST_F(LearnerTest, SalesToldAheadOfKnownThroughLeaveNoSilenceBehind) {
  Sells("boot", 24, 40'000);
  Live(24 * 21);
  silent_store_ = 4;
  Live(24);
  for (int hour = 23; hour >= 1; --hour) {  // the newest first
    const int of_day = static_cast<int>((chain_.now_us() / kHour - hour) % 24);
    if (of_day < kOpens || of_day >= kCloses) continue;
    EXPECT_EQ(tills_[4]->Tell("boot", v1::MOVEMENT_KIND_SALE, 2, chain_.now_us() - hour * kHour),
              "");
  }
  v1::Batch last = tills_[4]->Next();
  last.add_known_through()->set_at_us(chain_.now_us());
  ASSERT_TRUE(tills_[4]->Send(last).ok());
  Live(24);
  EXPECT_LT(At("boot", 4).doubt.empty, 0.2);
}

TEST_F(LearnerTest, ALateCountDoesNotUndoWhatCameSince) {
  Sells("boot", 12, 40'000);
  Live(24 * 21);
  ASSERT_LT(At("boot", 1).doubt.empty, 0.2);
  EXPECT_EQ(tills_[1]->Tell("boot", v1::MOVEMENT_KIND_COUNT, 0, chain_.now_us() - 20 * kHour), "");
  EXPECT_EQ(tills_[1]->Tell("boot", v1::MOVEMENT_KIND_RECEIPT, 9, chain_.now_us() - 19 * kHour),
            "");
  EXPECT_LT(At("boot", 1).doubt.empty, 0.3);
}

TEST_F(LearnerTest, WhatArrivesAfterACountOfNothingIsANewRecord) {
  Sells("boot", 3, 2);
  chain_.Wait(kHour);
  chain_.Move("boot", stores_[1], 0, EventKind::kCount);
  chain_.Wait(kHour);
  chain_.Move("boot", stores_[1], 2, EventKind::kReceipt);
  EXPECT_LT(At("boot", 1).doubt.empty, 0.1);
}

TEST_F(LearnerTest, AnAnnouncedRiseIsNotTakenForVelocity) {
  Sells("boot", 4);
  Live(24 * 21);
  const double before = PerDay("boot");
  chain_.Rule("rule_id: 'sale-week' demand_factor: 5 effective_until { seconds: 1800000000 }");
  per_day_["boot"] = 20;
  Live(24 * 4);
  EXPECT_NEAR(PerDay("boot"), before, 0.25 * before);
}

TEST_F(LearnerTest, OffsetsAreToldOnceAndAgainWhenAPlaceMoves) {
  int asked = 0;
  Learner learner([&](const std::string& zone, int64_t now_us) {
    ++asked;
    journal::LocationOffsets offsets;
    offsets.set_time_zone(zone);
    offsets.add_at_s(0);
    offsets.add_offset_s(zone == "UTC" ? 0 : 3600);
    offsets.set_until_s(now_us / kMicros + 2 * 366 * 86'400);
    return offsets;
  });
  const auto step = [&] {
    ASSERT_TRUE(learner.HasDue(chain_.state(), chain_.now_us()));
    Group group = chain_.NewGroup();
    learner.Step(group, 16);
    chain_.Apply(group);
  };
  step();
  EXPECT_EQ(asked, kStores + 1);
  EXPECT_FALSE(learner.HasDue(chain_.state(), chain_.now_us()));
  Group group = chain_.NewGroup();
  journal::Fact moved;
  *moved.mutable_location_set()->mutable_location() = *chain_.state().locations.Find(2);
  moved.mutable_location_set()->mutable_location()->set_time_zone("Europe/Madrid");
  group.Add(moved);
  chain_.Apply(group);
  learner.NoteFact(moved);
  step();
  EXPECT_EQ(asked, kStores + 2);
  EXPECT_EQ(chain_.state().learned().LocationOf(2).offsets.offset_s(0), 3600);
}

// What was learned and believed, as bytes.
std::string LearnedBytes(const State& state) {
  std::string bytes = state.learned().chain.SerializeAsString();
  for (const ItemLearning& item : state.learned().items) {
    bytes.append(reinterpret_cast<const char*>(&item), sizeof(item));
  }
  for (const LocationLearning& location : state.learned().locations) {
    bytes += location.learned.SerializeAsString();
  }
  for (uint32_t segment = 0; segment < SegmentCount(state); ++segment) {
    bytes += EncodeSegment(state, segment);
  }
  return bytes;
}

// A hub that is killed behind any fact of a night counts each position's day once: after the next
// night it believes what one believes that was never killed.
TEST_F(LearnerTest, ANightCutAnywhereTeachesTheSame) {
  struct Cut : LearnerTest {
    void TestBody() override {}
    // The night's facts; after `cut` of them the learner is a new one. -1: never.
    int LiveThroughACutNight(int cut) {
      for (int item = 0; item < 6; ++item) Sells("item-" + std::to_string(item), 2 + 3 * item);
      Live(24 * 9 + 3);
      chain_.Wait(4 * kHour);
      for (int store = 0; store < kStores; ++store) TellHour(store);
      auto learner = std::make_unique<Learner>(nullptr);
      learner->HasDue(chain_.state(), chain_.now_us());
      int facts = 0;
      while (learner->HasDue(chain_.state(), chain_.now_us())) {
        Group group = chain_.NewGroup();
        learner->Step(group, 2);
        if (group.fact_count() == 0) continue;
        facts += group.fact_count();
        for (const journal::Fact& fact : group.record().facts()) learner->NoteFact(fact);
        chain_.Apply(group);
        if (cut < 0 || facts < cut) continue;
        learner = std::make_unique<Learner>(nullptr);
        cut = -1;
      }
      EXPECT_FALSE(chain_.state().learned().chain.has_night()) << "it is not installed to its end";
      night_bytes_ = LearnedBytes(chain_.state());
      Live(24);
      return facts;
    }
    std::string NightBytes() const { return night_bytes_; }
    std::string NextNightBytes() { return LearnedBytes(chain_.state()); }
    std::string night_bytes_;
  };
  Cut whole;
  const int facts = whole.LiveThroughACutNight(-1);
  ASSERT_GT(facts, 10);
  for (int cut = 1; cut <= facts; ++cut) {
    Cut killed;
    killed.LiveThroughACutNight(cut);
    EXPECT_TRUE(killed.NightBytes() == whole.NightBytes()) << "cut behind fact " << cut;
    EXPECT_TRUE(killed.NextNightBytes() == whole.NextNightBytes()) << "cut behind fact " << cut;
  }
}

// An image taken in the middle of a night, and what came after it, give the same bytes as living
// on.
TEST_F(LearnerTest, ReplayFromAnImageInTheMiddleOfANightGivesTheSameBytes) {
  Sells("fast", 20);
  Sells("slow", 0.5);
  Live(24 * 9 + 3);
  struct Row {
    RowMoment moment;
    journal::Record record;
  };
  std::vector<Row> rows;
  State image{Settings{}};
  bool taken = false;
  chain_.Wait(4 * kHour);
  while (learner_.HasDue(chain_.state(), chain_.now_us())) {
    Group group = chain_.NewGroup();
    learner_.Step(group, 2);
    if (group.fact_count() == 0) continue;
    if (taken) {
      rows.push_back({{group.revision(), 1, group.now_us()}, group.record()});
    }
    chain_.Apply(group);
    if (taken) continue;
    taken = true;
    ASSERT_TRUE(DecodeTables(EncodeTables(chain_.state()), image).ok());
    for (uint32_t segment = 0; segment < SegmentCount(chain_.state()); ++segment) {
      ASSERT_TRUE(DecodeSegment(EncodeSegment(chain_.state(), segment), image).ok());
    }
  }
  ASSERT_GT(rows.size(), 1u);
  for (const Row& row : rows) {
    BeginRow(image, row.moment);
    for (const journal::Fact& fact : row.record.facts()) {
      ASSERT_TRUE(ApplyFact(image, fact).ok());
    }
  }
  EXPECT_EQ(EncodeState(image), EncodeState(chain_.state()));
}

}  // namespace
}  // namespace onhand::ledger
