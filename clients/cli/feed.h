// `onhand export`: the answers of the chain and its locations as a file that marketplaces, search
// engines and spreadsheets read.
#ifndef ONHAND_CLIENTS_CLI_FEED_H_
#define ONHAND_CLIENTS_CLI_FEED_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

extern const char kFeedHelp[];

struct FeedOptions {
  std::string format = "csv";
  std::string channel_id;
  std::vector<std::string> location_ids;
  bool all_locations = false;
  bool chain = false;  // the chain too, beside locations
  std::string since;
  std::string since_path;
  std::string out_path;
  std::string pickup_method;
  std::string pickup_sla;
  bool display_to_order = false;
};

// The feed goes to `out_path`, or to session.out; the token of the next one to `since_path`, or to
// the last line of session.err.
absl::Status ExportFeed(Session& session, const FeedOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FEED_H_
