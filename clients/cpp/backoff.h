// How long to stay away from a hub after a failure: full jitter below a doubling bound. One thread.
#ifndef ONHAND_CLIENTS_CPP_BACKOFF_H_
#define ONHAND_CLIENTS_CPP_BACKOFF_H_

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace onhand::client {

class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration max) : first_(first), max_(max), bound_(first) {}

  // Uniform in [0, bound), so that a thousand clients do not come back in one moment.
  absl::Duration Next() {
    const absl::Duration wait = bound_ * absl::Uniform(random_, 0.0, 1.0);
    bound_ = std::min(bound_ * 2, max_);
    return wait;
  }

  void Reset() { bound_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration max_;
  absl::Duration bound_;
  absl::BitGen random_;
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_BACKOFF_H_
