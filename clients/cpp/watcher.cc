#include "clients/cpp/watcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/timestamp.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_stream.h"

namespace onhand::client {

// One call of Watch, read by the watcher's thread. A queue of its own lets a read end in time where
// a blocking one would wait for as long as the hub is silent.
class Watcher::Stream {
 public:
  Stream(v1::WatchService::Stub* stub, const v1::WatchRequest& request) {
    // While no hub is there the call waits for one: only so gRPC connects as soon as it can.
    context_.set_wait_for_ready(true);
    reader_ = stub->AsyncWatch(&context_, request, &queue_, nullptr);
  }
  ~Stream() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // False: the stream has ended, or `silence_max` has passed.
  bool Read(v1::WatchResponse* response, absl::Duration silence_max) {
    const absl::Time deadline = absl::Now() + silence_max;
    if (!open_) {
      open_ = true;
      if (!Await(deadline)) return false;
    }
    reader_->Read(response, nullptr);
    return Await(deadline);
  }

  // Why it ended. Precondition: Read has returned false.
  absl::Status End() {
    grpc::Status status;
    reader_->Finish(&status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    if (silent_) return absl::UnavailableError("the hub says nothing");
    if (status.ok()) return absl::UnavailableError("the hub ended the stream");
    return StatusFromGrpc(status);
  }

  // From any thread; Read then returns false.
  void Cancel() { context_.TryCancel(); }

 private:
  bool Await(absl::Time deadline) {
    void* tag = nullptr;
    bool ok = false;
    const auto next = queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(deadline));
    if (next == grpc::CompletionQueue::GOT_EVENT) return ok;
    silent_ = true;
    context_.TryCancel();
    queue_.Next(&tag, &ok);  // a cancelled operation comes back at once
    return false;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::WatchResponse>> reader_;
  bool open_ = false;
  bool silent_ = false;
};

namespace {

// The hub cannot go on from the token: nothing but everything tells what was missed.
bool NeedsEverything(const absl::Status& ended) {
  const std::string reason = RefusalOf(ended).reason;
  return reason == "RESUME_TOO_OLD" || reason == "RESUME_OTHER_JOURNAL" ||
         reason == "INVALID_RESUME_TOKEN";
}

}  // namespace

Watcher::Watcher(Connection* hub, WatchListener* listener, WatcherOptions options)
    : options_(std::move(options)),
      stub_(v1::WatchService::NewStub(hub->channel())),
      listener_(listener),
      backoff_(options_.first_backoff, options_.backoff_max),
      anew_(options_.watch.initial()),
      token_(options_.watch.resume_token()) {
  state_.since = absl::Now();
  thread_ = std::thread([this] { Run(); });
}

Watcher::~Watcher() { Stop(); }

void Watcher::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }
  if (thread_.joinable()) thread_.join();
}

WatchState Watcher::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

std::string Watcher::resume_token() const {
  absl::MutexLock lock(&mu_);
  return token_;
}

void Watcher::Run() {
  do {
    Prepare(ReadStream());
  } while (Wait(backoff_.Next()));
}

v1::WatchRequest Watcher::NextRequest() {
  v1::WatchRequest request = options_.watch;
  absl::MutexLock lock(&mu_);
  request.set_initial(anew_);
  request.set_resume_token(anew_ ? "" : token_);
  return request;
}

absl::Status Watcher::ReadStream() {
  const v1::WatchRequest request = NextRequest();
  Stream stream(stub_.get(), request);
  {
    absl::MutexLock lock(&mu_);
    stream_ = &stream;
    if (stopping_) stream.Cancel();
  }
  began_ = !request.initial();
  telling_ = request.initial();
  v1::WatchResponse response;
  while (stream.Read(&response, options_.silence_max)) Take(response);
  const absl::Status ended = stream.End();
  absl::MutexLock lock(&mu_);
  stream_ = nullptr;
  return ended;
}

void Watcher::Take(const v1::WatchResponse& response) {
  heard_at_ = absl::Now();
  if (!began_) {
    began_ = true;
    listener_->OnAnew();
  }
  if (telling_ && !response.initial()) {
    telling_ = false;
    anew_ = false;
    listener_->OnComplete();
  }
  const absl::Time as_of = FromProto(response.as_of());
  for (const v1::Availability& answer : response.changes()) {
    listener_->OnAnswer(answer, as_of, response.initial());
  }
  // Only a stream whose everything was told to the end can be gone on with.
  if (telling_) return;
  backoff_.Reset();
  bool was_live;
  {
    absl::MutexLock lock(&mu_);
    token_ = response.resume_token();
    state_.as_of = as_of;
    was_live = state_.phase == WatchPhase::kLive;
  }
  listener_->OnProgress(as_of);
  if (!was_live) Enter(WatchPhase::kLive, heard_at_, absl::OkStatus());
}

void Watcher::Prepare(const absl::Status& ended) {
  if (NeedsEverything(ended)) anew_ = true;
  const WatchState before = state();
  switch (before.phase) {
    case WatchPhase::kLive:
      Enter(WatchPhase::kStale, heard_at_, ended);
      break;
    case WatchPhase::kConnecting:
    case WatchPhase::kStale:
      Enter(before.phase, before.since, ended);
      break;
  }
}

void Watcher::Enter(WatchPhase phase, absl::Time since, const absl::Status& problem) {
  WatchState entered;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    state_.phase = phase;
    state_.since = since;
    state_.problem = problem;
    entered = state_;
  }
  listener_->OnState(entered);
}

bool Watcher::Wait(absl::Duration wait) {
  absl::MutexLock lock(&mu_);
  return !mu_.AwaitWithTimeout(absl::Condition(&stopping_), wait);
}

}  // namespace onhand::client
