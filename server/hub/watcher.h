// One watcher: which items it asked for, and what has changed of them that it was not told yet.
// Owned by the Watch and used by its publisher thread alone.
#ifndef ONHAND_SERVER_HUB_WATCHER_H_
#define ONHAND_SERVER_HUB_WATCHER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/hub/watch_token.h"
#include "server/hub/watch_view.h"

namespace onhand::hub {

class WatchReader;

// Which items: those listed, those of a category path and below, or all.
struct WatchFilter {
  std::vector<uint32_t> items;  // sorted
  std::string category;

  bool IsAll() const { return items.empty() && category.empty(); }
  bool HasItem(uint32_t item) const;
  bool HasCategory(absl::string_view path) const;
};

// A walk over all items by id, for `initial` and for a resume: neither takes memory by the item.
struct WatchWalk {
  uint32_t next = 1;
  uint64_t begun_serial = 0;
  // Told: what changed after this ...
  uint64_t above = 0;
  // ... and from this item on all; 0: none.
  uint32_t all_from = 0;
  // Marks answers as those that stand.
  bool initial = false;
};

class Watcher {
 public:
  Watcher(uint64_t id, WatchView::Place place, WatchFilter filter, WatchToken token,
          std::shared_ptr<WatchReader> reader)
      : id_(id),
        place_(place),
        filter_(std::move(filter)),
        token_(token),
        reader_(std::move(reader)) {}

  uint64_t id() const { return id_; }
  const WatchView::Place& place() const { return place_; }
  WatchFilter& filter() { return filter_; }
  const WatchFilter& filter() const { return filter_; }
  WatchReader* reader() const { return reader_.get(); }

  WatchView* view = nullptr;
  bool asks_initial = false;
  bool asks_resume = false;
  bool begun = false;      // its view is ready, and from where it tells is decided
  bool taking = true;      // the reader has taken the last message
  bool listed = false;     // among those that may have something to be told
  bool owes_mark = false;  // is told where it stands, though nothing changed
  bool walks = false;      // the last message came from the walk
  bool overflowed = false;
  absl::Status failed;  // why it ends as soon as it is served
  std::chrono::steady_clock::time_point told_at;
  // The first mark comes so much earlier.
  std::chrono::steady_clock::duration mark_shift{};
  std::optional<WatchWalk> walk;

  // Where it stands; `serial` and `all_from` move.
  const WatchToken& token() const { return token_; }
  void set_told(uint64_t serial, uint32_t all_from, int64_t as_of_us) {
    token_.serial = serial;
    token_.all_from = all_from;
    as_of_us_ = as_of_us;
  }
  void set_run(uint64_t run) { token_.run = run; }
  int64_t as_of_us() const { return as_of_us_; }

  // An item of the filter changed, or left the filter. Kept once, at its first change's place.
  void Add(uint32_t item);
  size_t pending_count() const { return order_.size() - order_begin_; }
  // The next to be told; 0: none.
  uint32_t Next();

  // Remembers that what is pending now covers everything up to `serial`, unless an earlier such
  // mark is not passed yet; Next tells when it is.
  void Mark(uint64_t serial, int64_t as_of_us);
  void DropMark() { mark_left_ = 0; }

 private:
  const uint64_t id_;
  const WatchView::Place place_;
  WatchFilter filter_;
  WatchToken token_;
  int64_t as_of_us_ = 0;
  const std::shared_ptr<WatchReader> reader_;

  std::vector<uint32_t> order_;  // pending items, oldest first from order_begin_
  size_t order_begin_ = 0;
  absl::flat_hash_set<uint32_t> pending_;
  size_t mark_left_ = 0;  // items until the mark; 0: there is none
  uint64_t mark_serial_ = 0;
  int64_t mark_as_of_us_ = 0;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_WATCHER_H_
