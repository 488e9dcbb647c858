// The one completion queue of the gRPC port. One thread polls it and does short work inline; a
// second one does what would hold up the hot reads, and polls nothing: gRPC hands events from
// thread to thread as soon as two of them poll. Owned by the server, which calls Open before gRPC's
// server is built, Start after, and Join after its shutdown.
#ifndef ONHAND_SERVER_RPC_CALL_QUEUE_H_
#define ONHAND_SERVER_RPC_CALL_QUEUE_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_builder.h"

namespace onhand::rpc {

class CallBook;
class Gate;

class CallQueue {
 public:
  // What was asked of gRPC, as a tag. Outlives its happening.
  class Event {
   public:
    // It is over, well or not; the polling thread.
    virtual void Happened(bool ok) = 0;

   protected:
    ~Event() = default;
  };

  // An event that is a member of the object it happens to.
  template <class Owner>
  class EventOf final : public Event {
   public:
    EventOf(Owner* owner, void (Owner::*happened)(bool)) : owner_(owner), happened_(happened) {}
    void Happened(bool ok) override { (owner_->*happened_)(ok); }

   private:
    Owner* const owner_;
    void (Owner::*const happened_)(bool);
  };

  CallQueue() = default;
  ~CallQueue();

  void Open(grpc::ServerBuilder* builder);
  // Asked before every call; null, as at first: every call is let in. Before the first calls wait;
  // outlives the queue.
  void SetGate(Gate* gate) { gate_ = gate; }
  Gate* gate() const { return gate_; }
  // Where calls are noted. Before the first calls wait; outlives the queue.
  void SetBook(CallBook* book) { book_ = book; }
  CallBook* book() const { return book_; }
  // Once the first calls wait. With a pause the thread looks at the queue so often and does not
  // wait in it: for what may take a moment and must not take events from another queue's thread.
  void Start(absl::Duration pause = absl::ZeroDuration());
  // Waits until every call has left, and closes the queue. Also after a server that could not be
  // built.
  void Join();

  grpc::ServerCompletionQueue* get() { return queue_.get(); }

  // A call that has events to come is counted: asking a closed queue for anything aborts. The
  // polling thread; before Start the one that calls it.
  void Enter() { ++live_calls_; }
  void Leave() { --live_calls_; }

  // Does it on the second thread, in turn. Callers bound what they hand over.
  void DoAside(std::function<void()> work);

 private:
  void Poll();
  // The next event; false: the queue is closed.
  bool Next(void** tag, bool* ok);
  void WorkAside();

  Gate* gate_ = nullptr;
  CallBook* book_ = nullptr;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  int live_calls_ = 0;
  absl::Duration pause_;
  std::thread poller_;

  absl::Mutex mutex_;
  std::deque<std::function<void()>> aside_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread worker_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_CALL_QUEUE_H_
