#include "server/hooks/sender.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/decide_webhooks.h"
#include "server/ledger/refusal.h"

namespace onhand::hooks {
namespace {

// How soon a webhook that was set is followed.
constexpr absl::Duration kMatchEvery = absl::Milliseconds(200);

bool IsSame(const journal::v1::WebhookSet& a, const journal::v1::WebhookSet& b) {
  return a.version() == b.version() && a.url() == b.url() && a.secret() == b.secret() &&
         a.channel() == b.channel() && a.location() == b.location() &&
         a.category() == b.category() &&
         std::equal(a.skus().begin(), a.skus().end(), b.skus().begin(), b.skus().end());
}

absl::Status Stopping() {
  return ledger::Refuse(absl::StatusCode::kUnavailable, {.reason = "STOPPING",
                                                         .problem = "the hub is about to stop",
                                                         .remedy = "test again in a moment"});
}

}  // namespace

Sender::Sender(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, SenderOptions options)
    : hub_(hub), watch_(watch), clock_(clock), options_(std::move(options)) {
  keeper_ = std::thread([this] { KeepCouriers(); });
  tester_ = std::thread([this] { RunTests(); });
}

Sender::~Sender() { Stop(); }

void Sender::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (test_under_way_ != nullptr) test_under_way_->Cancel();
  }
  if (keeper_.joinable()) keeper_.join();
  if (tester_.joinable()) tester_.join();
}

void Sender::KeepCouriers() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kMatchEvery);
      if (stopping_) break;
    }
    MatchCouriers();
  }
  couriers_.clear();
}

// A courier for each enabled webhook as it is, and none for others.
void Sender::MatchCouriers() {
  std::vector<ledger::Webhook> missing;
  std::set<std::string> kept;
  hub_->Read([&](const ledger::Ledger& ledger) {
    ledger.state().webhooks.ForEach([&](const std::string& id, const ledger::Webhook& webhook) {
      const auto courier = couriers_.find(id);
      if (courier != couriers_.end() && IsSame(courier->second->set(), webhook.set)) {
        kept.insert(id);
      } else if (!webhook.delivered.disabled()) {
        missing.push_back(webhook);
      }
    });
  });
  for (auto courier = couriers_.begin(); courier != couriers_.end();) {
    courier = kept.contains(courier->first) ? std::next(courier) : couriers_.erase(courier);
  }
  for (ledger::Webhook& webhook : missing) {
    const std::string id = webhook.set.webhook_id();
    couriers_[id] = std::make_unique<Courier>(hub_, watch_, clock_, std::move(webhook.set),
                                              std::move(webhook.delivered), &options_);
  }
}

void Sender::Test(const std::string& webhook_id, TestDone done) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) {
      refused = Stopping();
    } else if (tests_.size() >= kTestsMax) {
      refused = ledger::Refuse(absl::StatusCode::kResourceExhausted,
                               {.reason = "TEST_UNDER_WAY",
                                .value = absl::StrCat(tests_.size()),
                                .problem = "tests wait already",
                                .remedy = "test again in a moment"});
    } else {
      tests_.push_back({webhook_id, std::move(done)});
    }
  }
  if (!refused.ok()) done(refused);
}

void Sender::RunTests() {
  const auto due = [this]()
                       ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !tests_.empty(); };
  for (;;) {
    Wanted wanted;
    bool stopping = false;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&due));
      if (tests_.empty()) return;
      wanted = std::move(tests_.front());
      tests_.pop_front();
      stopping = stopping_;
    }
    if (stopping) {
      wanted.done(Stopping());
    } else {
      wanted.done(TestNow(wanted.webhook_id));
    }
  }
}

absl::StatusOr<v1::TestWebhookResponse> Sender::TestNow(const std::string& webhook_id) {
  journal::v1::WebhookSet set;
  hub_->Read([&](const ledger::Ledger& ledger) {
    if (const auto* webhook = ledger.state().webhooks.Find(webhook_id)) set = webhook->set;
  });
  if (set.webhook_id().empty()) return ledger::UnknownWebhook(webhook_id);
  const absl::StatusOr<ledger::WebAddress> address = ledger::ParseWebAddress("url", set.url());
  if (!address.ok()) return address.status();
  Post post(*address, options_.post);
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return Stopping();
    test_under_way_ = &post;
  }
  const std::string body = BodyOf("webhook.test", "{}");
  const Posted posted = post.Send(HeadersOf(set.secret(), NewDeliveryId(), body), body);
  {
    absl::MutexLock lock(&mutex_);
    test_under_way_ = nullptr;
  }
  v1::TestWebhookResponse response;
  response.set_delivered(posted.problem.empty());
  response.set_http_status(posted.http_status);
  response.set_problem(posted.problem);
  response.set_duration_ms(posted.duration_ms);
  return response;
}

}  // namespace onhand::hooks
