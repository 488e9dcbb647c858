// Whether the numbers are true, how often they must come, and what past sales teach. Owned by the
// server; its methods run on the call queue's second thread, a finished import on one of its own.
#ifndef ONHAND_SERVER_RPC_INSIGHT_SERVICE_H_
#define ONHAND_SERVER_RPC_INSIGHT_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/insights.grpc.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/sales_import.h"

namespace onhand::rpc {

class InsightService {
 public:
  // Hub and clock outlive the service.
  InsightService(hub::Hub* hub, hub::Clock* clock) : hub_(hub), imports_(hub, clock) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::InsightService::AsyncService;

  absl::Status ListDoubts(const v1::ListDoubtsRequest& request,
                          v1::ListDoubtsResponse* response) const;
  absl::Status ListDeadItems(const v1::ListDeadItemsRequest& request,
                             v1::ListDeadItemsResponse* response) const;
  absl::Status AdviseSchedule(const v1::AdviseScheduleRequest& request,
                              v1::AdviseScheduleResponse* response) const;

  hub::Hub* const hub_;
  Service service_;
  SalesImports imports_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_INSIGHT_SERVICE_H_
