// What was not taken, and why. Owned by the server; its methods run on the call queue's threads.
#ifndef ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_
#define ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class QuarantineService {
 public:
  // The hub outlives the service.
  explicit QuarantineService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::QuarantineService::AsyncService;

  absl::Status ListQuarantine(const v1::ListQuarantineRequest& request,
                              v1::ListQuarantineResponse* response);

  hub::Hub* const hub_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_QUARANTINE_SERVICE_H_
