#include "server/rpc/call_queue.h"

#include <utility>

#include "absl/time/clock.h"
#include "grpc/support/time.h"

namespace onhand::rpc {

CallQueue::~CallQueue() { Join(); }

void CallQueue::Open(grpc::ServerBuilder* builder) { queue_ = builder->AddCompletionQueue(); }

void CallQueue::Start(absl::Duration pause) {
  pause_ = pause;
  poller_ = std::thread([this] { Poll(); });
  worker_ = std::thread([this] { WorkAside(); });
}

void CallQueue::Join() {
  if (queue_ == nullptr) return;
  if (poller_.joinable()) poller_.join();
  if (worker_.joinable()) {
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    worker_.join();
  }
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
  }
  queue_.reset();
}

void CallQueue::DoAside(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  aside_.push_back(std::move(work));
}

void CallQueue::Poll() {
  void* tag = nullptr;
  bool ok = false;
  // A server that shuts down fails what waits for a call, and answers what has one; then all leave.
  while (live_calls_ > 0 && Next(&tag, &ok)) static_cast<Event*>(tag)->Happened(ok);
}

bool CallQueue::Next(void** tag, bool* ok) {
  if (pause_ == absl::ZeroDuration()) return queue_->Next(tag, ok);
  for (;;) {
    const auto next = queue_->AsyncNext(tag, ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
    if (next != grpc::CompletionQueue::TIMEOUT) return next == grpc::CompletionQueue::GOT_EVENT;
    absl::SleepFor(pause_);
  }
}

void CallQueue::WorkAside() {
  const auto due = [this]()
                       ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closing_ || !aside_.empty(); };
  for (;;) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&due));
      if (aside_.empty()) return;
      work = std::move(aside_.front());
      aside_.pop_front();
    }
    work();
  }
}

}  // namespace onhand::rpc
