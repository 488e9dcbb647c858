// The versions of rules as people page through them: newest first.
// Pure functions; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_RULE_HISTORY_H_
#define ONHAND_SERVER_LEDGER_RULE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/ledger/state.h"

namespace onhand::ledger {

// A version's place in the order: newest revision first, then by rule id, then newest version
// first, a rule's ending before the version that it ended. Later changes never move it.
struct VersionPlace {
  uint64_t revision = 0;
  std::string rule_id;
  uint32_t version = 0;
  bool ended = false;
};
VersionPlace PlaceOf(const RuleVersion& version);
bool ComesBefore(const VersionPlace& a, const VersionPlace& b);

// The versions that the ledger keeps of a rule, oldest first, at a moment; null: none, or it ended
// so long ago that the next row forgets them.
const std::vector<RuleVersion>* KeptVersions(const State& state, const std::string& rule_id,
                                             int64_t now_us);

// The first `count` versions behind `after` (none: from the newest on) of one rule, or of all if
// `rule_id` is empty. Valid until the next change of the state. Costs a search a rule.
std::vector<const RuleVersion*> VersionsBehind(const State& state, const std::string& rule_id,
                                               const std::optional<VersionPlace>& after,
                                               size_t count);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RULE_HISTORY_H_
