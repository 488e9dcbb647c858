// `onhand webhook set|list|delete|test`: telling other systems of changes by HTTP.
#ifndef ONHAND_CLIENTS_CLI_WEBHOOKS_H_
#define ONHAND_CLIENTS_CLI_WEBHOOKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct WebhookOptions {
  std::string webhook_id;
  std::string url;
  // The signing secret comes from a file, so that it stands in no process list, or is made here and
  // printed once; neither: the present one stays.
  std::string secret_file;
  bool new_secret = false;
  std::string channel_id;
  std::string location_id;
  std::vector<std::string> skus;
  std::string category;
  std::string author;
  std::string reason;
};
absl::Status SetWebhook(Session& session, const WebhookOptions& options);
absl::Status ListWebhooks(Session& session);
absl::Status DeleteWebhook(Session& session, const WebhookOptions& options);
// UNAVAILABLE if the receiver did not take it.
absl::Status TestWebhook(Session& session, const WebhookOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_WEBHOOKS_H_
