// Where agents report: streams, and single batches. Owned by the server; its
// methods run on the call queue's threads.
#ifndef ONHAND_SERVER_RPC_REPORT_SERVICE_H_
#define ONHAND_SERVER_RPC_REPORT_SERVICE_H_

#include <atomic>

#include "onhand/v1/report.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

class ReportService {
 public:
  // Single batches that may be under way together; a further one is answered RESOURCE_EXHAUSTED
  // (QUEUE_FULL).
  static constexpr int kSingleBatchesMax = 256;

  // Both outlive the service.
  ReportService(hub::Hub* hub, OpenStreams* streams) : hub_(hub), streams_(streams) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::ReportService::AsyncService;

  void SubmitReport(const v1::SubmitReportRequest& request, v1::SubmitReportResponse* response,
                    Reply reply);

  hub::Hub* const hub_;
  OpenStreams* const streams_;
  Service service_;
  std::atomic<int> single_batches_{0};
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_REPORT_SERVICE_H_
