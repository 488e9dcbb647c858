// One agent's Report stream on the call queue: no thread of its own, at most 8 batches under way,
// one write in flight.
//
// Lifetime: Wait() makes it hold itself until gRPC has told of the end of the call and of all that
// was started on it, the polling thread being the one that lets go. Finish is only started when no
// batch is under way at the hub, whose callbacks hold it as well. After a cancellation, at whatever
// moment, it reads and writes nothing more and finishes the same way. Events come from the polling
// thread, answers from the sequencer's; End, Drain and EndIfIdle may be called by any.
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
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "onhand/v1/report.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/gate.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/permissions.h"

namespace onhand::rpc {

// How many batches a source may have unacknowledged.
inline constexpr int kBatchesInFlightMax = 8;

// How large a batch may be, on the wire. Messages are read up to four times that, so that a batch
// that is too large is told so in the hub's own words and not in gRPC's.
inline constexpr size_t kBatchBytesMax = 4 << 20;

// INVALID_ARGUMENT (BATCH_TOO_LARGE) if it has more bytes.
absl::Status CheckBatchBytes(const v1::Batch& batch);

// What Hello is answered with.
v1::Welcome WelcomeOf(const ledger::OpenedSource& opened, const hub::ClockScale& scale);

class ReportStream final : public std::enable_shared_from_this<ReportStream> {
 public:
  using Service = v1::ReportService::AsyncService;

  // All outlive the stream; `page` is of the queue's book.
  ReportStream(hub::Hub* hub, OpenStreams* streams, CallQueue* queue, CallBook::Method* page,
               Service* service);

  // Waits for an agent to call; then another stream waits, and this one is enlisted and listens.
  // Called once.
  void Wait();

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

  using Event = CallQueue::EventOf<ReportStream>;

  void OnOpened(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);
  void OnOver(bool ok);

  // Who calls, if he may call now. Errors: as Gate::Enter.
  absl::Status Enter();
  // Whether its token lets it report as this Hello says.
  absl::Status MayReport(const v1::ReportRequest& hello) const;

  void TakeMessage(Slot* slot);
  void TakeHello(Slot* slot);
  void TakeBatch(Slot* slot);
  void Opened(Slot* slot, absl::StatusOr<ledger::OpenedSource> opened);
  void Reported(Slot* slot, absl::StatusOr<hub::ReportResult> result);
  void EndLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Does what is to be done next until there is nothing. Operations are started by one thread at a
  // time and without the lock; a thread that finds another at work leaves its news to it.
  void Act();
  // The same at the end of an event; leaves the queue if that was the last.
  void ActAndLeave();
  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FillOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slot* FreeSlot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  hub::Hub* const hub_;
  OpenStreams* const streams_;
  CallQueue* const queue_;
  CallBook::Method* const page_;
  Service* const service_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<v1::ReportResponse, v1::ReportRequest> stream_;
  Event opened_event_{this, &ReportStream::OnOpened};
  Event read_event_{this, &ReportStream::OnRead};
  Event written_event_{this, &ReportStream::OnWritten};
  Event finished_event_{this, &ReportStream::OnFinished};
  Event over_event_{this, &ReportStream::OnOver};
  std::shared_ptr<ReportStream> self_;  // the polling thread's

  CallBook::Begun begun_;  // set when it is called
  Caller caller_;          // set before any message is read; nobody where no token is asked for

  // Set once, before any batch is read.
  uint32_t source_ = 0;
  uint32_t spool_ = 0;
  int64_t clock_correction_us_ = 0;

  absl::Mutex mutex_;
  bool acting_ ABSL_GUARDED_BY(mutex_) = false;
  bool act_again_ ABSL_GUARDED_BY(mutex_) = false;

  // What is open at gRPC and at the hub.
  int open_events_ ABSL_GUARDED_BY(mutex_) = 0;  // that gRPC has still to tell
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
