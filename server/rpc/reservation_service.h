// Holding units for customers, from the basket to the hand-over: hands each step to the ledger's
// decision. Owned by the server; its methods run on the call queue's threads.
#ifndef ONHAND_SERVER_RPC_RESERVATION_SERVICE_H_
#define ONHAND_SERVER_RPC_RESERVATION_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class ReservationService {
 public:
  // The hub outlives the service.
  explicit ReservationService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::ReservationService::AsyncService;

  absl::Status CheckBasket(const v1::CheckBasketRequest& request,
                           v1::CheckBasketResponse* response) const;
  absl::Status GetReservation(const v1::GetReservationRequest& request,
                              v1::GetReservationResponse* response) const;
  absl::Status ListReservations(const v1::ListReservationsRequest& request,
                                v1::ListReservationsResponse* response) const;
  absl::Status ListShortages(const v1::ListShortagesRequest& request,
                             v1::ListShortagesResponse* response) const;

  hub::Hub* const hub_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_RESERVATION_SERVICE_H_
