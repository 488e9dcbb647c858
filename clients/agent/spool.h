// The agent's durable memory between a source and the hub: batches in order, each under a sequence
// and a rolling hash, with the source's position stored in the same transaction. Owned by main;
// intake appends, sync reads and acknowledges. All methods may be called by any thread.
//
// Rolling hash of a batch: XXH64 of its serialized bytes without rolling_hash, seeded with the hash
// before it (0 before the first); 1 where that is 0, since the hub reads 0 as 'none'.
#ifndef ONHAND_CLIENTS_AGENT_SPOOL_H_
#define ONHAND_CLIENTS_AGENT_SPOOL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/agent/source.h"
#include "clients/agent/spool_database.h"
#include "onhand/v1/report.pb.h"

namespace onhand::agent {

using Clock = std::function<absl::Time()>;

struct SpoolState {
  std::string spool_id;
  std::string source_id;
  // Whether a hub ever answered this spool. Until then a source that can be read again is not read:
  // what the hub already has of it is not known.
  bool met_hub = false;
  uint64_t last_sequence = 0;
  uint64_t acked_sequence = 0;
  absl::Time acked_at = absl::InfinitePast();
  // The source's position before the first batch.
  std::string base_position;
  // The source's position after the last batch; base_position if there is none.
  std::string input_position;
  // Why the agent waits for a person; empty if it does not.
  std::string stopped;
  std::string last_error;
  absl::Time last_error_at = absl::InfinitePast();
};

class Spool {
 public:
  struct Options {
    std::string path;
    std::string source_id;
    // Of stored batches.
    int64_t bytes_max = int64_t{1} << 30;
    absl::Duration keep_acked = absl::Hours(24);
    Clock clock = [] { return absl::Now(); };
  };

  // Makes the spool, with a new random spool_id, if there is none. FAILED_PRECONDITION: another
  // agent uses it, or it belongs to another source.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(Options options);
  ~Spool();

  SpoolState state() const ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the next batch may be appended. The bound counts acknowledged batches only until they
  // are in the way.
  bool HasRoom() ABSL_LOCKS_EXCLUDED(mu_);

  // Stores the batch under the next sequence, with its position and what was rejected on the way,
  // in one transaction. The last batch may pass the bound. RESOURCE_EXHAUSTED: the disk is full.
  absl::Status Append(v1::Batch batch, const std::vector<files::RejectedRow>& rejected)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Rows that the hub quarantined, for the list.
  absl::Status List(const std::vector<files::RejectedRow>& rejected) ABSL_LOCKS_EXCLUDED(mu_);

  // NOT_FOUND: not (or no longer) here.
  absl::StatusOr<v1::Batch> Get(uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mu_);

  // The rolling hash at `sequence`; 0 at 0, nullopt if unknown.
  absl::StatusOr<std::optional<uint64_t>> HashAt(uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mu_);

  // The most rows of any batch after `sequence`.
  absl::StatusOr<int64_t> RowsMaxAfter(uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mu_);

  // What the hub has; also backwards, when a hub was restored from a backup. Durable at the latest
  // with the next append or SaveAcknowledged: a lost acknowledgement is told again by the next
  // Welcome.
  absl::Status Acknowledge(uint64_t sequence) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes acknowledgements durable and drops what is acknowledged for longer than keep_acked.
  absl::Status SaveAcknowledged() ABSL_LOCKS_EXCLUDED(mu_);

  // A hub answered for the first time: the source is read from `input_position`.
  absl::Status MeetHub(const std::string& input_position) ABSL_LOCKS_EXCLUDED(mu_);

  // Starts a new history with a new spool_id at `input_position`. Batches from `carry_from` on are
  // kept, under new sequences and cut into batches of at most `rows_max` rows; nullopt: none.
  absl::Status Renew(const std::string& input_position, std::optional<uint64_t> carry_from,
                     int rows_max) ABSL_LOCKS_EXCLUDED(mu_);

  // For `status`. An empty text clears.
  absl::Status NoteError(const std::string& error) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status SetStopped(const std::string& reason) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Spool(Options options, std::unique_ptr<SpoolDatabase> database, int lock);
  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Create() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Inserts under `sequence` after `hash_before`; returns the new hash.
  absl::StatusOr<uint64_t> Insert(v1::Batch& batch, uint64_t sequence, uint64_t hash_before)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status InsertRejected(const std::vector<files::RejectedRow>& rejected)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WriteAcknowledged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Deletes acknowledged batches but the last one, whose hash the hub compares: those older than
  // keep_acked, and the oldest ones while `over_bytes` bytes are not freed.
  absl::Status Prune(int64_t over_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::optional<uint64_t>> HashOf(uint64_t sequence) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<v1::Batch> Load(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  // Held for the process's life, so that two agents never share a spool.
  const int lock_;
  mutable absl::Mutex mu_;
  std::unique_ptr<SpoolDatabase> database_ ABSL_GUARDED_BY(mu_) ABSL_PT_GUARDED_BY(mu_);
  SpoolState state_ ABSL_GUARDED_BY(mu_);
  uint64_t last_hash_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t acked_hash_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool acked_unsaved_ ABSL_GUARDED_BY(mu_) = false;
};

// Cuts a batch into batches of at most `rows_max` rows. Only the last one carries the input
// position and known_through.
std::vector<v1::Batch> CutBatch(const v1::Batch& batch, int rows_max);

// A random id of 128 bits, as 32 hexadecimal digits.
std::string RandomId();

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SPOOL_H_
