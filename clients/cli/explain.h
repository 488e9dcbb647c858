// `onhand explain SKU`: why an item is shown or not, first as a sentence that customer service can
// paste, then as a tree.
#ifndef ONHAND_CLIENTS_CLI_EXPLAIN_H_
#define ONHAND_CLIENTS_CLI_EXPLAIN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cli/session.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::cli {

struct ExplainOptions {
  std::string sku;
  std::string location_id;  // empty: the chain
  std::string channel_id;   // empty: the chain's only one
};
absl::Status Explain(Session& session, const ExplainOptions& options);

// Steps by location, fields with winners and losers, and what would flip it.
std::string ExplanationTree(const v1::Availability& answer, absl::TimeZone zone);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_EXPLAIN_H_
