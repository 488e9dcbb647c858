// How the hub and its sources are. Owned by the server; its methods run on the call queue's
// threads.
#ifndef ONHAND_SERVER_RPC_HUB_SERVICE_H_
#define ONHAND_SERVER_RPC_HUB_SERVICE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/webhook_service.h"

namespace onhand::rpc {

// What the hub itself does not know about its process. The functions are called from any thread.
struct Surroundings {
  std::string version;  // of the program
  std::string store;    // the store's kind
  std::function<uint64_t()> projected_revision = [] { return uint64_t{0}; };
  WebhookService::Test test_webhook;  // empty: this process sends none
};

class HubService {
 public:
  // Hub and streams outlive the service.
  HubService(hub::Hub* hub, const OpenStreams* streams, Surroundings surroundings);

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::HubService::AsyncService;

  absl::Status GetHubStatus(const v1::GetHubStatusRequest& request,
                            v1::GetHubStatusResponse* response);
  absl::Status ListLocationStatus(const v1::ListLocationStatusRequest& request,
                                  v1::ListLocationStatusResponse* response);
  absl::Status ListDisplayChanges(const v1::ListDisplayChangesRequest& request,
                                  v1::ListDisplayChangesResponse* response);

  struct ShownCounts {
    uint64_t shown = 0;
    uint64_t hidden = 0;
    uint64_t backordered = 0;
  };
  // Counts every item and channel under the lock, so at most once a second however often it is
  // asked.
  ShownCounts CountShown();

  hub::Hub* const hub_;
  const OpenStreams* const streams_;
  const Surroundings surroundings_;
  Service service_;

  absl::Mutex mutex_;
  std::chrono::steady_clock::time_point counted_at_ ABSL_GUARDED_BY(mutex_);
  ShownCounts counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_HUB_SERVICE_H_
