// What is told of every item on one channel, for the chain or at one location, and which items are
// to be looked at again. Shared by the watchers of that channel and place. Owned by the Watch and
// used by its publisher thread alone.
#ifndef ONHAND_SERVER_HUB_WATCH_VIEW_H_
#define ONHAND_SERVER_HUB_WATCH_VIEW_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/availability.h"
#include "server/ledger/ledger.h"
#include "server/ledger/stale_items.h"

namespace onhand::hub {

class Watcher;

class WatchView {
 public:
  struct Place {
    uint32_t channel = 0;
    uint32_t location = 0;  // 0: the chain
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a literal 0 in the defaulted body.
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  // Starts with everything to be looked at; is of use once it is ready.
  explicit WatchView(const Place& place) : place_(place) {}

  const Place& place() const { return place_; }
  size_t record_count() const { return records_.size(); }

  // The watchers that it has, and since when it has none.
  std::vector<Watcher*> watchers;
  std::chrono::steady_clock::time_point idle_since;
  // The ledger's time up to which every change has been found.
  int64_t through_us = 0;

  // Every item has been looked at once. Changes are known from the serial given to set_ready on.
  bool ready() const { return ready_; }
  bool BecomesReady() const { return !ready_ && sweep_left_ == 0; }
  void set_ready(uint64_t serial) {
    ready_ = true;
    from_serial_ = serial;
  }
  uint64_t from_serial() const { return from_serial_; }

  // Something of the item changed at a location (0: anywhere).
  void Touch(uint32_t item, uint32_t location) {
    if (IsElsewhere(item, location)) return;
    Queue(item);
  }
  void TouchAll() { sweep_left_ = kEverything; }
  // Only if time or what locations know plays a part anywhere.
  void TouchAllIfTimeMatters() {
    if (time_matters_) TouchAll();
  }
  void TouchKnownThrough(const ledger::State& state, uint32_t location);
  // Items that are due by time.
  void QueueDue(int64_t now_us);

  bool has_touched() const { return touched_begin_ < touched_.size(); }
  bool has_work() const { return has_touched() || sweep_left_ > 0; }
  // The next item to look at, of those touched or of a walk over all; 0: none.
  uint32_t NextTouched();
  uint32_t NextOfAll(const ledger::State& state);

  struct Look {
    ledger::Promise promise;
    // What is told has changed; never before the view is ready.
    bool changed = false;
  };
  // Looks at an item; the caller calls SetChanged if it changed.
  Look LookAt(const ledger::Ledger& ledger, uint32_t item);
  void SetChanged(uint32_t item, uint64_t serial) { RecordOf(item).changed = serial; }
  // The serial of the item's last change; 0: none since the view is ready.
  uint64_t ChangedAt(uint32_t item) const {
    return item < records_.size() ? records_[item].changed : 0;
  }

 private:
  static constexpr uint32_t kEverything = std::numeric_limits<uint32_t>::max();

  // What was told of an item.
  struct Record {
    uint64_t changed = 0;
    int32_t max_quantity = 0;
    uint32_t day : 22 = 0;  // of available_from, since 1970; 0: none
    uint32_t status : 4 = v1::AVAILABILITY_STATUS_HIDDEN;
    uint32_t orderable : 1 = 0;
    uint32_t queued : 1 = 0;
    uint32_t alone : 1 = 0;  // see ledger::Promise
  };
  static_assert(sizeof(Record) == 16);

  Record& RecordOf(uint32_t item);
  void Queue(uint32_t item);
  bool IsElsewhere(uint32_t item, uint32_t location) const {
    return place_.location != 0 && location != 0 && location != place_.location &&
           item < records_.size() && records_[item].alone != 0;
  }
  void NoteDue(uint32_t item, int64_t at_us);

  const Place place_;
  bool ready_ = false;
  uint64_t from_serial_ = 0;
  std::vector<Record> records_;    // by item id
  std::vector<uint32_t> touched_;  // oldest first from touched_begin_
  size_t touched_begin_ = 0;
  // So many items are left of a walk, from sweep_next_ on and around.
  uint32_t sweep_left_ = kEverything;
  uint32_t sweep_next_ = 1;
  using Due = std::pair<int64_t, uint32_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;  // may hold outdated entries
  absl::flat_hash_map<uint32_t, int64_t> due_at_us_;                   // by item
  ledger::StaleItems stale_;
  bool time_matters_ = false;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_WATCH_VIEW_H_
