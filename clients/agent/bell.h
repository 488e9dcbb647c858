// Wakes one waiting thread: whoever has news rings, the waiter looks at everything. Any thread may
// ring.
#ifndef ONHAND_CLIENTS_AGENT_BELL_H_
#define ONHAND_CLIENTS_AGENT_BELL_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhand::agent {

class Bell {
 public:
  void Ring() {
    absl::MutexLock locked(&mu_);
    rung_ = true;
  }

  // Returns once it has rung since the last wait, or after `wait`.
  void Wait(absl::Duration wait) {
    absl::MutexLock locked(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&rung_), wait);
    rung_ = false;
  }

 private:
  absl::Mutex mu_;
  bool rung_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_BELL_H_
