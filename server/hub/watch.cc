#include "server/hub/watch.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/touched.h"
#include "server/ledger/validate.h"

namespace onhand::hub {
namespace {

// Looked at under one lock, so that the writer never waits for long.
constexpr int kLooksALock = 16;
// More touches than this that nobody has looked at yet become 'everything'.
constexpr size_t kTouchesMax = 1 << 20;
// Codes looked up, and items walked over, under one lock.
constexpr int kCodesALock = 256;
constexpr uint32_t kItemsALock = 1'024;
constexpr size_t kMovesMax = 65'536;
constexpr uint32_t kNoCategory = std::numeric_limits<uint32_t>::max();
// A place that is nobody's: what alone answers do not read.
constexpr uint32_t kElsewhere = std::numeric_limits<uint32_t>::max();
constexpr absl::Duration kIdlePoll = absl::Milliseconds(100);

uint64_t RandomRun() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

absl::Status Invalid(absl::string_view field, std::string value, std::string problem,
                     std::string remedy) {
  return ledger::Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_WATCH",
                                                             .field = field,
                                                             .value = std::move(value),
                                                             .problem = std::move(problem),
                                                             .remedy = std::move(remedy)});
}

absl::Status CheckRequest(const v1::WatchRequest& request) {
  if (request.skus_size() > Watch::kSkusMax) {
    return Invalid("skus", absl::StrCat(request.skus_size()), "are more than a watch may name",
                   absl::StrCat("name at most ", Watch::kSkusMax, ", or none for everything"));
  }
  if (!request.skus().empty() && !request.category().empty()) {
    return Invalid("category", request.category(), "comes with skus", "send one of the two");
  }
  if (request.initial() && !request.resume_token().empty()) {
    return Invalid("initial", "true", "comes with resume_token",
                   "send the token alone to go on, or initial alone to begin");
  }
  return absl::OkStatus();
}

absl::StatusOr<WatchView::Place> PlaceOf(const ledger::State& state,
                                         const v1::WatchRequest& request) {
  WatchView::Place place;
  if (request.channel_id().empty() && state.channel_ids.size() == 1) {
    state.channel_ids.ForEach(
        [&place](const std::string&, uint32_t channel) { place.channel = channel; });
  } else {
    const absl::StatusOr<uint32_t> channel =
        ledger::FindChannel(state, "channel_id", request.channel_id());
    if (!channel.ok()) return channel.status();
    place.channel = *channel;
  }
  if (request.location_id().empty()) return place;
  const absl::StatusOr<uint32_t> location =
      ledger::FindLocation(state, "location_id", request.location_id());
  if (!location.ok()) return location.status();
  place.location = *location;
  return place;
}

}  // namespace

bool Watch::Inbox::empty() const {
  return revision == 0 && opened.empty() && took.empty() && closed.empty() && !drains;
}

class Watch::Noting final : public ledger::Touched {
 public:
  explicit Noting(Inbox* inbox) : inbox_(inbox) {}

  void Moved(uint32_t item, uint32_t location, int64_t) override { Item(item, location); }
  void Item(uint32_t item, uint32_t location) override {
    inbox_->touches.push_back({item, location});
  }
  void Shown(uint32_t item) override { Item(item, kElsewhere); }
  void Everything() override { inbox_->everything = true; }
  void KnownThrough(uint32_t location) override {
    if (inbox_->locations.empty() || inbox_->locations.back() != location) {
      inbox_->locations.push_back(location);
    }
  }
  void Sources() override { inbox_->sources = true; }
  void Periods() override { inbox_->periods = true; }

 private:
  Inbox* const inbox_;
};

Watch::Watch(Hub* hub, WatchOptions options)
    : hub_(hub), options_(options), journal_(TokenHash(hub->journal_id())), run_(RandomRun()) {
  hub_->set_on_applied([this](const ledger::RowMoment& row, const ledger::journal::Record& record) {
    NoteRow(row, record);
  });
  thread_ = std::thread([this] { Run(); });
}

Watch::~Watch() { Stop(); }

absl::Status Watch::Stopping() {
  return ledger::Refuse(absl::StatusCode::kUnavailable,
                        {.reason = "STOPPING",
                         .problem = "the hub is about to stop",
                         .remedy = "come back in a moment with the last resume_token"});
}

void Watch::Stop() {
  hub_->set_on_applied(nullptr);
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Watch::NoteRow(const ledger::RowMoment& row, const ledger::journal::Record& record) {
  absl::MutexLock lock(&mutex_);
  noted_revision_ = row.revision;
  if (!anybody_.load(std::memory_order_relaxed)) return;
  inbox_.revision = row.revision;
  inbox_.time_us = row.committed_at_us;
  Noting noting(&inbox_);
  for (const ledger::journal::Fact& fact : record.facts()) {
    TellTouched(fact, noting);
    if (fact.has_items_merged()) {
      inbox_.merges.emplace_back(fact.items_merged().duplicate(), fact.items_merged().item());
    }
    if (fact.has_item_renamed()) inbox_.renamed.push_back(fact.item_renamed().item());
  }
  if (inbox_.touches.size() <= kTouchesMax) return;
  inbox_.touches.clear();
  inbox_.everything = true;
}

// ---- coming and going ----

absl::StatusOr<uint64_t> Watch::Open(const v1::WatchRequest& request,
                                     std::shared_ptr<WatchReader> reader) {
  absl::StatusOr<std::unique_ptr<Watcher>> watcher = MakeWatcher(request, std::move(reader));
  if (!watcher.ok()) return watcher.status();
  if (open_count_.fetch_add(1) >= options_.watchers_max) {
    open_count_.fetch_sub(1);
    return ledger::Refuse(absl::StatusCode::kResourceExhausted,
                          {.reason = "TOO_MANY_WATCHERS",
                           .value = absl::StrCat(options_.watchers_max),
                           .problem = "watchers are there already",
                           .remedy = "watch more items on one stream, or ask another hub"});
  }
  const uint64_t id = (*watcher)->id();
  absl::MutexLock lock(&mutex_);
  if (stopping_ || draining_) {
    open_count_.fetch_sub(1);
    return Stopping();
  }
  inbox_.opened.push_back(*std::move(watcher));
  return id;
}

absl::StatusOr<std::unique_ptr<Watcher>> Watch::MakeWatcher(const v1::WatchRequest& request,
                                                            std::shared_ptr<WatchReader> reader) {
  if (absl::Status wrong = CheckRequest(request); !wrong.ok()) return wrong;
  const absl::StatusOr<WatchView::Place> place =
      hub_->Read([&](const ledger::Ledger& ledger) { return PlaceOf(ledger.state(), request); });
  if (!place.ok()) return place.status();
  WatchFilter filter;
  filter.category = request.category();
  if (absl::Status unknown = ResolveItems(request, filter); !unknown.ok()) return unknown;
  WatchToken token{.journal = journal_, .asked = AskedHash(request), .run = run_};
  if (!request.resume_token().empty()) {
    const absl::StatusOr<WatchToken> given = DecodeToken(request.resume_token());
    if (!given.ok()) return given.status();
    if (given->asked != token.asked) {
      return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                            {.reason = "INVALID_RESUME_TOKEN",
                             .field = "resume_token",
                             .problem = "is of a watch of other items or another place",
                             .remedy = "send the same request with it, or begin with initial"});
    }
    if (given->journal != journal_) {
      return ledger::Refuse(absl::StatusCode::kFailedPrecondition,
                            {.reason = "RESUME_OTHER_JOURNAL",
                             .field = "resume_token",
                             .problem = "is of another journal: the hub was restored from a backup",
                             .remedy = "begin with initial"});
    }
    token = *given;
  }
  auto watcher = std::make_unique<Watcher>(next_id_.fetch_add(1), *place, std::move(filter), token,
                                           std::move(reader));
  watcher->asks_initial = request.initial();
  watcher->asks_resume = !request.resume_token().empty();
  return watcher;
}

absl::Status Watch::ResolveItems(const v1::WatchRequest& request, WatchFilter& filter) const {
  filter.items.reserve(static_cast<size_t>(request.skus_size()));
  absl::Status status;
  for (int first = 0; first < request.skus_size() && status.ok(); first += kCodesALock) {
    status = hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
      for (int i = first; i < std::min(first + kCodesALock, request.skus_size()); ++i) {
        if (const auto* target = ledger.state().Resolve(request.skus(i), 0)) {
          filter.items.push_back(target->item);
          continue;
        }
        return ledger::FindItem(ledger.state(), absl::StrCat("skus[", i, "]"), request.skus(i))
            .status();
      }
      return absl::OkStatus();
    });
  }
  std::sort(filter.items.begin(), filter.items.end());
  filter.items.erase(std::unique(filter.items.begin(), filter.items.end()), filter.items.end());
  return status;
}

void Watch::Took(uint64_t watcher) {
  absl::MutexLock lock(&mutex_);
  inbox_.took.push_back(watcher);
}

void Watch::Close(uint64_t watcher) {
  absl::MutexLock lock(&mutex_);
  inbox_.closed.push_back(watcher);
}

void Watch::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  inbox_.drains = true;
}

// ---- the publisher ----

void Watch::Run() {
  for (;;) {
    Inbox inbox;
    {
      const auto due = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !inbox_.empty();
      };
      absl::MutexLock lock(&mutex_);
      if (!HasWork()) mutex_.AwaitWithTimeout(absl::Condition(&due), kIdlePoll);
      std::swap(inbox, inbox_);
      if (stopping_) {
        inbox.drains = true;
        draining_ = true;
      }
    }
    TakeWatchers(inbox);
    SpreadTouches(inbox);
    LookAround();
    Serve();
    KeepTime(std::chrono::steady_clock::now());
    if (!inbox.drains) continue;
    absl::MutexLock lock(&mutex_);
    if (stopping_ && inbox_.opened.empty()) return;
  }
}

bool Watch::HasWork() const {
  if (!listed_.empty()) return true;
  return std::any_of(views_.begin(), views_.end(),
                     [](const auto& view) { return view.second->has_work(); });
}

void Watch::ReadWhole(absl::FunctionRef<void(const ledger::Ledger&)> read) {
  for (;;) {
    uint64_t partly = 0;
    hub_->Read([&](const ledger::Ledger& ledger) {
      const uint64_t revision = ledger.state().counters.revision;
      if (revision != hub_->revision()) {
        partly = revision;
        return;
      }
      read(ledger);
    });
    if (partly == 0) return;
    AwaitRow(partly);
  }
}

void Watch::AwaitRow(uint64_t revision) {
  const auto whole = [this, revision]()
                         ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return noted_revision_ >= revision; };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&whole), kIdlePoll);
}

void Watch::SpreadTouches(const Inbox& inbox) {
  if (inbox.revision == 0) return;
  noted_time_us_ = inbox.time_us;
  for (const auto& [duplicate, item] : inbox.merges) TakeMerge(duplicate, item);
  for (const uint32_t item : inbox.renamed) TellAnew(item);
  for (const auto& [place, view] : views_) {
    if (inbox.everything) view->TouchAll();
    if (inbox.sources) view->TouchAllIfTimeMatters();
    for (const Inbox::Touch& touch : inbox.touches) view->Touch(touch.item, touch.location);
  }
  if (inbox.periods) next_period_us_ = 0;
  hub_->Read([&](const ledger::Ledger& ledger) {
    const int64_t now_us = ledger.state().counters.time_us;
    for (const auto& [place, view] : views_) {
      for (const uint32_t location : inbox.locations) {
        view->TouchKnownThrough(ledger.state(), location);
      }
      view->QueueDue(now_us);
    }
    if (now_us < next_period_us_) return;
    ledger.rule_book().ForEachChange(periods_through_us_, now_us, [this](uint32_t item) {
      for (const auto& [place, view] : views_) {
        if (item == 0) {
          view->TouchAll();
        } else {
          view->Touch(item, 0);
        }
      }
    });
    periods_through_us_ = now_us;
    next_period_us_ = ledger.rule_book().NextChange(now_us);
  });
}

void Watch::LookAround() {
  const bool any = std::any_of(views_.begin(), views_.end(),
                               [](const auto& view) { return view.second->has_work(); });
  if (any) ReadWhole([this](const ledger::Ledger& ledger) { LookAtSome(ledger); });
  for (const auto& [place, view] : views_) {
    if (view->BecomesReady()) {
      // A number of its own: tokens from before the view was made lie below it.
      view->set_ready(++serial_);
      for (Watcher* watcher : std::vector<Watcher*>(view->watchers)) Begin(*watcher);
    }
    if (!view->has_work()) view->through_us = std::max(view->through_us, noted_time_us_);
  }
}

// What was touched goes first; a walk over all items has every fourth turn, and what is left.
void Watch::LookAtSome(const ledger::Ledger& ledger) {
  int left = kLooksALock;
  const auto look_at_touched = [&] {
    for (const auto& [place, view] : views_) {
      for (; left > 0 && view->has_touched(); --left) {
        LookFor(ledger, *view, view->NextTouched(), nullptr);
      }
    }
  };
  turn_ = (turn_ + 1) % 4;
  if (turn_ != 0) look_at_touched();
  for (const auto& [place, view] : views_) {
    for (; left > 0; --left) {
      const uint32_t item = view->NextOfAll(ledger.state());
      if (item == 0) break;
      ledger::Prefetch(ledger.state(), ledger.rule_book(), item + 2);
      LookFor(ledger, *view, item, nullptr);
    }
  }
  look_at_touched();
}

ledger::Promise Watch::LookFor(const ledger::Ledger& ledger, WatchView& view, uint32_t item,
                               const Watcher* asker) {
  NoteCategory(ledger, item, asker);
  WatchView::Look look = view.LookAt(ledger, item);
  counts_.looks.fetch_add(1, std::memory_order_relaxed);
  if (!look.changed) return look.promise;
  counts_.changes.fetch_add(1, std::memory_order_relaxed);
  view.SetChanged(item, ++serial_);
  for (Watcher* watcher : view.watchers) {
    if (watcher != asker && Holds(*watcher, item)) AddTo(*watcher, item);
  }
  return look.promise;
}

// ---- what a filter holds ----

absl::string_view Watch::CategoryOf(uint32_t item) const {
  const uint32_t number = item < categories_.size() ? categories_[item] : kNoCategory;
  return number == kNoCategory ? absl::string_view() : category_names_[number];
}

bool Watch::Holds(const Watcher& watcher, uint32_t item) const {
  const WatchFilter& filter = watcher.filter();
  if (filter.IsAll()) return true;
  if (!filter.category.empty()) return filter.HasCategory(CategoryOf(item));
  if (filter.HasItem(item)) return true;
  // Whoever watches an item may have known it as two.
  const auto merged = merged_.find(item);
  return merged != merged_.end() && filter.HasItem(merged->second);
}

// An item that enters or leaves a filter is news, whether its answer changed or not.
void Watch::NoteCategory(const ledger::Ledger& ledger, uint32_t item, const Watcher* asker) {
  const ledger::ItemTraits traits = ledger.rule_book().TraitsOf(item);
  if (!traits.known) return;
  if (item >= categories_.size()) categories_.resize(item + item / 16 + 16, kNoCategory);
  const uint32_t before = std::exchange(categories_[item], traits.category);
  if (before == traits.category) return;
  if (traits.category >= category_names_.size()) category_names_.resize(traits.category + 1);
  category_names_[traits.category] = std::string(ledger.rule_book().CategoryOf(traits));
  if (before == kNoCategory) return;
  moves_.push_back({.serial = ++serial_, .item = item, .from_category = before});
  if (moves_.size() > kMovesMax) {
    moves_lost_serial_ = moves_.front().serial;
    moves_.pop_front();
  }
  for (const auto& [place, view] : views_) {
    if (view->ready()) view->SetChanged(item, serial_);
    for (Watcher* watcher : view->watchers) {
      const WatchFilter& filter = watcher->filter();
      if (watcher == asker || filter.category.empty()) continue;
      const bool held = filter.HasCategory(category_names_[before]);
      if (held == filter.HasCategory(CategoryOf(item))) continue;
      AddTo(*watcher, item, /*leaves=*/held);
    }
  }
}

// Whoever watches one of the two watches what both have become.
void Watch::TakeMerge(uint32_t duplicate, uint32_t item) {
  for (auto& [merged, into] : merged_) {
    if (into == duplicate) into = item;
  }
  merged_[duplicate] = item;
  for (const auto& [place, view] : views_) {
    for (Watcher* watcher : view->watchers) {
      std::vector<uint32_t>& items = watcher->filter().items;
      if (!watcher->filter().HasItem(duplicate) || watcher->filter().HasItem(item)) continue;
      items.insert(std::upper_bound(items.begin(), items.end(), item), item);
    }
  }
  TellAnew(item);
}

// It is news for whoever knows its answer under another SKU, whether that changed or not.
void Watch::TellAnew(uint32_t item) {
  ++serial_;
  for (const auto& [place, view] : views_) {
    if (!view->ready()) continue;
    view->SetChanged(item, serial_);
    for (Watcher* watcher : view->watchers) {
      if (Holds(*watcher, item)) AddTo(*watcher, item);
    }
  }
}

void Watch::LearnMerges() {
  uint32_t end = 1;
  for (uint32_t next = 1; next == 1 || next < end; next += kItemsALock) {
    hub_->Read([&](const ledger::Ledger& ledger) {
      end = ledger.state().counters.item_end;
      for (uint32_t item = next; item < std::min(next + kItemsALock, end); ++item) {
        const auto* row = ledger.state().items.Find(item);
        if (row != nullptr && row->merged_into() != 0) merged_[item] = row->merged_into();
      }
    });
  }
  for (auto& [merged, into] : merged_) {
    for (auto next = merged_.find(into); next != merged_.end(); next = merged_.find(into)) {
      into = next->second;
    }
  }
}

void Watch::AddTo(Watcher& watcher, uint32_t item, bool leaves) {
  if (!watcher.begun || watcher.overflowed) return;
  // A walk that comes by tells it as it is then; but it passes by what has left.
  if (watcher.walk.has_value() && item >= watcher.walk->next && !leaves) return;
  watcher.Add(item);
  watcher.overflowed = watcher.pending_count() > options_.pending_max;
  List(watcher);
}

void Watch::List(Watcher& watcher) {
  if (watcher.listed) return;
  watcher.listed = true;
  listed_.push_back(&watcher);
}

}  // namespace onhand::hub
