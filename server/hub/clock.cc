#include "server/hub/clock.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace onhand::hub {
namespace {

constexpr int64_t kSlewDivisor = 100;         // at most 1 %
constexpr int64_t kMeasureEveryUs = 500'000;  // of monotonic time

template <class ChronoClock>
int64_t MicrosOf() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             ChronoClock::now().time_since_epoch())
      .count();
}

}  // namespace

HubClock::Sources HubClock::SystemSources() {
  return {MicrosOf<std::chrono::system_clock>, MicrosOf<std::chrono::steady_clock>};
}

HubClock::HubClock(int64_t scale, Sources sources)
    : sources_(std::move(sources)),
      scale_{.factor = scale, .began_us = sources_.wall_us()},
      anchor_us_(scale_.began_us),
      anchor_monotonic_us_(sources_.monotonic_us()) {}

int64_t HubClock::ScaledWallUs() const {
  return scale_.began_us + (sources_.wall_us() - scale_.began_us) * scale_.factor;
}

int64_t HubClock::NowUs() {
  absl::MutexLock lock(&mutex_);
  const int64_t monotonic_us = sources_.monotonic_us();
  const int64_t passed_us = std::max<int64_t>(monotonic_us - anchor_monotonic_us_, 0);
  const int64_t advance_us = passed_us * scale_.factor;
  const int64_t slew_max_us = advance_us / kSlewDivisor;
  const int64_t now_us =
      anchor_us_ + advance_us + std::clamp(behind_us_, -slew_max_us, slew_max_us);
  if (passed_us >= kMeasureEveryUs) {
    anchor_us_ = now_us;
    anchor_monotonic_us_ = monotonic_us;
    behind_us_ = ScaledWallUs() - now_us;
  }
  return now_us;
}

}  // namespace onhand::hub
