// Tells watchers every change of what may be promised, whatever caused it. The sequencer hands over
// which items an applied row touched and goes on; one publisher thread looks at them, view by view
// (watch_view.h), and hands each watcher what changed. Owned by main, which stops it before the
// hub; Open, Took, Close and Drain may be called from any thread.
#ifndef ONHAND_SERVER_HUB_WATCH_H_
#define ONHAND_SERVER_HUB_WATCH_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "onhand/v1/watch.pb.h"
#include "server/hub/hub.h"
#include "server/hub/watch_view.h"
#include "server/hub/watcher.h"

namespace onhand::hub {

// Who is told: a gRPC stream, or the sender of a webhook.
class WatchReader {
 public:
  virtual ~WatchReader() = default;
  // What is new; the next comes only after Watch::Took(watcher). The publisher's thread; must not
  // block.
  virtual void Tell(uint64_t watcher, v1::WatchResponse response) = 0;
  // The watch is over, and nothing follows: RESUME_TOO_OLD, WATCH_OVERFLOW, TOO_MANY_WATCHERS, or
  // UNAVAILABLE (STOPPING). The publisher's thread; must not block.
  virtual void End(const absl::Status& why) = 0;
};

struct WatchOptions {
  int watchers_max = 2'000;
  // Answers kept for comparing, over all views, 16 bytes each.
  size_t records_max = 16 << 20;
  // How long a view is kept after its last watcher, so that it can come back and go on.
  std::chrono::milliseconds view_kept{600'000};
  // A watcher that has not read so many changes is too slow.
  size_t pending_max = 100'000;
  // A quiet watcher is told so often how far it is.
  std::chrono::milliseconds mark_every{5'000};
  // A resume that the hub cannot place starts by telling every answer of the filter, if those are
  // no more.
  size_t anew_max = 10'000;
  size_t answers_max = 500;  // a message
};

class Watch {
 public:
  static constexpr int kSkusMax = 10'000;

  // The hub outlives the watch.
  explicit Watch(Hub* hub, WatchOptions options = {});
  ~Watch();

  // A new watcher; the reader hears from it even before this returns. Refusals as the contract
  // says, those apart that the reader's End brings.
  absl::StatusOr<uint64_t> Open(const v1::WatchRequest& request,
                                std::shared_ptr<WatchReader> reader);
  // The reader has done with what it was told.
  void Took(uint64_t watcher);
  // It wants no more. A message may be under way to it.
  void Close(uint64_t watcher);
  // Ends every watcher, now and to come, with UNAVAILABLE (STOPPING).
  void Drain();
  // Ends the thread. Idempotent; the hub tells nothing afterwards.
  void Stop();

  struct Counts {
    std::atomic<uint64_t> watchers{0}, views{0}, looks{0}, changes{0}, answers{0}, overflows{0};
  };
  const Counts& counts() const { return counts_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // What happened since the publisher last looked.
  struct Inbox {
    struct Touch {
      uint32_t item = 0;
      uint32_t location = 0;  // 0: any
    };
    std::vector<Touch> touches;
    std::vector<uint32_t> locations;                    // whose known_through moved
    std::vector<std::pair<uint32_t, uint32_t>> merges;  // duplicate, item
    std::vector<uint32_t> renamed;
    bool everything = false;
    bool sources = false;
    bool periods = false;
    uint64_t revision = 0;  // of the last row; 0: none came
    int64_t time_us = 0;
    std::vector<std::unique_ptr<Watcher>> opened;
    std::vector<uint64_t> took;
    std::vector<uint64_t> closed;
    bool drains = false;

    bool empty() const;
  };
  class Noting;  // fills an inbox from facts

  // An item changed its category.
  struct Move {
    uint64_t serial = 0;
    uint32_t item = 0;
    uint32_t from_category = 0;
  };

  static absl::Status Stopping();

  // The sequencer's thread.
  void NoteRow(const ledger::RowMoment& row, const ledger::journal::Record& record);

  // The callers of Open.
  absl::StatusOr<std::unique_ptr<Watcher>> MakeWatcher(const v1::WatchRequest& request,
                                                       std::shared_ptr<WatchReader> reader);
  absl::Status ResolveItems(const v1::WatchRequest& request, WatchFilter& filter) const;

  // All below: the publisher's thread.
  void Run();
  void LearnMerges();
  void TakeWatchers(Inbox& inbox);
  void SpreadTouches(const Inbox& inbox);
  bool HasWork() const;
  void LookAround();
  void LookAtSome(const ledger::Ledger& ledger);
  ledger::Promise LookFor(const ledger::Ledger& ledger, WatchView& view, uint32_t item,
                          const Watcher* asker);
  void NoteCategory(const ledger::Ledger& ledger, uint32_t item, const Watcher* asker);
  void TakeMerge(uint32_t duplicate, uint32_t item);
  void TellAnew(uint32_t item);
  absl::string_view CategoryOf(uint32_t item) const;
  bool Holds(const Watcher& watcher, uint32_t item) const;
  void AddTo(Watcher& watcher, uint32_t item, bool leaves = false);
  void List(Watcher& watcher);

  void Enlist(Watcher& watcher);
  bool MakeRoom();
  void Begin(Watcher& watcher);
  void BeginResumed(Watcher& watcher);
  size_t MatchCount(const Watcher& watcher) const;
  void Serve();
  void ServeOne(Watcher& watcher);
  std::vector<uint32_t> NextItems(Watcher& watcher, bool& from_walk);
  void Answer(Watcher& watcher, const std::vector<uint32_t>& items, v1::WatchResponse& response);
  void MoveToken(Watcher& watcher);
  void Tell(Watcher& watcher, v1::WatchResponse response);
  void EndWatcher(uint64_t id, const absl::Status& why);
  void Forget(uint64_t id);
  void KeepTime(SteadyTime now);

  // Calls read(ledger) between rows: a revision is told only once all of it is applied.
  void ReadWhole(absl::FunctionRef<void(const ledger::Ledger&)> read);
  void AwaitRow(uint64_t revision);

  Hub* const hub_;
  const WatchOptions options_;
  const uint64_t journal_;  // TokenHash of its id
  const uint64_t run_;      // random
  Counts counts_;
  std::atomic<bool> anybody_{false};  // there is a view, so that touches matter
  std::atomic<int> open_count_{0};
  std::atomic<uint64_t> next_id_{1};

  absl::Mutex mutex_;
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  uint64_t noted_revision_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // The publisher's.
  std::map<WatchView::Place, std::unique_ptr<WatchView>> views_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Watcher>> watchers_;
  std::vector<Watcher*> listed_;      // something may be told
  uint64_t serial_ = 0;               // of the last change found
  std::vector<uint32_t> categories_;  // of items by id, numbers of the rule book
  std::vector<std::string> category_names_ = {""};
  std::deque<Move> moves_;
  uint64_t moves_lost_serial_ = 0;                  // moves up to here are forgotten
  absl::flat_hash_map<uint32_t, uint32_t> merged_;  // duplicate -> item
  int64_t periods_through_us_ = 0;                  // rule periods and pauses are noted up to here
  int64_t next_period_us_ = 0;
  int64_t noted_time_us_ = 0;  // of the last row that was spread
  int turn_ = 0;
  SteadyTime kept_time_at_;

  std::thread thread_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_WATCH_H_
