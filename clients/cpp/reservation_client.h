// Reservations, from the basket to the hand-over, each step done exactly once: a step's request id
// is kept in a store of the program before it is sent, and goes only when the hub has answered.
// Whatever happens in between (the hub away, this program killed), the same step asked for again,
// or Finish() after the next start, sends the same id, and the hub answers what it has done
// already. Owned by the program, beside the connection and the store. Any thread may call it.
#ifndef ONHAND_CLIENTS_CPP_RESERVATION_CLIENT_H_
#define ONHAND_CLIENTS_CPP_RESERVATION_CLIENT_H_

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/request_store.h"
#include "onhand/v1/reservations.grpc.pb.h"

namespace onhand::client {

// What became of a step whose answer had been unknown.
struct FinishedStep {
  std::string request_id;  // of a created reservation also its id
  std::string method;      // such as CreateReservation
  std::string name;        // as it was given to Create
  // OK, or the hub's refusal: then nothing was done.
  absl::Status status;
  // As it stands after the step, if that is OK.
  std::optional<v1::Reservation> reservation;
};

class ReservationClient {
 public:
  // Takes over what the store holds; sends nothing yet. Fails as the store does.
  static absl::StatusOr<std::unique_ptr<ReservationClient>> Open(Connection* hub,
                                                                 RequestStore* store);
  ReservationClient(const ReservationClient&) = delete;
  ReservationClient& operator=(const ReservationClient&) = delete;

  // Sends every step whose answer is unknown once more, the oldest first, and tells `told` what
  // became of it; only then it is forgotten, so a crash in between has it told again. For a start,
  // and for whenever the hub is back. Fails as the first step did that still has no answer.
  absl::Status Finish(const std::function<void(const FinishedStep&)>& told);

  // How many steps have no answer yet.
  size_t unfinished() const ABSL_LOCKS_EXCLUDED(mu_);

  // Each of the following does one step; its request_id is set here. A refusal is final. After
  // UNAVAILABLE, DEADLINE_EXCEEDED or another failure of the way nobody knows whether the step was
  // done: asking for the same again goes on with the same id. Fails as the store does, before
  // anything is sent.

  // `name` is how the program calls what it holds, such as a cart: two calls with the same name are
  // the same wish for as long as it has no answer, and FAILED_PRECONDITION (UNFINISHED_REQUEST) if
  // they ask for different things.
  absl::StatusOr<v1::CreateReservationResponse> Create(const std::string& name,
                                                       v1::CreateReservationRequest request);
  absl::StatusOr<v1::ExtendReservationResponse> Extend(v1::ExtendReservationRequest request);
  absl::StatusOr<v1::CommitReservationResponse> Commit(v1::CommitReservationRequest request);
  absl::StatusOr<v1::PickReservationResponse> Pick(v1::PickReservationRequest request);
  absl::StatusOr<v1::FulfilReservationResponse> Fulfil(v1::FulfilReservationRequest request);
  absl::StatusOr<v1::ReleaseReservationResponse> Release(v1::ReleaseReservationRequest request);
  absl::StatusOr<v1::ReassignLineResponse> Reassign(v1::ReassignLineRequest request);
  absl::StatusOr<v1::FailPickResponse> FailPick(v1::FailPickRequest request);

  // Needs no stored id: an order that the hub knows is ALREADY_THERE.
  absl::StatusOr<v1::ImportOrdersResponse> ImportOrders(v1::ImportOrdersRequest request);

  // Reads.
  absl::StatusOr<v1::CheckBasketResponse> Check(const v1::Basket& basket);
  absl::StatusOr<v1::Reservation> Get(const std::string& reservation_id);
  absl::StatusOr<v1::Reservation> FindOrder(const std::string& order_reference);
  absl::StatusOr<v1::ListReservationsResponse> List(const v1::ListReservationsRequest& request);
  absl::StatusOr<v1::ListShortagesResponse> ListShortages(const v1::ListShortagesRequest& request);

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (v1::ReservationService::Stub::*)(grpc::ClientContext*,
                                                                const Request&, Response*);

  ReservationClient(Connection* hub, RequestStore* store, std::vector<StoredRequest> unfinished)
      : hub_(hub), store_(store), unfinished_(unfinished.begin(), unfinished.end()) {}

  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(const std::string& method, Method<Request, Response> call,
                              const std::string& name, Request request);
  // Sends a stored request with its id.
  template <typename Request, typename Response>
  FinishedStep Resend(Method<Request, Response> call, const StoredRequest& stored);
  FinishedStep ResendAny(const StoredRequest& stored);

  // The unfinished request that is this one; otherwise a new one, stored.
  absl::StatusOr<StoredRequest> Remember(const std::string& method, const std::string& name,
                                         const std::string& body, bool* is_new)
      ABSL_LOCKS_EXCLUDED(mu_);
  // After an answer. A removal that fails is only sent in vain after the next start.
  void Forget(const std::string& request_id) ABSL_LOCKS_EXCLUDED(mu_);

  Connection* const hub_;
  RequestStore* const store_;

  mutable absl::Mutex mu_;
  std::list<StoredRequest> unfinished_ ABSL_GUARDED_BY(mu_);  // the oldest first
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_RESERVATION_CLIENT_H_
