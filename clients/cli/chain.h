// `onhand chain show|set`: what holds for the whole chain.
#ifndef ONHAND_CLIENTS_CLI_CHAIN_H_
#define ONHAND_CLIENTS_CLI_CHAIN_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

absl::Status ShowChain(Session& session);

// What is not given stays.
struct ChainOptions {
  std::optional<std::string> time_zone;
  std::optional<double> confirm_hiding_percent;
  std::string author;
  std::string reason;
};
absl::Status SetChain(Session& session, const ChainOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_CHAIN_H_
