// Watchers of a hub on a memory database: what they are told, and where they go on.
#include "server/hub/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/decide_supply.h"
#include "server/ledger/refusal.h"
#include "storage/memory/memory_store.h"

namespace onhand::hub {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr int64_t kStart = 19'675 * kDay;  // a midnight

class ManualClock : public Clock {
 public:
  int64_t NowUs() override { return now_us_.load(); }
  void Pass(int64_t us) { now_us_.fetch_add(us); }

 private:
  std::atomic<int64_t> now_us_{kStart};
};

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// What a watcher has been told. It takes messages at once, unless it is told to dawdle.
class Heard : public WatchReader {
 public:
  explicit Heard(Watch* watch, bool dawdles = false) : watch_(watch), dawdles_(dawdles) {}

  void Tell(uint64_t watcher, v1::WatchResponse response) override {
    {
      absl::MutexLock lock(&mutex_);
      watcher_ = watcher;
      token_ = response.resume_token();
      as_of_us_ = ledger::MicrosOf(response.as_of());
      for (const v1::Availability& change : response.changes()) {
        EXPECT_LT(revisions_[change.sku()], change.revision()) << change.sku();
        revisions_[change.sku()] = change.revision();
        answers_[change.sku()] = change;
        told_.push_back(absl::StrCat(change.sku(), " ", change.max_quantity()));
      }
      responses_.push_back(std::move(response));
      if (dawdles_) return;
    }
    watch_->Took(watcher);
  }
  void End(const absl::Status& why) override {
    absl::MutexLock lock(&mutex_);
    end_ = why;
  }

  void Take() {
    uint64_t watcher = 0;
    {
      absl::MutexLock lock(&mutex_);
      watcher = watcher_;
    }
    watch_->Took(watcher);
  }
  // `sku units` of each answer, in the order of telling.
  std::vector<std::string> told() const {
    absl::MutexLock lock(&mutex_);
    return told_;
  }
  std::vector<v1::WatchResponse> responses() const {
    absl::MutexLock lock(&mutex_);
    return responses_;
  }
  v1::Availability Of(const std::string& sku) const {
    absl::MutexLock lock(&mutex_);
    const auto found = answers_.find(sku);
    return found == answers_.end() ? v1::Availability() : found->second;
  }
  size_t response_count() const {
    absl::MutexLock lock(&mutex_);
    return responses_.size();
  }
  std::string token() const {
    absl::MutexLock lock(&mutex_);
    return token_;
  }
  int64_t as_of_us() const {
    absl::MutexLock lock(&mutex_);
    return as_of_us_;
  }
  absl::Status end() const {
    absl::MutexLock lock(&mutex_);
    return end_;
  }

 private:
  Watch* const watch_;
  const bool dawdles_;
  mutable absl::Mutex mutex_;
  uint64_t watcher_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  int64_t as_of_us_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> revisions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Availability> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> told_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::WatchResponse> responses_ ABSL_GUARDED_BY(mutex_);
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
};

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    options_.mark_every = std::chrono::milliseconds(50);
    Open();
    Ask([](ledger::Group& group) {
      EXPECT_TRUE(ledger::DecideUpsertLocations(
                      group,
                      FromText<v1::BatchUpsertLocationsRequest>(
                          "locations { location_id: 'm1' name: 'M1' time_zone: 'UTC' } "
                          "locations { location_id: 'm2' name: 'M2' time_zone: 'UTC' }"),
                      [](absl::string_view) { return true; })
                      .ok());
      EXPECT_TRUE(
          ledger::DecideUpsertChannels(group, FromText<v1::BatchUpsertChannelsRequest>(
                                                  "channels { channel_id: 'web' name: 'Web' "
                                                  "kind: CHANNEL_KIND_SHIP }"))
              .ok());
    });
    for (const char* sku : {"ball", "boot", "bike"}) SetItem(sku, "sport");
    Adjust("ball", 5);
  }
  ~WatchTest() override { Close(); }

  void Open() {
    store_ = storage::NewMemoryStore(database_);
    ASSERT_TRUE(store_->Migrate().ok());
    hub_ = *Hub::Start(store_.get(), &clock_, {});
    watch_ = std::make_unique<Watch>(hub_.get(), options_);
  }
  void Close() {
    watch_.reset();
    hub_.reset();
    store_.reset();
  }
  void Restart() {
    Close();
    Open();
  }

  // One row with what is decided.
  template <class Decide>
  void Ask(Decide decide) {
    std::promise<absl::Status> answered;
    hub_->Submit(
        {.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
           decide(group);
           return "";
         },
         .done = [&](absl::StatusOr<std::string> answer) { answered.set_value(answer.status()); }});
    const absl::Status status = answered.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }
  void SetItem(const std::string& sku, const std::string& category, bool published = true) {
    Ask([&](ledger::Group& group) {
      v1::BatchUpsertItemsRequest request;
      v1::Item& item = *request.add_items();
      item.set_sku(sku);
      item.set_name(sku);
      item.set_category(category);
      item.set_published(published);
      item.add_aliases()->set_code(absl::StrCat("ean-", sku));
      EXPECT_TRUE(ledger::DecideUpsertItems(group, request).ok());
    });
  }
  void Adjust(const std::string& sku, int64_t units, const std::string& location = "m1") {
    Ask([&](ledger::Group& group) {
      v1::AdjustRequest request;
      request.set_sku(sku);
      request.set_location_id(location);
      request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
      request.set_quantity(units);
      EXPECT_TRUE(ledger::DecideAdjust(group, request).ok());
    });
  }
  void SetRule(const std::string& text) {
    Ask([&](ledger::Group& group) {
      v1::SetRuleRequest request;
      *request.mutable_rule() = FromText<v1::Rule>(text);
      request.set_etag("*");
      const auto set = ledger::DecideSetRule(group, request);
      EXPECT_TRUE(set.ok()) << set.status();
    });
  }
  // A row with nothing in it: only time passes.
  void Pass(int64_t us) {
    clock_.Pass(us);
    Ask([](ledger::Group& group) {
      ledger::journal::Fact tick;
      tick.mutable_tick();
      group.Add(std::move(tick));
    });
  }

  std::shared_ptr<Heard> Listen(const std::string& text, bool dawdles = false) {
    auto heard = std::make_shared<Heard>(watch_.get(), dawdles);
    const auto watcher = watch_->Open(FromText<v1::WatchRequest>(text), heard);
    EXPECT_TRUE(watcher.ok()) << watcher.status();
    if (watcher.ok()) last_watcher_ = *watcher;
    // Its first message says that it stands.
    Await([&] { return heard->response_count() > 0 || !heard->end().ok(); });
    return heard;
  }
  std::string ReasonFor(const std::string& text) {
    auto heard = std::make_shared<Heard>(watch_.get());
    return ledger::ReasonOf(watch_->Open(FromText<v1::WatchRequest>(text), heard).status());
  }
  template <class Condition>
  void Await(Condition holds) {
    for (int i = 0; i < 5'000 && !holds(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(holds());
  }
  void AwaitUnits(const Heard& heard, const std::string& sku, int32_t units) {
    Await([&] { return heard.Of(sku).max_quantity() == units; });
  }
  // Until everything that is committed so far has been told.
  void Settle(const Heard& heard) {
    Pass(kSecond);
    const int64_t now_us = clock_.NowUs();
    Await([&] { return heard.as_of_us() >= now_us; });
  }

  std::shared_ptr<storage::MemoryDatabase> database_ = std::make_shared<storage::MemoryDatabase>();
  ManualClock clock_;
  WatchOptions options_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Watch> watch_;
  uint64_t last_watcher_ = 0;
};

TEST_F(WatchTest, ChangeIsToldWithItsRevisionAndNothingElseIs) {
  const auto heard = Listen("");
  EXPECT_TRUE(heard->told().empty());
  Adjust("ball", -2);
  const uint64_t revision = hub_->revision();
  AwaitUnits(*heard, "ball", 3);
  EXPECT_EQ(heard->Of("ball").status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_GE(heard->Of("ball").revision(), revision);
  Settle(*heard);
  EXPECT_EQ(heard->told(), std::vector<std::string>({"ball 3"}));
}

TEST_F(WatchTest, InitialTellsEveryAnswerAndThenChanges) {
  for (int i = 0; i < 1'200; ++i) SetItem(absl::StrCat("sku-", i), "many");
  const auto heard = Listen("initial: true");
  Await([&] { return heard->told().size() == 1'203; });
  Adjust("boot", 4);
  AwaitUnits(*heard, "boot", 4);
  int initial = 0;
  for (const v1::WatchResponse& response : heard->responses()) {
    EXPECT_LE(response.changes_size(), 500);
    initial += response.initial() ? response.changes_size() : 0;
  }
  EXPECT_EQ(initial, 1'203);
  EXPECT_FALSE(heard->responses().back().initial());
}

TEST_F(WatchTest, SlowReaderIsToldTheLatestAndEachItemOnce) {
  const auto heard = Listen("", /*dawdles=*/true);
  for (int i = 0; i < 20; ++i) {
    Adjust("ball", 1);
    Adjust("boot", 1);
  }
  const auto witness = Listen("skus: 'boot'");
  Settle(*witness);
  EXPECT_EQ(heard->response_count(), 1u);
  heard->Take();
  Await([&] { return heard->response_count() == 2; });
  EXPECT_EQ(heard->told(), std::vector<std::string>({"ball 25", "boot 20"}));
}

TEST_F(WatchTest, StuckReaderOverflowsAndOthersGoOn) {
  Close();
  options_.pending_max = 50;
  Open();
  for (int i = 0; i < 60; ++i) SetItem(absl::StrCat("sku-", i), "many");
  const auto stuck = Listen("", /*dawdles=*/true);
  const auto quick = Listen("");
  for (int i = 0; i < 60; ++i) Adjust(absl::StrCat("sku-", i), 1);
  Await([&] { return !stuck->end().ok(); });
  EXPECT_EQ(stuck->end().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ledger::ReasonOf(stuck->end()), "WATCH_OVERFLOW");
  Await([&] { return quick->told().size() == 60; });
  // Its last token still leads on.
  const auto back = Listen(absl::StrCat("resume_token: '", stuck->token(), "'"));
  Await([&] { return back->told().size() == 60; });
}

TEST_F(WatchTest, ResumeTellsExactlyWhatChangedMeanwhile) {
  const auto before = Listen("");
  Adjust("ball", 1);
  AwaitUnits(*before, "ball", 6);
  watch_->Close(last_watcher_);
  Adjust("boot", 2);
  Adjust("bike", 3);
  Adjust("bike", -1);
  const auto after = Listen(absl::StrCat("resume_token: '", before->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told(), std::vector<std::string>({"boot 2", "bike 2"}));
}

TEST_F(WatchTest, InitialThatWasCutOffGoesOnWhereItWas) {
  for (int i = 0; i < 1'200; ++i) SetItem(absl::StrCat("sku-", i), "many");
  const auto before = Listen("initial: true", /*dawdles=*/true);
  EXPECT_EQ(before->told().size(), 500u);
  watch_->Close(last_watcher_);
  Adjust("ball", 1);  // told already
  const auto after = Listen(absl::StrCat("resume_token: '", before->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told().size(), 703u + 1u);
  EXPECT_EQ(after->Of("ball").max_quantity(), 6);
}

TEST_F(WatchTest, ChangeOfWhatAWalkHasPassedIsTold) {
  Close();
  options_.answers_max = 1;
  Open();
  const auto heard = Listen("initial: true", /*dawdles=*/true);
  ASSERT_EQ(heard->told(), std::vector<std::string>({"ball 5"}));
  const auto witness = Listen("");
  Adjust("ball", 1);  // behind the walk
  Adjust("bike", 2);  // before it
  Settle(*witness);
  for (size_t count = 2; count <= 4; ++count) {
    heard->Take();
    Await([&] { return heard->response_count() == count; });
  }
  heard->Take();
  Settle(*witness);
  std::vector<std::string> told = heard->told();
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, std::vector<std::string>({"ball 5", "ball 6", "bike 2", "boot 0"}));
}

TEST_F(WatchTest, AfterARestartEverythingOfASmallFilterIsToldAnew) {
  const auto before = Listen("skus: ['ball', 'boot']");
  Restart();
  Adjust("boot", 1);
  const auto after =
      Listen(absl::StrCat("skus: ['ball', 'boot'] resume_token: '", before->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told(), std::vector<std::string>({"ball 5", "boot 1"}));
}

TEST_F(WatchTest, TokenIsTooOldWhereNobodyKnowsWhatLeft) {
  const auto before = Listen("category: 'sport'");
  Restart();
  const auto after =
      Listen(absl::StrCat("category: 'sport' resume_token: '", before->token(), "'"));
  EXPECT_EQ(after->end().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ledger::ReasonOf(after->end()), "RESUME_TOO_OLD");
}

TEST_F(WatchTest, TokenIsTooOldForAFilterOfMoreThanIsToldAnew) {
  const auto before = Listen("");
  Close();
  options_.anew_max = 2;
  Open();
  const auto after = Listen(absl::StrCat("resume_token: '", before->token(), "'"));
  EXPECT_EQ(ledger::ReasonOf(after->end()), "RESUME_TOO_OLD");
}

TEST_F(WatchTest, ViewThatWasDroppedKnowsNothingOfTheTimeBefore) {
  Close();
  options_.view_kept = std::chrono::milliseconds(0);
  Open();
  const auto before = Listen("");
  watch_->Close(last_watcher_);
  Await([&] { return watch_->counts().views.load() == 0; });
  Adjust("boot", 1);
  const auto after = Listen(absl::StrCat("resume_token: '", before->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told(), std::vector<std::string>({"ball 5", "boot 1", "bike 0"}));
}

TEST_F(WatchTest, ItemThatLeavesOrEntersACategoryIsTold) {
  const auto heard = Listen("category: 'sport'");
  SetItem("ball", "sporty");
  Await([&] { return heard->told().size() == 1; });
  EXPECT_EQ(heard->Of("ball").status(), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_FALSE(heard->Of("ball").orderable());
  Adjust("ball", 1);
  SetItem("ball", "sport/round");
  AwaitUnits(*heard, "ball", 6);
  EXPECT_EQ(heard->told(), std::vector<std::string>({"ball 0", "ball 6"}));
}

TEST_F(WatchTest, ItemThatLeftMeanwhileIsToldOnResuming) {
  const auto before = Listen("category: 'sport'");
  watch_->Close(last_watcher_);
  SetItem("ball", "toys");
  const auto after =
      Listen(absl::StrCat("category: 'sport' resume_token: '", before->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told(), std::vector<std::string>({"ball 0"}));
}

TEST_F(WatchTest, FilterHoldsSkusByTheirAliases) {
  const auto heard = Listen("skus: ['ean-boot', 'bike']");
  Adjust("ball", 1);
  Adjust("boot", 2);
  Settle(*heard);
  EXPECT_EQ(heard->told(), std::vector<std::string>({"boot 2"}));
}

TEST_F(WatchTest, LocationIsToldOfItsOwnStockAndOfTheChainsFloor) {
  const auto heard = Listen("location_id: 'm2'");
  Adjust("ball", 3, "m1");
  Adjust("ball", 2, "m2");
  AwaitUnits(*heard, "ball", 2);
  EXPECT_EQ(heard->told(), std::vector<std::string>({"ball 2"}));
  SetRule("rule_id: 'floor' chain_floor { units: 8 }");
  Settle(*heard);
  EXPECT_EQ(heard->Of("ball").max_quantity(), 2);  // ten in the chain
  Adjust("ball", -5, "m1");
  AwaitUnits(*heard, "ball", 0);
  EXPECT_EQ(heard->Of("ball").status(), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(WatchTest, RuleIsToldWhenItsPeriodBeginsAndEnds) {
  const auto heard = Listen("");
  const int64_t from_s = clock_.NowUs() / kSecond + 100;
  SetRule(absl::StrCat("rule_id: 'few' max_quantity: 1 effective_from { seconds: ", from_s,
                       " } effective_until { seconds: ", from_s + 100, " }"));
  Settle(*heard);
  EXPECT_TRUE(heard->told().empty());
  Pass(100 * kSecond);
  AwaitUnits(*heard, "ball", 1);
  Pass(100 * kSecond);
  AwaitUnits(*heard, "ball", 5);
}

TEST_F(WatchTest, PauseIsToldAndItsEndToo) {
  const auto heard = Listen("location_id: 'm1'");
  Ask([&](ledger::Group& group) {
    v1::SetLocationStateRequest request;
    request.set_location_id("m1");
    request.set_state(v1::LOCATION_STATE_PAUSED);
    *request.mutable_paused_until() = ledger::TimestampOf(clock_.NowUs() + 50 * kSecond);
    request.set_reason("stocktake");
    EXPECT_TRUE(ledger::DecideSetLocationState(group, request).ok());
  });
  Await([&] { return heard->told().size() == 1; });
  EXPECT_EQ(heard->Of("ball").max_quantity(), 0);
  Pass(50 * kSecond);
  AwaitUnits(*heard, "ball", 5);
}

TEST_F(WatchTest, StaleLocationIsToldAndComesBackWhenItTells) {
  for (const char* where : {"", "location_id: 'm1'"}) {
    SetRule("rule_id: 'fresh' freshness_target_s: 3600 freshness_action: FRESHNESS_ACTION_EXCLUDE");
    const auto tell = [&] {
      Ask([&](ledger::Group& group) {
        ledger::journal::Fact fact;
        auto& moment = *fact.mutable_known_through()->add_known_through();
        fact.mutable_known_through()->set_source(1);
        moment.set_location(1);
        moment.set_at_us(clock_.NowUs());
        group.Add(std::move(fact));
      });
    };
    Ask([&](ledger::Group& group) {
      ledger::journal::Fact fact;
      auto& opened = *fact.mutable_source_opened();
      opened.set_source(1);
      opened.set_source_id("till");
      opened.set_spool(1);
      opened.set_spool_id("spool");
      opened.add_locations(1);
      group.Add(std::move(fact));
    });
    tell();
    const auto heard = Listen(where);
    Pass(3'600 * kSecond);
    Settle(*heard);
    Await([&] { return heard->told().size() == 1; });
    EXPECT_EQ(heard->Of("ball").max_quantity(), 0);
    tell();
    AwaitUnits(*heard, "ball", 5);
  }
}

TEST_F(WatchTest, DateOfABackOrderIsToldWhenItMoves) {
  SetRule(
      "rule_id: 'later' zero_policy: ZERO_POLICY_BACKORDER backorder_limit: 9 "
      "backorder_lead_days: 3");
  const auto heard = Listen("skus: 'boot'");
  const auto day = [&] { return heard->Of("boot").available_from().seconds() / 86'400; };
  Pass(kDay);
  Await([&] { return day() == kStart / kDay + 4; });
  Ask([&](ledger::Group& group) {
    v1::SetIncomingRequest request;
    v1::Incoming& incoming = *request.mutable_incoming();
    incoming.set_reference("ship-1");
    incoming.set_sku("boot");
    incoming.set_location_id("m1");
    incoming.set_units(7);
    *incoming.mutable_due_at() = ledger::TimestampOf(clock_.NowUs() + kDay);
    const auto set = ledger::DecideSetIncoming(group, request);
    EXPECT_TRUE(set.ok()) << set.status();
  });
  AwaitUnits(*heard, "boot", 7);
  Pass(3 * kDay + kSecond);  // late past its grace: the lead time counts again
  AwaitUnits(*heard, "boot", 9);
}

TEST_F(WatchTest, MergedItemsAreToldAsWhatTheyBecame) {
  Adjust("boot", 2);
  const auto heard = Listen("skus: 'boot'");
  Ask([&](ledger::Group& group) {
    v1::MergeItemsRequest request;
    request.set_sku("ball");
    request.set_duplicate_sku("boot");
    EXPECT_TRUE(ledger::DecideMergeItems(group, request).ok());
  });
  AwaitUnits(*heard, "ball", 7);
  Await([&] { return heard->Of("boot").status() == v1::AVAILABILITY_STATUS_HIDDEN; });
  watch_->Close(last_watcher_);
  Adjust("ball", 1);
  // The SKU leads to the item that stayed, and the same request still goes with the token.
  const auto after = Listen(absl::StrCat("skus: 'boot' resume_token: '", heard->token(), "'"));
  Settle(*after);
  EXPECT_EQ(after->told(), std::vector<std::string>({"ball 8"}));
}

TEST_F(WatchTest, RenamedItemIsToldUnderItsNewSku) {
  const auto heard = Listen("");
  Ask([&](ledger::Group& group) {
    v1::RenameItemRequest request;
    request.set_sku("ball");
    request.set_new_sku("globe");
    EXPECT_TRUE(ledger::DecideRenameItem(group, request).ok());
  });
  AwaitUnits(*heard, "globe", 5);
}

TEST_F(WatchTest, QuietWatcherIsToldHowFarItIs) {
  const auto heard = Listen("");
  const size_t before = heard->response_count();
  const int64_t as_of_us = heard->as_of_us();
  Pass(kSecond);
  Await([&] { return heard->response_count() >= before + 2; });
  EXPECT_GT(heard->as_of_us(), as_of_us);
  EXPECT_TRUE(heard->told().empty());
}

TEST_F(WatchTest, WrongRequestsAreRefusedByReason) {
  EXPECT_EQ(ReasonFor("skus: 'ghost'"), "UNKNOWN_ITEM");
  EXPECT_EQ(ReasonFor("location_id: 'nowhere'"), "UNKNOWN_LOCATION");
  EXPECT_EQ(ReasonFor("channel_id: 'pigeon'"), "UNKNOWN_CHANNEL");
  EXPECT_EQ(ReasonFor("skus: 'ball' category: 'sport'"), "INVALID_WATCH");
  EXPECT_EQ(ReasonFor("initial: true resume_token: 'x'"), "INVALID_WATCH");
  EXPECT_EQ(ReasonFor("resume_token: 'x'"), "INVALID_RESUME_TOKEN");
  const auto heard = Listen("skus: 'ball'");
  EXPECT_EQ(ReasonFor(absl::StrCat("skus: 'boot' resume_token: '", heard->token(), "'")),
            "INVALID_RESUME_TOKEN");
  Close();
  database_ = std::make_shared<storage::MemoryDatabase>();
  Open();
  Ask([](ledger::Group& group) {
    EXPECT_TRUE(
        ledger::DecideUpsertChannels(
            group, FromText<v1::BatchUpsertChannelsRequest>(
                       "channels { channel_id: 'web' name: 'Web' kind: CHANNEL_KIND_SHIP }"))
            .ok());
  });
  SetItem("ball", "");
  EXPECT_EQ(ReasonFor(absl::StrCat("skus: 'ball' resume_token: '", heard->token(), "'")),
            "RESUME_OTHER_JOURNAL");
}

TEST_F(WatchTest, WatchersAndWhatIsKeptForThemAreBounded) {
  Close();
  options_.watchers_max = 2;
  options_.records_max = 4;
  Open();
  const auto heard = Listen("");
  const auto elsewhere = Listen("location_id: 'm1'");
  EXPECT_EQ(ledger::ReasonOf(elsewhere->end()), "TOO_MANY_WATCHERS");
  Listen("");
  EXPECT_EQ(ReasonFor(""), "TOO_MANY_WATCHERS");
}

TEST_F(WatchTest, DrainEndsEveryWatcherNowAndToCome) {
  const auto heard = Listen("");
  watch_->Drain();
  Await([&] { return !heard->end().ok(); });
  EXPECT_EQ(ledger::ReasonOf(heard->end()), "STOPPING");
  EXPECT_EQ(ReasonFor(""), "STOPPING");
}

}  // namespace
}  // namespace onhand::hub
