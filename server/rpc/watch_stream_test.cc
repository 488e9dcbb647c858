// Watching over a real connection to a real hub: what a client rebuilds from streams that are cut
// off and resumed is what the hub serves.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// What a shop acts by.
std::string Told(const v1::Availability& answer) {
  return absl::StrCat(v1::AvailabilityStatus_Name(answer.status()), " ", answer.orderable(), " ",
                      answer.max_quantity(), " ", answer.available_from().seconds() / 86'400);
}
const char kHidden[] = "AVAILABILITY_STATUS_HIDDEN 0 0 0";

// One stream, cancelled when this goes.
class WatchCall {
 public:
  WatchCall(ServedHub& served, const v1::WatchRequest& request)
      : stub_(served.channel()), reader_(stub_.Watch(&context_, request)) {}
  ~WatchCall() { End(); }

  bool Read(v1::WatchResponse* response) { return reader_->Read(response); }
  void Cancel() { context_.TryCancel(); }
  grpc::Status End() {
    if (ended_) return {};
    ended_ = true;
    context_.TryCancel();
    v1::WatchResponse response;
    while (reader_->Read(&response)) {
    }
    return reader_->Finish();
  }
  // How it ends by itself.
  grpc::Status AwaitEnd() {
    v1::WatchResponse response;
    while (reader_->Read(&response)) {
    }
    ended_ = true;
    return reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  v1::WatchService::Stub stub_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
  bool ended_ = false;
};

TEST(WatchStreamTest, ReportIsToldToAWatcher) {
  ServedHub served;
  served.MakeChain({"M1"}, {"ball"});
  WatchCall call(served, FromText<v1::WatchRequest>("initial: true"));
  v1::WatchResponse response;
  ASSERT_TRUE(call.Read(&response));
  EXPECT_TRUE(response.initial());
  ASSERT_EQ(response.changes_size(), 1);
  Agent agent(served);
  agent.Open(HelloOf("till", "spool", "M1"));
  agent.Say(BatchOf(1, "ball", 4));
  const v1::Ack ack = agent.HearUntilDurable(1);
  do {
    ASSERT_TRUE(call.Read(&response));
  } while (response.changes().empty());
  EXPECT_EQ(response.changes(0).sku(), "ball");
  EXPECT_EQ(response.changes(0).max_quantity(), 4);
  EXPECT_GE(response.changes(0).revision(), ack.revision());
  agent.Close();
  agent.End();
}

TEST(WatchStreamTest, WatcherThatGoesIsForgotten) {
  ServedHub served;
  served.MakeChain({"M1"}, {"ball"});
  {
    WatchCall call(served, {});
    v1::WatchResponse response;
    ASSERT_TRUE(call.Read(&response));
    EXPECT_EQ(served.watch().counts().watchers.load(), 1u);
    EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
  }
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (served.watch().counts().watchers.load() > 0 && absl::Now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(served.watch().counts().watchers.load(), 0u);
}

TEST(WatchStreamTest, RefusalEndsTheStreamWithItsReason) {
  ServedHub served;
  served.MakeChain({"M1"}, {"ball"});
  WatchCall call(served, FromText<v1::WatchRequest>("skus: ['ball', 'ghost']"));
  const grpc::Status status = call.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_ITEM");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("field"), "skus[1]");
}

TEST(WatchStreamTest, HubThatStopsSendsWatchersAway) {
  auto served = std::make_unique<ServedHub>();
  served->MakeChain({"M1"}, {"ball"});
  WatchCall call(*served, {});
  v1::WatchResponse response;
  ASSERT_TRUE(call.Read(&response));
  std::thread stops([&] { served->server().Stop(); });
  const grpc::Status status = call.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "STOPPING");
  stops.join();
}

// A client that is cut off again and again, and what it knows.
class Shop {
 public:
  Shop(ServedHub* served, v1::WatchRequest request, uint32_t seed)
      : served_(served), request_(std::move(request)), random_(seed) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Shop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int cuts() const { return cuts_.load(); }
  const v1::WatchRequest& request() const { return request_; }
  std::map<std::string, std::string> Known() const {
    absl::MutexLock lock(&mutex_);
    std::map<std::string, std::string> known;
    for (const auto& [sku, answer] : known_) known[sku] = Told(answer);
    return known;
  }

 private:
  void Run() {
    v1::WatchRequest request = request_;
    request.set_initial(true);
    while (!done_) {
      {
        WatchCall call(*served_, request);
        const absl::Duration life = absl::Microseconds(random_() % 30'000);
        // A reader that blocks is cut off from outside.
        std::thread cutter([&] {
          const absl::Time until = absl::Now() + life;
          while (!done_ && absl::Now() < until) absl::SleepFor(absl::Milliseconds(1));
          call.Cancel();
        });
        v1::WatchResponse response;
        while (call.Read(&response)) {
          Take(response);
          request.set_initial(false);
          request.set_resume_token(response.resume_token());
        }
        cutter.join();
        const grpc::Status status = call.AwaitEnd();
        EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
      }
      absl::MutexLock lock(&mutex_);
      this_stream_.clear();
      ++cuts_;
    }
  }
  void Take(const v1::WatchResponse& response) {
    absl::MutexLock lock(&mutex_);
    for (const v1::Availability& answer : response.changes()) {
      v1::Availability& known = known_[answer.sku()];
      EXPECT_LE(known.revision(), answer.revision()) << answer.sku();
      if (known.revision() == answer.revision()) {
        EXPECT_EQ(Told(known), Told(answer));
      }
      EXPECT_LT(this_stream_[answer.sku()], answer.revision()) << answer.sku();
      this_stream_[answer.sku()] = answer.revision();
      known = answer;
    }
  }

  ServedHub* const served_;
  const v1::WatchRequest request_;
  std::mt19937 random_;
  std::atomic<bool> done_{false};
  std::atomic<int> cuts_{0};
  mutable absl::Mutex mutex_;
  std::map<std::string, v1::Availability> known_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> this_stream_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Everything that may change an answer, by chance.
class Life {
 public:
  Life(ServedHub* served, uint32_t seed) : served_(served), random_(seed) {
    for (int i = 0; i < kItems; ++i) skus_.push_back(absl::StrCat("sku-", i));
    served_->MakeChain({"M1", "M2", "M3"}, skus_);
    for (const std::string& sku : skus_) SetItem(sku);
  }
  const std::vector<std::string>& skus() const { return skus_; }

  // From here on only time changes anything: what was told just now grows too old.
  void Rest() {
    v1::SetRuleRequest request;
    request.set_request_id(MakeRequestId());
    request.mutable_rule()->set_rule_id("fresh");
    request.mutable_rule()->set_freshness_target_s(1);
    request.mutable_rule()->set_freshness_action(v1::FRESHNESS_ACTION_EXCLUDE);
    request.set_etag("*");
    request.set_confirm_hiding(true);
    v1::SetRuleResponse response;
    ServedHub::Expect(served_->Call(&v1::RuleService::Stub::SetRule, request, &response));
    for (const char* location : {"M1", "M2", "M3"}) Report(location);
  }
  void GoOn() {
    switch (random_() % 12) {
      case 0:
        return SetItem(Sku());
      case 1:
        return SetRule();
      case 2:
        return EndRule();
      case 3:
        return SetLocationState();
      case 4:
        return Stop();
      case 5:
        return SetIncoming();
      case 6:
        if (merges_ < kItems / 4 && random_() % 16 == 0) Merge();
        return;
      case 7:
      case 8:
        return Adjust();
      default:
        return Report(Location());
    }
  }

 private:
  static constexpr int kItems = 80;

  const std::string& Sku() { return skus_[random_() % skus_.size()]; }
  std::string Location() { return absl::StrCat("M", 1 + random_() % 3); }
  // Soon enough for the test to see it.
  void SetSoon(google::protobuf::Timestamp* moment) {
    const int64_t at_us = NowUs() + static_cast<int64_t>(random_() % 2'000'000);
    moment->set_seconds(at_us / 1'000'000);
    moment->set_nanos(static_cast<int32_t>(at_us % 1'000'000) * 1'000);
  }
  template <class Stub, class Request, class Response>
  void Do(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
          Request request, Response response) {
    request.set_request_id(MakeRequestId());
    ServedHub::Expect(served_->Call(method, request, &response));
  }

  void SetItem(const std::string& sku) {
    v1::BatchUpsertItemsRequest request;
    v1::Item& item = *request.add_items();
    item.set_sku(sku);
    item.set_name(sku);
    item.set_published(random_() % 8 != 0);
    const char* categories[] = {"sport", "sport/ball", "sports", "toys", ""};
    item.set_category(categories[random_() % 5]);
    request.set_request_id(MakeRequestId());
    v1::BatchUpsertItemsResponse response;  // it may have become another
    served_->Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response);
  }
  void SetRule() {
    v1::SetRuleRequest request;
    v1::Rule& rule = *request.mutable_rule();
    rule.set_rule_id(absl::StrCat("rule-", random_() % 6));
    request.set_etag("*");
    request.set_confirm_hiding(true);
    if (random_() % 2 == 0) rule.mutable_scope()->set_sku(Sku());
    if (random_() % 2 == 0) SetSoon(rule.mutable_effective_from());
    switch (random_() % 6) {
      case 0:
        rule.mutable_chain_floor()->set_units(3);
        rule.mutable_chain_floor()->set_reshow_units(5);
        break;
      case 1:
        rule.set_max_quantity(1 + static_cast<int32_t>(random_() % 9));
        break;
      case 2:
        rule.set_zero_policy(v1::ZERO_POLICY_BACKORDER);
        rule.set_backorder_limit(4);
        rule.set_backorder_lead_days(2);
        break;
      case 3:
        rule.mutable_buffer()->set_units(2);
        break;
      case 4:
        rule.set_freshness_target_s(1);
        rule.set_freshness_action(v1::FRESHNESS_ACTION_EXCLUDE);
        break;
      default:
        rule.set_low_stock_at(4);
        break;
    }
    v1::SetRuleResponse response;
    request.set_request_id(MakeRequestId());
    ServedHub::Expect(served_->Call(&v1::RuleService::Stub::SetRule, request, &response));
  }
  void EndRule() {
    v1::DeleteRuleRequest request;
    request.set_request_id(MakeRequestId());
    request.set_rule_id(absl::StrCat("rule-", random_() % 6));
    request.set_etag("*");
    request.set_confirm_hiding(true);
    v1::DeleteRuleResponse response;  // there may be no such rule
    served_->Call(&v1::RuleService::Stub::DeleteRule, request, &response);
  }
  void SetLocationState() {
    v1::SetLocationStateRequest request;
    request.set_location_id(Location());
    request.set_reason("by chance");
    if (random_() % 2 == 0) {
      request.set_state(v1::LOCATION_STATE_PAUSED);
      SetSoon(request.mutable_paused_until());
      request.mutable_paused_until()->set_seconds(request.paused_until().seconds() + 1);
    } else {
      request.set_state(v1::LOCATION_STATE_OPEN);
    }
    Do(&v1::CatalogService::Stub::SetLocationState, request, v1::SetLocationStateResponse());
  }
  void Stop() {
    v1::StopItemRequest request;
    request.set_sku(Sku());
    request.set_stopped(random_() % 3 == 0);
    request.set_reason("by chance");
    Do(&v1::CatalogService::Stub::StopItem, request, v1::StopItemResponse());
  }
  void SetIncoming() {
    v1::SetIncomingRequest request;
    v1::Incoming& incoming = *request.mutable_incoming();
    incoming.set_reference(absl::StrCat("ship-", random_() % 9));
    incoming.set_sku(Sku());
    incoming.set_location_id(Location());
    incoming.set_units(static_cast<int64_t>(random_() % 3));
    incoming.mutable_due_at()->set_seconds(NowUs() / 1'000'000 + 86'400 * (1 + random_() % 5));
    Do(&v1::StockService::Stub::SetIncoming, request, v1::SetIncomingResponse());
  }
  void Merge() {
    v1::MergeItemsRequest request;
    request.set_request_id(MakeRequestId());
    request.set_sku(Sku());
    request.set_duplicate_sku(Sku());
    ++merges_;
    v1::MergeItemsResponse response;  // they may be one already
    served_->Call(&v1::CatalogService::Stub::MergeItems, request, &response);
  }
  void Adjust() {
    v1::AdjustRequest request;
    request.set_sku(Sku());
    request.set_location_id(Location());
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    request.set_quantity(static_cast<int64_t>(random_() % 9) - 3);
    request.set_reason("by chance");
    Do(&v1::StockService::Stub::Adjust, request, v1::AdjustResponse());
  }
  void Report(const std::string& location) {
    v1::SubmitReportRequest request;
    *request.mutable_hello() = HelloOf(absl::StrCat("till-", location), "spool", location);
    v1::Batch& batch = *request.mutable_batch();
    batch = BatchOf(++sequences_[location], Sku(), static_cast<int64_t>(random_() % 20));
    for (uint32_t i = random_() % 5; i > 0; --i) {
      v1::Movement& movement = *batch.add_movements();
      movement.set_sku(Sku());
      movement.set_kind(v1::MOVEMENT_KIND_SALE);
      movement.set_quantity(1 + random_() % 3);
      movement.set_occurred_at_us(NowUs());
    }
    v1::SubmitReportResponse response;
    ServedHub::Expect(served_->Call(&v1::ReportService::Stub::SubmitReport, request, &response));
  }

  ServedHub* const served_;
  std::mt19937 random_;
  std::vector<std::string> skus_;
  std::map<std::string, uint64_t> sequences_;
  int merges_ = 0;
};

// What the hub serves to whoever asks as the shop watches; merged items under no SKU of theirs.
std::map<std::string, std::string> Served(ServedHub& served, const v1::WatchRequest& watched,
                                          const std::vector<std::string>& skus) {
  std::map<std::string, std::string> answers;
  v1::BatchGetAvailabilityRequest request;
  request.set_location_id(watched.location_id());
  const auto asked = watched.skus().empty()
                         ? skus
                         : std::vector<std::string>(watched.skus().begin(), watched.skus().end());
  for (const std::string& sku : asked) request.add_skus(sku);
  v1::BatchGetAvailabilityResponse response;
  ServedHub::Expect(
      served.Call(&v1::AvailabilityService::Stub::BatchGetAvailability, request, &response));
  for (const v1::BatchAvailability& result : response.results()) {
    const v1::Availability& answer = result.availability();
    if (!watched.category().empty()) {
      v1::GetItemRequest item;
      item.set_sku(answer.sku());
      v1::GetItemResponse found;
      ServedHub::Expect(served.Call(&v1::CatalogService::Stub::GetItem, item, &found));
      const std::string& category = found.item().category();
      if (category != watched.category() &&
          !absl::StartsWith(category, absl::StrCat(watched.category(), "/"))) {
        continue;
      }
    }
    answers[answer.sku()] = Told(answer);
  }
  return answers;
}

// Hidden items need not have been told.
void DropHidden(std::map<std::string, std::string>& answers) {
  for (auto answer = answers.begin(); answer != answers.end();) {
    answer = answer->second == kHidden ? answers.erase(answer) : std::next(answer);
  }
}

int Rounds() {
  int rounds = 0;
  const char* given = std::getenv("ONHAND_WATCH_ROUNDS");
  return given != nullptr && absl::SimpleAtoi(given, &rounds) ? rounds : 100;
}

// A round is a cut of every watcher.
TEST(WatchStreamTest, WatchersThatAreCutOffRebuildWhatTheHubServes) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  // So few answers a message that walks and busy times take several.
  ServedHub served({}, 1, {.answers_max = 7});
  Life life(&served, seed);
  std::vector<std::unique_ptr<Shop>> shops;
  for (const char* request :
       {"", "category: 'sport'", "location_id: 'M1'", "location_id: 'M2' category: 'toys'",
        "skus: ['sku-1', 'sku-2', 'sku-3', 'sku-5', 'sku-8', 'sku-13', 'sku-21', 'sku-34']"}) {
    shops.push_back(std::make_unique<Shop>(&served, FromText<v1::WatchRequest>(request),
                                           seed + static_cast<uint32_t>(shops.size())));
  }
  const auto least_cuts = [&] {
    int least = shops[0]->cuts();
    for (const auto& shop : shops) least = std::min(least, shop->cuts());
    return least;
  };
  int happened = 0;
  while (least_cuts() < Rounds()) {
    life.GoOn();
    ++happened;
  }
  life.Rest();
  for (const auto& shop : shops) {
    std::map<std::string, std::string> known;
    std::map<std::string, std::string> answers;
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    do {
      absl::SleepFor(absl::Milliseconds(20));
      known = shop->Known();
      answers = Served(served, shop->request(), life.skus());
      DropHidden(known);
      DropHidden(answers);
    } while (known != answers && absl::Now() < deadline);
    EXPECT_EQ(known, answers) << shop->request().ShortDebugString();
  }
  EXPECT_GT(served.watch().counts().changes.load(), 0u);
  RecordProperty("facts", happened);
  std::cout << "seed " << seed << ": " << happened << " writes, "
            << served.watch().counts().changes.load() << " changes, "
            << served.watch().counts().answers.load() << " answers told\n";
}

}  // namespace
}  // namespace onhand::rpc
