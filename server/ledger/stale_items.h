// Items whose answers lack a location because it told too long ago, so that they are looked at
// again when it tells. Derived and never persisted; not thread-safe.
#ifndef ONHAND_SERVER_LEDGER_STALE_ITEMS_H_
#define ONHAND_SERVER_LEDGER_STALE_ITEMS_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

class StaleItems {
 public:
  // Notes at which locations the question's item is stale. Precondition: its promise said that it
  // is at some. Rare, and dearer than the question was: only now each location is asked.
  void Note(const State& state, const RuleBook& book, const Question& question);

  // A location's known_through moved: calls visit(item) for what was noted there and forgets it,
  // once the location is fresh. A store that catches up step by step would else make all its items
  // due with each step.
  void Release(const State& state, uint32_t location, absl::FunctionRef<void(uint32_t item)> visit);

 private:
  struct Stale {
    absl::flat_hash_set<uint32_t> items;
    int64_t target_us_max = 0;
  };
  absl::flat_hash_map<uint32_t, Stale> by_location_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_STALE_ITEMS_H_
