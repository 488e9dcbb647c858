// The way from a source into the spool: reads while the spool has room, stores, then lets the
// source move its files. Owned by main. Start, Pause, Resume and Stop are called by one thread
// (sync's); the rest by any.
#ifndef ONHAND_CLIENTS_AGENT_INTAKE_H_
#define ONHAND_CLIENTS_AGENT_INTAKE_H_

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/agent/bell.h"
#include "clients/agent/source.h"
#include "clients/agent/spool.h"

namespace onhand::agent {

class Intake {
 public:
  struct Options {
    std::vector<std::string> locations;
    int batch_rows_max = 1000;
    // How long one look at the source may wait.
    absl::Duration wait = absl::Milliseconds(200);
    // After an error of the source or the spool.
    absl::Duration retry = absl::Seconds(2);
    // A look that found nothing left proves that everything older than this was told; nullopt: it
    // proves nothing.
    std::optional<absl::Duration> proof_of_life;
  };

  // Rings `bell` whenever there is something new to send.
  Intake(Source* source, Spool* spool, Bell* bell, Options options);
  // Stops.
  ~Intake();

  // Reads from where the source stands. To be called once.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);
  // Returns when no read is under way. Rows of a source that can be read again are dropped if the
  // spool does not take them; others wait for Resume. The caller may then Seek the source.
  void Pause() ABSL_LOCKS_EXCLUDED(mu_);
  void Resume() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the reading for good; what was read from a source without re-read is stored even past the
  // spool's bound.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  void set_batch_rows_max(int rows) ABSL_LOCKS_EXCLUDED(mu_);

  // Everything that the source has now is in the spool. Stays true only until the next rows are
  // found.
  bool told_everything() const ABSL_LOCKS_EXCLUDED(mu_);
  // The source will never have more, and all of it is in the spool.
  bool ended() const ABSL_LOCKS_EXCLUDED(mu_);

  // Up to when the source has told everything, once every batch in the spool up to `sequence` is
  // sent: empty if batches follow it.
  std::vector<v1::KnownThrough> KnownThroughAt(uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  bool WaitForTurn() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Step() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Store(Chunk& chunk) ABSL_LOCKS_EXCLUDED(mu_);
  // Stores what was taken in and cannot be read again.
  void StoreTheRest() ABSL_LOCKS_EXCLUDED(mu_);
  void AddProofOfLife(Chunk& chunk) const;
  void Rest(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

  Source* const source_;
  Spool* const spool_;
  Bell* const bell_;
  const Options options_;
  std::thread thread_;
  // Read, not yet stored. The intake thread's, or while paused the caller's.
  std::optional<Chunk> pending_;

  mutable absl::Mutex mu_;
  bool pausing_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool at_rest_ ABSL_GUARDED_BY(mu_) = true;
  int batch_rows_max_ ABSL_GUARDED_BY(mu_);
  bool told_everything_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  // Newest of every location; known_after_ is the last batch that was stored before it was learned.
  v1::Batch known_ ABSL_GUARDED_BY(mu_);
  uint64_t known_after_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_INTAKE_H_
