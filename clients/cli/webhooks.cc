#include "clients/cli/webhooks.h"

#include <fstream>
#include <random>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/webhooks.grpc.pb.h"

namespace onhand::cli {
namespace {

std::string NewSecret() {
  constexpr size_t kBytes = 32;
  std::random_device device;  // the system's, fit for keys
  std::string bytes;
  while (bytes.size() < kBytes) {
    const uint32_t four = device();
    bytes.append(reinterpret_cast<const char*>(&four), sizeof(four));
  }
  return absl::StrCat("whsec_", absl::Base64Escape(bytes));
}

absl::StatusOr<std::string> SecretOf(const WebhookOptions& options) {
  if (options.new_secret) return NewSecret();
  if (options.secret_file.empty()) return std::string();
  std::ifstream file(options.secret_file);
  std::stringstream content;
  if (!file || !(content << file.rdbuf())) {
    return UsageError("--secret-file", options.secret_file,
                      "cannot be read; name a file that holds whsec_... alone");
  }
  return std::string(absl::StripAsciiWhitespace(content.str()));
}

std::string FilterText(const v1::Webhook& webhook) {
  if (!webhook.category().empty()) return absl::StrCat("category ", webhook.category());
  if (webhook.skus_size() > 3) return absl::StrCat(webhook.skus_size(), " SKUs");
  return webhook.skus().empty() ? "everything" : absl::StrJoin(webhook.skus(), ", ");
}

}  // namespace

absl::Status SetWebhook(Session& session, const WebhookOptions& options) {
  v1::SetWebhookRequest request;
  v1::Webhook& webhook = *request.mutable_webhook();
  webhook.set_webhook_id(options.webhook_id);
  webhook.set_url(options.url);
  const absl::StatusOr<std::string> secret = SecretOf(options);
  if (!secret.ok()) return secret.status();
  webhook.set_secret(*secret);
  webhook.set_channel_id(options.channel_id);
  webhook.set_location_id(options.location_id);
  for (const std::string& sku : options.skus) webhook.add_skus(sku);
  webhook.set_category(options.category);
  request.set_author(options.author);
  request.set_reason(options.reason);
  auto response = session.hub.Write(&v1::WebhookService::Stub::SetWebhook, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    // The one time that it is seen.
    if (options.new_secret) response->mutable_webhook()->set_secret(*secret);
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  session.out << "Changes of " << FilterText(response->webhook()) << " go to " << options.url
              << " from now on.\n";
  if (options.new_secret) {
    session.out << "Its secret, which is not shown again: " << *secret << "\n";
  }
  return absl::OkStatus();
}

absl::Status ListWebhooks(Session& session) {
  const auto response =
      session.hub.Call(&v1::WebhookService::Stub::ListWebhooks, v1::ListWebhooksRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"ID", "URL", "CHANNEL", "LOCATION", "WHAT", "STATE", "DELIVERED", "PROBLEM"});
  const absl::Time now = HubNow(session);
  for (const v1::Webhook& webhook : response->webhooks()) {
    table.Add({webhook.webhook_id(), webhook.url(), webhook.channel_id(), webhook.location_id(),
               FilterText(webhook), NameOf(webhook.state()),
               webhook.has_delivered_at()
                   ? FormatMoment(FromProto(webhook.delivered_at()), now, session.zone)
                   : "",
               webhook.problem()});
  }
  table.Print(session.out, "No webhooks.");
  return absl::OkStatus();
}

absl::Status DeleteWebhook(Session& session, const WebhookOptions& options) {
  v1::DeleteWebhookRequest request;
  request.set_webhook_id(options.webhook_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response =
      session.hub.Write(&v1::WebhookService::Stub::DeleteWebhook, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Webhook " << options.webhook_id << " is gone.\n";
  }
  return absl::OkStatus();
}

absl::Status TestWebhook(Session& session, const WebhookOptions& options) {
  v1::TestWebhookRequest request;
  request.set_webhook_id(options.webhook_id);
  const auto response = session.hub.Call(&v1::WebhookService::Stub::TestWebhook, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else if (response->delivered()) {
    session.out << "Taken with " << response->http_status() << " after " << response->duration_ms()
                << " ms.\n";
  }
  if (response->delivered()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("webhook ", options.webhook_id, " was not taken: ", response->problem()));
}

}  // namespace onhand::cli
