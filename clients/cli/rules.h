// `onhand rule set|list|show|delete`: how many must be left, and what happens at zero.
#ifndef ONHAND_CLIENTS_CLI_RULES_H_
#define ONHAND_CLIENTS_CLI_RULES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/rule_fields.h"
#include "clients/cli/session.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

// Who changes rules, and whether it may hide more than the chain's share of what is shown.
struct RuleChangeOptions {
  std::string author;
  std::string reason;
  bool yes = false;
};

// A rule as options of the command line.
struct RuleOptions {
  std::string rule_id;
  RuleTexts texts;  // by the names of rule_fields.h; empty ones are not given
  bool pooled = false;
  bool aggregate = false;
  bool include = false;
  bool exclude = false;
};

// The rule that the options describe. A usage error names the option that cannot be used.
absl::StatusOr<v1::Rule> MakeRule(Session& session, const RuleOptions& options);

struct SetRuleOptions {
  RuleOptions rule;
  RuleChangeOptions change;
  std::string etag;
  bool dry_run = false;
  bool preview = false;
};
absl::Status SetRule(Session& session, const SetRuleOptions& options);
absl::Status ListRules(Session& session);
absl::Status ShowRule(Session& session, const std::string& rule_id);

struct DeleteRuleOptions {
  std::string rule_id;
  std::string etag = "*";
  RuleChangeOptions change;
};
absl::Status DeleteRule(Session& session, const DeleteRuleOptions& options);

// What the hub says of a change that is allowed and probably not meant; for people, on stderr.
void PrintWarnings(Session& session,
                   const google::protobuf::RepeatedPtrField<std::string>& warnings);

// One rule with its version, for people.
void PrintRule(Session& session, const v1::Rule& rule, absl::Time now);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULES_H_
