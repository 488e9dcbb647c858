// How a watch lives through everything that may end its stream.
#include "clients/cpp/watcher.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/scripted_hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(10);

// Writes down what it hears: ANEW, COMPLETE, and SKU=QUANTITY with a star while all is being told.
class Diary : public WatchListener {
 public:
  void OnAnswer(const v1::Availability& answer, absl::Time, bool initial) override {
    Write(absl::StrCat(answer.sku(), "=", answer.max_quantity(), initial ? "*" : ""));
    if (writing_takes_ > absl::ZeroDuration()) absl::SleepFor(writing_takes_);
  }
  void OnAnew() override { Write("ANEW"); }
  void OnComplete() override { Write("COMPLETE"); }
  void OnState(const WatchState& state) override {
    absl::MutexLock lock(&mu_);
    phases_.push_back(state.phase);
  }

  void WritingTakes(absl::Duration duration) { writing_takes_ = duration; }
  // What was written, once there are `count` lines; fewer after a while.
  std::string Await(size_t count) const {
    absl::MutexLock lock(&mu_);
    const auto there = [this, count]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return lines_.size() >= count; };
    mu_.AwaitWithTimeout(absl::Condition(&there), kPatience);
    return absl::StrJoin(lines_, " ");
  }
  std::vector<WatchPhase> phases() const {
    absl::MutexLock lock(&mu_);
    return phases_;
  }

 private:
  void Write(std::string line) {
    absl::MutexLock lock(&mu_);
    lines_.push_back(std::move(line));
  }

  absl::Duration writing_takes_;
  mutable absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
  std::vector<WatchPhase> phases_ ABSL_GUARDED_BY(mu_);
};

class WatcherTest : public ::testing::Test {
 protected:
  void Start(bool initial, const std::string& token = "") {
    WatcherOptions options;
    options.watch.set_channel_id("web");
    options.watch.add_skus("shirt");
    options.watch.set_initial(initial);
    options.watch.set_resume_token(token);
    options.first_backoff = absl::Milliseconds(1);
    options.silence_max = silence_max_;
    watcher_ = std::make_unique<Watcher>(&connection_, &diary_, options);
  }
  // Until then the hub may not have seen that the stream before is over.
  bool AwaitPhase(WatchPhase phase) const {
    const absl::Time deadline = absl::Now() + kPatience;
    while (watcher_->state().phase != phase && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return watcher_->state().phase == phase;
  }

  absl::Duration silence_max_ = absl::Seconds(60);
  ScriptedHub hub_;
  Connection connection_{hub_.Options()};
  Diary diary_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, TellsEverythingThenEveryChange) {
  hub_.Tell(NewsOf({AnswerOf("shirt", 1, 1), AnswerOf("shoe", 2, 1)}, "", true));
  hub_.Tell(NewsOf({AnswerOf("sock", 3, 1)}, "", true));
  hub_.Tell(NewsOf({}, "t1"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 0, 2)}, "t2"));
  Start(true);
  EXPECT_EQ(diary_.Await(6), "ANEW shirt=1* shoe=2* sock=3* COMPLETE shirt=0");
  EXPECT_TRUE(AwaitPhase(WatchPhase::kLive));
  EXPECT_EQ(watcher_->resume_token(), "t2");
  EXPECT_NEAR(absl::ToDoubleSeconds(absl::Now() - watcher_->state().as_of), 0, 10);
  const std::vector<v1::WatchRequest> watches = hub_.AwaitWatches(1);
  ASSERT_THAT(watches, SizeIs(1));
  EXPECT_TRUE(watches[0].initial());
  EXPECT_EQ(watches[0].channel_id(), "web");
  EXPECT_THAT(watches[0].skus(), ElementsAre("shirt"));
}

TEST_F(WatcherTest, GoesOnByTokenAfterAnyCutAndTellsNothingTwice) {
  hub_.Tell(NewsOf({AnswerOf("shirt", 1, 1)}, "", true));
  hub_.Tell(NewsOf({AnswerOf("shirt", 2, 2)}, "t1"));
  hub_.Cut(grpc::Status(grpc::StatusCode::UNAVAILABLE, "away"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 3, 3)}, "t2"));
  hub_.Cut(HubRefusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "WATCH_OVERFLOW"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 4, 4)}, "t3"));
  hub_.Cut(grpc::Status::OK);
  hub_.Tell(NewsOf({AnswerOf("shirt", 5, 5)}, "t4"));
  Start(true);
  EXPECT_EQ(diary_.Await(7), "ANEW shirt=1* COMPLETE shirt=2 shirt=3 shirt=4 shirt=5");
  const std::vector<v1::WatchRequest> watches = hub_.AwaitWatches(4);
  ASSERT_THAT(watches, SizeIs(4));
  EXPECT_EQ(watches[1].resume_token(), "t1");
  EXPECT_EQ(watches[2].resume_token(), "t2");
  EXPECT_EQ(watches[3].resume_token(), "t3");
  for (size_t i = 1; i < watches.size(); ++i) EXPECT_FALSE(watches[i].initial());
}

TEST_F(WatcherTest, HasEverythingToldAnewWhereTheHubCannotGoOn) {
  for (const auto& [code, reason] : std::vector<std::pair<grpc::StatusCode, std::string>>{
           {grpc::StatusCode::OUT_OF_RANGE, "RESUME_TOO_OLD"},
           {grpc::StatusCode::FAILED_PRECONDITION, "RESUME_OTHER_JOURNAL"},
           {grpc::StatusCode::INVALID_ARGUMENT, "INVALID_RESUME_TOKEN"}}) {
    Diary diary;
    ScriptedHub hub;
    Connection connection(hub.Options());
    hub.Cut(HubRefusal(code, reason));
    hub.Tell(NewsOf({AnswerOf("shirt", 1, 1)}, "", true));
    hub.Tell(NewsOf({}, "t1"));
    WatcherOptions options{.first_backoff = absl::Milliseconds(1)};
    options.watch.set_resume_token("old");
    Watcher watcher(&connection, &diary, options);
    EXPECT_EQ(diary.Await(3), "ANEW shirt=1* COMPLETE") << reason;
    const std::vector<v1::WatchRequest> watches = hub.AwaitWatches(2);
    ASSERT_THAT(watches, SizeIs(2)) << reason;
    EXPECT_EQ(watches[0].resume_token(), "old");
    EXPECT_FALSE(watches[0].initial());
    EXPECT_EQ(watches[1].resume_token(), "");
    EXPECT_TRUE(watches[1].initial());
  }
}

TEST_F(WatcherTest, ACutWhileEverythingIsToldStartsItOver) {
  hub_.Tell(NewsOf({AnswerOf("shirt", 1, 1)}, "half", true));
  hub_.Cut(grpc::Status(grpc::StatusCode::UNAVAILABLE, "away"));
  hub_.Tell(NewsOf({AnswerOf("shirt", 2, 2)}, "", true));
  hub_.Tell(NewsOf({}, "t1"));
  Start(true);
  EXPECT_EQ(diary_.Await(5), "ANEW shirt=1* ANEW shirt=2* COMPLETE");
  EXPECT_TRUE(hub_.AwaitWatches(2)[1].initial());
}

TEST_F(WatcherTest, SaysWhetherItIsLiveAndSinceWhenNot) {
  const absl::Time start = absl::Now();
  Start(false);
  EXPECT_EQ(watcher_->state().phase, WatchPhase::kConnecting);
  hub_.Tell(NewsOf({}, "t1"));
  ASSERT_TRUE(AwaitPhase(WatchPhase::kLive));
  // Refused for as long as the test looks.
  for (int i = 0; i < 1000; ++i) {
    hub_.Cut(HubRefusal(grpc::StatusCode::NOT_FOUND, "UNKNOWN_CHANNEL"));
  }
  ASSERT_TRUE(AwaitPhase(WatchPhase::kStale));
  const WatchState stale = watcher_->state();
  EXPECT_GE(stale.since, start);
  EXPECT_LE(stale.since, absl::Now());
  EXPECT_EQ(RefusalOf(stale.problem).reason, "UNKNOWN_CHANNEL");
  hub_.AwaitWatches(4);
  EXPECT_EQ(watcher_->state().since, stale.since);
}

TEST_F(WatcherTest, ASilentStreamCountsAsCut) {
  silence_max_ = absl::Milliseconds(300);
  hub_.Tell(NewsOf({}, "t1"));
  Start(false);
  const std::vector<v1::WatchRequest> watches = hub_.AwaitWatches(2);
  ASSERT_THAT(watches, SizeIs(2));
  EXPECT_EQ(watches[1].resume_token(), "t1");
  const std::vector<WatchPhase> phases = diary_.phases();
  ASSERT_GE(phases.size(), 2u);
  EXPECT_EQ(phases[0], WatchPhase::kLive);
  EXPECT_EQ(phases[1], WatchPhase::kStale);
}

TEST_F(WatcherTest, StopsAtOnceWhateverItIsDoing) {
  const auto stop_takes = [this] {
    const absl::Time start = absl::Now();
    watcher_->Stop();
    return absl::Now() - start;
  };
  Start(false);  // waits for the first response
  hub_.AwaitWatches(1);
  EXPECT_LT(stop_takes(), absl::Seconds(2));

  ScriptedHub other;
  other.Tell(NewsOf({}, "t1"));
  Connection to_other(other.Options());
  watcher_ = std::make_unique<Watcher>(&to_other, &diary_, WatcherOptions{});  // for a change
  ASSERT_TRUE(AwaitPhase(WatchPhase::kLive));
  EXPECT_LT(stop_takes(), absl::Seconds(2));

  WatcherOptions options{.first_backoff = absl::Hours(1), .backoff_max = absl::Hours(1)};
  ScriptedHub refusing;
  refusing.Cut(HubRefusal(grpc::StatusCode::NOT_FOUND, "UNKNOWN_CHANNEL"));
  Connection to_refusing(refusing.Options());
  watcher_ = std::make_unique<Watcher>(&to_refusing, &diary_, options);  // to come back
  while (watcher_->state().problem.ok()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_LT(stop_takes(), absl::Seconds(2));

  Connection to_nobody({.hub = "127.0.0.1:1"});
  watcher_ = std::make_unique<Watcher>(&to_nobody, &diary_, WatcherOptions{});  // for a hub
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_LT(stop_takes(), absl::Seconds(2));
}

TEST_F(WatcherTest, TellsNobodyAfterItHasStopped) {
  diary_.WritingTakes(absl::Milliseconds(5));
  std::vector<v1::Availability> answers;
  answers.reserve(20);
  for (int i = 0; i < 20; ++i) answers.push_back(AnswerOf("shirt", i, 1));
  hub_.Tell(NewsOf(answers, "t1"));
  Start(false);
  diary_.Await(1);
  watcher_->Stop();
  const std::string heard = diary_.Await(0);
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_EQ(diary_.Await(0), heard);
}

}  // namespace
}  // namespace onhand::client
