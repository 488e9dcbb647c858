// One agent's Report stream, as a reactor: no thread of its own, at most 8 batches under way, one
// write in flight.
//
// Lifetime: Begin() makes it hold itself; OnDone(), which gRPC calls when Finish() and every
// started operation are over, lets go. Finish() is only called when no batch is under way at the
// hub, so the hub's callbacks always find it alive. After a cancellation, at whatever moment, it
// reads and writes nothing more and finishes the same way. Callbacks come from gRPC's threads and
// from the sequencer's; End, Drain and EndIfIdle from any.
#ifndef ONHAND_SERVER_RPC_REPORT_STREAM_H_
#define ONHAND_SERVER_RPC_REPORT_STREAM_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/support/server_callback.h"
#include "onhand/v1/report.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/open_streams.h"

namespace onhand::rpc {

// How many batches a source may have unacknowledged.
inline constexpr int kBatchesInFlightMax = 8;

// How large a batch may be, on the wire. Messages are read up to four times that, so that a batch
// that is too large is told so in the hub's own words and not in gRPC's.
inline constexpr size_t kBatchBytesMax = 4 << 20;

// INVALID_ARGUMENT (BATCH_TOO_LARGE) if it has more bytes.
absl::Status CheckBatchBytes(const v1::Batch& batch);

// What Hello is answered with.
v1::Welcome WelcomeOf(const ledger::OpenedSource& opened);

class ReportStream final : public grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>,
                           public std::enable_shared_from_this<ReportStream> {
 public:
  ReportStream(hub::Hub* hub, OpenStreams* streams, grpc::CallbackServerContext* context);

  // Enlists the stream and starts to listen. Called once, by the handler that returns it to gRPC.
  void Begin();

  // Ends the stream when the batches under way are answered; the first status given stands.
  void End(absl::Status status);
  // Asks the agent to close and come back later.
  void Drain(uint32_t reconnect_after_ms);
  // Ends it with IDLE if nothing was heard for so long although it listens.
  void EndIfIdle(std::chrono::steady_clock::duration idle_after);

 private:
  // A message, and the memory of all that is in it. Taken from reading until its batch is answered.
  struct Slot {
    Slot();
    google::protobuf::Arena arena;
    v1::ReportRequest* message = nullptr;
    bool taken = false;
  };
  enum class Step { kNone, kRead, kWrite, kCancel, kFinish };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void TakeMessage(Slot* slot);
  void TakeHello(Slot* slot);
  void TakeBatch(Slot* slot);
  void Opened(Slot* slot, absl::StatusOr<ledger::OpenedSource> opened);
  void Reported(Slot* slot, absl::StatusOr<hub::ReportResult> result);
  void EndLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Does what is to be done next until there is nothing. Operations are started by one thread at a
  // time and without the lock; a thread that finds another at work leaves its news to it.
  void Act();
  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FillOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slot* FreeSlot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  hub::Hub* const hub_;
  OpenStreams* const streams_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<ReportStream> self_;  // from Begin to OnDone

  // Set once, before any batch is read.
  uint32_t source_ = 0;
  uint32_t spool_ = 0;
  int64_t clock_correction_us_ = 0;

  absl::Mutex mutex_;
  bool acting_ ABSL_GUARDED_BY(mutex_) = false;
  bool act_again_ ABSL_GUARDED_BY(mutex_) = false;

  // What is open at gRPC and at the hub.
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;  // Hello and batches at the hub
  std::array<std::unique_ptr<Slot>, kBatchesInFlightMax> slots_ ABSL_GUARDED_BY(mutex_);
  Slot* listening_ ABSL_GUARDED_BY(mutex_) = nullptr;  // the slot that is read into
  std::chrono::steady_clock::time_point heard_at_ ABSL_GUARDED_BY(mutex_);

  // How far the conversation is.
  bool said_hello_ ABSL_GUARDED_BY(mutex_) = false;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_by_agent_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);

  // What waits to be written.
  std::optional<v1::Welcome> welcome_ ABSL_GUARDED_BY(mutex_);
  std::optional<uint32_t> drain_ms_ ABSL_GUARDED_BY(mutex_);
  bool ack_due_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t durable_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t durable_revision_ ABSL_GUARDED_BY(mutex_) = 0;
  google::protobuf::RepeatedPtrField<v1::RowProblem> problems_ ABSL_GUARDED_BY(mutex_);

  v1::ReportResponse out_;  // belongs to the write in flight
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_REPORT_STREAM_H_
