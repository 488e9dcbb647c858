#include "server/ledger/display.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "server/ledger/rows.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
// The queue's used-up front is dropped when it is this long.
constexpr size_t kQueueFrontMax = 65'536;

}  // namespace

DisplayEvaluator::ItemBand& DisplayEvaluator::BandOf(uint32_t item) {
  if (item >= items_.size()) items_.resize(item + item / 4 + 16);
  return items_[item];
}

void DisplayEvaluator::TouchItem(uint32_t item) {
  ItemBand& band = BandOf(item);
  band.slack = -1;
  if (band.queued) return;
  band.queued = true;
  queue_.push_back(item);
}

void DisplayEvaluator::TouchAll() { sweep_left_ = kEverything; }

void DisplayEvaluator::NoteKnownThrough(const State& committed, uint32_t location) {
  const auto found = stale_.find(location);
  if (found == stale_.end()) return;
  const LocationClock* clock = committed.clocks.Find(location);
  const int64_t known_through_us = clock == nullptr ? 0 : clock->KnownThrough();
  // A store that catches up step by step would else make all its items due with each step.
  if (known_through_us + found->second.target_us_max < committed.counters.time_us) return;
  const absl::flat_hash_set<uint32_t> items = std::move(found->second.items);
  stale_.erase(found);
  for (const uint32_t item : items) TouchItem(item);
}

void DisplayEvaluator::TouchRows(const journal::MovementColumns& rows) {
  const RowReader reader(rows);
  for (int i = 0; i < reader.size(); ++i) {
    switch (reader.kind(i)) {
      case EventKind::kLevel:
      case EventKind::kCount:
        TouchItem(reader.item(i));  // how far the number moved is not in the row
        break;
      default:
        Touch(reader.item(i), std::abs(reader.quantity(i)));
        break;
    }
  }
}

void DisplayEvaluator::NoteFact(const State& committed, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kReport:
      TouchRows(fact.report().rows());
      for (const auto& moment : fact.report().known_through()) {
        NoteKnownThrough(committed, moment.location());
      }
      return;
    case journal::Fact::kKnownThrough:
      for (const auto& moment : fact.known_through().known_through()) {
        NoteKnownThrough(committed, moment.location());
      }
      return;
    case journal::Fact::kRowRetried:
      return TouchRows(fact.row_retried().rows());
    case journal::Fact::kSnapshotSlice:
      for (const uint32_t item : fact.snapshot_slice().item()) TouchItem(item);
      return;
    case journal::Fact::kMovementByPerson:
      return TouchItem(fact.movement_by_person().item());
    case journal::Fact::kCorrectionsEnded:
      return TouchItem(fact.corrections_ended().item());
    case journal::Fact::kItemSet:
      return TouchItem(fact.item_set().item().id());
    case journal::Fact::kLearnedItems:
      // A night tells every item with positions, so that what it taught of locations is in it too.
      for (const uint32_t item : fact.learned_items().item()) TouchItem(item);
      return;
    case journal::Fact::kPositionsTaught:
      for (const uint32_t item : fact.positions_taught().item()) TouchItem(item);
      return;
    case journal::Fact::kReservationChanged:
      for (const auto& line : fact.reservation_changed().reservation().lines()) {
        if (!IsStock(line)) {
          TouchItem(line.item());  // what may still be promised beyond stock changes
        } else {
          // At most from one location to another.
          Touch(line.item(), 2 * int64_t{line.units()});
        }
      }
      return;
    case journal::Fact::kIncomingSet:
      return TouchItem(fact.incoming_set().item());
    case journal::Fact::kItemStopped:
      return TouchItem(fact.item_stopped().item());
    case journal::Fact::kItemsMerged:
      TouchItem(fact.items_merged().item());
      return TouchItem(fact.items_merged().duplicate());
    case journal::Fact::kLocationStateSet:
      next_rule_change_us_ = 0;
      return TouchAll();  // KEEP_SELLING asks for open locations even where the item has no
                          // position
    case journal::Fact::kSourceOpened:
    case journal::Fact::kSourceRetired:
      // Which sources a location waits for decides what it knows.
      if (time_matters_) TouchAll();
      return;
    case journal::Fact::kRuleSet:
      next_rule_change_us_ = 0;
      if (fact.rule_set().rule().has_item()) {
        // What the rule said before may have been for another item.
        return fact.rule_set().rule().version() == 1 ? TouchItem(fact.rule_set().rule().item())
                                                     : TouchAll();
      }
      return TouchAll();
    case journal::Fact::kLocationSet:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
    case journal::Fact::kRuleEnded:
      next_rule_change_us_ = 0;
      return TouchAll();
    default:
      return;
  }
}

bool DisplayEvaluator::HasDue(int64_t now_us) const {
  return queue_begin_ < queue_.size() || sweep_left_ > 0 || now_us >= next_rule_change_us_ ||
         (!due_.empty() && due_.top().first <= now_us);
}

void DisplayEvaluator::QueueTimeDue(int64_t now_us) {
  while (!due_.empty() && due_.top().first <= now_us) {
    const auto [at_us, item] = due_.top();
    due_.pop();
    ItemBand& band = BandOf(item);
    if (band.due_at_us != at_us) continue;  // a newer evaluation knows better
    band.due_at_us = RuleBook::kNever;
    TouchItem(item);
  }
}

void DisplayEvaluator::QueueRuleChanges(const RuleBook& book, int64_t now_us) {
  if (now_us < next_rule_change_us_) return;
  book.ForEachChange(rules_through_us_, now_us, [this](uint32_t item) {
    if (item != 0) {
      TouchItem(item);
    } else {
      TouchAll();
    }
  });
  rules_through_us_ = now_us;
  next_rule_change_us_ = book.NextChange(now_us);
}

int DisplayEvaluator::Decide(Group& group, const RuleBook& book, int items_max) {
  QueueRuleChanges(book, group.now_us());
  QueueTimeDue(group.now_us());
  int evaluated = 0;
  while (evaluated < items_max && queue_begin_ < queue_.size()) {
    const uint32_t item = queue_[queue_begin_++];
    BandOf(item).queued = false;
    DecideItem(group, book, item);
    ++evaluated;
  }
  if (queue_begin_ == queue_.size()) {
    queue_.clear();
    queue_begin_ = 0;
  } else if (queue_begin_ >= kQueueFrontMax) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(queue_begin_));
    queue_begin_ = 0;
  }
  const uint32_t item_end = group.committed().counters.item_end;
  sweep_left_ = std::min(sweep_left_, item_end - 1);
  while (evaluated < items_max && sweep_left_ > 0) {
    if (sweep_next_ >= item_end) sweep_next_ = 1;
    const uint32_t item = sweep_next_++;
    --sweep_left_;
    if (BandOf(item).queued) continue;
    DecideItem(group, book, item);
    ++evaluated;
  }
  return evaluated;
}

void DisplayEvaluator::DecideItem(Group& group, const RuleBook& book, uint32_t item) {
  const State& state = group.committed();
  const journal::Item* row = state.items.Find(item);
  if (row == nullptr) return;
  int64_t slack = std::numeric_limits<int64_t>::max();
  int64_t changes_at_us = RuleBook::kNever;
  for (uint32_t channel = 0; channel < RuleBook::kChannelsMax; ++channel) {
    if (!book.HasChannel(channel)) continue;
    // With what this group itself decided, so that an item that is due twice changes once.
    const Display* shown = group.state().display.Find(DisplayKey{item, channel});
    if (shown == nullptr && !row->published()) continue;
    const Question question{
        .item = item, .channel = channel, .now_us = group.now_us(), .decides_display = true};
    const Promise promise = Evaluate(state, book, question);
    slack = std::min(slack, promise.slack_units);
    changes_at_us = std::min(changes_at_us, promise.changes_at_us);
    if (promise.any_stale) NoteStale(state, book, question);
    const bool changes = promise.any_stale || promise.changes_at_us != RuleBook::kNever;
    if (changes && !promise.follows_demand) time_matters_ = true;
    const auto status = static_cast<uint32_t>(promise.status);
    const bool below_floor = RemembersFloor(promise, shown);
    if (shown != nullptr && shown->status == status && shown->below_floor == below_floor) {
      continue;
    }
    journal::Fact fact;
    journal::DisplayChanged& changed = *fact.mutable_display_changed();
    changed.set_item(item);
    changed.set_channel(channel);
    changed.set_status(status);
    changed.set_salable(promise.salable);
    if (promise.rule != nullptr) {
      changed.set_rule_id(promise.rule->rule_id());
      changed.set_rule_version(promise.rule->version());
    }
    changed.set_below_floor(below_floor);
    group.Add(std::move(fact));
  }
  ItemBand& band = BandOf(item);
  band.slack = slack;
  if (changes_at_us < band.due_at_us) {
    band.due_at_us = changes_at_us;
    due_.emplace(changes_at_us, item);
  }
}

// Rare: only now are the single locations asked which of them is stale.
void DisplayEvaluator::NoteStale(const State& state, const RuleBook& book,
                                 const Question& question) {
  Trace trace;
  Evaluate(state, book, question, &trace);
  for (const LocationPart& part : trace.locations) {
    if (!part.stale) continue;
    Stale& stale = stale_[part.location];
    stale.items.insert(question.item);
    stale.target_us_max =
        std::max(stale.target_us_max, int64_t{part.freshness_target_s} * kMicrosPerSecond);
  }
}

}  // namespace onhand::ledger
