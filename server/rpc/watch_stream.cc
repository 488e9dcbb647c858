#include "server/rpc/watch_stream.h"

#include <utility>

#include "server/rpc/status.h"

namespace onhand::rpc {

WatchStream::WatchStream(hub::Watch* watch, CallQueue* queue, CallBook::Method* page,
                         Service* service)
    : watch_(watch), queue_(queue), page_(page), service_(service), writer_(&context_) {}

void WatchStream::Wait() {
  self_ = shared_from_this();
  queue_->Enter();
  context_.AsyncNotifyWhenDone(&over_event_);
  service_->RequestWatch(&context_, &request_, &writer_, queue_->get(), queue_->get(),
                         &opened_event_);
}

void WatchStream::OnOpened(bool ok) {
  if (!ok) {  // the server shuts down; no other event comes
    queue_->Leave();
    self_.reset();
    return;
  }
  std::make_shared<WatchStream>(watch_, queue_, page_, service_)->Wait();
  begun_ = queue_->book()->Begin(page_);
  {
    absl::MutexLock lock(&mutex_);
    ++open_events_;  // that the call is over
  }
  // Thousands of SKUs may have to be looked up.
  queue_->DoAside([self = self_] { self->OpenWatch(); });
}

absl::StatusOr<uint64_t> WatchStream::Open() {
  static const Permission* const permission =
      FindPermission(MethodTaking(v1::WatchRequest::descriptor()));
  if (Gate* const gate = queue_->gate(); gate != nullptr) {
    absl::StatusOr<Caller> caller = gate->Enter(permission, context_, CallLimits::Kind::kStream);
    if (!caller.ok()) return caller.status();
    caller_ = *std::move(caller);
    const absl::Status may = gate->Check(permission, caller_.principal, request_);
    if (!may.ok()) return may;
    gate->Enlist(caller_.principal, shared_from_this());
  }
  return watch_->Open(request_, shared_from_this());
}

void WatchStream::OpenWatch() {
  const absl::StatusOr<uint64_t> watcher = Open();
  bool over = false;
  {
    absl::MutexLock lock(&mutex_);
    opening_ = false;
    if (watcher.ok()) {
      watcher_ = *watcher;
    } else {
      ended_ = true;
      end_status_ = watcher.status();
    }
    over = over_;
  }
  if (watcher.ok() && over) watch_->Close(*watcher);
  Act();
}

void WatchStream::Tell(uint64_t, v1::WatchResponse response) {
  {
    absl::MutexLock lock(&mutex_);
    next_ = std::move(response);
    told_ = true;
  }
  Act();
}

void WatchStream::End(const absl::Status& why) {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    ended_ = true;
    end_status_ = why;
  }
  Act();
}

void WatchStream::OnWritten(bool ok) {
  uint64_t watcher = 0;
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
    writing_ = false;
    if (!ok) over_ = true;
    watcher = watcher_;
  }
  if (ok && watcher != 0) watch_->Took(watcher);
  ActAndLeave();
}

// After Finish, or because the watcher or its connection is gone.
void WatchStream::OnOver(bool) {
  uint64_t watcher = 0;
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
    over_ = true;
    watcher = watcher_;
  }
  if (watcher != 0) watch_->Close(watcher);
  ActAndLeave();
}

void WatchStream::OnFinished(bool) {
  {
    absl::MutexLock lock(&mutex_);
    --open_events_;
  }
  ActAndLeave();
}

void WatchStream::Act() {
  // Between Finish and the end of this function, the polling thread may let go.
  const std::shared_ptr<WatchStream> self = shared_from_this();
  absl::Status status;
  bool finish = false;
  {
    absl::MutexLock lock(&mutex_);
    if (finished_ || writing_ || opening_) return;
    finish = over_ || (ended_ && !told_);
    if (!finish && !told_) return;
    if (finish) {
      finished_ = true;
      status = ended_ ? end_status_ : absl::CancelledError("the stream was cancelled");
    } else {
      out_ = std::move(next_);
      told_ = false;
      writing_ = true;
    }
    ++open_events_;
  }
  // Nothing else is started until the event of this has come.
  if (finish) {
    queue_->book()->End(begun_, static_cast<grpc::StatusCode>(status.code()), context_, &request_,
                        caller_.principal.name);
    writer_.Finish(EndOf(context_, status), &finished_event_);
  } else {
    writer_.Write(out_, &written_event_);
  }
}

void WatchStream::ActAndLeave() {
  Act();
  {
    absl::MutexLock lock(&mutex_);
    if (!finished_ || open_events_ > 0) return;
  }
  const std::shared_ptr<WatchStream> self = std::move(self_);
  queue_->Leave();
}

}  // namespace onhand::rpc
