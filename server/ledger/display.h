// What the shop shows of each item on each channel, as facts that only the leader makes. After a
// group was applied the sequencer says what was touched; items whose answer may have changed, by
// that or by time, are due and are evaluated in slices. Derived and never persisted: after start or
// takeover everything is due. Owned and called by the sequencer's thread alone.
#ifndef ONHAND_SERVER_LEDGER_DISPLAY_H_
#define ONHAND_SERVER_LEDGER_DISPLAY_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/group.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/stale_items.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

class DisplayEvaluator {
 public:
  // Starts with everything due.
  DisplayEvaluator() = default;

  // Says what a fact touched that was just applied to `committed`. A group that was decided and
  // then not applied needs TouchAll.
  void NoteFact(const State& committed, const journal::Fact& fact);

  // So many units of the item moved at one position; the sign does not matter.
  void Touch(uint32_t item, int64_t units) {
    if (item >= items_.size() || (items_[item].slack -= units) < 0) TouchItem(item);
  }
  void TouchItem(uint32_t item);
  void TouchAll();

  // Whether Decide has something to do at `now_us`.
  bool HasDue(int64_t now_us) const;
  // Evaluates at most `items_max` due items and adds DisplayChanged facts where the status or
  // below_floor of the chain's answer changed. It reads what is committed: what the group itself
  // moves is touched when the group is applied. Returns how many items it evaluated.
  int Decide(Group& group, const RuleBook& book, int items_max);

 private:
  struct ItemBand {
    int64_t slack = -1;  // units that may still move before a status may change
    int64_t due_at_us = RuleBook::kNever;
    bool queued = false;
  };
  class Noting;  // what a fact touched

  ItemBand& BandOf(uint32_t item);
  void QueueTimeDue(int64_t now_us);
  void QueueRuleChanges(const RuleBook& book, int64_t now_us);
  void DecideItem(Group& group, const RuleBook& book, uint32_t item);

  std::vector<ItemBand> items_;  // by item id
  std::vector<uint32_t> queue_;  // due now, oldest first from queue_begin_
  size_t queue_begin_ = 0;
  // TouchAll: so many items are due, from sweep_next_ on and around. A second one while the first
  // is under way makes the way longer, never the start anew.
  static constexpr uint32_t kEverything = std::numeric_limits<uint32_t>::max();
  uint32_t sweep_left_ = kEverything;
  uint32_t sweep_next_ = 1;
  using Due = std::pair<int64_t, uint32_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;  // may hold outdated entries
  StaleItems stale_;
  bool time_matters_ = false;     // some answer so far changes by itself, and not every minute
  int64_t rules_through_us_ = 0;  // rule periods and pauses are noted up to here
  int64_t next_rule_change_us_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DISPLAY_H_
