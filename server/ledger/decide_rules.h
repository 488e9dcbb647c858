// Decisions about rules. Each checks its whole request first and adds its facts last.
// Pure functions over a Group; the sequencer's thread.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_RULES_H_
#define ONHAND_SERVER_LEDGER_DECIDE_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The versions of rules that a request would add, in the order of its changes; nothing is changed.
// Of an ended rule `rule` is what it said, with the author and reason of its ending. Revision,
// changed_us and the effective_from_us of a rule that begins with its commit are still 0: apply
// writes them. Local times were read into effective_from and effective_until before (see
// RowOfRule). Errors are those of the decisions below.
using RuleChanges = google::protobuf::RepeatedPtrField<v1::RuleChange>;
absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const RuleChanges& changes);
absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::BatchChangeRulesRequest& request);
absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::SetRuleRequest& request);
absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::DeleteRuleRequest& request);
absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::RollbackRuleRequest& request);

// What is allowed and probably not meant, for people: a rule that names a category in which no item
// is, so that it holds for none until one comes (rules may precede items). One sentence each.
std::vector<std::string> WarningsOf(const State& state, const std::vector<RuleVersion>& versions);

// INVALID_ARGUMENT: INVALID_ID, INVALID_RULE. NOT_FOUND: UNKNOWN_ITEM, UNKNOWN_LOCATION,
// UNKNOWN_GROUP, UNKNOWN_CHANNEL. ABORTED: ETAG_MISMATCH. A dry run adds no fact and answers the
// rule as it would stand, without etag, and revision 0.
absl::StatusOr<v1::SetRuleResponse> DecideSetRule(Group& group, const v1::SetRuleRequest& request);
// NOT_FOUND: UNKNOWN_RULE. ABORTED: ETAG_MISMATCH.
absl::StatusOr<v1::DeleteRuleResponse> DecideDeleteRule(Group& group,
                                                        const v1::DeleteRuleRequest& request);
// Errors as of the two above, with the index of the change in the field; BATCH_TOO_LARGE. All
// changes or none. A dry run as in DecideSetRule.
absl::StatusOr<v1::BatchChangeRulesResponse> DecideBatchChangeRules(
    Group& group, const v1::BatchChangeRulesRequest& request);
// NOT_FOUND: UNKNOWN_RULE (it never was), UNKNOWN_VERSION. ABORTED: ETAG_MISMATCH.
// INVALID_ARGUMENT: INVALID_RULE (what the version said may not be said any more). What was renamed
// or merged since is found under its new name.
absl::StatusOr<v1::RollbackRuleResponse> DecideRollbackRule(Group& group,
                                                            const v1::RollbackRuleRequest& request);

// Rules of an item that became another hold for that one: facts for a merge, a version each.
void RescopeRules(Group& group, uint32_t from_item, uint32_t to_item, const std::string& reason);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_RULES_H_
