// `onhand assess SALES.csv STOCK.csv`: what two exports of any till say about the stock, without a
// hub and without an agent. Starts a private hub, teaches it the sales, tells it the stock, asks
// the questions of checks.h and compares a fixed floor with a rule by velocity.
#ifndef ONHAND_CLIENTS_CLI_ASSESS_H_
#define ONHAND_CLIENTS_CLI_ASSESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct AssessOptions {
  std::string sales_path;
  std::string stock_path;
  std::string location_id;    // of files without a location column
  std::string time_zone;      // of their local times; empty: this machine's
  std::string sales_mapping;  // as for the agent; empty: columns by their common names
  std::string stock_mapping;
  int32_t threshold = 5;
  int32_t risk_one_in = 100;
  std::string onhandd;  // empty: found beside this program or in PATH
};
absl::Status Assess(Session& session, const AssessOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_ASSESS_H_
