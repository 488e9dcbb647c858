// `onhand import items|locations FILE.csv`: reads the whole file, refuses it if a line cannot be
// read, and sends it in batches. Sending a file again changes nothing, so an import that broke off
// is simply repeated.
#ifndef ONHAND_CLIENTS_CLI_IMPORT_H_
#define ONHAND_CLIENTS_CLI_IMPORT_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct ImportOptions {
  std::string path;
  bool dry_run = false;  // the hub checks every batch and changes nothing
};

// A refusal of the hub names the line of the element that it refused.
absl::Status ImportItems(Session& session, const ImportOptions& options);
absl::Status ImportLocations(Session& session, const ImportOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_IMPORT_H_
