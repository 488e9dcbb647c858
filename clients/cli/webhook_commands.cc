// The commands about webhooks; used in webhooks.cc.
#include "clients/cli/commands.h"
#include "clients/cli/webhooks.h"

namespace onhand::cli {
namespace {

void AddId(CLI::App& command, WebhookOptions& options) {
  command.add_option("ID", options.webhook_id, "the webhook's name")->required();
}

void DescribeSet(CLI::App& command, WebhookOptions& options) {
  AddId(command, options);
  command.add_option("URL", options.url, "where to, such as https://shop.example/onhand")
      ->required();
  auto* file = command.add_option("--secret-file", options.secret_file,
                                  "file that holds the signing secret, whsec_...");
  command.add_flag("--new-secret", options.new_secret, "make a signing secret and print it once")
      ->excludes(file);
  command.add_option("--channel", options.channel_id,
                     "the channel; needed once the chain has more than one");
  command.add_option("--location", options.location_id,
                     "answers of this location, not the chain's");
  auto* skus = command.add_option("--sku", options.skus, "only these items; may be repeated")
                   ->allow_extra_args(false)
                   ->type_name("SKU ...");
  command.add_option("--category", options.category, "only items of this category path and below")
      ->excludes(skus);
  AddAuthor(command, options.author);
  AddReason(command, options.reason);
}

}  // namespace

void AddWebhooks(CLI::App& app, Command* chosen) {
  CLI::App& webhook = AddGroup(app, "webhook", "Telling other systems of changes by HTTP");
  Add<WebhookOptions>(webhook, chosen, "set",
                      "Make or replace a webhook; it tells changes from now on", DescribeSet,
                      SetWebhook);
  webhook.add_subcommand("list", "List webhooks and how they go")->callback([chosen] {
    *chosen = ListWebhooks;
  });
  Add<WebhookOptions>(
      webhook, chosen, "delete", "Delete a webhook",
      [](CLI::App& command, WebhookOptions& options) {
        AddId(command, options);
        AddAuthor(command, options.author);
        AddReason(command, options.reason);
      },
      DeleteWebhook);
  Add<WebhookOptions>(webhook, chosen, "test", "Send a test now, and say what came of it", AddId,
                      TestWebhook);
}

}  // namespace onhand::cli
