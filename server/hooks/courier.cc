#include "server/hooks/courier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/json_util.h"
#include "server/hooks/sign.h"
#include "server/ledger/decide_webhooks.h"
#include "server/ledger/refusal.h"

namespace onhand::hooks {
namespace {

constexpr int kGone = 410;
// The watch tells where it stands more often than this.
constexpr absl::Duration kQuiet = absl::Seconds(10);
// Before a watch that was refused is asked for again: a SKU may have gone and come back.
constexpr std::chrono::milliseconds kRefusedPause{60'000};
constexpr std::chrono::milliseconds kAgainPause{1'000};
constexpr std::chrono::milliseconds kRetryAfterMost{86'400'000};
constexpr size_t kProblemBytesMax = 255;

// Of messages that are plain data, which always have a JSON form.
std::string JsonOf(const google::protobuf::Message& message, bool with_defaults) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = with_defaults;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &json, options);
  return printed.ok() ? json : "{}";
}

std::string ChangesJson(const journal::v1::WebhookSet& set, const v1::WatchRequest& request,
                        const v1::WatchResponse& response) {
  // The frame is a message too, so that names are escaped as everywhere.
  v1::Webhook frame;
  frame.set_webhook_id(set.webhook_id());
  frame.set_channel_id(request.channel_id());
  frame.set_location_id(request.location_id());
  std::string json = JsonOf(frame, /*with_defaults=*/false);
  json.pop_back();  // the closing brace
  json += ",\"changes\":[";
  for (int i = 0; i < response.changes_size(); ++i) {
    if (i > 0) json += ',';
    json += JsonOf(response.changes(i), /*with_defaults=*/true);
  }
  json += "]}";
  return json;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> HeadersOf(absl::string_view secret,
                                                           const std::string& id,
                                                           const std::string& body) {
  const int64_t timestamp_s = absl::ToUnixSeconds(absl::Now());
  return {{"Content-Type", "application/json"},
          {"User-Agent", "onhand"},
          {"webhook-id", id},
          {"webhook-timestamp", absl::StrCat(timestamp_s)},
          {"webhook-signature", Sign(secret, id, timestamp_s, body)}};
}

std::string BodyOf(absl::string_view type, absl::string_view data) {
  const std::string now =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  return absl::StrCat("{\"type\":\"", type, "\",\"timestamp\":\"", now, "\",\"data\":", data, "}");
}

std::string NewDeliveryId() {
  std::random_device device;
  const auto number = [&device] { return static_cast<uint64_t>(device()) << 32 | device(); };
  return absl::StrCat("msg_", absl::Hex(number(), absl::kZeroPad16),
                      absl::Hex(number(), absl::kZeroPad16));
}

// Between the watch's publisher and the courier's thread: one message at most.
class Courier::Inlet final : public hub::WatchReader {
 public:
  void Tell(uint64_t, v1::WatchResponse response) override {
    absl::MutexLock lock(&mutex_);
    told_ = std::move(response);
  }
  void End(const absl::Status& why) override {
    absl::MutexLock lock(&mutex_);
    end_ = why;
  }
  // Lets Next return at once, now and from now on.
  void Interrupt() {
    absl::MutexLock lock(&mutex_);
    interrupted_ = true;
  }
  // The next message, or why none follows; nothing within the time.
  absl::StatusOr<std::optional<v1::WatchResponse>> Next(absl::Duration time) {
    const auto there = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return told_.has_value() || !end_.ok() || interrupted_;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&there), time);
    if (told_.has_value()) return std::exchange(told_, std::nullopt);
    if (!end_.ok()) return end_;
    return std::optional<v1::WatchResponse>();
  }

 private:
  absl::Mutex mutex_;
  std::optional<v1::WatchResponse> told_ ABSL_GUARDED_BY(mutex_);
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;
};

Courier::Courier(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, journal::v1::WebhookSet set,
                 journal::v1::WebhookDelivered delivered, const SenderOptions* options)
    : hub_(hub),
      watch_(watch),
      clock_(clock),
      set_(std::move(set)),
      options_(options),
      delivered_(std::move(delivered)),
      random_(std::random_device()()) {
  thread_ = std::thread([this] { Run(); });
}

Courier::~Courier() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (under_way_ != nullptr) under_way_->Cancel();
    if (listening_ != nullptr) listening_->Interrupt();
  }
  thread_.join();
}

bool Courier::stopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

bool Courier::Listen(Inlet* inlet) {
  absl::MutexLock lock(&mutex_);
  listening_ = inlet;
  return stopping_;
}

bool Courier::Wait(std::chrono::milliseconds time) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(time));
}

void Courier::Run() {
  while (!stopping() && !delivered_.disabled()) {
    const auto inlet = std::make_shared<Inlet>();
    const absl::StatusOr<uint64_t> watcher = watch_->Open(Request(), inlet);
    absl::Status end = watcher.status();
    if (watcher.ok()) {
      if (!Listen(inlet.get())) end = Follow(*inlet, *watcher);
      Listen(nullptr);
      watch_->Close(*watcher);
    }
    TakeEnd(end);
  }
  Keep(/*now=*/true);
}

v1::WatchRequest Courier::Request() const {
  v1::WatchRequest request;
  hub_->Read([&](const ledger::Ledger& ledger) {
    if (const auto* channel = ledger.state().channels.Find(set_.channel())) {
      request.set_channel_id(channel->channel_id());
    }
    if (const auto* location = ledger.state().locations.Find(set_.location())) {
      request.set_location_id(location->location_id());
    }
  });
  *request.mutable_skus() = set_.skus();
  request.set_category(set_.category());
  request.set_resume_token(delivered_.resume_token());
  return request;
}

absl::Status Courier::Follow(Inlet& inlet, uint64_t watcher) {
  const v1::WatchRequest request = Request();
  while (!stopping()) {
    const auto next = inlet.Next(UntilKept());
    if (!next.ok()) return next.status();
    Keep(/*now=*/false);
    if (!next->has_value()) continue;
    const v1::WatchResponse& response = **next;
    if (owes_resync_) {
      if (!Deliver("availability.resync", "{}")) return absl::OkStatus();
      owes_resync_ = false;
    }
    if (!response.changes().empty() &&
        !Deliver("availability.changed", ChangesJson(set_, request, response))) {
      return absl::OkStatus();
    }
    // The very first place is kept too: else what changes before the first delivery would be lost
    // with a restart.
    if (!response.changes().empty() || delivered_.resume_token().empty()) unkept_ = true;
    delivered_.set_resume_token(response.resume_token());
    watch_->Took(watcher);
    Keep(/*now=*/false);
  }
  return absl::OkStatus();
}

void Courier::TakeEnd(const absl::Status& end) {
  if (end.ok() || stopping()) return;
  const std::string reason = ledger::ReasonOf(end);
  if (reason == "RESUME_TOO_OLD" || reason == "RESUME_OTHER_JOURNAL" ||
      reason == "INVALID_RESUME_TOKEN") {
    delivered_.clear_resume_token();
    owes_resync_ = true;
    return;
  }
  if (reason == "WATCH_OVERFLOW" || reason == "STOPPING" || reason == "TOO_MANY_WATCHERS") {
    Wait(kAgainPause);
    return;
  }
  // Such as UNKNOWN_ITEM: what it asks for is not there any more.
  NoteFailure({.problem = std::string(end.message())});
  Keep(/*now=*/true);
  Wait(kRefusedPause);
}

bool Courier::Deliver(absl::string_view type, absl::string_view data) {
  const std::string id = NewDeliveryId();
  const std::string body = BodyOf(type, data);
  std::chrono::milliseconds pause = options_->retry_first;
  for (;;) {
    const Posted posted = Attempt(id, body);
    if (posted.problem.empty()) {
      delivered_.set_delivered_us(clock_->NowUs());
      delivered_.clear_failing_since_us();
      delivered_.clear_problem();
      unkept_ = true;
      return true;
    }
    if (stopping()) return false;
    NoteFailure(posted);
    Keep(/*now=*/true);
    if (delivered_.disabled()) return false;
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    const auto wanted = std::chrono::milliseconds(
        static_cast<int64_t>(static_cast<double>(pause.count()) * jitter(random_)));
    const std::chrono::milliseconds asked = std::chrono::seconds(posted.retry_after_s);
    if (Wait(std::min(std::max(wanted, asked), kRetryAfterMost))) return false;
    pause = std::min(2 * pause, options_->retry_most);
  }
}

Posted Courier::Attempt(const std::string& id, const std::string& body) {
  const absl::StatusOr<ledger::WebAddress> address = ledger::ParseWebAddress("url", set_.url());
  if (!address.ok()) return {.problem = std::string(address.status().message())};
  Post post(*address, options_->post);
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return {.problem = "the hub is about to stop"};
    under_way_ = &post;
  }
  const Posted posted = post.Send(HeadersOf(set_.secret(), id, body), body);
  absl::MutexLock lock(&mutex_);
  under_way_ = nullptr;
  return posted;
}

void Courier::NoteFailure(const Posted& posted) {
  const int64_t now_us = clock_->NowUs();
  if (delivered_.failing_since_us() == 0) delivered_.set_failing_since_us(now_us);
  delivered_.set_problem(posted.problem.substr(0, kProblemBytesMax));
  const std::chrono::microseconds failing(now_us - delivered_.failing_since_us());
  if (posted.http_status == kGone || failing >= options_->disable_after) {
    delivered_.set_disabled(true);
  }
  unkept_ = true;
}

absl::Duration Courier::UntilKept() const {
  if (!unkept_) return kQuiet;
  const auto left = kept_at_ + options_->keep_every - std::chrono::steady_clock::now();
  return std::max(absl::FromChrono(left), absl::ZeroDuration());
}

void Courier::Keep(bool now) {
  const auto at = std::chrono::steady_clock::now();
  if (!unkept_ || (!now && at - kept_at_ < options_->keep_every)) return;
  kept_at_ = at;
  unkept_ = false;
  // A write that is refused leaves an older place, from which more is told than needed.
  hub_->Submit({.decide = [set = set_, delivered = delivered_](
                              ledger::Group& group) -> absl::StatusOr<std::string> {
                  ledger::DecideWebhookDelivered(group, set, delivered);
                  return "";
                },
                .done = [](const absl::StatusOr<std::string>&) {}});
}

}  // namespace onhand::hooks
