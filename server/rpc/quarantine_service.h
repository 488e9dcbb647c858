// What was not taken, and why. Owned by the server; gRPC's callback threads call it.
#ifndef ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_
#define ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_

#include "onhand/v1/quarantine.grpc.pb.h"
#include "server/hub/hub.h"

namespace onhand::rpc {

class QuarantineService final : public v1::QuarantineService::CallbackService {
 public:
  // The hub outlives the service.
  explicit QuarantineService(hub::Hub* hub) : hub_(hub) {}

  grpc::ServerUnaryReactor* ListQuarantine(grpc::CallbackServerContext* context,
                                           const v1::ListQuarantineRequest* request,
                                           v1::ListQuarantineResponse* response) override;
  grpc::ServerUnaryReactor* AcceptQuarantined(grpc::CallbackServerContext* context,
                                              const v1::AcceptQuarantinedRequest* request,
                                              v1::AcceptQuarantinedResponse* response) override;
  grpc::ServerUnaryReactor* RetryQuarantined(grpc::CallbackServerContext* context,
                                             const v1::RetryQuarantinedRequest* request,
                                             v1::RetryQuarantinedResponse* response) override;
  grpc::ServerUnaryReactor* DropQuarantined(grpc::CallbackServerContext* context,
                                            const v1::DropQuarantinedRequest* request,
                                            v1::DropQuarantinedResponse* response) override;

 private:
  hub::Hub* const hub_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_
