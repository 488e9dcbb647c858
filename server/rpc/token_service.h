// Making, listing and revoking tokens. Owned by the server; its methods run on the call queue's
// threads.
#ifndef ONHAND_SERVER_RPC_TOKEN_SERVICE_H_
#define ONHAND_SERVER_RPC_TOKEN_SERVICE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/tokens.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/token_text.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

class TokenService {
 public:
  // The hub outlives the service.
  explicit TokenService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  void CreateToken(const v1::CreateTokenRequest& request, v1::CreateTokenResponse* response,
                   Reply reply);
  absl::Status ListTokens(const v1::ListTokensRequest& request, v1::ListTokensResponse* response);

  hub::Hub* const hub_;
  v1::TokenService::AsyncService service_;
};

// Whether some admin's token holds. While none does nobody can make one over the ports.
bool AnAdminTokenHolds(hub::Hub* hub);
// Makes an admin's token of this text, and returns it. Waits for it to be durable.
absl::StatusOr<std::string> MakeFirstToken(hub::Hub* hub, const std::string& text = NewTokenText());

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TOKEN_SERVICE_H_
