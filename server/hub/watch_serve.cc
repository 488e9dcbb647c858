// The part of the publisher that concerns single watchers: where they begin, what they are told.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/hub/watch.h"
#include "server/ledger/answer_view.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"

namespace onhand::hub {
namespace {

// Answered under one lock, so that the writer never waits for long.
constexpr size_t kAnswersALock = 16;
// Walked over at a time, so that one watcher of few items does not hold up the others.
constexpr uint32_t kWalkMax = 16'384;
constexpr auto kTimeInterval = std::chrono::milliseconds(100);

absl::Status Overflow(size_t pending) {
  return ledger::Refuse(
      absl::StatusCode::kResourceExhausted,
      {.reason = "WATCH_OVERFLOW",
       .value = absl::StrCat(pending),
       .problem = "changed items wait for this reader, which is too slow for what changes",
       .remedy = "come back with the last resume_token; read faster, or watch less"});
}

absl::Status TooOld() {
  return ledger::Refuse(absl::StatusCode::kOutOfRange,
                        {.reason = "RESUME_TOO_OLD",
                         .field = "resume_token",
                         .problem = "is from a time of which the hub no longer knows what changed",
                         .remedy = "begin with initial"});
}

}  // namespace

void Watch::TakeWatchers(Inbox& inbox) {
  for (std::unique_ptr<Watcher>& opened : inbox.opened) {
    Watcher& watcher = *opened;
    watchers_[watcher.id()] = std::move(opened);
    if (!inbox.drains) Enlist(watcher);
  }
  for (const uint64_t id : inbox.closed) Forget(id);
  for (const uint64_t id : inbox.took) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) continue;
    found->second->taking = true;
    List(*found->second);
  }
  if (!inbox.drains) return;
  while (!watchers_.empty()) EndWatcher(watchers_.begin()->first, Stopping());
}

// Gives the watcher its view, which is made if nobody had it so far.
void Watch::Enlist(Watcher& watcher) {
  std::unique_ptr<WatchView>& view = views_[watcher.place()];
  if (view == nullptr) {
    if (!MakeRoom()) {
      views_.erase(watcher.place());
      return EndWatcher(
          watcher.id(),
          ledger::Refuse(absl::StatusCode::kResourceExhausted,
                         {.reason = "TOO_MANY_WATCHERS",
                          .problem = "places are watched already, more than the hub keeps answers "
                                     "of",
                          .remedy = "watch the chain instead of each location"}));
    }
    view = std::make_unique<WatchView>(watcher.place());
    const bool first = views_.size() == 1;
    {
      // From here on every row is noted; what was applied before is seen by the view's first walk.
      absl::MutexLock lock(&mutex_);
      anybody_.store(true, std::memory_order_relaxed);
    }
    if (first) LearnMerges();
    hub_->Read([&](const ledger::Ledger& ledger) {
      view->through_us = ledger.state().counters.time_us;
      if (first) periods_through_us_ = view->through_us;
    });
    counts_.views.store(views_.size(), std::memory_order_relaxed);
  }
  watcher.view = view.get();
  view->watchers.push_back(&watcher);
  counts_.watchers.store(watchers_.size(), std::memory_order_relaxed);
  if (view->ready()) Begin(watcher);
}

// Whether one more view may be kept; views that nobody watches any more go first.
bool Watch::MakeRoom() {
  const size_t each = hub_->Read(
      [](const ledger::Ledger& ledger) { return size_t{ledger.state().counters.item_end}; });
  size_t records = each;
  for (const auto& [place, view] : views_) {
    if (view != nullptr) records += std::max(view->record_count(), each);
  }
  for (auto view = views_.begin(); records > options_.records_max && view != views_.end();) {
    if (view->second == nullptr || !view->second->watchers.empty()) {
      ++view;
      continue;
    }
    records -= std::max(view->second->record_count(), each);
    view = views_.erase(view);
  }
  return records <= options_.records_max;
}

void Watch::Begin(Watcher& watcher) {
  watcher.begun = true;
  watcher.owes_mark = true;
  // Those that came together would else be told together that nothing happened, for ever.
  constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  watcher.mark_shift =
      options_.mark_every * static_cast<int64_t>(watcher.id() * kSpread >> 48) / (int64_t{1} << 16);
  List(watcher);
  if (watcher.asks_resume) return BeginResumed(watcher);
  if (watcher.asks_initial) {
    watcher.walk = WatchWalk{.begun_serial = serial_, .all_from = 1, .initial = true};
    return;
  }
  watcher.set_told(serial_, 0, watcher.view->through_us);
}

void Watch::BeginResumed(Watcher& watcher) {
  const WatchToken token = watcher.token();
  const WatchFilter& filter = watcher.filter();
  const bool known = token.run == run_ && token.serial >= watcher.view->from_serial() &&
                     token.serial <= serial_ &&
                     (filter.category.empty() || token.serial >= moves_lost_serial_);
  if (known) {
    watcher.walk =
        WatchWalk{.begun_serial = serial_, .above = token.serial, .all_from = token.all_from};
    for (const Move& move : moves_) {
      if (filter.category.empty() || move.serial <= token.serial) continue;
      if (!filter.HasCategory(category_names_[move.from_category])) continue;
      if (!Holds(watcher, move.item)) AddTo(watcher, move.item, /*leaves=*/true);
    }
    return;
  }
  // Nothing is lost if everything is told. Of a category nobody knows what has left it meanwhile.
  if (!filter.category.empty() || MatchCount(watcher) > options_.anew_max) {
    watcher.failed = TooOld();
    return;
  }
  watcher.set_run(run_);
  watcher.walk = WatchWalk{.begun_serial = serial_, .all_from = 1};
}

size_t Watch::MatchCount(const Watcher& watcher) const {
  return watcher.filter().IsAll() ? watcher.view->record_count() : watcher.filter().items.size();
}

void Watch::Serve() {
  std::vector<Watcher*> listed;
  std::swap(listed, listed_);
  for (Watcher* watcher : listed) watcher->listed = false;
  // What one of them finds out may list others again, never take them away.
  for (Watcher* watcher : listed) ServeOne(*watcher);
}

void Watch::ServeOne(Watcher& watcher) {
  if (!watcher.failed.ok()) return EndWatcher(watcher.id(), watcher.failed);
  if (watcher.overflowed) {
    counts_.overflows.fetch_add(1, std::memory_order_relaxed);
    return EndWatcher(watcher.id(), Overflow(watcher.pending_count()));
  }
  if (!watcher.taking || !watcher.begun) return;
  if (!watcher.walk.has_value() && watcher.pending_count() == 0 && !watcher.owes_mark) return;
  v1::WatchResponse response;
  bool from_walk = false;
  const std::vector<uint32_t> items = NextItems(watcher, from_walk);
  if (from_walk && items.empty() && watcher.walk->next < watcher.view->record_count()) {
    return List(watcher);
  }
  // News that comes in between is part of it: the first response that is not marked says that
  // everything has been told.
  const bool initial = watcher.walk.has_value() && watcher.walk->initial;
  response.set_initial(initial);
  Answer(watcher, items, response);
  MoveToken(watcher);
  Tell(watcher, std::move(response));
  watcher.owes_mark = initial && !watcher.walk.has_value();
}

void Watch::Tell(Watcher& watcher, v1::WatchResponse response) {
  response.set_resume_token(EncodeToken(watcher.token()));
  if (watcher.as_of_us() != 0) {
    *response.mutable_as_of() = ledger::TimestampOf(watcher.as_of_us());
  }
  counts_.answers.fetch_add(static_cast<uint64_t>(response.changes_size()),
                            std::memory_order_relaxed);
  watcher.owes_mark = false;
  watcher.taking = false;
  watcher.told_at =
      std::chrono::steady_clock::now() - std::exchange(watcher.mark_shift, SteadyTime::duration());
  watcher.reader()->Tell(watcher.id(), std::move(response));
}

// News and a walk take turns, so that neither holds up the other.
std::vector<uint32_t> Watch::NextItems(Watcher& watcher, bool& from_walk) {
  std::vector<uint32_t> items;
  watcher.walks = watcher.walk.has_value() && (watcher.pending_count() == 0 || !watcher.walks);
  from_walk = watcher.walks;
  if (from_walk) {
    WatchWalk& walk = *watcher.walk;
    const auto end = static_cast<uint32_t>(
        std::min<size_t>(watcher.view->record_count(), size_t{walk.next} + kWalkMax));
    for (; walk.next < end && items.size() < options_.answers_max; ++walk.next) {
      const bool told = (walk.all_from != 0 && walk.next >= walk.all_from) ||
                        watcher.view->ChangedAt(walk.next) > walk.above;
      if (!told || !Holds(watcher, walk.next)) continue;
      // Who begins has never heard of what went into another item.
      if (walk.initial && merged_.contains(walk.next)) continue;
      items.push_back(walk.next);
    }
    return items;
  }
  while (items.size() < options_.answers_max) {
    const uint32_t item = watcher.Next();
    if (item == 0) break;
    items.push_back(item);
  }
  return items;
}

void Watch::Answer(Watcher& watcher, const std::vector<uint32_t>& items,
                   v1::WatchResponse& response) {
  response.mutable_changes()->Reserve(static_cast<int>(items.size()));
  for (size_t first = 0; first < items.size(); first += kAnswersALock) {
    ReadWhole([&](const ledger::Ledger& ledger) {
      for (size_t i = first; i < std::min(first + kAnswersALock, items.size()); ++i) {
        const uint32_t item = items[i];
        if (ledger.state().items.Find(item) == nullptr) continue;
        const ledger::Promise promise = LookFor(ledger, *watcher.view, item, &watcher);
        ledger::FillAnswer(ledger.state(), item, Holds(watcher, item) ? promise : ledger::Promise{},
                           response.add_changes());
      }
    });
  }
}

// What has just been told, and all before it.
void Watch::MoveToken(Watcher& watcher) {
  const int64_t through_us = watcher.view->through_us;
  if (watcher.walk.has_value()) {
    const WatchWalk walk = *watcher.walk;
    if (walk.next < watcher.view->record_count()) {
      // Where a resume has not come to the items that were never told, its own token holds on.
      if (walk.all_from != 0 && walk.next >= walk.all_from) {
        watcher.set_told(walk.begun_serial, walk.next, through_us);
      }
      return;
    }
    watcher.walk.reset();
    watcher.set_told(walk.begun_serial, 0, through_us);
  }
  if (watcher.pending_count() == 0) {
    watcher.set_told(serial_, 0, through_us);
  } else {
    watcher.Mark(serial_, through_us);
    List(watcher);
  }
}

void Watch::EndWatcher(uint64_t id, const absl::Status& why) {
  watchers_.at(id)->reader()->End(why);
  Forget(id);
}

void Watch::Forget(uint64_t id) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  Watcher* const watcher = found->second.get();
  if (watcher->listed) listed_.erase(std::find(listed_.begin(), listed_.end(), watcher));
  if (WatchView* view = watcher->view; view != nullptr) {
    view->watchers.erase(std::find(view->watchers.begin(), view->watchers.end(), watcher));
    if (view->watchers.empty()) view->idle_since = std::chrono::steady_clock::now();
  }
  watchers_.erase(found);
  open_count_.fetch_sub(1);
  counts_.watchers.store(watchers_.size(), std::memory_order_relaxed);
}

// Marks for those to whom nothing happened, and the end of views that nobody came back for.
void Watch::KeepTime(SteadyTime now) {
  if (now - kept_time_at_ < kTimeInterval) return;
  kept_time_at_ = now;
  for (const auto& [id, watcher] : watchers_) {
    if (!watcher->begun || !watcher->taking || watcher->walk.has_value() ||
        watcher->pending_count() > 0 || now - watcher->told_at < options_.mark_every) {
      continue;
    }
    watcher->set_told(serial_, 0, watcher->view->through_us);
    Tell(*watcher, {});
  }
  for (auto view = views_.begin(); view != views_.end();) {
    const bool left =
        view->second->watchers.empty() && now - view->second->idle_since >= options_.view_kept;
    view = left ? views_.erase(view) : std::next(view);
  }
  counts_.views.store(views_.size(), std::memory_order_relaxed);
  if (!views_.empty()) return;
  absl::MutexLock lock(&mutex_);
  anybody_.store(false, std::memory_order_relaxed);
}

}  // namespace onhand::hub
