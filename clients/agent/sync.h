// The way from the spool to the hub: one Report stream at a time, for as long as the agent lives.
// Owned by main; Run belongs to one thread, Stop may be called by any.
//
// A spool and a hub agree when the hub's durable sequence is in the spool with the same rolling
// hash and the next one is there to send; before the first batch, when the hub is where the spool
// began. If not (the spool was rolled back or copied; the hub was restored), a new spool_id begins
// at the hub's input position, and what follows it is read from the source again. Rows that only
// the spool has, because their source cannot be read again or does not know the hub's position, are
// carried over; which of them the hub already has is asked by submitting them once more under the
// old spool_id, where the same content is ALREADY_APPLIED and other content SEQUENCE_REUSED. Only a
// spool that the hub has closed (SPOOL_ENDED: a copy of it went on) cannot be asked about: its
// unacknowledged rows are then carried over with a warning, since a sale too many promises less,
// and a sale too few more than there is.
#ifndef ONHAND_CLIENTS_AGENT_SYNC_H_
#define ONHAND_CLIENTS_AGENT_SYNC_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/agent/bell.h"
#include "clients/agent/intake.h"
#include "clients/agent/link.h"
#include "clients/agent/source.h"
#include "clients/agent/spool.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/token_file.h"
#include "grpcpp/security/credentials.h"
#include "onhand/v1/report.grpc.pb.h"

namespace onhand::agent {

// Why Run returned.
enum class SyncEnd {
  // Stopped, or everything there was is acknowledged.
  kDone,
  // A newer Hello of this source: a person must see which agent is the right one.
  kTakenOver,
  // The hub or the source will not have it this way; the configuration must change.
  kRefused,
};

struct SyncResult {
  SyncEnd end = SyncEnd::kDone;
  std::string message;
};

class Sync {
 public:
  struct Options {
    // HOST:PORT.
    std::string hub;
    std::shared_ptr<grpc::ChannelCredentials> credentials;
    // Shown with every call; null: none.
    std::shared_ptr<client::TokenFile> token;
    // Follow no redirect to another machine: the token would be shown to the network.
    bool stays_on_this_machine = false;
    // All but spool_id and sent_at.
    v1::Hello hello;
    // Return when everything that the source has now is acknowledged.
    bool once = false;
    absl::Duration heartbeat = absl::Seconds(15);
    // For the hub's Welcome, and for a single call.
    absl::Duration answer = absl::Seconds(15);
    // Without a word while batches are unacknowledged.
    absl::Duration silence = absl::Seconds(120);
    // For the last acknowledgements when the stream is being closed.
    absl::Duration farewell = absl::Seconds(5);
    absl::Duration backoff_first = absl::Milliseconds(250);
    absl::Duration backoff_max = absl::Seconds(60);
  };

  Sync(Options options, Source* source, Spool* spool, Intake* intake, Bell* bell);

  // Starts the intake, and stops it before it returns.
  SyncResult Run();
  void Stop();

 private:
  // What one stream came to.
  struct Talk {
    // Set: Run shall return it.
    std::optional<SyncResult> result;
    // The hub has said when to come back.
    std::optional<absl::Duration> come_back_after;
    absl::Status error;
  };
  enum class Agreement { kAgreed, kRenewed };

  absl::Status StartIntakeAt(const std::string& position);
  Talk Converse();
  absl::StatusOr<v1::Welcome> Greet(Link& link);
  absl::Status AdoptClock(const v1::Welcome& welcome);
  // The batch as this hub is to see it. Errors as Spool::Get.
  absl::StatusOr<v1::Batch> BatchForHub(uint64_t sequence) const;
  absl::StatusOr<Agreement> Agree(const v1::Welcome& welcome);
  absl::StatusOr<bool> SpoolContinues(const v1::Welcome& welcome);
  absl::Status Renew(const v1::Welcome& welcome);
  absl::StatusOr<std::optional<uint64_t>> FirstUnknownToHub(uint64_t durable_sequence);
  Talk Exchange(Link& link, const v1::Welcome& welcome);
  void SendNext(Link& link, uint64_t in_flight_max, bool only_known);
  absl::Status Hear(const v1::ReportResponse& response, Talk& talk);
  absl::Status HearAck(const v1::Ack& ack);
  void SayFarewell(Link& link);
  Talk AfterEnd(const grpc::Status& status);
  bool EverythingAcknowledged() const;
  void StayAway(absl::Duration duration);
  void Connect(const std::string& address);
  // As the file has it now; empty: none is shown.
  std::string Token() const;
  v1::Hello MakeHello() const;

  const Options options_;
  Source* const source_;
  Spool* const spool_;
  Intake* const intake_;
  Bell* const bell_;
  std::atomic<bool> stopping_{false};

  std::string address_;
  // Where the hub has sent this source; taken up with the next stream.
  // Goes where it was sent, if it may.
  void FollowRedirect();

  std::optional<std::string> redirected_to_;
  int failures_in_a_row_ = 0;
  std::unique_ptr<v1::ReportService::Stub> stub_;
  client::Backoff backoff_;
  bool intake_started_ = false;
  bool must_renew_ = false;
  // Says Hello in place of a spool_id that the hub has closed, until the spool is renewed.
  std::optional<std::string> stand_in_spool_id_;
  int batch_rows_max_ = 0;

  // Of the stream that stands.
  std::optional<v1::ScaledClock> hub_clock_;  // unset: the hub's is the wall clock
  uint64_t next_sequence_ = 1;
  absl::Time last_sent_;
  absl::Time last_heard_;
  absl::Time last_saved_;
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SYNC_H_
