// Decisions about rules. Each checks its whole request first and adds its facts last.
// Pure functions over a Group; the sequencer's thread.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_RULES_H_
#define ONHAND_SERVER_LEDGER_DECIDE_RULES_H_

#include "absl/status/statusor.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// INVALID_ARGUMENT: INVALID_ID, INVALID_RULE. NOT_FOUND: UNKNOWN_ITEM, UNKNOWN_LOCATION,
// UNKNOWN_GROUP, UNKNOWN_CHANNEL. ABORTED: ETAG_MISMATCH. A dry run adds no fact and answers the
// rule as it would stand, without etag, and revision 0.
absl::StatusOr<v1::SetRuleResponse> DecideSetRule(Group& group, const v1::SetRuleRequest& request);
// NOT_FOUND: UNKNOWN_RULE. ABORTED: ETAG_MISMATCH.
absl::StatusOr<v1::DeleteRuleResponse> DecideDeleteRule(Group& group,
                                                        const v1::DeleteRuleRequest& request);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_RULES_H_
