// Decisions on webhooks: which there are, and how far each has been delivered.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_WEBHOOKS_H_
#define ONHAND_SERVER_LEDGER_DECIDE_WEBHOOKS_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/webhooks.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

inline constexpr size_t kWebhooksMax = 100;
inline constexpr int kWebhookSkusMax = 1'000;

// INVALID_ARGUMENT: INVALID_ID, INVALID_TEXT, INVALID_URL, INVALID_SECRET, INVALID_WATCH.
// NOT_FOUND: UNKNOWN_ITEM, UNKNOWN_LOCATION, UNKNOWN_CHANNEL. RESOURCE_EXHAUSTED:
// TOO_MANY_WEBHOOKS.
absl::StatusOr<v1::SetWebhookResponse> DecideSetWebhook(Group& group,
                                                        const v1::SetWebhookRequest& request);
// NOT_FOUND: UNKNOWN_WEBHOOK.
absl::StatusOr<v1::DeleteWebhookResponse> DecideDeleteWebhook(
    Group& group, const v1::DeleteWebhookRequest& request);
// Keeps how far the webhook `set` has been delivered; nothing if it is not that any more.
void DecideWebhookDelivered(Group& group, const journal::WebhookSet& set,
                            journal::WebhookDelivered delivered);

// NOT_FOUND (UNKNOWN_WEBHOOK).
absl::Status UnknownWebhook(absl::string_view webhook_id);
// As the public contract shows it: without its secret.
v1::Webhook WebhookOf(const State& state, const Webhook& webhook);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_WEBHOOKS_H_
