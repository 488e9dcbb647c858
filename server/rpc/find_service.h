// Where can I get it? Owned by the server; its method runs beside the call queue's polling thread.
#ifndef ONHAND_SERVER_RPC_FIND_SERVICE_H_
#define ONHAND_SERVER_RPC_FIND_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/find.grpc.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/ledger/nearby.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class FindService {
 public:
  // Items looked for under one lock, so that a parent of many never holds up the writer.
  static constexpr int kItemsALock = 8;

  // Both outlive the service.
  FindService(hub::Hub* hub, hub::Clock* clock) : hub_(hub), clock_(clock) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::FindService::AsyncService;

  absl::Status FindNearby(const v1::FindNearbyRequest& request, v1::FindNearbyResponse* response);
  absl::StatusOr<ledger::NearbyQuestion> QuestionOf(const ledger::State& state,
                                                    const v1::FindNearbyRequest& request);
  absl::Status TakeChildren(const std::string& parent_sku, ledger::NearbySearch& search);

  hub::Hub* const hub_;
  hub::Clock* const clock_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_FIND_SERVICE_H_
