#include "server/rpc/report_service.h"

#include <functional>
#include <memory>
#include <utility>

#include "server/ledger/refusal.h"
#include "server/rpc/report_stream.h"

namespace onhand::rpc {
namespace {

void FillResponse(hub::ReportResult result, v1::SubmitReportResponse* response) {
  response->set_outcome(result.decision.already_applied ? v1::REPORT_OUTCOME_ALREADY_APPLIED
                                                        : v1::REPORT_OUTCOME_APPLIED);
  v1::Ack& ack = *response->mutable_ack();
  ack.set_durable_sequence(result.decision.durable_sequence);
  ack.set_revision(result.revision);
  for (v1::RowProblem& problem : result.decision.problems) *ack.add_problems() = std::move(problem);
}

}  // namespace

void ReportService::Serve(CallQueue* queue) {
  CallBook::Method* const page = queue->book()->Open(MethodTaking(v1::ReportRequest::descriptor()));
  std::make_shared<ReportStream>(hub_, streams_, queue, page, &service_)->Wait();
  ServeUnary(queue, &service_, &Service::RequestSubmitReport,
             std::bind_front(&ReportService::SubmitReport, this), Where::kInline, kHotCalls);
}

void ReportService::SubmitReport(const v1::SubmitReportRequest& request,
                                 v1::SubmitReportResponse* response, Reply reply) {
  if (absl::Status checked = CheckBatchBytes(request.batch()); !checked.ok()) {
    return reply(checked);
  }
  if (single_batches_.fetch_add(1) >= kSingleBatchesMax) {
    single_batches_.fetch_sub(1);
    return reply(ledger::Refuse(absl::StatusCode::kResourceExhausted,
                                {.reason = "QUEUE_FULL",
                                 .problem = "too many single batches wait to be applied",
                                 .remedy = "send it again in a moment, or report on a stream",
                                 .retry_after_ms = 200}));
  }
  const auto finish = [this, reply](const absl::Status& status) {
    single_batches_.fetch_sub(1);
    reply(status);
  };
  // The request lives until the reply, and so do the parts that the hub is given.
  hub_->OpenSource(request.hello(), [this, &request, response,
                                     finish](absl::StatusOr<ledger::OpenedSource> opened) {
    if (!opened.ok()) return finish(opened.status());
    hub_->SubmitReport({.source = opened->source,
                        .spool = opened->spool,
                        .clock_correction_us = opened->clock_correction_us,
                        .batch = &request.batch(),
                        .done = [response, finish](absl::StatusOr<hub::ReportResult> result) {
                          const absl::Status status = result.status();
                          if (status.ok()) FillResponse(*std::move(result), response);
                          finish(status);
                        }});
  });
}

}  // namespace onhand::rpc
