// What the cache tells of what it was told, and when it asks instead.
#include "clients/cpp/availability_cache.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/scripted_hub.h"
#include "clients/cpp/timestamp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(10);

class AvailabilityCacheTest : public ::testing::Test {
 protected:
  AvailabilityCacheTest() {
    options_.watch.set_channel_id("web");
    options_.first_backoff = absl::Milliseconds(1);
  }

  void Start() { cache_ = std::make_unique<AvailabilityCache>(&connection_, options_); }
  // Starts with these answers told, live.
  void StartWith(const std::vector<v1::Availability>& answers) {
    hub_.Tell(NewsOf(answers, "", true));
    hub_.Tell(NewsOf({}, "t1"));
    Start();
    ASSERT_TRUE(cache_->AwaitComplete(kPatience));
    ASSERT_TRUE(AwaitPhase(WatchPhase::kLive));
  }
  // The stream is cut and not taken up again.
  void CutForGood() {
    for (int i = 0; i < 5000; ++i) hub_.Cut(grpc::Status(grpc::StatusCode::UNAVAILABLE, "away"));
    ASSERT_TRUE(AwaitPhase(WatchPhase::kStale));
  }
  bool AwaitPhase(WatchPhase phase) const {
    return Await([&] { return cache_->watch_state().phase == phase; });
  }
  bool AwaitQuantity(const std::string& sku, int quantity) const {
    return Await([&] {
      const auto held = cache_->Peek(sku);
      return held && held->max_quantity == quantity;
    });
  }
  template <typename Condition>
  static bool Await(const Condition& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    return condition();
  }

  ScriptedHub hub_;
  Connection connection_{hub_.Options()};
  AvailabilityCacheOptions options_;
  std::unique_ptr<AvailabilityCache> cache_;
};

TEST_F(AvailabilityCacheTest, TellsWhatTheStreamToldWithoutAskingTheHub) {
  v1::Availability shirt = AnswerOf("shirt", 3, 7);
  shirt.mutable_available_from()->set_seconds(1'800'000'000);
  const absl::Time start = absl::Now();
  StartWith({shirt});
  const absl::StatusOr<CachedAnswer> answer = cache_->Get("shirt");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_TRUE(answer->orderable);
  EXPECT_EQ(answer->max_quantity, 3);
  EXPECT_EQ(answer->revision, 7u);
  EXPECT_EQ(answer->available_from, absl::FromUnixSeconds(1'800'000'000));
  EXPECT_EQ(answer->known_through, FromProto(shirt.known_through()));
  EXPECT_EQ(answer->cache_until, FromProto(shirt.cache_until()));
  EXPECT_FALSE(answer->unknown);
  EXPECT_GE(answer->as_of, start - absl::Seconds(1));
  EXPECT_THAT(hub_.batches(), IsEmpty());
}

TEST_F(AvailabilityCacheTest, AMarkOfProgressMovesAsOfAlone) {
  StartWith({AnswerOf("shirt", 3, 7)});
  const CachedAnswer before = *cache_->Get("shirt");
  hub_.Tell(NewsOf({}, "t2"));
  ASSERT_TRUE(Await([&] { return cache_->Get("shirt")->as_of > before.as_of; }));
  EXPECT_EQ(cache_->Get("shirt")->known_through, before.known_through);
  EXPECT_EQ(cache_->Get("shirt")->revision, before.revision);
}

TEST_F(AvailabilityCacheTest, FollowsEveryChange) {
  StartWith({AnswerOf("shirt", 3, 7)});
  hub_.Tell(NewsOf({AnswerOf("shirt", 0, 8), AnswerOf("new", 5, 8)}, "t2"));
  EXPECT_TRUE(AwaitQuantity("shirt", 0));
  EXPECT_TRUE(AwaitQuantity("new", 5));
  EXPECT_EQ(cache_->Get("shirt")->status, v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_EQ(cache_->size(), 2u);
}

TEST_F(AvailabilityCacheTest, AMissIsAskedOnceAndThenFollowed) {
  StartWith({AnswerOf("shirt", 3, 7)});
  hub_.SetAnswer(AnswerOf("late", 4, 8));
  EXPECT_EQ(cache_->Get("late")->max_quantity, 4);
  EXPECT_EQ(cache_->Get("late")->max_quantity, 4);
  EXPECT_THAT(hub_.batches(), ElementsAre(ElementsAre("late")));
  // What the stream tells late does not take the newer answer back.
  hub_.Tell(NewsOf({AnswerOf("late", 1, 6), AnswerOf("shirt", 2, 6)}, "t2"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 9, 9)}, "t3"));
  ASSERT_TRUE(AwaitQuantity("shirt", 9));
  EXPECT_EQ(cache_->Get("late")->max_quantity, 4);
  hub_.Tell(NewsOf({AnswerOf("late", 5, 9)}, "t4"));
  EXPECT_TRUE(AwaitQuantity("late", 5));
}

TEST_F(AvailabilityCacheTest, WhatIsNotWatchedIsHeldUntilItsCacheUntil) {
  options_.watch.add_skus("shirt");
  StartWith({AnswerOf("shirt", 3, 7)});
  hub_.SetAnswer(AnswerOf("shoe", 4, 8));
  v1::Availability brief = AnswerOf("brief", 5, 8);
  brief.mutable_cache_until()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 1);
  hub_.SetAnswer(brief);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_->Get("shoe")->max_quantity, 4);
    EXPECT_EQ(cache_->Get("brief")->max_quantity, 5);
  }
  EXPECT_EQ(cache_->size(), 1u);
  EXPECT_THAT(hub_.batches(), SizeIs(4));
}

TEST_F(AvailabilityCacheTest, AnAliasIsHeldUntilItsCacheUntil) {
  StartWith({AnswerOf("shirt", 3, 7)});
  hub_.SetAnswerOfAlias("4006381", AnswerOf("shirt", 3, 7));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cache_->Get("4006381")->max_quantity, 3);
  EXPECT_THAT(hub_.batches(), ElementsAre(ElementsAre("4006381")));
  EXPECT_EQ(cache_->size(), 1u);
}

TEST_F(AvailabilityCacheTest, UnknownSkusAreHiddenAndNotAskedAgainForAWhile) {
  options_.unknown_for = absl::Milliseconds(200);
  StartWith({});
  const absl::StatusOr<CachedAnswer> unknown = cache_->Get("nothing");
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_TRUE(unknown->unknown);
  EXPECT_EQ(unknown->status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_FALSE(unknown->orderable);
  cache_->Get("nothing").IgnoreError();
  EXPECT_THAT(hub_.batches(), SizeIs(1));
  hub_.SetAnswer(AnswerOf("nothing", 1, 8));
  EXPECT_TRUE(Await([&] { return !cache_->Get("nothing")->unknown; }));
}

TEST_F(AvailabilityCacheTest, UnknownSkusWithoutEndTakeNoRoomWithoutEnd) {
  options_.unwatched_max = 10;
  options_.unknown_for = absl::Hours(1);
  StartWith({});
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(cache_->Get(absl::StrCat("x", i))->unknown);
  EXPECT_TRUE(cache_->Get("x24")->unknown);
  EXPECT_THAT(hub_.batches(), SizeIs(25));
  EXPECT_TRUE(cache_->Get("x3")->unknown);
  EXPECT_THAT(hub_.batches(), SizeIs(26));
}

TEST_F(AvailabilityCacheTest, AStreamThatIsDownForAShortWhileIsNotFelt) {
  v1::Availability old = AnswerOf("shirt", 3, 7);
  old.mutable_cache_until()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 1);
  StartWith({old});
  CutForGood();
  EXPECT_EQ(cache_->Get("shirt")->max_quantity, 3);
  EXPECT_THAT(hub_.batches(), IsEmpty());
}

TEST_F(AvailabilityCacheTest, AStreamThatIsDownForLongMakesOldAnswersBeAskedAnew) {
  options_.stale_bound = absl::ZeroDuration();
  v1::Availability old = AnswerOf("shirt", 3, 7);
  old.mutable_cache_until()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 1);
  StartWith({old, AnswerOf("shoe", 4, 7)});
  CutForGood();
  hub_.SetAnswer(AnswerOf("shirt", 2, 9));
  EXPECT_EQ(cache_->Get("shirt")->max_quantity, 2);
  EXPECT_EQ(cache_->Get("shoe")->max_quantity, 4);
  // Good until its new cache_until.
  EXPECT_EQ(cache_->Get("shirt")->max_quantity, 2);
  EXPECT_THAT(hub_.batches(), ElementsAre(ElementsAre("shirt")));
}

TEST_F(AvailabilityCacheTest, WithoutStreamAndHubItIsUnavailableAndPeekSaysSinceWhen) {
  options_.stale_bound = absl::ZeroDuration();
  v1::Availability old = AnswerOf("shirt", 3, 7);
  old.mutable_cache_until()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 1);
  StartWith({old});
  CutForGood();
  hub_.FailBatches(grpc::Status(grpc::StatusCode::UNAVAILABLE, "away"));
  EXPECT_TRUE(absl::IsUnavailable(cache_->Get("shirt").status()));
  const std::optional<CachedAnswer> held = cache_->Peek("shirt");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->max_quantity, 3);
  EXPECT_LE(held->as_of, absl::Now());
  EXPECT_GE(held->as_of, absl::Now() - kPatience);
}

// The restored hub counts revisions from further back and does not know one of the items.
TEST_F(AvailabilityCacheTest, AHubRestoredFromABackupIsBelieved) {
  StartWith({AnswerOf("shirt", 3, 700), AnswerOf("gone", 1, 700)});
  hub_.Cut(HubRefusal(grpc::StatusCode::FAILED_PRECONDITION, "RESUME_OTHER_JOURNAL"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 9, 50)}, "", true));
  hub_.Tell(NewsOf({}, "t2"));
  EXPECT_TRUE(AwaitQuantity("shirt", 9));
  EXPECT_TRUE(Await([&] { return !cache_->Peek("gone").has_value(); }));
  EXPECT_EQ(cache_->Get("shirt")->revision, 50u);
  EXPECT_TRUE(cache_->Get("gone")->unknown);
}

TEST_F(AvailabilityCacheTest, BeforeEverythingIsToldItAsks) {
  Start();
  hub_.SetAnswer(AnswerOf("shirt", 3, 7));
  EXPECT_EQ(cache_->Get("shirt")->max_quantity, 3);
  EXPECT_FALSE(cache_->AwaitComplete(absl::Milliseconds(1)));
}

TEST_F(AvailabilityCacheTest, ItsOwnRefusalsReachTheCaller) {
  StartWith({});
  EXPECT_EQ(RefusalOf(cache_->Get(std::string(65, 'x')).status()).reason, "INVALID_SKU");
  hub_.FailBatches(HubRefusal(grpc::StatusCode::NOT_FOUND, "UNKNOWN_CHANNEL"));
  EXPECT_EQ(RefusalOf(cache_->Get("other").status()).reason, "UNKNOWN_CHANNEL");
}

}  // namespace
}  // namespace onhand::client
