// What one caller may ask of the hub, so that nobody's flood is another's silence: so many calls a
// second, and so many calls and streams at once. Callers are told apart by the name of their token,
// so that a second token gives no second share. Owned by the gate; any thread.
#ifndef ONHAND_SERVER_RPC_CALL_LIMITS_H_
#define ONHAND_SERVER_RPC_CALL_LIMITS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhand::rpc {

// A caller's share. Positive.
struct CallRates {
  // Calls a second; who was quiet for a second may make as many at one moment.
  int calls_per_second = 5'000;
  // Calls that are not answered yet.
  int calls_at_once = 256;
  // Streams that are open.
  int streams_at_once = 256;
};

class CallLimits {
 private:
  struct Caller;

 public:
  enum class Kind { kCall, kStream };
  enum class Limit { kRate, kCalls, kStreams };
  // The reason that a refusal by it has.
  static absl::string_view ReasonOf(Limit limit);

  // A place among those that a caller may take at once; given back when it goes.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(taken_, other.taken_);
      return *this;
    }
    ~Place();

   private:
    friend class CallLimits;
    explicit Place(std::atomic<int>* taken) : taken_(taken) {}
    std::atomic<int>* taken_ = nullptr;  // of a caller, who stays as long as the limits do
  };

  explicit CallLimits(const CallRates& rates);
  ~CallLimits();

  // One more call or stream of `caller`. RESOURCE_EXHAUSTED with a RetryInfo: RATE_LIMITED,
  // TOO_MANY_CALLS, TOO_MANY_STREAMS. The place must not outlive the limits.
  absl::StatusOr<Place> Enter(const std::string& caller, Kind kind, absl::Time now);

  // How many were refused by a limit since the start.
  uint64_t refused(Limit limit) const {
    return refused_[static_cast<size_t>(limit)].load(std::memory_order_relaxed);
  }

 private:
  Caller* Find(const std::string& name);
  absl::Status Refuse(Limit limit, int allowed, absl::string_view of_what, int64_t retry_after_ms);

  const CallRates rates_;
  std::array<std::atomic<uint64_t>, 3> refused_{};
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<Caller>> callers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_CALL_LIMITS_H_
