// A hub in the test's own process: it takes reports with the identity rules of the real one and
// keeps every row it applied. Owned by a test; all methods may be called by any thread.
#ifndef ONHAND_CLIENTS_AGENT_FAKE_HUB_H_
#define ONHAND_CLIENTS_AGENT_FAKE_HUB_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"
#include "onhand/v1/report.grpc.pb.h"

namespace onhand::agent {

class FakeHub {
 public:
  FakeHub();
  ~FakeHub();

  std::string address() const;

  // What is durable stays; streams break.
  void Stop();
  void Start();

  // Every movement applied, in order.
  std::vector<v1::Movement> movements() const ABSL_LOCKS_EXCLUDED(mu_);
  // Units of a SKU over all movements, signs as sent.
  int64_t Units(const std::string& sku) const ABSL_LOCKS_EXCLUDED(mu_);
  // The rows of the last whole snapshot of a location.
  std::map<std::string, int64_t> Snapshot(const std::string& location) const
      ABSL_LOCKS_EXCLUDED(mu_);
  bool snapshot_complete(const std::string& location) const ABSL_LOCKS_EXCLUDED(mu_);
  // The newest known_through of a location, 0 if none; of batches and heartbeats.
  int64_t KnownThrough(const std::string& location) const ABSL_LOCKS_EXCLUDED(mu_);
  // What the last heartbeat said of a location; 0 if nothing.
  int64_t HeartbeatOf(const std::string& location) const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t durable_sequence() const ABSL_LOCKS_EXCLUDED(mu_);
  std::set<std::string> spool_ids() const ABSL_LOCKS_EXCLUDED(mu_);
  int hellos() const ABSL_LOCKS_EXCLUDED(mu_);

  // The next `count` batches are applied, and instead of their acknowledgement the stream breaks.
  void LoseAcks(int count) ABSL_LOCKS_EXCLUDED(mu_);
  // The next stream is told to come back after this time, once it has been welcomed.
  void DrainNext(absl::Duration after) ABSL_LOCKS_EXCLUDED(mu_);
  void set_batch_rows_max(uint32_t rows) ABSL_LOCKS_EXCLUDED(mu_);
  // Welcomes with this clock from now on; what it is told must be on it.
  void set_scaled_clock(const v1::ScaledClock& clock) ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets the newest `count` sequences, as a hub restored from a backup.
  void ForgetNewest(uint64_t count) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Service;
  class Stream;
  struct Applied {
    uint64_t rolling_hash = 0;
    std::string input_position;
    size_t movements = 0;
  };
  struct Decision {
    grpc::Status status;
    bool already_applied = false;
    bool lose_ack = false;
  };

  v1::Welcome Open(const v1::Hello& hello, grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  Decision Apply(const std::string& spool_id, const v1::Batch& batch) ABSL_LOCKS_EXCLUDED(mu_);
  void Know(const google::protobuf::RepeatedPtrField<v1::KnownThrough>& known)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  int port_ = 0;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;

  mutable absl::Mutex mu_;
  std::string spool_id_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> ended_spools_ ABSL_GUARDED_BY(mu_);
  std::vector<Applied> applied_ ABSL_GUARDED_BY(mu_);  // of spool_id_, sequence 1 first
  std::string input_position_ ABSL_GUARDED_BY(mu_);
  std::string last_spool_id_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Movement> movements_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::map<std::string, int64_t>> staged_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::map<std::string, int64_t>> snapshots_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, bool> complete_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> known_ ABSL_GUARDED_BY(mu_);
  v1::Heartbeat heartbeat_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Stream> newest_ ABSL_GUARDED_BY(mu_);
  int hellos_ ABSL_GUARDED_BY(mu_) = 0;
  int lose_acks_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration drain_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  uint32_t batch_rows_max_ ABSL_GUARDED_BY(mu_) = 10'000;
  std::optional<v1::ScaledClock> scaled_clock_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_FAKE_HUB_H_
