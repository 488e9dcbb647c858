// `onhand rule set|list|show|delete`: how many must be left, and what happens at zero.
#ifndef ONHAND_CLIENTS_CLI_RULES_H_
#define ONHAND_CLIENTS_CLI_RULES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/session.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

// Empty strings and absent numbers are not set. Moments and durations are as in moment.h.
struct RuleOptions {
  std::string rule_id;
  std::string location_id, group_id, sku, category, channel_id, channel_kind;
  std::optional<int32_t> chain_floor, reshow, location_floor, buffer, chain_buffer;
  std::string dwell;
  std::string zero;
  std::optional<int32_t> max_shown, low_stock, backorder_limit, lead_days;
  bool include = false;
  bool exclude = false;
  std::string freshness, cache, from, until;
  std::string author, reason, etag;
  bool dry_run = false;
};

// The rule that the options describe. A usage error names the option that cannot be used.
absl::StatusOr<v1::Rule> MakeRule(const RuleOptions& options, absl::Time now, absl::TimeZone zone);

// 'item SKU-1, channel web-ship', or 'everywhere'.
std::string DescribeScope(const v1::RuleScope& scope);

// 'hidden below 5 in the chain until 8 for 5m; sold-out at zero'.
std::string DescribeEffect(const v1::Rule& rule);

absl::Status SetRule(Session& session, const RuleOptions& options);
absl::Status ListRules(Session& session);
absl::Status ShowRule(Session& session, const std::string& rule_id);

struct DeleteRuleOptions {
  std::string rule_id;
  std::string etag = "*";
  std::string author;
  std::string reason;
};
absl::Status DeleteRule(Session& session, const DeleteRuleOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULES_H_
