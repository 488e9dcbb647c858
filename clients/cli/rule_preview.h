// `onhand rule preview`: what changes of rules would change, before anybody makes them.
#ifndef ONHAND_CLIENTS_CLI_RULE_PREVIEW_H_
#define ONHAND_CLIENTS_CLI_RULE_PREVIEW_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/rules.h"
#include "clients/cli/session.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

// How many changed answers are listed unless the user asks for more.
inline constexpr uint32_t kPreviewListed = 20;

// Exactly one of a rule (as for `rule set`), a file (as for `rule apply`) and a rule to end.
struct PreviewOptions {
  RuleOptions rule;
  std::string path;
  bool prune = false;
  std::string delete_rule_id;
  uint32_t listed_max = kPreviewListed;
};
absl::Status PreviewRules(Session& session, const PreviewOptions& options);

// Asks and prints totals, the first changed answers, and whether making it needs --yes.
absl::Status Preview(Session& session, const v1::PreviewRulesRequest& request);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_PREVIEW_H_
