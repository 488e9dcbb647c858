// Turns units that were promised beyond stock into real ones where supply has come, the oldest
// first, as facts that only the leader makes. After a group was applied the sequencer says what was
// touched. Derived and never persisted: after start or takeover every item with such units is due.
// Owned and called by the sequencer's thread alone.
#ifndef ONHAND_SERVER_LEDGER_SUPPLY_COMES_H_
#define ONHAND_SERVER_LEDGER_SUPPLY_COMES_H_

#include <cstdint>

#include "absl/container/btree_set.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

class SupplyComes {
 public:
  // Says what a fact touched that was just applied to `committed`.
  void NoteFact(const State& committed, const journal::Fact& fact);

  bool HasDue() const { return !started_ || !due_.empty(); }
  // Adds SUPPLY_CAME facts for what can be placed of the items that are due, some `lines_max` of
  // them. The group holds no fact yet that changes the book.
  void Decide(Group& group, const RuleBook& book, int lines_max);

 private:
  void Touch(const State& committed, uint32_t item);

  absl::btree_set<uint32_t> due_;
  bool started_ = false;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_SUPPLY_COMES_H_
