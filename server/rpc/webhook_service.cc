#include "server/rpc/webhook_service.h"

#include <functional>

#include "server/ledger/decide_webhooks.h"
#include "server/ledger/refusal.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {

void WebhookService::Serve(CallQueue* queue) {
  using Service = v1::WebhookService::AsyncService;
  ServeUnary(queue, &service_, &Service::RequestSetWebhook,
             WriteOf(hub_, ledger::DecideSetWebhook));
  ServeUnary(queue, &service_, &Service::RequestListWebhooks,
             std::bind_front(&WebhookService::ListWebhooks, this));
  ServeUnary(queue, &service_, &Service::RequestDeleteWebhook,
             WriteOf(hub_, ledger::DecideDeleteWebhook));
  ServeUnary(queue, &service_, &Service::RequestTestWebhook,
             std::bind_front(&WebhookService::TestWebhook, this));
}

absl::Status WebhookService::ListWebhooks(const v1::ListWebhooksRequest&,
                                          v1::ListWebhooksResponse* response) {
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    for (const std::string& id : ledger.state().webhooks.SortedKeys()) {
      *response->add_webhooks() =
          ledger::WebhookOf(ledger.state(), *ledger.state().webhooks.Find(id));
    }
    return absl::OkStatus();
  });
}

void WebhookService::TestWebhook(const v1::TestWebhookRequest& request,
                                 v1::TestWebhookResponse* response, Reply reply) {
  const bool known = hub_->Read([&](const ledger::Ledger& ledger) {
    return ledger.state().webhooks.Contains(request.webhook_id());
  });
  if (!known) return reply(ledger::UnknownWebhook(request.webhook_id()));
  if (!test_) {
    return reply(
        ledger::Refuse(absl::StatusCode::kUnavailable, {.reason = "NOT_SENDING",
                                                        .problem = "this hub sends no webhooks",
                                                        .remedy = "ask the hub that leads"}));
  }
  test_(request.webhook_id(), [response, reply](absl::StatusOr<v1::TestWebhookResponse> tested) {
    if (tested.ok()) *response = *std::move(tested);
    reply(tested.status());
  });
}

}  // namespace onhand::rpc
