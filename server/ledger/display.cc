#include "server/ledger/display.h"

#include <algorithm>
#include <utility>

#include "server/ledger/touched.h"

namespace onhand::ledger {
namespace {

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

// Turns what a fact touched into what is due.
class DisplayEvaluator::Noting final : public Touched {
 public:
  Noting(DisplayEvaluator* evaluator, const State& committed)
      : evaluator_(evaluator), committed_(committed) {}

  void Moved(uint32_t item, uint32_t, int64_t units) override { evaluator_->Touch(item, units); }
  void Item(uint32_t item, uint32_t) override { evaluator_->TouchItem(item); }
  void Shown(uint32_t) override {}  // its own decisions
  void Everything() override { evaluator_->TouchAll(); }
  void KnownThrough(uint32_t location) override {
    evaluator_->stale_.Release(committed_, location,
                               [this](uint32_t item) { evaluator_->TouchItem(item); });
  }
  void Sources() override {
    if (evaluator_->time_matters_) evaluator_->TouchAll();
  }
  void Periods() override { evaluator_->next_rule_change_us_ = 0; }

 private:
  DisplayEvaluator* const evaluator_;
  const State& committed_;
};

void DisplayEvaluator::NoteFact(const State& committed, const journal::Fact& fact) {
  Noting noting(this, committed);
  TellTouched(fact, noting);
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
    if (promise.any_stale) stale_.Note(state, book, question);
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

}  // namespace onhand::ledger
