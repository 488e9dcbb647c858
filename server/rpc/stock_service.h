// The records themselves, for people. Owned by the server; its methods run on the call queue's
// threads.
#ifndef ONHAND_SERVER_RPC_STOCK_SERVICE_H_
#define ONHAND_SERVER_RPC_STOCK_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class StockService {
 public:
  // The hub outlives the service.
  explicit StockService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::StockService::AsyncService;

  absl::Status ListPositions(const v1::ListPositionsRequest& request,
                             v1::ListPositionsResponse* response);
  absl::Status ListMovements(const v1::ListMovementsRequest& request,
                             v1::ListMovementsResponse* response);
  absl::Status ListIncoming(const v1::ListIncomingRequest& request,
                            v1::ListIncomingResponse* response);
  absl::Status ListOfItem(const v1::ListPositionsRequest& request,
                          v1::ListPositionsResponse* response) const;
  absl::Status ListOfLocation(const v1::ListPositionsRequest& request,
                              v1::ListPositionsResponse* response) const;

  hub::Hub* const hub_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_STOCK_SERVICE_H_
