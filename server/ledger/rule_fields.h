// What a rule may say: checks one as it was sent and makes the journal's row of it.
// Pure functions; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_RULE_FIELDS_H_
#define ONHAND_SERVER_LEDGER_RULE_FIELDS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The row of a rule; version, author, reason and what apply writes are missing. `path` names the
// rule in its request, such as `rule` or `changes[3].set`, and begins the field of each refusal.
// INVALID_ARGUMENT: INVALID_ID, INVALID_TEXT, INVALID_RULE. NOT_FOUND: UNKNOWN_ITEM,
// UNKNOWN_LOCATION, UNKNOWN_GROUP, UNKNOWN_CHANNEL. The ledger knows no time zones: local times
// were read into effective_from and effective_until before, and are refused here.
absl::StatusOr<journal::Rule> RowOfRule(const State& state, int64_t now_us, absl::string_view path,
                                        const v1::Rule& rule);

// INVALID_ARGUMENT (INVALID_RULE).
absl::Status RefuseRule(absl::string_view field, std::string value, std::string problem,
                        std::string remedy);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RULE_FIELDS_H_
