// Delivers one webhook: a watcher inside the hub, whose reader is the receiver. Messages go one
// after the other, each until it is taken; what changes meanwhile is kept by the watch, an item
// once. Owned by the sender; has a thread of its own.
#ifndef ONHAND_SERVER_HOOKS_COURIER_H_
#define ONHAND_SERVER_HOOKS_COURIER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "onhand/journal/v1/journal.pb.h"
#include "onhand/v1/watch.pb.h"
#include "server/hooks/post.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/hub/watch.h"

namespace onhand::hooks {

struct SenderOptions {
  PostOptions post;
  // Between attempts: so long at first, then twice as long each time up to the most, give or take a
  // fifth. The specification's example waits 5 minutes from the third attempt on; an answer about
  // stock is not worth much by then.
  std::chrono::milliseconds retry_first{5'000};
  std::chrono::milliseconds retry_most{3'600'000};
  // A webhook whose every attempt failed for so long is disabled.
  std::chrono::seconds disable_after{5 * 86'400};
  // How far a webhook is goes to the journal this often at most.
  std::chrono::milliseconds keep_every{1'000};
};

// The headers of a delivery at a moment.
std::vector<std::pair<std::string, std::string>> HeadersOf(absl::string_view secret,
                                                           const std::string& id,
                                                           const std::string& body);
// The body of an event; `data` is a JSON object.
std::string BodyOf(absl::string_view type, absl::string_view data);
// A name for a delivery that no other has.
std::string NewDeliveryId();

class Courier {
 public:
  // Hub, watch and clock outlive it. Goes on from `delivered`.
  Courier(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, journal::v1::WebhookSet set,
          journal::v1::WebhookDelivered delivered, const SenderOptions* options);
  // Breaks off what is under way.
  ~Courier();

  const journal::v1::WebhookSet& set() const { return set_; }

 private:
  class Inlet;

  void Run();
  // The request that the webhook stands for, with the token.
  v1::WatchRequest Request() const;
  // Delivers what the watch tells until it ends, or the courier stops.
  absl::Status Follow(Inlet& inlet, uint64_t watcher);
  // True if it stops.
  bool Listen(Inlet* inlet);
  void TakeEnd(const absl::Status& end);
  // Until it is taken; false: it stops before, or is disabled.
  bool Deliver(absl::string_view type, absl::string_view data);
  Posted Attempt(const std::string& id, const std::string& body);
  void NoteFailure(const Posted& posted);
  // Keeps how far it is, at most so often unless `now`.
  void Keep(bool now);
  absl::Duration UntilKept() const;
  // True if it stops meanwhile.
  bool Wait(std::chrono::milliseconds time);
  bool stopping();

  hub::Hub* const hub_;
  hub::Watch* const watch_;
  hub::Clock* const clock_;
  const journal::v1::WebhookSet set_;
  const SenderOptions* const options_;

  // The thread's.
  journal::v1::WebhookDelivered delivered_;
  bool unkept_ = false;  // delivered_ is not in the journal as it is
  std::chrono::steady_clock::time_point kept_at_;
  bool owes_resync_ = false;
  std::mt19937_64 random_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Post* under_way_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Inlet* listening_ ABSL_GUARDED_BY(mutex_) = nullptr;

  std::thread thread_;
};

}  // namespace onhand::hooks

#endif  // ONHAND_SERVER_HOOKS_COURIER_H_
