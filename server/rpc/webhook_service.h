// Which webhooks there are, and trying them. Owned by the server; its methods run on the call
// queue's threads.
#ifndef ONHAND_SERVER_RPC_WEBHOOK_SERVICE_H_
#define ONHAND_SERVER_RPC_WEBHOOK_SERVICE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/webhooks.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

class WebhookService {
 public:
  // Sends a test to a webhook and calls back once.
  using TestDone = std::function<void(absl::StatusOr<v1::TestWebhookResponse>)>;
  using Test = std::function<void(const std::string& webhook_id, TestDone done)>;

  // The hub outlives the service. `test` may be empty where nothing is sent.
  WebhookService(hub::Hub* hub, Test test) : hub_(hub), test_(std::move(test)) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  absl::Status ListWebhooks(const v1::ListWebhooksRequest& request,
                            v1::ListWebhooksResponse* response);
  void TestWebhook(const v1::TestWebhookRequest& request, v1::TestWebhookResponse* response,
                   Reply reply);

  hub::Hub* const hub_;
  const Test test_;
  v1::WebhookService::AsyncService service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_WEBHOOK_SERVICE_H_
