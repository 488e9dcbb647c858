#include "server/hub/watch_view.h"

#include <algorithm>
#include <limits>

namespace onhand::hub {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
constexpr int64_t kDayMax = (1 << 22) - 1;
// The queue's used-up front is dropped when it is this long.
constexpr size_t kQueueFrontMax = 65'536;

uint32_t DayOf(int64_t us) {
  return us <= 0 ? 0 : static_cast<uint32_t>(std::min(us / kDayUs, kDayMax));
}

}  // namespace

WatchView::Record& WatchView::RecordOf(uint32_t item) {
  if (item >= records_.size()) records_.resize(item + item / 16 + 16);
  return records_[item];
}

void WatchView::Queue(uint32_t item) {
  Record& record = RecordOf(item);
  if (record.queued != 0) return;
  record.queued = 1;
  touched_.push_back(item);
}

void WatchView::TouchKnownThrough(const ledger::State& state, uint32_t location) {
  stale_.Release(state, location, [this](uint32_t item) { Queue(item); });
}

void WatchView::QueueDue(int64_t now_us) {
  while (!due_.empty() && due_.top().first <= now_us) {
    const auto [at_us, item] = due_.top();
    due_.pop();
    const auto found = due_at_us_.find(item);
    if (found == due_at_us_.end() || found->second != at_us) continue;
    due_at_us_.erase(found);
    Queue(item);
  }
}

uint32_t WatchView::NextTouched() {
  if (!has_touched()) return 0;
  const uint32_t item = touched_[touched_begin_++];
  records_[item].queued = 0;
  if (touched_begin_ == touched_.size()) {
    touched_.clear();
    touched_begin_ = 0;
  } else if (touched_begin_ >= kQueueFrontMax) {
    touched_.erase(touched_.begin(), touched_.begin() + static_cast<ptrdiff_t>(touched_begin_));
    touched_begin_ = 0;
  }
  return item;
}

uint32_t WatchView::NextOfAll(const ledger::State& state) {
  const uint32_t item_end = state.counters.item_end;
  sweep_left_ = std::min(sweep_left_, item_end - 1);
  if (sweep_left_ == 0) return 0;
  --sweep_left_;
  if (sweep_next_ >= item_end) sweep_next_ = 1;
  return sweep_next_++;
}

WatchView::Look WatchView::LookAt(const ledger::Ledger& ledger, uint32_t item) {
  const ledger::Question question{
      .item = item, .channel = place_.channel, .location = place_.location, .looks_ahead = true};
  Look look{ledger::Evaluate(ledger.state(), ledger.rule_book(), question)};
  const ledger::Promise& promise = look.promise;
  Record& record = RecordOf(item);
  const auto status = static_cast<uint32_t>(promise.status);
  const auto orderable = static_cast<uint32_t>(promise.orderable);
  const uint32_t day = DayOf(promise.available_from_us);
  look.changed = ready_ && (record.status != status || record.orderable != orderable ||
                            record.max_quantity != promise.max_quantity || record.day != day);
  record.status = status;
  record.orderable = orderable;
  record.max_quantity = promise.max_quantity;
  record.day = day;
  record.alone = promise.alone ? 1 : 0;
  if (promise.any_stale) stale_.Note(ledger.state(), ledger.rule_book(), question);
  const bool changes = promise.changes_at_us != ledger::RuleBook::kNever;
  if (promise.any_stale || (changes && !promise.follows_demand)) time_matters_ = true;
  if (changes) NoteDue(item, promise.changes_at_us);
  return look;
}

void WatchView::NoteDue(uint32_t item, int64_t at_us) {
  const auto [due, is_new] = due_at_us_.try_emplace(item, at_us);
  if (!is_new && due->second <= at_us) return;
  due->second = at_us;
  due_.emplace(at_us, item);
}

}  // namespace onhand::hub
