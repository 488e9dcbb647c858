// The stories that the demo tells, one after the other on its own thread. Each scene does something
// in the stores, waits until the hub says what it should, and shows the command with which anybody
// can see it, with its real output.
#ifndef ONHAND_TESTS_DEMO_SCENES_H_
#define ONHAND_TESTS_DEMO_SCENES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/connection.h"
#include "onhand/v1/availability.pb.h"
#include "onhand/v1/types.pb.h"
#include "tests/demo/narrator.h"
#include "tests/demo/probe.h"
#include "tests/demo/stage.h"
#include "tests/demo/tills.h"

namespace onhand::demo {

class Scenes {
 public:
  struct Options {
    Stage* stage = nullptr;
    Tills* tills = nullptr;
    Probe* probe = nullptr;
    Narrator* narrator = nullptr;
    int64_t speed = 1;  // seconds of the chain that pass in one
    bool once = false;  // otherwise again and again with a pause between two scenes
  };

  // Plays until Stop.
  explicit Scenes(const Options& options);
  // Stops.
  ~Scenes();

  // The agent that a scene has started ends with it.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // All scenes have been told at least once.
  bool played() const { return played_; }
  // The first thing that did not happen as told.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr char kShip[] = "web-ship";
  static constexpr char kPickup[] = "web-pickup";

  void Run();
  // CANCELLED once it is stopped.
  absl::Status PlayAll();
  // scenes_stores.cc
  absl::Status ItHides();
  absl::Status ABasketIsHeld();
  absl::Status ZeroMeansWhatTheRuleSays();
  absl::Status AStoreFallsSilent();
  absl::Status ABrokenFileIsCaught();
  // scenes_rules.cc
  absl::Status TwoUnitsVanish();
  absl::Status PutBackWhatVanished(size_t store, size_t good);
  absl::Status TheNumberGrows();
  absl::Status ARuleIsTried();
  absl::Status TryTheCautiousRule();
  absl::Status TheyAreCounted();

  // `chain_hours`: how much of the chain's time it may take beside the machine's.
  absl::Status WaitUntil(const std::string& what, const std::function<bool()>& happened,
                         absl::Duration chain_hours = absl::ZeroDuration());
  bool Rest(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);  // false: stopped
  // The explained answer; an empty one if the hub does not give it. `location_id` empty: the chain.
  v1::Availability Ask(const std::string& sku, const std::string& channel_id,
                       const std::string& location_id);
  absl::Status WaitForStatus(const std::string& sku, v1::AvailabilityStatus status);
  // Types a command and shows it with its output.
  absl::Status Show(const std::string& command);
  bool EqualsTheTill(size_t store);
  // Whether the hub lists the vanished units to be counted.
  bool IsDoubted();

  Stage* const stage_;
  Tills* const tills_;
  Probe* const probe_;
  Narrator* const narrator_;
  const int64_t speed_;
  const bool once_;
  client::Connection hub_;
  std::atomic<bool> played_{false};
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

// Whether the hub's numbers of a store are those of its till, good by good.
bool HubEqualsTill(client::Connection& hub, const Tills& tills, size_t store);

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_SCENES_H_
