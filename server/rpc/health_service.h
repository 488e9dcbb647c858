// The standard health check of gRPC, for probes and load balancers. By hand on the call queue:
// gRPC's own is made of callbacks, whose threads would take events from the polling thread. Owned
// by the server; SetServing and EndWatches may be called from any thread.
#ifndef ONHAND_SERVER_RPC_HEALTH_SERVICE_H_
#define ONHAND_SERVER_RPC_HEALTH_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class HealthService {
 public:
  // The names that share the hub's fate, as the empty one does, and those that are served as long
  // as somebody can ask.
  explicit HealthService(std::vector<std::string> services,
                         std::vector<std::string> always_served = {});
  ~HealthService();

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

  // What Check answers from here on, and what watchers are told. Not serving at first.
  void SetServing(bool serving);
  // Ends every watch, now and to come, so that the server can shut down.
  void EndWatches();

 private:
  using Service = grpc::health::v1::Health::AsyncService;
  using ServingStatus = grpc::health::v1::HealthCheckResponse::ServingStatus;
  class Watch;

  // NOT_FOUND for a service that is not known.
  absl::Status Check(const grpc::health::v1::HealthCheckRequest& request,
                     grpc::health::v1::HealthCheckResponse* response);
  // SERVICE_UNKNOWN for a service that is not known.
  ServingStatus StatusOf(const std::string& service) const;
  bool ended() const;
  void ActAll();

  Service service_;
  const absl::flat_hash_set<std::string> services_;
  const absl::flat_hash_set<std::string> always_served_;

  mutable absl::Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_HEALTH_SERVICE_H_
