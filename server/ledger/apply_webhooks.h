// The part of apply that concerns webhooks. See apply.h.
#ifndef ONHAND_SERVER_LEDGER_APPLY_WEBHOOKS_H_
#define ONHAND_SERVER_LEDGER_APPLY_WEBHOOKS_H_

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

void ApplyWebhookSet(State& state, const journal::WebhookSet& set);
void ApplyWebhookDeleted(State& state, const journal::WebhookDeleted& deleted);
// Nothing if the webhook is gone or another version by now.
void ApplyWebhookDelivered(State& state, const journal::WebhookDelivered& delivered);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_WEBHOOKS_H_
