#include "server/ledger/decide_webhooks.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"
#include "server/ledger/web_address.h"

namespace onhand::ledger {
namespace {

// As the Standard Webhooks specification asks.
constexpr size_t kSecretBytesMin = 24;
constexpr size_t kSecretBytesMax = 64;

absl::StatusOr<std::string> SecretOf(absl::string_view text) {
  std::string secret;
  if (absl::ConsumePrefix(&text, "whsec_") && absl::Base64Unescape(text, &secret) &&
      secret.size() >= kSecretBytesMin && secret.size() <= kSecretBytesMax) {
    return secret;
  }
  // The value is not repeated: it may be nearly right.
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "INVALID_SECRET",
                 .field = "webhook.secret",
                 .problem = "is not whsec_ and base64 of 24 to 64 bytes",
                 .remedy = "make one with: echo whsec_$(openssl rand -base64 32)"});
}

absl::Status InvalidWatch(absl::string_view field, std::string value, std::string problem,
                          std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_WATCH",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

absl::Status TakeFilter(const State& state, const v1::Webhook& webhook, journal::WebhookSet& set) {
  if (webhook.skus_size() > kWebhookSkusMax) {
    return InvalidWatch("webhook.skus", absl::StrCat(webhook.skus_size()),
                        "are more than a webhook may name", "name a category, or none");
  }
  if (!webhook.skus().empty() && !webhook.category().empty()) {
    return InvalidWatch("webhook.category", webhook.category(), "comes with skus",
                        "send one of the two");
  }
  for (int i = 0; i < webhook.skus_size(); ++i) {
    const absl::StatusOr<uint32_t> item =
        FindItem(state, absl::StrCat("webhook.skus[", i, "]"), webhook.skus(i));
    if (!item.ok()) return item.status();
    set.add_skus(webhook.skus(i));
  }
  set.set_category(webhook.category());
  return CheckText("webhook.category", webhook.category());
}

absl::Status TakePlace(const State& state, const v1::Webhook& webhook, journal::WebhookSet& set) {
  int channels = 0;
  state.channel_ids.ForEach([&](const std::string&, uint32_t channel) {
    set.set_channel(channel);
    ++channels;
  });
  if (!webhook.channel_id().empty() || channels != 1) {
    const absl::StatusOr<uint32_t> channel =
        FindChannel(state, "webhook.channel_id", webhook.channel_id());
    if (!channel.ok()) return channel.status();
    set.set_channel(*channel);
  }
  if (webhook.location_id().empty()) return absl::OkStatus();
  const absl::StatusOr<uint32_t> location =
      FindLocation(state, "webhook.location_id", webhook.location_id());
  if (!location.ok()) return location.status();
  set.set_location(*location);
  return absl::OkStatus();
}

absl::StatusOr<journal::WebhookSet> RowOf(const State& state,
                                          const v1::SetWebhookRequest& request) {
  const v1::Webhook& webhook = request.webhook();
  journal::WebhookSet set;
  for (const absl::Status& status :
       {CheckId("webhook.webhook_id", webhook.webhook_id()), CheckText("author", request.author()),
        CheckText("reason", request.reason()),
        ParseWebAddress("webhook.url", webhook.url()).status(), TakePlace(state, webhook, set),
        TakeFilter(state, webhook, set)}) {
    if (!status.ok()) return status;
  }
  const Webhook* before = state.webhooks.Find(webhook.webhook_id());
  if (webhook.secret().empty() && before != nullptr) {
    set.set_secret(before->set.secret());
  } else {
    absl::StatusOr<std::string> secret = SecretOf(webhook.secret());
    if (!secret.ok()) return secret.status();
    set.set_secret(*std::move(secret));
  }
  set.set_webhook_id(webhook.webhook_id());
  set.set_url(webhook.url());
  set.set_version(before == nullptr ? 1 : before->set.version() + 1);
  set.set_author(request.author());
  set.set_reason(request.reason());
  return set;
}

}  // namespace

absl::StatusOr<v1::SetWebhookResponse> DecideSetWebhook(Group& group,
                                                        const v1::SetWebhookRequest& request) {
  absl::StatusOr<journal::WebhookSet> set = RowOf(group.state(), request);
  if (!set.ok()) return set.status();
  size_t count = 0;
  group.state().webhooks.ForEach([&count](const std::string&, const Webhook&) { ++count; });
  if (set->version() == 1 && count >= kWebhooksMax) {
    return Refuse(absl::StatusCode::kResourceExhausted,
                  {.reason = "TOO_MANY_WEBHOOKS",
                   .value = absl::StrCat(count),
                   .problem = "webhooks are there already",
                   .remedy = "delete one that is not needed, or watch over gRPC"});
  }
  v1::SetWebhookResponse response;
  *response.mutable_webhook() = WebhookOf(group.state(), Webhook{.set = *set});
  response.set_revision(group.revision());
  journal::Fact fact;
  *fact.mutable_webhook_set() = *std::move(set);
  group.Add(std::move(fact));
  return response;
}

absl::StatusOr<v1::DeleteWebhookResponse> DecideDeleteWebhook(
    Group& group, const v1::DeleteWebhookRequest& request) {
  for (const absl::Status& status :
       {CheckText("author", request.author()), CheckText("reason", request.reason())}) {
    if (!status.ok()) return status;
  }
  if (!group.state().webhooks.Contains(request.webhook_id())) {
    return UnknownWebhook(request.webhook_id());
  }
  journal::Fact fact;
  fact.mutable_webhook_deleted()->set_webhook_id(request.webhook_id());
  fact.mutable_webhook_deleted()->set_author(request.author());
  fact.mutable_webhook_deleted()->set_reason(request.reason());
  group.Add(std::move(fact));
  v1::DeleteWebhookResponse response;
  response.set_revision(group.revision());
  return response;
}

void DecideWebhookDelivered(Group& group, const journal::WebhookSet& set,
                            journal::WebhookDelivered delivered) {
  const Webhook* webhook = group.state().webhooks.Find(set.webhook_id());
  // Deleted and made anew it counts from 1 again, so that the version alone says too little.
  if (webhook == nullptr || webhook->set.SerializeAsString() != set.SerializeAsString()) return;
  delivered.set_webhook_id(set.webhook_id());
  delivered.set_version(set.version());
  journal::Fact fact;
  *fact.mutable_webhook_delivered() = std::move(delivered);
  group.Add(std::move(fact));
}

absl::Status UnknownWebhook(absl::string_view webhook_id) {
  return Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_WEBHOOK",
                                              .field = "webhook_id",
                                              .value = std::string(webhook_id),
                                              .problem = "is not a webhook of this chain",
                                              .remedy = "ListWebhooks shows those that are"});
}

v1::Webhook WebhookOf(const State& state, const Webhook& webhook) {
  v1::Webhook shown;
  shown.set_webhook_id(webhook.set.webhook_id());
  shown.set_url(webhook.set.url());
  if (const auto* channel = state.channels.Find(webhook.set.channel())) {
    shown.set_channel_id(channel->channel_id());
  }
  if (const auto* location = state.locations.Find(webhook.set.location())) {
    shown.set_location_id(location->location_id());
  }
  *shown.mutable_skus() = webhook.set.skus();
  shown.set_category(webhook.set.category());
  const journal::WebhookDelivered& delivered = webhook.delivered;
  shown.set_state(delivered.disabled()                ? v1::WEBHOOK_STATE_DISABLED
                  : delivered.failing_since_us() != 0 ? v1::WEBHOOK_STATE_FAILING
                                                      : v1::WEBHOOK_STATE_HEALTHY);
  if (delivered.delivered_us() != 0) {
    *shown.mutable_delivered_at() = TimestampOf(delivered.delivered_us());
  }
  if (delivered.failing_since_us() != 0) {
    *shown.mutable_failing_since() = TimestampOf(delivered.failing_since_us());
  }
  shown.set_problem(delivered.problem());
  return shown;
}

}  // namespace onhand::ledger
