// How often a measured quantity fell into which range: what a monitoring system reads as a
// histogram. Any thread, none of which waits for another.
#ifndef ONHAND_SERVER_HUB_DISTRIBUTION_H_
#define ONHAND_SERVER_HUB_DISTRIBUTION_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace onhand::hub {

// Seconds: from what is answered out of memory to what a caller has given up on.
inline constexpr std::array<double, 14> kDurationBounds = {
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
// Things that go together.
inline constexpr std::array<double, 8> kCountBounds = {1, 2, 5, 10, 50, 100, 500, 1'000};

class Distribution {
 public:
  static constexpr size_t kBoundsMax = 14;

  // Inclusive upper bounds, ascending, at most kBoundsMax of them, that outlive it; what lies above
  // the last is counted too.
  explicit Distribution(absl::Span<const double> bounds) : bounds_(bounds) {}

  void Note(double value) {
    const auto range = static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                           bounds_.begin());
    counts_[range].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  absl::Span<const double> bounds() const { return bounds_; }
  // Values in range k: above bound k - 1 and up to bound k; k may be the number of bounds.
  uint64_t count(size_t k) const { return counts_[k].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const absl::Span<const double> bounds_;
  std::array<std::atomic<uint64_t>, kBoundsMax + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_DISTRIBUTION_H_
