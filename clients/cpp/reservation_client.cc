#include "clients/cpp/reservation_client.h"

#include "absl/strings/str_cat.h"
#include "clients/cpp/refusal.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace onhand::client {
namespace {

using Stub = v1::ReservationService::Stub;

// As they are stored.
constexpr char kCreate[] = "CreateReservation";
constexpr char kExtend[] = "ExtendReservation";
constexpr char kCommit[] = "CommitReservation";
constexpr char kPick[] = "PickReservation";
constexpr char kFulfil[] = "FulfilReservation";
constexpr char kRelease[] = "ReleaseReservation";
constexpr char kReassign[] = "ReassignLine";
constexpr char kFailPick[] = "FailPick";

// Whether the hub has decided (or, DATA_LOSS, never will: nobody can read what was stored).
// Everything else may have been lost on either way; so may have been an earlier attempt of a call
// that was then refused for who sends it or for a full queue.
bool IsDecided(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

// The same bytes for the same request, so that requests compare by them.
std::string Serialized(const google::protobuf::Message& request) {
  std::string body;
  google::protobuf::io::StringOutputStream out(&body);
  google::protobuf::io::CodedOutputStream coded(&out);
  coded.SetSerializationDeterministic(true);
  request.SerializeToCodedStream(&coded);
  coded.Trim();
  return body;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReservationClient>> ReservationClient::Open(Connection* hub,
                                                                           RequestStore* store) {
  absl::StatusOr<std::vector<StoredRequest>> stored = store->Load();
  if (!stored.ok()) return stored.status();
  return std::unique_ptr<ReservationClient>(new ReservationClient(hub, store, *std::move(stored)));
}

absl::StatusOr<StoredRequest> ReservationClient::Remember(const std::string& method,
                                                          const std::string& name,
                                                          const std::string& body, bool* is_new) {
  StoredRequest request{hub_->MakeRequestId(), method, name, body};
  {
    absl::MutexLock lock(&mu_);
    for (const StoredRequest& other : unfinished_) {
      if (other.method != method || other.name != name) continue;
      *is_new = false;
      if (other.body == body) return other;
      if (name.empty()) continue;
      return RefusedStatus(
          absl::StatusCode::kFailedPrecondition,
          absl::StrCat("'", name, "' has an earlier request without an answer"),
          {.reason = "UNFINISHED_REQUEST",
           .field = "name",
           .value = name,
           .remedy = "finish that one first: it may hold units, which must be released then"});
    }
    unfinished_.push_back(request);
  }
  *is_new = true;
  if (absl::Status status = store_->Put(request); !status.ok()) {
    Forget(request.request_id);
    return status;
  }
  return request;
}

void ReservationClient::Forget(const std::string& request_id) {
  store_->Remove(request_id).IgnoreError();
  absl::MutexLock lock(&mu_);
  unfinished_.remove_if(
      [&](const StoredRequest& request) { return request.request_id == request_id; });
}

template <typename Request, typename Response>
absl::StatusOr<Response> ReservationClient::Do(const std::string& method,
                                               Method<Request, Response> call,
                                               const std::string& name, Request request) {
  request.clear_request_id();
  const std::string body = Serialized(request);
  for (bool clock_is_known = false;; clock_is_known = true) {
    bool is_new = false;
    const absl::StatusOr<StoredRequest> stored = Remember(method, name, body, &is_new);
    if (!stored.ok()) return stored.status();
    request.set_request_id(stored->request_id);
    const absl::StatusOr<Response> response = hub_->Call(call, request);
    if (IsDecided(response.status())) Forget(stored->request_id);
    // A fresh id that is too old or too new was made by a clock that is not the hub's: nothing was
    // done, and another id will do.
    if (!is_new || clock_is_known || !IsClockRefusal(response.status())) return response;
    if (!hub_->HubTime().ok()) return response;
  }
}

template <typename Request, typename Response>
FinishedStep ReservationClient::Resend(Method<Request, Response> call,
                                       const StoredRequest& stored) {
  FinishedStep finished{stored.request_id, stored.method, stored.name};
  Request request;
  if (!request.ParseFromString(stored.body)) {
    finished.status = absl::DataLossError("the stored request cannot be read");
    return finished;
  }
  request.set_request_id(stored.request_id);
  const absl::StatusOr<Response> response = hub_->Call(call, request);
  finished.status = response.status();
  if (response.ok()) finished.reservation = response->reservation();
  return finished;
}

FinishedStep ReservationClient::ResendAny(const StoredRequest& stored) {
  if (stored.method == kCreate) return Resend(&Stub::CreateReservation, stored);
  if (stored.method == kExtend) return Resend(&Stub::ExtendReservation, stored);
  if (stored.method == kCommit) return Resend(&Stub::CommitReservation, stored);
  if (stored.method == kPick) return Resend(&Stub::PickReservation, stored);
  if (stored.method == kFulfil) return Resend(&Stub::FulfilReservation, stored);
  if (stored.method == kRelease) return Resend(&Stub::ReleaseReservation, stored);
  if (stored.method == kReassign) return Resend(&Stub::ReassignLine, stored);
  if (stored.method == kFailPick) return Resend(&Stub::FailPick, stored);
  return {stored.request_id, stored.method, stored.name,
          absl::DataLossError(absl::StrCat("no step is called '", stored.method, "'"))};
}

absl::Status ReservationClient::Finish(const std::function<void(const FinishedStep&)>& told) {
  std::vector<StoredRequest> requests;
  {
    absl::MutexLock lock(&mu_);
    requests.assign(unfinished_.begin(), unfinished_.end());
  }
  absl::Status first_failure;
  for (const StoredRequest& stored : requests) {
    const FinishedStep finished = ResendAny(stored);
    if (IsDecided(finished.status)) {
      told(finished);
      Forget(stored.request_id);
      continue;
    }
    first_failure.Update(finished.status);
    // Without a hub the others would only wait as long.
    if (absl::IsUnavailable(finished.status) || absl::IsDeadlineExceeded(finished.status)) break;
  }
  return first_failure;
}

size_t ReservationClient::unfinished() const {
  absl::MutexLock lock(&mu_);
  return unfinished_.size();
}

absl::StatusOr<v1::CreateReservationResponse> ReservationClient::Create(
    const std::string& name, v1::CreateReservationRequest request) {
  return Do(kCreate, &Stub::CreateReservation, name, std::move(request));
}

absl::StatusOr<v1::ExtendReservationResponse> ReservationClient::Extend(
    v1::ExtendReservationRequest request) {
  return Do(kExtend, &Stub::ExtendReservation, "", std::move(request));
}

absl::StatusOr<v1::CommitReservationResponse> ReservationClient::Commit(
    v1::CommitReservationRequest request) {
  return Do(kCommit, &Stub::CommitReservation, "", std::move(request));
}

absl::StatusOr<v1::PickReservationResponse> ReservationClient::Pick(
    v1::PickReservationRequest request) {
  return Do(kPick, &Stub::PickReservation, "", std::move(request));
}

absl::StatusOr<v1::FulfilReservationResponse> ReservationClient::Fulfil(
    v1::FulfilReservationRequest request) {
  return Do(kFulfil, &Stub::FulfilReservation, "", std::move(request));
}

absl::StatusOr<v1::ReleaseReservationResponse> ReservationClient::Release(
    v1::ReleaseReservationRequest request) {
  return Do(kRelease, &Stub::ReleaseReservation, "", std::move(request));
}

absl::StatusOr<v1::ReassignLineResponse> ReservationClient::Reassign(
    v1::ReassignLineRequest request) {
  return Do(kReassign, &Stub::ReassignLine, "", std::move(request));
}

absl::StatusOr<v1::FailPickResponse> ReservationClient::FailPick(v1::FailPickRequest request) {
  return Do(kFailPick, &Stub::FailPick, "", std::move(request));
}

absl::StatusOr<v1::ImportOrdersResponse> ReservationClient::ImportOrders(
    v1::ImportOrdersRequest request) {
  return hub_->Write(&Stub::ImportOrders, std::move(request));
}

absl::StatusOr<v1::CheckBasketResponse> ReservationClient::Check(const v1::Basket& basket) {
  v1::CheckBasketRequest request;
  *request.mutable_basket() = basket;
  return hub_->Call(&Stub::CheckBasket, request);
}

absl::StatusOr<v1::Reservation> ReservationClient::Get(const std::string& reservation_id) {
  v1::GetReservationRequest request;
  request.set_reservation_id(reservation_id);
  absl::StatusOr<v1::GetReservationResponse> response = hub_->Call(&Stub::GetReservation, request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_reservation());
}

absl::StatusOr<v1::Reservation> ReservationClient::FindOrder(const std::string& order_reference) {
  v1::GetReservationRequest request;
  request.set_order_reference(order_reference);
  absl::StatusOr<v1::GetReservationResponse> response = hub_->Call(&Stub::GetReservation, request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_reservation());
}

absl::StatusOr<v1::ListReservationsResponse> ReservationClient::List(
    const v1::ListReservationsRequest& request) {
  return hub_->Call(&Stub::ListReservations, request);
}

absl::StatusOr<v1::ListShortagesResponse> ReservationClient::ListShortages(
    const v1::ListShortagesRequest& request) {
  return hub_->Call(&Stub::ListShortages, request);
}

}  // namespace onhand::client
