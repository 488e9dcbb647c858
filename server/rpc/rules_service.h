// How many must be left, and what happens at zero. Owned by the server; its methods run on the call
// queue's threads.
#ifndef ONHAND_SERVER_RPC_RULES_SERVICE_H_
#define ONHAND_SERVER_RPC_RULES_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/rules.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class RulesService {
 public:
  // The hub outlives the service.
  explicit RulesService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::RuleService::AsyncService;

  absl::Status GetRule(const v1::GetRuleRequest& request, v1::GetRuleResponse* response);
  absl::Status ListRules(const v1::ListRulesRequest& request, v1::ListRulesResponse* response);
  absl::Status ListRuleVersions(const v1::ListRuleVersionsRequest& request,
                                v1::ListRuleVersionsResponse* response);

  hub::Hub* const hub_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_RULES_SERVICE_H_
