// How many must be left, and what happens at zero. Owned by the server; gRPC's callback threads
// call it.
#ifndef ONHAND_SERVER_RPC_RULES_SERVICE_H_
#define ONHAND_SERVER_RPC_RULES_SERVICE_H_

#include "onhand/v1/rules.grpc.pb.h"
#include "server/hub/hub.h"

namespace onhand::rpc {

class RulesService final : public v1::RuleService::CallbackService {
 public:
  // The hub outlives the service.
  explicit RulesService(hub::Hub* hub) : hub_(hub) {}

  grpc::ServerUnaryReactor* SetRule(grpc::CallbackServerContext* context,
                                    const v1::SetRuleRequest* request,
                                    v1::SetRuleResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRule(grpc::CallbackServerContext* context,
                                       const v1::DeleteRuleRequest* request,
                                       v1::DeleteRuleResponse* response) override;
  grpc::ServerUnaryReactor* GetRule(grpc::CallbackServerContext* context,
                                    const v1::GetRuleRequest* request,
                                    v1::GetRuleResponse* response) override;
  grpc::ServerUnaryReactor* ListRules(grpc::CallbackServerContext* context,
                                      const v1::ListRulesRequest* request,
                                      v1::ListRulesResponse* response) override;

 private:
  hub::Hub* const hub_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_RULES_SERVICE_H_
