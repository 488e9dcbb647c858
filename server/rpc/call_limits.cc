#include "server/rpc/call_limits.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"

namespace onhand::rpc {
namespace {

// What is refused for a place comes back no sooner: places get free at any moment, and all who were
// refused must not come back at the same one.
constexpr int64_t kPlaceRetryMs = 100;

}  // namespace

// A bucket of calls that fills at the caller's rate and holds a second of it.
struct CallLimits::Caller {
  std::atomic<int> calls{0};
  std::atomic<int> streams{0};
  absl::Mutex mutex;
  double left ABSL_GUARDED_BY(mutex) = 0;
  absl::Time filled_at ABSL_GUARDED_BY(mutex) = absl::InfinitePast();

  // Takes a call out of the bucket; else how long until there is one.
  absl::Duration Take(double per_second, absl::Time now) {
    absl::MutexLock lock(&mutex);
    const double grown = absl::ToDoubleSeconds(now - filled_at) * per_second;
    // A clock that was set back gives nothing and takes nothing.
    left = std::min(per_second, left + std::max(grown, 0.0));
    filled_at = now;
    if (left < 1) return absl::Seconds((1 - left) / per_second);
    left -= 1;
    return absl::ZeroDuration();
  }
};

CallLimits::CallLimits(const CallRates& rates) : rates_(rates) {}

CallLimits::~CallLimits() = default;

CallLimits::Place::~Place() {
  if (taken_ != nullptr) taken_->fetch_sub(1, std::memory_order_relaxed);
}

absl::string_view CallLimits::ReasonOf(Limit limit) {
  switch (limit) {
    case Limit::kRate:
      return "RATE_LIMITED";
    case Limit::kCalls:
      return "TOO_MANY_CALLS";
    case Limit::kStreams:
      return "TOO_MANY_STREAMS";
  }
  return "";
}

absl::StatusOr<CallLimits::Place> CallLimits::Enter(const std::string& caller, Kind kind,
                                                    absl::Time now) {
  Caller* const found = Find(caller);
  if (const absl::Duration wait = found->Take(rates_.calls_per_second, now);
      wait > absl::ZeroDuration()) {
    // Who comes back at the first moment would be refused again with all the others of his flood.
    const int64_t retry_ms = std::max<int64_t>(50, absl::ToInt64Milliseconds(wait) + 1);
    return Refuse(Limit::kRate, rates_.calls_per_second, "calls a second", retry_ms);
  }
  const bool call = kind == Kind::kCall;
  std::atomic<int>& taken = call ? found->calls : found->streams;
  const int allowed = call ? rates_.calls_at_once : rates_.streams_at_once;
  Place place(&taken);
  if (taken.fetch_add(1, std::memory_order_relaxed) < allowed) return place;
  return call ? Refuse(Limit::kCalls, allowed, "calls at a time", kPlaceRetryMs)
              : Refuse(Limit::kStreams, allowed, "streams at a time", kPlaceRetryMs);
}

CallLimits::Caller* CallLimits::Find(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Caller>& caller = callers_[name];
  if (caller == nullptr) caller = std::make_unique<Caller>();
  return caller.get();
}

absl::Status CallLimits::Refuse(Limit limit, int allowed, absl::string_view of_what,
                                int64_t retry_after_ms) {
  refused_[static_cast<size_t>(limit)].fetch_add(1, std::memory_order_relaxed);
  return ledger::Refuse(
      absl::StatusCode::kResourceExhausted,
      {.reason = ReasonOf(limit),
       .field = "authorization",
       .problem =
           absl::StrCat("shows a token whose owner asks for more than ", allowed, " ", of_what),
       .remedy = absl::StrCat("ask again in ", retry_after_ms,
                              " ms, ask for several in one call, or have the hub's operator raise "
                              "the limit (onhandd serve --help)"),
       .retry_after_ms = retry_after_ms});
}

}  // namespace onhand::rpc
