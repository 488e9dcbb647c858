// The way to the gRPC server from within its process, without a socket. Owned by the server; any
// thread may call until the server is gone.
#ifndef ONHAND_SERVER_RPC_IN_PROCESS_H_
#define ONHAND_SERVER_RPC_IN_PROCESS_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/channel.h"

namespace onhand::rpc {

class InProcess {
 public:
  // Calls `make` with the channel, to make a call on it; a call that was made may go on as long as
  // it likes. False: the server shuts down, and nothing was done.
  bool Make(absl::FunctionRef<void(const std::shared_ptr<grpc::Channel>&)> make) {
    absl::ReaderMutexLock lock(&mutex_);
    if (channel_ == nullptr) return false;
    make(channel_);
    return true;
  }

  void Open(std::shared_ptr<grpc::Channel> channel) {
    absl::MutexLock lock(&mutex_);
    channel_ = std::move(channel);
  }
  // Before the server's shutdown: gRPC 1.51 jumps to address 0 when a call is made on the channel
  // of a server that was shut down.
  void Close() {
    absl::MutexLock lock(&mutex_);
    channel_ = nullptr;
  }

 private:
  absl::Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_IN_PROCESS_H_
