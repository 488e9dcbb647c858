#include "clients/cpp/scripted_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server_builder.h"

namespace onhand::client {
namespace {

// How often a waiting handler looks whether its caller has left.
constexpr absl::Duration kLook = absl::Milliseconds(5);

void SetMoment(absl::Time moment, google::protobuf::Timestamp* timestamp) {
  const int64_t us = absl::ToUnixMicros(moment);
  timestamp->set_seconds(us / 1'000'000);
  timestamp->set_nanos(static_cast<int32_t>(us % 1'000'000) * 1'000);
}

}  // namespace

grpc::Status HubRefusal(grpc::StatusCode code, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(reason);
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(reason);
  details.add_details()->PackFrom(info);
  return grpc::Status(code, reason, details.SerializeAsString());
}

v1::Availability AnswerOf(const std::string& sku, int32_t max_quantity, uint64_t revision) {
  v1::Availability answer;
  answer.set_sku(sku);
  answer.set_status(max_quantity > 0 ? v1::AVAILABILITY_STATUS_IN_STOCK
                                     : v1::AVAILABILITY_STATUS_SOLD_OUT);
  answer.set_orderable(max_quantity > 0);
  answer.set_max_quantity(max_quantity);
  answer.set_revision(revision);
  SetMoment(absl::Now(), answer.mutable_known_through());
  SetMoment(absl::Now() + absl::Hours(1), answer.mutable_cache_until());
  return answer;
}

v1::WatchResponse NewsOf(const std::vector<v1::Availability>& answers, const std::string& token,
                         bool initial) {
  v1::WatchResponse response;
  for (const v1::Availability& answer : answers) *response.add_changes() = answer;
  response.set_resume_token(token);
  SetMoment(absl::Now(), response.mutable_as_of());
  response.set_initial(initial);
  return response;
}

ScriptedHub::ScriptedHub() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(static_cast<v1::AvailabilityService::Service*>(this));
  builder.RegisterService(static_cast<v1::WatchService::Service*>(this));
  builder.RegisterService(static_cast<v1::ReservationService::Service*>(this));
  builder.RegisterService(static_cast<v1::HubService::Service*>(this));
  server_ = builder.BuildAndStart();
}

ScriptedHub::~ScriptedHub() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  server_->Shutdown(std::chrono::system_clock::now());
}

ConnectionOptions ScriptedHub::Options() const {
  ConnectionOptions options;
  options.hub = absl::StrCat("127.0.0.1:", port_);
  options.timeout = absl::Seconds(20);
  options.attempts_max = 2;
  options.first_backoff = absl::Milliseconds(1);
  return options;
}

void ScriptedHub::SetAnswer(const v1::Availability& answer) {
  SetAnswerOfAlias(answer.sku(), answer);
}

void ScriptedHub::SetAnswerOfAlias(const std::string& alias, const v1::Availability& answer) {
  absl::MutexLock lock(&mu_);
  answers_[alias] = answer;
}

void ScriptedHub::HoldBatches(bool hold) {
  absl::MutexLock lock(&mu_);
  holds_batches_ = hold;
}

void ScriptedHub::FailBatches(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  batch_status_ = status;
}

std::vector<std::vector<std::string>> ScriptedHub::batches() const {
  absl::MutexLock lock(&mu_);
  return batches_;
}

grpc::Status ScriptedHub::BatchGetAvailability(grpc::ServerContext*,
                                               const v1::BatchGetAvailabilityRequest* request,
                                               v1::BatchGetAvailabilityResponse* response) {
  absl::MutexLock lock(&mu_);
  batches_.emplace_back(request->skus().begin(), request->skus().end());
  const auto may_go = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !holds_batches_ || stopping_;
  };
  mu_.Await(absl::Condition(&may_go));
  if (!batch_status_.ok()) return batch_status_;
  for (const std::string& sku : request->skus()) {
    v1::BatchAvailability& result = *response->add_results();
    if (const auto found = answers_.find(sku); found != answers_.end()) {
      *result.mutable_availability() = found->second;
    } else {
      result.mutable_unknown()->set_sku(sku);
    }
  }
  return grpc::Status::OK;
}

void ScriptedHub::Tell(const v1::WatchResponse& response) {
  absl::MutexLock lock(&mu_);
  news_.push_back({response});
}

void ScriptedHub::Cut(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  news_.push_back({.cuts = true, .status = status});
}

std::vector<v1::WatchRequest> ScriptedHub::AwaitWatches(size_t count) const {
  absl::MutexLock lock(&mu_);
  const auto there = [this, count]()
                         ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return watches_.size() >= count; };
  mu_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(10));
  return watches_;
}

grpc::Status ScriptedHub::Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                                grpc::ServerWriter<v1::WatchResponse>* writer) {
  absl::MutexLock lock(&mu_);
  watches_.push_back(*request);
  const auto called = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !news_.empty() || stopping_;
  };
  while (!stopping_ && !context->IsCancelled()) {
    if (!mu_.AwaitWithTimeout(absl::Condition(&called), kLook) || stopping_) continue;
    const News news = std::move(news_.front());
    news_.pop_front();
    if (news.cuts) return news.status;
    writer->Write(news.response);
  }
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the hub stops");
}

void ScriptedHub::Expect(std::deque<Accident> accidents) {
  absl::MutexLock lock(&mu_);
  accidents_ = std::move(accidents);
}

std::vector<std::pair<std::string, std::string>> ScriptedHub::steps() const {
  absl::MutexLock lock(&mu_);
  return steps_;
}

std::vector<std::string> ScriptedHub::done() const {
  absl::MutexLock lock(&mu_);
  return done_;
}

grpc::Status ScriptedHub::Step(const std::string& method, const std::string& request_id,
                               v1::Reservation* reservation) {
  const grpc::Status away(grpc::StatusCode::UNAVAILABLE, "away");
  absl::MutexLock lock(&mu_);
  steps_.emplace_back(method, request_id);
  bool loses_answer = false;
  if (!accidents_.empty()) {
    const Accident accident = accidents_.front();
    accidents_.pop_front();
    if (accident == Accident::kLostRequest) return away;
    if (accident == Accident::kTooOld) {
      return HubRefusal(grpc::StatusCode::FAILED_PRECONDITION, "REQUEST_ID_EXPIRED");
    }
    if (accident == Accident::kRefused) {
      return HubRefusal(grpc::StatusCode::FAILED_PRECONDITION, "NOT_ENOUGH");
    }
    if (accident == Accident::kBroken) return grpc::Status(grpc::StatusCode::INTERNAL, "broken");
    loses_answer = accident == Accident::kLostAnswer;
  }
  if (std::find(done_.begin(), done_.end(), request_id) == done_.end()) {
    done_.push_back(request_id);
  }
  if (loses_answer) return away;
  reservation->set_reservation_id(request_id);
  return grpc::Status::OK;
}

grpc::Status ScriptedHub::CreateReservation(grpc::ServerContext*,
                                            const v1::CreateReservationRequest* request,
                                            v1::CreateReservationResponse* response) {
  return Step("CreateReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::ExtendReservation(grpc::ServerContext*,
                                            const v1::ExtendReservationRequest* request,
                                            v1::ExtendReservationResponse* response) {
  return Step("ExtendReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::CommitReservation(grpc::ServerContext*,
                                            const v1::CommitReservationRequest* request,
                                            v1::CommitReservationResponse* response) {
  return Step("CommitReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::PickReservation(grpc::ServerContext*,
                                          const v1::PickReservationRequest* request,
                                          v1::PickReservationResponse* response) {
  return Step("PickReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::FulfilReservation(grpc::ServerContext*,
                                            const v1::FulfilReservationRequest* request,
                                            v1::FulfilReservationResponse* response) {
  return Step("FulfilReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::ReleaseReservation(grpc::ServerContext*,
                                             const v1::ReleaseReservationRequest* request,
                                             v1::ReleaseReservationResponse* response) {
  return Step("ReleaseReservation", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::ReassignLine(grpc::ServerContext*, const v1::ReassignLineRequest* request,
                                       v1::ReassignLineResponse* response) {
  return Step("ReassignLine", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::FailPick(grpc::ServerContext*, const v1::FailPickRequest* request,
                                   v1::FailPickResponse* response) {
  return Step("FailPick", request->request_id(), response->mutable_reservation());
}

grpc::Status ScriptedHub::GetHubStatus(grpc::ServerContext*, const v1::GetHubStatusRequest*,
                                       v1::GetHubStatusResponse* response) {
  SetMoment(absl::Now(), response->mutable_ledger_time());
  return grpc::Status::OK;
}

}  // namespace onhand::client
