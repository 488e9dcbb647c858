// The way to the gRPC server from within its process, without a socket. Owned by the server; any
// thread may call until the server is gone.
#ifndef ONHAND_SERVER_RPC_IN_PROCESS_H_
#define ONHAND_SERVER_RPC_IN_PROCESS_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"

namespace onhand::rpc {

class InProcess {
 public:
  // Calls `make` with the channel, to make a call on it; Leave follows when that has ended. False:
  // the server shuts down, and nothing was done.
  bool Make(absl::FunctionRef<void(const std::shared_ptr<grpc::Channel>&)> make) {
    absl::ReaderMutexLock lock(&mutex_);
    if (channel_ == nullptr) return false;
    ++calls_;
    make(channel_);
    return true;
  }
  void Leave() {
    absl::MutexLock lock(&mutex_);
    --calls_;
  }

  void Open(std::shared_ptr<grpc::Channel> channel) {
    absl::MutexLock lock(&mutex_);
    channel_ = std::move(channel);
  }
  // Before the server's shutdown: gRPC 1.51 jumps to address 0 when a call is made on the channel
  // of a server that was shut down, and calls under way are cut off by it whatever its deadline.
  // Waits so long for those to end.
  void Close(absl::Duration wait) {
    const auto none = [this] { return calls_ == 0; };
    absl::MutexLock lock(&mutex_);
    channel_ = nullptr;
    mutex_.AwaitWithTimeout(absl::Condition(&none), wait);
  }

 private:
  absl::Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> calls_{0};  // it falls under the lock, so that Close sees it
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_IN_PROCESS_H_
