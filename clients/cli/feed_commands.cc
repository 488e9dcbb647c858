// The commands that stand between Onhand and what others read, as the command line describes them.
#include "absl/strings/str_join.h"
#include "clients/cli/commands.h"
#include "clients/cli/compare.h"
#include "clients/cli/feed.h"
#include "clients/cli/feed_format.h"

namespace onhand::cli {
namespace {

void DescribeExport(CLI::App& command, FeedOptions& options) {
  command.add_option("--format", options.format, "what the feed looks like (csv)")
      ->type_name("csv|google-local-inventory");
  command.add_option("--channel", options.channel_id,
                     "the channel; needed once the chain has more than one");
  AddRepeated(command, "--location", options.location_ids, "of this location; may be repeated");
  command
      .add_flag("--all-locations", options.all_locations,
                "of every location; in Google's feed of all but warehouses")
      ->excludes("--location");
  command.add_flag("--chain", options.chain, "csv: the chain's own answers too, beside locations");
  CLI::Option* since =
      command.add_option("--since", options.since, "only what changed since this token");
  command
      .add_option("--since-file", options.since_path,
                  "only what changed since the token in this file, which is then replaced; without "
                  "the file all, and it is made")
      ->type_name("FILE")
      ->excludes(since);
  command.add_option("--out", options.out_path, "the file; default standard output")
      ->type_name("FILE");
  const char* google = "Google's local inventory";
  command
      .add_option("--pickup-method", options.pickup_method, "how customers collect, on every line")
      ->type_name(absl::StrJoin(PickupMethodNames(), "|"))
      ->group(google);
  command.add_option("--pickup-sla", options.pickup_sla, "how soon they can, on every line")
      ->type_name(absl::StrJoin(PickupSlaNames(), "|"))
      ->group(google);
  command
      .add_flag("--display-to-order", options.display_to_order,
                "stores have a sample of what they can only order")
      ->group(google);
}

void DescribeCompare(CLI::App& command, CompareOptions& options) {
  command.add_option("--site", options.site_path, "what the website exports today")
      ->type_name("FILE.csv")
      ->required();
  command.add_option("--channel", options.channel_id,
                     "the channel; needed once the chain has more than one");
  command.add_option("--location", options.location_id,
                     "what this location alone may promise; default the chain");
  command.add_option("--sku-column", options.columns.sku, "title of the column of SKUs")
      ->type_name("TITLE");
  command
      .add_option("--shown-column", options.columns.value,
                  "title of the column that says whether an item is sold or shown")
      ->type_name("TITLE");
  command
      .add_option("--by", options.columns.meaning, "what that column means; default by its title")
      ->type_name("shown|orderable");
  command
      .add_option("--listed", options.listed_max,
                  "how many items of each list to list with their reasons, 1 to 10,000")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_flag("--fail-on-difference", options.fail_on_difference,
                   "exit code 1 if there is a difference");
}

}  // namespace

void AddFeeds(CLI::App& app, Command* chosen) {
  Add(app, chosen, "export", "Write what may be promised as a feed, whole or what changed",
      DescribeExport, ExportFeed)
      ->footer(kFeedHelp);
  Add(app, chosen, "compare", "Say where the website and Onhand differ today, and why",
      DescribeCompare, CompareSite)
      ->footer(kCompareHelp);
}

}  // namespace onhand::cli
