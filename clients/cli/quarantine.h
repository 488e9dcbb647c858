// `onhand quarantine list|accept|retry|drop`: what was not taken, and what a person decides about
// it.
#ifndef ONHAND_CLIENTS_CLI_QUARANTINE_H_
#define ONHAND_CLIENTS_CLI_QUARANTINE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

absl::Status ListQuarantine(Session& session, const std::string& location_id);

struct QuarantineOptions {
  uint64_t quarantine_id = 0;
  std::string author;
  std::string reason;  // not with retry, which decides nothing
};
absl::Status AcceptQuarantined(Session& session, const QuarantineOptions& options);
absl::Status RetryQuarantined(Session& session, const QuarantineOptions& options);
absl::Status DropQuarantined(Session& session, const QuarantineOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_QUARANTINE_H_
