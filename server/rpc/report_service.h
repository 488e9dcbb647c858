// Where agents report: streams, and single batches. Owned by the server; gRPC's callback threads
// call it.
#ifndef ONHAND_SERVER_RPC_REPORT_SERVICE_H_
#define ONHAND_SERVER_RPC_REPORT_SERVICE_H_

#include <atomic>

#include "onhand/v1/report.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/open_streams.h"

namespace onhand::rpc {

class ReportService final : public v1::ReportService::CallbackService {
 public:
  // Single batches that may be under way together; a further one is answered RESOURCE_EXHAUSTED
  // (QUEUE_FULL).
  static constexpr int kSingleBatchesMax = 256;

  // Both outlive the service.
  ReportService(hub::Hub* hub, OpenStreams* streams) : hub_(hub), streams_(streams) {}

  grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* Report(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* SubmitReport(grpc::CallbackServerContext* context,
                                         const v1::SubmitReportRequest* request,
                                         v1::SubmitReportResponse* response) override;

 private:
  hub::Hub* const hub_;
  OpenStreams* const streams_;
  std::atomic<int> single_batches_{0};
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_REPORT_SERVICE_H_
