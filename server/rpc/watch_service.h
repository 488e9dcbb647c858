// Where others hear of every change of what may be promised. Owned by the server.
#ifndef ONHAND_SERVER_RPC_WATCH_SERVICE_H_
#define ONHAND_SERVER_RPC_WATCH_SERVICE_H_

#include <memory>

#include "onhand/v1/watch.grpc.pb.h"
#include "server/hub/watch.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/watch_stream.h"

namespace onhand::rpc {

class WatchService {
 public:
  // The watch outlives the service.
  explicit WatchService(hub::Watch* watch) : watch_(watch) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue) {
    CallBook::Method* const page =
        queue->book()->Open(MethodTaking(v1::WatchRequest::descriptor()));
    std::make_shared<WatchStream>(watch_, queue, page, &service_)->Wait();
  }

 private:
  hub::Watch* const watch_;
  v1::WatchService::AsyncService service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_WATCH_SERVICE_H_
