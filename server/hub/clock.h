// The hub's clock: wall time that never runs backwards and never jumps while the process lives.
#ifndef ONHAND_SERVER_HUB_CLOCK_H_
#define ONHAND_SERVER_HUB_CLOCK_H_

#include <cstdint>

namespace onhand::hub {

// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since 1970-01-01T00:00:00Z.
  virtual int64_t NowUs() = 0;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_CLOCK_H_
