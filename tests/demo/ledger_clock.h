// The hub's scaled time as the tills of the demo know it: read from the hub once, then extrapolated
// by this machine's clock. A plain value; any thread.
#ifndef ONHAND_TESTS_DEMO_LEDGER_CLOCK_H_
#define ONHAND_TESTS_DEMO_LEDGER_CLOCK_H_

#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace onhand::demo {

class LedgerClock {
 public:
  LedgerClock(absl::Time ledger_time, absl::Time at, int64_t scale)
      : ledger_time_(ledger_time), at_(at), scale_(scale) {}

  absl::Time Now() const { return ledger_time_ + (absl::Now() - at_) * scale_; }
  absl::Time start() const { return ledger_time_; }

 private:
  absl::Time ledger_time_;
  absl::Time at_;
  int64_t scale_;
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_LEDGER_CLOCK_H_
