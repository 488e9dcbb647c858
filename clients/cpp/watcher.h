// Keeps a Watch stream open for as long as the program wants to hear of changes: opens it, goes on
// by token after any cut, and has everything told anew where the hub cannot go on. A stream on
// which nothing comes, not even a mark of progress, counts as cut. Owned by the program, beside the
// connection. It runs one thread of its own, on which it calls its listener; any other thread may
// ask for its state and stop it.
#ifndef ONHAND_CLIENTS_CPP_WATCHER_H_
#define ONHAND_CLIENTS_CPP_WATCHER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/connection.h"
#include "onhand/v1/watch.grpc.pb.h"

namespace onhand::client {

enum class WatchPhase {
  kConnecting,  // never live so far
  kLive,        // every change is told as it happens
  kStale,       // was live; what was told since may be outdated
};

struct WatchState {
  WatchPhase phase = WatchPhase::kConnecting;
  // By this machine's clock: when the phase began. STALE: when the stream was last heard.
  absl::Time since;
  // The ledger's time up to which every change has been told; InfinitePast before the first.
  absl::Time as_of = absl::InfinitePast();
  // Why the last stream ended; OK if none did. A refusal such as UNKNOWN_CHANNEL keeps coming back
  // until somebody mends it: here or at the hub.
  absl::Status problem;
};

// What a program does with the news. Calls come one at a time, on the watcher's thread, which reads
// nothing meanwhile: a listener that blocks for long falls behind.
class WatchListener {
 public:
  virtual ~WatchListener() = default;

  // An answer that changed, in the order of the item's revisions and once; only after a cut one
  // that is as it was may be told again, and after a restart of the hub all. `as_of` is the
  // ledger's time of telling. `initial`: told as it stands, between OnAnew and OnComplete.
  virtual void OnAnswer(const v1::Availability& answer, absl::Time as_of, bool initial) = 0;
  // Everything is told from here on, because that was asked for or because the hub could not go on
  // where the stream was cut. May come again before OnComplete.
  virtual void OnAnew() {}
  // Everything has been told as it stands: an item that was not is not in the filter any more.
  virtual void OnComplete() {}
  // Every change up to `as_of` has been told.
  virtual void OnProgress(absl::Time as_of) { static_cast<void>(as_of); }
  virtual void OnState(const WatchState& state) { static_cast<void>(state); }
};

struct WatcherOptions {
  // The filter, and whether everything is told first (`initial`) or where an earlier watch goes on
  // (`resume_token`).
  v1::WatchRequest watch;
  absl::Duration first_backoff = absl::Milliseconds(100);
  absl::Duration backoff_max = absl::Seconds(5);
  // The hub marks its progress every 5 s.
  absl::Duration silence_max = absl::Seconds(15);
};

class Watcher {
 public:
  // Starts at once. `hub` and `listener` outlive this.
  Watcher(Connection* hub, WatchListener* listener, WatcherOptions options);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Ends the stream and the thread; after it the listener is not called any more. Returns as soon
  // as a call to the listener that is under way does. Never from the listener.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  WatchState state() const ABSL_LOCKS_EXCLUDED(mu_);
  // From the last response whose news the listener has heard; empty before the first. A program may
  // keep it and give it to the next Watcher.
  std::string resume_token() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Stream;

  void Run();
  v1::WatchRequest NextRequest();
  // Reads one stream to its end and says why it ended.
  absl::Status ReadStream();
  void Take(const v1::WatchResponse& response);
  // After a stream's end: what the next one asks for.
  void Prepare(const absl::Status& ended);
  void Enter(WatchPhase phase, absl::Time since, const absl::Status& problem)
      ABSL_LOCKS_EXCLUDED(mu_);
  // False if it was stopped meanwhile.
  bool Wait(absl::Duration wait) ABSL_LOCKS_EXCLUDED(mu_);

  const WatcherOptions options_;
  const std::unique_ptr<v1::WatchService::Stub> stub_;
  WatchListener* const listener_;

  // Below: the thread's own.
  Backoff backoff_;
  bool anew_;             // the next stream asks for everything
  bool began_ = false;    // of this stream: OnAnew was called, or is not due
  bool telling_ = false;  // of this stream: everything is being told
  absl::Time heard_at_ = absl::InfinitePast();

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::string token_ ABSL_GUARDED_BY(mu_);
  WatchState state_ ABSL_GUARDED_BY(mu_);
  Stream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;  // the one being read

  std::thread thread_;
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_WATCHER_H_
