// Answers about what may be promised, held inside the program: a Watch stream tells every answer
// and then every change, so most questions are answered without the hub, by any thread, in a
// fraction of a microsecond. What is not held is asked of the hub. Every answer says as of when it
// holds; while the stream is down for longer than a bound, answers past their cache_until are asked
// anew instead of being told. Owned by the program, beside the connection; any thread may ask.
#ifndef ONHAND_CLIENTS_CPP_AVAILABILITY_CACHE_H_
#define ONHAND_CLIENTS_CPP_AVAILABILITY_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/answer_table.h"
#include "clients/cpp/availability_batcher.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/watcher.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::client {

struct AvailabilityCacheOptions {
  // The channel and location of all answers, and which items are watched; at most 10,000 SKUs, or a
  // category, or everything. Others are asked of the hub; one that leaves the category is HIDDEN.
  v1::WatchRequest watch;
  // So long after the stream was last heard, answers past their cache_until are still told.
  absl::Duration stale_bound = absl::Seconds(30);
  // So long a SKU that the hub does not know counts as unknown.
  absl::Duration unknown_for = absl::Seconds(5);
  // Of one question to the hub, as long as a customer would wait.
  absl::Duration timeout = absl::Seconds(2);
  // Answers held about items outside of the watch, and unknown SKUs. Past it they are forgotten.
  size_t unwatched_max = 10'000;
  absl::Duration first_backoff = absl::Milliseconds(100);  // of the stream, as in WatcherOptions
};

// An answer as v1::Availability has it, and as of when it holds.
struct CachedAnswer {
  v1::AvailabilityStatus status = v1::AVAILABILITY_STATUS_UNSPECIFIED;
  bool orderable = false;
  int32_t max_quantity = 0;
  uint64_t revision = 0;
  // In the ledger's time; InfinitePast: unset.
  absl::Time available_from = absl::InfinitePast();
  absl::Time known_through = absl::InfinitePast();
  absl::Time cache_until = absl::InfinitePast();
  // The ledger's time up to which nothing has changed this answer: the stream's, or when the hub
  // was asked.
  absl::Time as_of = absl::InfinitePast();
  // The hub does not know the SKU; the answer is HIDDEN then.
  bool unknown = false;
};

class AvailabilityCache : private WatchListener {
 public:
  // Starts to watch at once. `hub` outlives this.
  AvailabilityCache(Connection* hub, AvailabilityCacheOptions options);
  // Ends the stream; waits for a question to the hub that is under way.
  ~AvailabilityCache() override;

  // The answer for a SKU or alias; an alias is held only until its answer's cache_until. What is
  // not held is asked of the hub, together with what other threads ask at the moment; then the
  // refusals of AvailabilityBatcher::Get apply, and UNAVAILABLE if no hub answers.
  absl::StatusOr<CachedAnswer> Get(absl::string_view sku);

  // What is held of a watched SKU, however old: for a shop that rather shows what was true at
  // `as_of` than nothing. Never asks the hub.
  std::optional<CachedAnswer> Peek(absl::string_view sku) const;

  // Waits until every answer has been told once; false after `timeout`. Until then a question goes
  // to the hub.
  bool AwaitComplete(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  WatchState watch_state() const { return watcher_->state(); }
  // How many answers the stream keeps up to date.
  size_t size() const { return table_.size(); }

 private:
  struct Unwatched {
    CachedAnswer answer;
    absl::Time until;  // by the ledger's time
  };

  void OnAnswer(const v1::Availability& answer, absl::Time as_of, bool initial) override;
  void OnAnew() override;
  void OnComplete() override;
  void OnProgress(absl::Time as_of) override;
  void OnState(const WatchState& state) override;

  // The ledger's time now, as far as the stream lets know.
  absl::Time LedgerNow() const;
  bool MayTell(const HeldAnswer& held) const;
  static CachedAnswer Told(const HeldAnswer& held, int64_t stream_as_of_us);
  static HeldAnswer Held(const v1::Availability& answer, absl::Time as_of, uint32_t telling);
  absl::StatusOr<CachedAnswer> Ask(const std::string& sku);
  std::optional<CachedAnswer> FindUnwatched(const std::string& sku) ABSL_LOCKS_EXCLUDED(mu_);
  void KeepUnwatched(const std::string& sku, const CachedAnswer& answer, absl::Time until)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Whether the stream tells this item's changes. False if that is unknown.
  bool Watches(const std::string& sku) const;

  const AvailabilityCacheOptions options_;
  const absl::flat_hash_set<std::string> watched_skus_;
  AnswerTable table_;
  AvailabilityBatcher batcher_;

  std::atomic<uint32_t> telling_{0};
  std::atomic<bool> live_{false};
  std::atomic<int64_t> heard_us_;            // while not live: when the stream was last heard
  std::atomic<int64_t> as_of_us_{0};         // the stream's
  std::atomic<int64_t> ledger_ahead_us_{0};  // the ledger's time less this machine's

  mutable absl::Mutex mu_;
  bool complete_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<std::string, Unwatched> unwatched_ ABSL_GUARDED_BY(mu_);

  // Last, so that it is silent before what it tells goes.
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_AVAILABILITY_CACHE_H_
