// `onhand status`, `displayed` and `source retire`: how the hub, its locations and their sources
// are.
#ifndef ONHAND_CLIENTS_CLI_STATUS_H_
#define ONHAND_CLIENTS_CLI_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

// Prints the hub and a table of locations once, or with `watch` every second until the user stops
// it; a hub that goes away meanwhile is shown as away, and the table comes back with it.
absl::Status ShowStatus(Session& session, bool watch);

absl::Status ShowDisplayed(Session& session, const std::string& sku);

struct RetireOptions {
  std::string source_id;
  std::string reason;
  std::string author;
};
absl::Status RetireSource(Session& session, const RetireOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_STATUS_H_
