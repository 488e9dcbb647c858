// Where an agent's rows come from: a drop folder, a till's table, standard input.
// The intake thread owns the calls: one at a time, never concurrently. Sync may call Seek, but only
// while intake is paused.
#ifndef ONHAND_CLIENTS_AGENT_SOURCE_H_
#define ONHAND_CLIENTS_AGENT_SOURCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/files/rows.h"
#include "onhand/v1/report.pb.h"

namespace onhand::agent {

// What one look at a source found.
struct Chunk {
  // Movements, snapshot parts and known_through; input_position says where the source stands after
  // them. sequence and rolling_hash are the spool's to fill in.
  v1::Batch news;
  std::vector<files::RejectedRow> rejected;
  // When the look began. With nothing_left it proves that everything up to then was told.
  absl::Time looked_at = absl::InfinitePast();
  // All that is there now has been returned by this or earlier chunks.
  bool nothing_left = false;
  // Nothing will ever come again.
  bool ended = false;
};

class Source {
 public:
  virtual ~Source() = default;

  // Whether rows after a position can be read again. If not, rows that the hub never acknowledged
  // live in the spool alone.
  virtual bool rereads() const = 0;

  // Continues after `position`; empty: from the beginning. False: the position belongs to a history
  // that this source does not recognize, so the spool's own unacknowledged rows must be kept.
  // INVALID_ARGUMENT: it was made by another kind of source.
  virtual absl::StatusOr<bool> Seek(const std::string& position) = 0;

  // At most `rows_max` rows; waits up to `wait` for the first one. A negative `wait` asks, before
  // the agent ends, only for rows that nobody could read again, because they already left the
  // outside world. An error is worth another try later.
  virtual absl::StatusOr<Chunk> Read(int rows_max, absl::Duration wait) = 0;

  // Everything that Read returned is durable in the spool.
  virtual absl::Status Taken() = 0;
};

// Advances the batch's known_through of `location_id` to `at`; an earlier moment changes nothing.
void AdvanceKnownThrough(v1::Batch& batch, const std::string& location_id, absl::Time at);

// Whether a batch says more than a heartbeat could.
bool HasRows(const v1::Batch& batch);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SOURCE_H_
