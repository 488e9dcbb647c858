// Numbers about the whole ledger that are too long to count at every scrape: a thread of its own
// looks at a slice at a time, pausing in between, and keeps what the last whole look found. Owned
// by main; destroyed before the hub. What it found may be read by any thread.
#ifndef ONHAND_SERVER_TELEMETRY_SURVEY_H_
#define ONHAND_SERVER_TELEMETRY_SURVEY_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/hub/hub.h"

namespace onhand::telemetry {

class Survey {
 public:
  // By v1::ReservationState; the first is of no use.
  static constexpr size_t kReservationStates = 7;

  // `hub` outlives the survey. Starts the thread, which rests for `rest` between two looks.
  explicit Survey(const hub::Hub* hub, absl::Duration rest = absl::Seconds(15));
  ~Survey();

  // Positions with stock whose shelf is empty with a chance of a half or more.
  uint64_t doubted() const { return doubted_.load(std::memory_order_relaxed); }
  // Reservations whose whole stands so; ended ones as long as they are kept.
  uint64_t reservations(size_t state) const {
    return reservations_[state].load(std::memory_order_relaxed);
  }

 private:
  void Run();
  // False: it is to stop.
  bool CountDoubts();
  bool CountReservations();

  const hub::Hub* const hub_;
  const absl::Duration rest_;
  std::atomic<uint64_t> doubted_{0};
  std::array<std::atomic<uint64_t>, kReservationStates> reservations_{};
  absl::Notification stopping_;
  std::thread thread_;
};

}  // namespace onhand::telemetry

#endif  // ONHAND_SERVER_TELEMETRY_SURVEY_H_
