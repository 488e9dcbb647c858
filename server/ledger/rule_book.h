// The rules in force as a lookup structure, with everything that decides which location a channel may use.
// Built from a State; immutable until built again. Read by many threads under the hub's lock.
#ifndef ONHAND_SERVER_LEDGER_RULE_BOOK_H_
#define ONHAND_SERVER_LEDGER_RULE_BOOK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// A field's winner: its value and the rule it came from (null: the built-in default).
template <class T>
struct Ruled {
  T value{};
  const journal::Rule* rule = nullptr;
};

// What the rules say about one item on one channel, for the chain or at one location.
struct ResolvedRules {
  Ruled<uint32_t> zero_policy;                    // ZeroPolicy; default HIDE
  Ruled<int32_t> location_floor;                  // default 0
  Ruled<int32_t> chain_floor;                     // default 0; reshow and dwell come from the same rule
  int32_t chain_floor_reshow = 0;
  int32_t chain_floor_dwell_s = 0;
  Ruled<int32_t> buffer_units;                    // default 0
  Ruled<int32_t> chain_buffer_units;              // default 0
  Ruled<bool> included{true};
  Ruled<std::optional<int32_t>> max_quantity;
  Ruled<std::optional<int32_t>> low_stock_at;
  Ruled<std::optional<int32_t>> backorder_limit;
  Ruled<int32_t> backorder_lead_days;             // default 0
  Ruled<std::optional<int32_t>> freshness_target_s;
  Ruled<int32_t> cache_s{30};
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RULE_BOOK_H_
