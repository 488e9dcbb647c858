#include "server/rpc/report_stream.h"

#include <algorithm>
#include <utility>

#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/rpc/gate.h"
#include "server/rpc/status.h"

namespace onhand::rpc {
namespace {

// An ack with every problem of eight batches could pass what a client takes; the rest comes with
// the next.
constexpr int kProblemsAWriteMax = 1'000;

google::protobuf::ArenaOptions MessageMemory() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 1 << 10;
  options.max_block_size = 1 << 18;
  return options;
}

absl::Status HelloMisplaced(bool missing) {
  return ledger::Refuse(
      absl::StatusCode::kInvalidArgument,
      {.reason = "INVALID_HELLO",
       .field = "hello",
       .problem = missing ? "is missing: the first message was another" : "was sent twice",
       .remedy = "send Hello once, as the first message of a stream"});
}

const Permission* PermissionToReport() {
  static const Permission* const permission =
      FindPermission(MethodTaking(v1::ReportRequest::descriptor()));
  return permission;
}

absl::Status Stopping() {
  return ledger::Refuse(absl::StatusCode::kUnavailable, {.reason = "STOPPING",
                                                         .problem = "the hub is about to stop",
                                                         .remedy = "reconnect in a moment"});
}

}  // namespace

absl::Status CheckBatchBytes(const v1::Batch& batch) {
  const size_t bytes = batch.ByteSizeLong();
  if (bytes <= kBatchBytesMax) return absl::OkStatus();
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = "BATCH_TOO_LARGE",
                         .field = "batch",
                         .value = absl::StrCat(bytes, " bytes"),
                         .problem = "is too large",
                         .remedy = absl::StrCat("send at most ", kBatchBytesMax, " bytes")});
}

v1::Welcome WelcomeOf(const ledger::OpenedSource& opened, const hub::ClockScale& scale) {
  v1::Welcome welcome;
  welcome.set_durable_sequence(opened.durable_sequence);
  welcome.set_rolling_hash(opened.rolling_hash);
  welcome.set_input_position(opened.input_position);
  welcome.set_last_spool_id(opened.last_spool_id);
  *welcome.mutable_hub_time() = ledger::TimestampOf(opened.now_us);
  welcome.set_batches_in_flight_max(kBatchesInFlightMax);
  welcome.set_batch_rows_max(ledger::kBatchRowsMax);
  welcome.set_clock_correction_us(opened.clock_correction_us);
  if (scale.factor != 1) {
    welcome.mutable_scaled_clock()->set_scale(scale.factor);
    welcome.mutable_scaled_clock()->set_began_at_us(scale.began_us);
  }
  return welcome;
}

ReportStream::Slot::Slot() : arena(MessageMemory()) {}

ReportStream::ReportStream(hub::Hub* hub, OpenStreams* streams, CallQueue* queue,
                           CallBook::Method* page, Service* service)
    : hub_(hub),
      streams_(streams),
      queue_(queue),
      page_(page),
      service_(service),
      stream_(&context_),
      heard_at_(std::chrono::steady_clock::now()) {}

void ReportStream::Wait() {
  self_ = shared_from_this();
  queue_->Enter();
  context_.AsyncNotifyWhenDone(&over_event_);
  service_->RequestReport(&context_, &stream_, queue_->get(), queue_->get(), &opened_event_);
}

void ReportStream::OnOpened(bool ok) {
  if (!ok) {  // the server shuts down; no other event comes
    queue_->Leave();
    self_.reset();
    return;
  }
  std::make_shared<ReportStream>(hub_, streams_, queue_, page_, service_)->Wait();
  begun_ = queue_->book()->Begin(page_);
  {
    absl::MutexLock lock(&mutex_);
    ++open_events_;  // that the call is over
    heard_at_ = std::chrono::steady_clock::now();
  }
  if (!streams_->Add(self_)) End(Stopping());
  if (absl::Status entered = Enter(); !entered.ok()) End(std::move(entered));
  Act();
}

absl::Status ReportStream::Enter() {
  Gate* const gate = queue_->gate();
  if (gate == nullptr) return absl::OkStatus();
  absl::StatusOr<Caller> caller =
      gate->Enter(PermissionToReport(), context_, CallLimits::Kind::kStream);
  if (!caller.ok()) return caller.status();
  caller_ = *std::move(caller);
  gate->Enlist(caller_.principal, self_);
  return absl::OkStatus();
}

absl::Status ReportStream::MayReport(const v1::ReportRequest& hello) const {
  if (queue_->gate() == nullptr) return absl::OkStatus();
  return queue_->gate()->Check(PermissionToReport(), caller_.principal, hello);
}

void ReportStream::End(absl::Status status) {
  {
    absl::MutexLock lock(&mutex_);
    EndLocked(std::move(status));
  }
  Act();
}

void ReportStream::EndLocked(absl::Status status) {
  if (ending_) return;
  ending_ = true;
  end_status_ = std::move(status);
}

void ReportStream::Drain(uint32_t reconnect_after_ms) {
  {
    absl::MutexLock lock(&mutex_);
    drain_ms_ = reconnect_after_ms;
  }
  Act();
}

void ReportStream::EndIfIdle(std::chrono::steady_clock::duration idle_after) {
  {
    absl::MutexLock lock(&mutex_);
    if (!reading_ || std::chrono::steady_clock::now() - heard_at_ < idle_after) return;
    // An ending that still waits is held up by an agent that reads nothing.
    if (ending_) cancel_wanted_ = true;
    EndLocked(ledger::Refuse(absl::StatusCode::kDeadlineExceeded,
                             {.reason = "IDLE",
                              .problem = "nothing was heard on this stream for too long",
                              .remedy = "send a heartbeat every 15 s; reconnect"}));
  }
  Act();
}

void ReportStream::OnRead(bool ok) {
  Slot* slot = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
    slot = std::exchange(listening_, nullptr);
    heard_at_ = std::chrono::steady_clock::now();
    if (!ok) closed_by_agent_ = true;
    if (!ok || ending_ || cancelled_) {
      slot->taken = false;
      slot = nullptr;
    }
    // Until the message is handed to the hub, no other is read, so that batches keep their order
    // whichever thread acts; and the stream does not finish without its answer.
    if (slot != nullptr) ++under_way_;
    reading_ = slot != nullptr;
  }
  if (slot != nullptr) {
    TakeMessage(slot);
    absl::MutexLock lock(&mutex_);
    --under_way_;
    reading_ = false;
  }
  ActAndLeave();
}

void ReportStream::TakeMessage(Slot* slot) {
  absl::Status wrong;
  switch (slot->message->message_case()) {
    case v1::ReportRequest::kHello:
      return TakeHello(slot);
    case v1::ReportRequest::kBatch:
      if (source_ != 0) return TakeBatch(slot);
      wrong = HelloMisplaced(/*missing=*/true);
      break;
    case v1::ReportRequest::kHeartbeat:
      if (source_ != 0) {
        hub_->SubmitHeartbeat(source_, slot->message->heartbeat(), clock_correction_us_);
      } else {
        wrong = HelloMisplaced(/*missing=*/true);
      }
      break;
    case v1::ReportRequest::MESSAGE_NOT_SET:
      wrong = ledger::Refuse(absl::StatusCode::kInvalidArgument,
                             {.reason = "INVALID_MESSAGE",
                              .field = "message",
                              .problem = "is empty or of a kind that this hub does not know",
                              .remedy = "send hello, batch or heartbeat"});
      break;
  }
  absl::MutexLock lock(&mutex_);
  slot->taken = false;
  if (!wrong.ok()) EndLocked(std::move(wrong));
}

void ReportStream::TakeHello(Slot* slot) {
  {
    absl::MutexLock lock(&mutex_);
    if (said_hello_) {
      slot->taken = false;
      return EndLocked(HelloMisplaced(/*missing=*/false));
    }
    said_hello_ = true;
    ++under_way_;
  }
  if (absl::Status may = MayReport(*slot->message); !may.ok()) {
    absl::MutexLock lock(&mutex_);
    slot->taken = false;
    --under_way_;
    return EndLocked(std::move(may));
  }
  hub_->OpenSource(slot->message->hello(),
                   [self = shared_from_this(), slot](absl::StatusOr<ledger::OpenedSource> opened) {
                     self->Opened(slot, std::move(opened));
                   });
}

void ReportStream::Opened(Slot* slot, absl::StatusOr<ledger::OpenedSource> opened) {
  if (opened.ok()) streams_->TakeOver(opened->source, this);
  {
    absl::MutexLock lock(&mutex_);
    slot->taken = false;
    if (opened.ok()) {
      source_ = opened->source;
      spool_ = opened->spool;
      clock_correction_us_ = opened->clock_correction_us;
      opened_ = true;
      welcome_ = WelcomeOf(*opened, hub_->clock_scale());
    } else {
      EndLocked(opened.status());
    }
    --under_way_;
  }
  Act();
}

void ReportStream::TakeBatch(Slot* slot) {
  absl::Status too_large = CheckBatchBytes(slot->message->batch());
  {
    absl::MutexLock lock(&mutex_);
    if (!too_large.ok()) {
      slot->taken = false;
      return EndLocked(std::move(too_large));
    }
    ++under_way_;
  }
  hub_->SubmitReport(
      {.source = source_,
       .spool = spool_,
       .clock_correction_us = clock_correction_us_,
       .batch = &slot->message->batch(),
       .done = [self = shared_from_this(), slot](absl::StatusOr<hub::ReportResult> result) {
         self->Reported(slot, std::move(result));
       }});
}

void ReportStream::Reported(Slot* slot, absl::StatusOr<hub::ReportResult> result) {
  {
    absl::MutexLock lock(&mutex_);
    slot->taken = false;
    if (result.ok()) {
      ack_due_ = true;
      durable_sequence_ = std::max(durable_sequence_, result->decision.durable_sequence);
      durable_revision_ = std::max(durable_revision_, result->revision);
      for (v1::RowProblem& problem : result->decision.problems)
        *problems_.Add() = std::move(problem);
    } else {
      EndLocked(result.status());
    }
    --under_way_;
  }
  Act();
}

void ReportStream::OnWritten(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
    writing_ = false;
    if (!ok) cancelled_ = true;
  }
  ActAndLeave();
}

// After Finish, or because the agent or its connection is gone.
void ReportStream::OnOver(bool) {
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
    cancelled_ = true;
  }
  ActAndLeave();
}

void ReportStream::OnFinished(bool) {
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
  }
  ActAndLeave();
}

void ReportStream::ActAndLeave() {
  Act();
  {
    absl::MutexLock lock(&mutex_);
    if (!finished_ || open_events_ > 0) return;
  }
  const std::shared_ptr<ReportStream> self = std::move(self_);
  streams_->Remove(this);
  queue_->Leave();
}

void ReportStream::Act() {
  // Between Finish and the end of this function, the polling thread may let go.
  const std::shared_ptr<ReportStream> self = shared_from_this();
  mutex_.Lock();
  if (acting_) {
    act_again_ = true;
    return mutex_.Unlock();
  }
  acting_ = true;
  for (;;) {
    act_again_ = false;
    const Step step = NextStep();
    if (step == Step::kNone && !act_again_) break;
    if (step == Step::kRead || step == Step::kWrite || step == Step::kFinish) ++open_events_;
    const absl::Status end_status = step == Step::kFinish ? end_status_ : absl::OkStatus();
    v1::ReportRequest* const message = step == Step::kRead ? listening_->message : nullptr;
    mutex_.Unlock();
    if (step == Step::kRead) stream_.Read(message, &read_event_);
    if (step == Step::kWrite) stream_.Write(out_, &written_event_);
    if (step == Step::kCancel) context_.TryCancel();
    if (step == Step::kFinish) {
      queue_->book()->End(begun_, static_cast<grpc::StatusCode>(end_status.code()), context_,
                          nullptr, caller_.principal.name);
      stream_.Finish(EndOf(context_, end_status), &finished_event_);
    }
    mutex_.Lock();
  }
  acting_ = false;
  mutex_.Unlock();
}

ReportStream::Step ReportStream::NextStep() {
  if (finished_) return Step::kNone;
  if (cancel_wanted_) {
    cancel_wanted_ = false;
    cancelled_ = true;
    return Step::kCancel;
  }
  if (!writing_ && !cancelled_ && FillOut()) {
    writing_ = true;
    return Step::kWrite;
  }
  const bool over = ending_ || cancelled_ || closed_by_agent_;
  if (over) {
    if (under_way_ > 0 || writing_) return Step::kNone;
    finished_ = true;
    if (cancelled_ && !ending_) end_status_ = absl::CancelledError("the stream was cancelled");
    return Step::kFinish;
  }
  // While Hello is being answered the agent cannot know from where to send.
  if (reading_ || (said_hello_ && !opened_)) return Step::kNone;
  listening_ = FreeSlot();
  if (listening_ == nullptr) return Step::kNone;
  reading_ = true;
  heard_at_ = std::chrono::steady_clock::now();
  return Step::kRead;
}

// Welcome comes first, then what is durable, then the request to go.
bool ReportStream::FillOut() {
  out_.Clear();
  if (welcome_.has_value()) {
    *out_.mutable_welcome() = *std::move(welcome_);
    welcome_.reset();
    return true;
  }
  if (ack_due_) {
    v1::Ack& ack = *out_.mutable_ack();
    ack.set_durable_sequence(durable_sequence_);
    ack.set_revision(durable_revision_);
    const int count = std::min(problems_.size(), kProblemsAWriteMax);
    for (int i = 0; i < count; ++i) *ack.add_problems() = std::move(*problems_.Mutable(i));
    problems_.DeleteSubrange(0, count);
    ack_due_ = !problems_.empty();
    return true;
  }
  if (drain_ms_.has_value() && opened_) {
    out_.mutable_drain()->set_reconnect_after_ms(*drain_ms_);
    drain_ms_.reset();
    return true;
  }
  return false;
}

ReportStream::Slot* ReportStream::FreeSlot() {
  Slot* free = nullptr;
  for (std::unique_ptr<Slot>& slot : slots_) {
    if (slot == nullptr) {
      if (free != nullptr) break;
      slot = std::make_unique<Slot>();
    }
    if (slot->taken) continue;
    // All of them, so that a stream that has fallen quiet keeps no batch of its busy time.
    if (slot->message != nullptr) slot->arena.Reset();
    slot->message = nullptr;
    if (free == nullptr) free = slot.get();
  }
  if (free == nullptr) return nullptr;
  free->taken = true;
  free->message = google::protobuf::Arena::CreateMessage<v1::ReportRequest>(&free->arena);
  return free;
}

}  // namespace onhand::rpc
