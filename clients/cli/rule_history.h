// `onhand rule history|diff|rollback`: what rules said before, who changed them and why, and the
// way back.
#ifndef ONHAND_CLIENTS_CLI_RULE_HISTORY_H_
#define ONHAND_CLIENTS_CLI_RULE_HISTORY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/rules.h"
#include "clients/cli/session.h"

namespace onhand::cli {

// Newest first; of all rules if `rule_id` is empty.
absl::Status ShowRuleHistory(Session& session, const std::string& rule_id);

// Of two versions; without `to` against the newest one, without both the last change.
struct RuleDiffOptions {
  std::string rule_id;
  std::optional<uint32_t> from;
  std::optional<uint32_t> to;
};
absl::Status ShowRuleDiff(Session& session, const RuleDiffOptions& options);

struct RollbackOptions {
  std::string rule_id;
  uint32_t version = 0;
  std::string etag;  // empty: whatever is there when the command starts
  RuleChangeOptions change;
};
absl::Status RollBackRule(Session& session, const RollbackOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_HISTORY_H_
