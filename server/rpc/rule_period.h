// Periods of rules told in local time. Reads time zones, which are files, so it is asked before a
// decision and never during one. Any thread.
#ifndef ONHAND_SERVER_RPC_RULE_PERIOD_H_
#define ONHAND_SERVER_RPC_RULE_PERIOD_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/rules.pb.h"
#include "server/hub/hub.h"
#include "server/ledger/decide_rules.h"

namespace onhand::rpc {

// Reads effective_from_local and effective_until_local into effective_from and effective_until and
// clears them: in the time zone of the rule's location, else in the chain's. Of an hour that comes
// twice the earlier one is meant. `path` names the rule in its request and begins the field of a
// refusal. INVALID_ARGUMENT (INVALID_RULE): not `2026-11-27T00:00` or `2026-11-27T00:00:00`, no
// such day or time, an hour that the clocks leave out, a moment given beside it. NOT_FOUND
// (UNKNOWN_LOCATION).
absl::Status ReadLocalPeriod(hub::Hub* hub, absl::string_view path, v1::Rule& rule);
// The same for each rule that a request sets.
absl::Status ReadLocalPeriods(hub::Hub* hub, ledger::RuleChanges& changes);
absl::Status ReadLocalPeriods(hub::Hub* hub, v1::BatchChangeRulesRequest& request);
absl::Status ReadLocalPeriods(hub::Hub* hub, v1::SetRuleRequest& request);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_RULE_PERIOD_H_
