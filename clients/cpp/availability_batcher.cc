#include "clients/cpp/availability_batcher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/refusal.h"
#include "clients/files/encoding.h"
#include "onhand/v1/availability.grpc.pb.h"

namespace onhand::client {
namespace {

constexpr size_t kSkuBytesMax = 64;

// A call with bytes that are not UTF-8 fails as a whole, so one such SKU would take the others'
// answers.
absl::Status CheckSku(const std::string& sku) {
  if (!sku.empty() && sku.size() <= kSkuBytesMax && files::IsUtf8(sku)) return absl::OkStatus();
  return RefusedStatus(absl::StatusCode::kInvalidArgument, "no item can have this SKU",
                       {.reason = "INVALID_SKU",
                        .field = "sku",
                        .value = files::IsUtf8(sku) ? sku.substr(0, kSkuBytesMax) : "",
                        .remedy = "a SKU is 1 to 64 bytes of UTF-8"});
}

absl::Status UnknownItem(const std::string& sku) {
  return RefusedStatus(absl::StatusCode::kNotFound, absl::StrCat("sku '", sku, "' is not known"),
                       {.reason = "UNKNOWN_ITEM",
                        .field = "sku",
                        .value = sku,
                        .remedy = "check it, or import the item first"});
}

}  // namespace

AvailabilityBatcher::AvailabilityBatcher(Connection* hub, std::string channel_id,
                                         std::string location_id)
    : hub_(hub),
      channel_id_(std::move(channel_id)),
      location_id_(std::move(location_id)),
      thread_([this] { Run(); }) {}

AvailabilityBatcher::~AvailabilityBatcher() { Stop(); }

void AvailabilityBatcher::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<v1::Availability> AvailabilityBatcher::Get(const std::string& sku,
                                                          absl::Duration timeout) {
  if (absl::Status wrong = CheckSku(sku); !wrong.ok()) return wrong;
  auto seat = std::make_shared<Seat>();
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return absl::CancelledError("the batcher ends");
    waiting_.push_back({sku, seat});
  }
  absl::MutexLock lock(&seat->mu);
  if (!seat->mu.AwaitWithTimeout(absl::Condition(&seat->answered), timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer about '", sku, "' within ", absl::FormatDuration(timeout)));
  }
  return std::move(seat->answer);
}

void AvailabilityBatcher::Run() {
  for (;;) {
    const std::vector<Question> questions = TakeNext();
    if (questions.empty()) break;
    Ask(questions);
  }
  absl::MutexLock lock(&mu_);
  for (const Question& question : waiting_) {
    Tell({question.seat}, absl::CancelledError("the batcher ends"));
  }
  waiting_.clear();
}

std::vector<AvailabilityBatcher::Question> AvailabilityBatcher::TakeNext() {
  absl::MutexLock lock(&mu_);
  const auto called = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || !waiting_.empty();
  };
  mu_.Await(absl::Condition(&called));
  if (stopping_) return {};
  const auto last = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(
                                           waiting_.size(), static_cast<size_t>(kBatchSkusMax)));
  std::vector<Question> questions(std::make_move_iterator(waiting_.begin()),
                                  std::make_move_iterator(last));
  waiting_.erase(waiting_.begin(), last);
  return questions;
}

void AvailabilityBatcher::Ask(const std::vector<Question>& questions) {
  v1::BatchGetAvailabilityRequest request;
  request.set_channel_id(channel_id_);
  request.set_location_id(location_id_);
  Seats seats;
  for (const Question& question : questions) {
    auto& of_sku = seats[question.sku];
    if (of_sku.empty()) request.add_skus(question.sku);
    of_sku.push_back(question.seat);
  }
  const auto response = hub_->Call(&v1::AvailabilityService::Stub::BatchGetAvailability, request);
  const bool complete = response.ok() && response->results_size() == request.skus_size();
  for (int i = 0; i < request.skus_size(); ++i) {
    const std::string& sku = request.skus(i);
    if (!complete) {
      Tell(seats[sku],
           response.ok() ? absl::InternalError("the hub left answers out") : response.status());
    } else if (response->results(i).has_unknown()) {
      Tell(seats[sku], UnknownItem(sku));
    } else {
      Tell(seats[sku], response->results(i).availability());
    }
  }
}

void AvailabilityBatcher::Tell(const std::vector<std::shared_ptr<Seat>>& seats,
                               const Answer& answer) {
  for (const std::shared_ptr<Seat>& seat : seats) {
    absl::MutexLock lock(&seat->mu);
    seat->answer = answer;
    seat->answered = true;
  }
}

}  // namespace onhand::client
