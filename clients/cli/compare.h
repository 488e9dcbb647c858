// `onhand compare`: where a website and Onhand say different things, so that a chain can run Onhand
// in the shadow of what it has before it trusts it.
#ifndef ONHAND_CLIENTS_CLI_COMPARE_H_
#define ONHAND_CLIENTS_CLI_COMPARE_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"
#include "clients/cli/site_file.h"

namespace onhand::cli {

extern const char kCompareHelp[];

struct CompareOptions {
  std::string site_path;
  SiteColumns columns;
  std::string channel_id;
  std::string location_id;
  int listed_max = 100;  // of each list
  bool fail_on_difference = false;
};

// Prints the differences. FAILED_PRECONDITION afterwards if there are any and that was asked for.
absl::Status CompareSite(Session& session, const CompareOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_COMPARE_H_
