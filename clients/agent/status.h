// `onhand-agent status --spool PATH`: what a spool holds, also while an agent uses it.
#ifndef ONHAND_CLIENTS_AGENT_STATUS_H_
#define ONHAND_CLIENTS_AGENT_STATUS_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace onhand::agent {

// Prints one `name: value` a line, or one JSON object. NOT_FOUND: there is no such spool.
absl::Status PrintStatus(const std::string& spool_path, absl::Time now, bool json,
                         std::ostream& out);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_STATUS_H_
