#include "server/hub/watcher.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace onhand::hub {

bool WatchFilter::HasItem(uint32_t item) const {
  return std::binary_search(items.begin(), items.end(), item);
}

bool WatchFilter::HasCategory(absl::string_view path) const {
  return absl::StartsWith(path, category) &&
         (path.size() == category.size() || path[category.size()] == '/');
}

void Watcher::Add(uint32_t item) {
  if (pending_.insert(item).second) order_.push_back(item);
}

uint32_t Watcher::Next() {
  if (pending_count() == 0) return 0;
  const uint32_t item = order_[order_begin_++];
  pending_.erase(item);
  if (mark_left_ > 0 && --mark_left_ == 0) set_told(mark_serial_, 0, mark_as_of_us_);
  if (pending_count() == 0) {
    // A watcher that has fallen quiet keeps nothing of its busy time.
    order_ = {};
    order_begin_ = 0;
    pending_ = {};
  } else if (order_begin_ > order_.size() / 2) {
    order_.erase(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(order_begin_));
    order_begin_ = 0;
  }
  return item;
}

void Watcher::Mark(uint64_t serial, int64_t as_of_us) {
  if (mark_left_ > 0 || pending_count() == 0) return;
  mark_left_ = pending_count();
  mark_serial_ = serial;
  mark_as_of_us_ = as_of_us;
}

}  // namespace onhand::hub
