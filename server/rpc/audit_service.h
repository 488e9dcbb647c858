// Who changed what. Owned by the server.
#ifndef ONHAND_SERVER_RPC_AUDIT_SERVICE_H_
#define ONHAND_SERVER_RPC_AUDIT_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/audit.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class AuditService {
 public:
  // The hub outlives the service.
  explicit AuditService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  absl::Status ListAudit(const v1::ListAuditRequest& request, v1::ListAuditResponse* response);

  hub::Hub* const hub_;
  v1::AuditService::AsyncService service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_AUDIT_SERVICE_H_
