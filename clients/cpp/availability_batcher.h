// Gathers single questions of many threads into batch calls: while one call is under way, whoever
// asks next waits for the following one, which takes all that gathered. So one thread alone waits
// for nothing but its own call, and a thousand threads share one. Owned by the program, beside the
// connection; any thread may ask. One thread of its own does the calls.
#ifndef ONHAND_CLIENTS_CPP_AVAILABILITY_BATCHER_H_
#define ONHAND_CLIENTS_CPP_AVAILABILITY_BATCHER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::client {

class AvailabilityBatcher {
 public:
  static constexpr int kBatchSkusMax = 1000;

  // Asks about `channel_id` (may be empty while the chain has exactly one) at `location_id` (empty:
  // the chain). `hub` outlives this.
  AvailabilityBatcher(Connection* hub, std::string channel_id, std::string location_id = "");
  // Stops. Nobody may be in Get any more.
  ~AvailabilityBatcher();
  AvailabilityBatcher(const AvailabilityBatcher&) = delete;
  AvailabilityBatcher& operator=(const AvailabilityBatcher&) = delete;

  // Whoever waits, or asks later, is told CANCELLED; waits for the call under way. For one thread.
  void Stop();

  // The answer for a SKU or alias. NOT_FOUND (UNKNOWN_ITEM) concerns this caller alone, as does
  // INVALID_ARGUMENT (INVALID_SKU) for bytes that no SKU can have; a refusal of the whole call,
  // such as UNKNOWN_CHANNEL, is told to everybody in it. DEADLINE_EXCEEDED after `timeout`: the hub
  // may still be asked, nobody waits any more.
  absl::StatusOr<v1::Availability> Get(const std::string& sku, absl::Duration timeout);

 private:
  using Answer = absl::StatusOr<v1::Availability>;
  // One caller's place; it is gone when the caller has left.
  struct Seat {
    absl::Mutex mu;
    bool answered ABSL_GUARDED_BY(mu) = false;
    Answer answer ABSL_GUARDED_BY(mu) = absl::UnknownError("");
  };
  struct Question {
    std::string sku;
    std::shared_ptr<Seat> seat;
  };
  // Who wants to know about a SKU: the hub is asked once.
  using Seats = absl::flat_hash_map<std::string, std::vector<std::shared_ptr<Seat>>>;

  void Run();
  // The questions of the next call; empty when this object ends.
  std::vector<Question> TakeNext() ABSL_LOCKS_EXCLUDED(mu_);
  void Ask(const std::vector<Question>& questions);
  static void Tell(const std::vector<std::shared_ptr<Seat>>& seats, const Answer& answer);

  Connection* const hub_;
  const std::string channel_id_;
  const std::string location_id_;

  absl::Mutex mu_;
  std::deque<Question> waiting_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_AVAILABILITY_BATCHER_H_
