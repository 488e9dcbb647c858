// `onhand incoming set|list`: supply on its way.
#ifndef ONHAND_CLIENTS_CLI_SUPPLY_H_
#define ONHAND_CLIENTS_CLI_SUPPLY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct IncomingOptions {
  std::string reference;
  std::string sku;
  std::string location_id;
  int64_t units = 0;  // 0 closes it
  std::string due;    // see ParseMoment; needed unless it is closed
  std::string author;
  std::string reason;
};
absl::Status SetIncoming(Session& session, const IncomingOptions& options);

// Of one item, or of all if `sku` is empty.
absl::Status ListIncoming(Session& session, const std::string& sku);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_SUPPLY_H_
