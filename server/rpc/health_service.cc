#include "server/rpc/health_service.h"

#include <functional>
#include <optional>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "server/ledger/refusal.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One caller who watches: told the state now and after each change, with one write in flight.
//
// Lifetime: Wait() makes it hold itself until gRPC has told of the end of the call and of all that
// was started on it; the polling thread lets go. Act may be called from any thread.
class HealthService::Watch final : public std::enable_shared_from_this<Watch> {
 public:
  // Both outlive the watch.
  Watch(HealthService* owner, CallQueue* queue)
      : owner_(owner), queue_(queue), writer_(&context_) {}

  void Wait() {
    self_ = shared_from_this();
    queue_->Enter();
    context_.AsyncNotifyWhenDone(&over_event_);
    owner_->service_.RequestWatch(&context_, &request_, &writer_, queue_->get(), queue_->get(),
                                  &opened_event_);
  }

  // Tells what has changed, or ends.
  void Act() {
    const std::shared_ptr<Watch> self = shared_from_this();
    bool finish = false;
    ServingStatus status = HealthCheckResponse::UNKNOWN;
    {
      absl::MutexLock lock(&mutex_);
      if (finished_ || writing_) return;
      finish = over_ || owner_->ended();
      if (finish) {
        finished_ = true;
      } else {
        status = owner_->StatusOf(request_.service());
        if (told_ == status) return;
        told_ = status;
        writing_ = true;
      }
      ++open_events_;
    }
    // Nothing else is started until the event of this has come.
    if (finish) {
      writer_.Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the hub is about to stop"),
                     &finished_event_);
    } else {
      response_.set_status(status);
      writer_.Write(response_, &written_event_);
    }
  }

 private:
  using Event = CallQueue::EventOf<Watch>;

  void OnOpened(bool ok) {
    if (!ok) {  // the server shuts down; no other event comes
      queue_->Leave();
      self_.reset();
      return;
    }
    std::make_shared<Watch>(owner_, queue_)->Wait();
    {
      absl::MutexLock lock(&mutex_);
      ++open_events_;  // that the call is over
    }
    {
      absl::MutexLock lock(&owner_->mutex_);
      owner_->watches_.insert(self_);
    }
    Act();
  }
  void OnWritten(bool ok) { Take(/*over=*/!ok, /*written=*/true); }
  void OnFinished(bool) { Take(/*over=*/true, /*written=*/false); }
  void OnOver(bool) { Take(/*over=*/true, /*written=*/false); }

  void Take(bool over, bool written) {
    {
      absl::MutexLock lock(&mutex_);
      --open_events_;
      if (over) over_ = true;
      if (written) writing_ = false;
    }
    Act();
    {
      absl::MutexLock lock(&mutex_);
      if (!finished_ || open_events_ > 0) return;
    }
    const std::shared_ptr<Watch> self = std::move(self_);
    {
      absl::MutexLock lock(&owner_->mutex_);
      owner_->watches_.erase(self);
    }
    queue_->Leave();
  }

  HealthService* const owner_;
  CallQueue* const queue_;
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_;
  Event opened_event_{this, &Watch::OnOpened};
  Event written_event_{this, &Watch::OnWritten};
  Event finished_event_{this, &Watch::OnFinished};
  Event over_event_{this, &Watch::OnOver};
  std::shared_ptr<Watch> self_;   // the polling thread's
  HealthCheckResponse response_;  // belongs to the write in flight

  absl::Mutex mutex_;
  int open_events_ ABSL_GUARDED_BY(mutex_) = 0;  // that gRPC has still to tell
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<ServingStatus> told_ ABSL_GUARDED_BY(mutex_);
};

HealthService::HealthService(std::vector<std::string> services,
                             std::vector<std::string> always_served)
    : services_(services.begin(), services.end()),
      always_served_(always_served.begin(), always_served.end()) {}

HealthService::~HealthService() = default;

void HealthService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestCheck, std::bind_front(&HealthService::Check, this),
             Where::kInline);
  std::make_shared<Watch>(this, queue)->Wait();
}

void HealthService::SetServing(bool serving) {
  {
    absl::MutexLock lock(&mutex_);
    serving_ = serving;
  }
  ActAll();
}

void HealthService::EndWatches() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  ActAll();
}

absl::Status HealthService::Check(const HealthCheckRequest& request,
                                  HealthCheckResponse* response) {
  response->set_status(StatusOf(request.service()));
  if (response->status() != HealthCheckResponse::SERVICE_UNKNOWN) return absl::OkStatus();
  return ledger::Refuse(absl::StatusCode::kNotFound,
                        {.reason = "UNKNOWN_SERVICE",
                         .field = "service",
                         .value = request.service(),
                         .problem = "is not a service of this hub",
                         .remedy = "leave it empty, or give a full name such as "
                                   "onhand.v1.AvailabilityService"});
}

HealthService::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (always_served_.contains(service)) return HealthCheckResponse::SERVING;
  if (!service.empty() && !services_.contains(service)) return HealthCheckResponse::SERVICE_UNKNOWN;
  absl::MutexLock lock(&mutex_);
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

bool HealthService::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

void HealthService::ActAll() {
  std::vector<std::shared_ptr<Watch>> watches;
  {
    absl::MutexLock lock(&mutex_);
    watches.assign(watches_.begin(), watches_.end());
  }
  for (const std::shared_ptr<Watch>& watch : watches) watch->Act();
}

}  // namespace onhand::rpc
