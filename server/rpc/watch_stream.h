// One watcher's stream on the call queue: no thread of its own, one write in flight; while it is,
// what changes is kept by the hub's watch, an item once.
//
// Lifetime: Wait() makes it hold itself until gRPC has told of the end of the call and of all that
// was started on it, the polling thread being the one that lets go; the watch holds it as its
// reader until it is closed there. After a cancellation it writes nothing more and finishes. Events
// come from the polling thread, what is told from the watch's.
#ifndef ONHAND_SERVER_RPC_WATCH_STREAM_H_
#define ONHAND_SERVER_RPC_WATCH_STREAM_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "onhand/v1/watch.grpc.pb.h"
#include "server/hub/watch.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/gate.h"

namespace onhand::rpc {

class WatchStream final : public hub::WatchReader,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  using Service = v1::WatchService::AsyncService;

  // All outlive the stream; `page` is of the queue's book.
  WatchStream(hub::Watch* watch, CallQueue* queue, CallBook::Method* page, Service* service);

  // Waits for a watcher to call; then another stream waits, and this one opens its watch. Called
  // once.
  void Wait();

  void Tell(uint64_t watcher, v1::WatchResponse response) override;
  void End(const absl::Status& why) override;

 private:
  using Event = CallQueue::EventOf<WatchStream>;

  void OnOpened(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);
  void OnOver(bool ok);

  void OpenWatch();
  // If the caller may watch. Errors: as Gate::Enter, Gate::Check and hub::Watch::Open.
  absl::StatusOr<uint64_t> Open();
  // Writes what waits, or finishes; nothing while another operation is under way.
  void Act();
  // The same at the end of an event; leaves the queue if that was the last.
  void ActAndLeave();

  hub::Watch* const watch_;
  CallQueue* const queue_;
  CallBook::Method* const page_;
  Service* const service_;
  grpc::ServerContext context_;
  v1::WatchRequest request_;
  grpc::ServerAsyncWriter<v1::WatchResponse> writer_;
  Event opened_event_{this, &WatchStream::OnOpened};
  Event written_event_{this, &WatchStream::OnWritten};
  Event finished_event_{this, &WatchStream::OnFinished};
  Event over_event_{this, &WatchStream::OnOver};
  std::shared_ptr<WatchStream> self_;  // the polling thread's
  v1::WatchResponse out_;              // belongs to the write in flight
  CallBook::Begun begun_;              // set when it is called
  Caller caller_;                      // set before the watch is opened

  absl::Mutex mutex_;
  int open_events_ ABSL_GUARDED_BY(mutex_) = 0;  // that gRPC has still to tell
  bool opening_ ABSL_GUARDED_BY(mutex_) = true;  // the watch has not said yet whether it takes it
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool told_ ABSL_GUARDED_BY(mutex_) = false;  // next_ waits to be written
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t watcher_ ABSL_GUARDED_BY(mutex_) = 0;  // at the watch; 0: not opened
  v1::WatchResponse next_ ABSL_GUARDED_BY(mutex_);
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_WATCH_STREAM_H_
