#include "server/ledger/apply_webhooks.h"

namespace onhand::ledger {

void ApplyWebhookSet(State& state, const journal::WebhookSet& set) {
  state.webhooks.Mutable(set.webhook_id()) = Webhook{.set = set};
}

void ApplyWebhookDeleted(State& state, const journal::WebhookDeleted& deleted) {
  state.webhooks.Erase(deleted.webhook_id());
}

void ApplyWebhookDelivered(State& state, const journal::WebhookDelivered& delivered) {
  const Webhook* webhook = state.webhooks.Find(delivered.webhook_id());
  if (webhook == nullptr || webhook->set.version() != delivered.version()) return;
  state.webhooks.Mutable(delivered.webhook_id()).delivered = delivered;
}

}  // namespace onhand::ledger
