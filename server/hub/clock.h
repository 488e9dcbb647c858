// The hub's clock: wall time that never runs backwards and never jumps while the process lives.
// Owned by main; all methods may be called from any thread.
#ifndef ONHAND_SERVER_HUB_CLOCK_H_
#define ONHAND_SERVER_HUB_CLOCK_H_

#include <cstdint>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhand::hub {

// How many seconds pass in one second of the wall clock, and at which moment both showed the same.
struct ClockScale {
  int64_t factor = 1;
  int64_t began_us = 0;
};

// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since 1970-01-01T00:00:00Z.
  virtual int64_t NowUs() = 0;
  // Never changes.
  virtual ClockScale scale() const { return {}; }
};

// Steps to the wall clock when it is made. From then on it follows monotonic time, slewed by at
// most 1 % toward the wall clock, so that a corrected system clock neither stops the ledger's time
// nor makes it leap.
class HubClock final : public Clock {
 public:
  // What it is made of; replaced in tests.
  struct Sources {
    std::function<int64_t()> wall_us;       // since the epoch; may jump either way
    std::function<int64_t()> monotonic_us;  // since any moment; never falls
  };
  static Sources SystemSources();

  // `scale` 60 makes a minute of every second from now on, for demonstrations. Precondition: scale
  // >= 1.
  explicit HubClock(int64_t scale = 1, Sources sources = SystemSources());

  int64_t NowUs() override;
  ClockScale scale() const override { return scale_; }

 private:
  // How the wall clock reads on the scaled axis.
  int64_t ScaledWallUs() const;

  const Sources sources_;
  const ClockScale scale_;

  // The last moment at which the distance to the wall clock was measured. Between two of them the
  // time is a straight line with a bend where the distance is closed, which is why it can neither
  // jump nor fall.
  absl::Mutex mutex_;
  int64_t anchor_us_ ABSL_GUARDED_BY(mutex_);
  int64_t anchor_monotonic_us_ ABSL_GUARDED_BY(mutex_);
  int64_t behind_us_ ABSL_GUARDED_BY(mutex_) = 0;  // wall clock less this clock at the anchor
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_CLOCK_H_
