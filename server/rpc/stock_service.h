// The records themselves, for people. Owned by the server; gRPC's callback threads call it.
#ifndef ONHAND_SERVER_RPC_STOCK_SERVICE_H_
#define ONHAND_SERVER_RPC_STOCK_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "server/hub/hub.h"

namespace onhand::rpc {

class StockService final : public v1::StockService::CallbackService {
 public:
  // The hub outlives the service.
  explicit StockService(hub::Hub* hub) : hub_(hub) {}

  grpc::ServerUnaryReactor* ListPositions(grpc::CallbackServerContext* context,
                                          const v1::ListPositionsRequest* request,
                                          v1::ListPositionsResponse* response) override;
  grpc::ServerUnaryReactor* ListMovements(grpc::CallbackServerContext* context,
                                          const v1::ListMovementsRequest* request,
                                          v1::ListMovementsResponse* response) override;
  grpc::ServerUnaryReactor* Adjust(grpc::CallbackServerContext* context,
                                   const v1::AdjustRequest* request,
                                   v1::AdjustResponse* response) override;
  grpc::ServerUnaryReactor* EndCorrections(grpc::CallbackServerContext* context,
                                           const v1::EndCorrectionsRequest* request,
                                           v1::EndCorrectionsResponse* response) override;

 private:
  absl::Status ListOfItem(const v1::ListPositionsRequest& request,
                          v1::ListPositionsResponse* response) const;
  absl::Status ListOfLocation(const v1::ListPositionsRequest& request,
                              v1::ListPositionsResponse* response) const;

  hub::Hub* const hub_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_STOCK_SERVICE_H_
