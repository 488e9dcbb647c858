#include "server/rpc/insight_service.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/insights/dead_items.h"
#include "server/insights/doubts.h"
#include "server/insights/schedule.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

constexpr uint32_t kListedMax = 10'000;
constexpr uint32_t kListedDefault = 100;
constexpr int32_t kDaysMax = 3'650;
constexpr int32_t kRiskDefault = 100;
constexpr int32_t kRiskMax = 1'000'000;

absl::Status InvalidFilter(absl::string_view field, std::string value, std::string remedy) {
  return ledger::Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_FILTER",
                                                             .field = field,
                                                             .value = std::move(value),
                                                             .problem = "is out of range",
                                                             .remedy = std::move(remedy)});
}

absl::Status CheckListedMax(uint32_t listed_max) {
  if (listed_max <= kListedMax) return absl::OkStatus();
  return InvalidFilter("listed_max", absl::StrCat(listed_max), "ask for 1 to 10,000 entries");
}

// Lets a scan look at the ledger slice by slice; readers and the writer come in between.
template <class Scan>
void Finish(const hub::Hub& hub, Scan& scan) {
  while (!hub.Read([&](const ledger::Ledger& ledger) { return scan.Step(ledger); })) {
  }
}

// The location asked for; 0 without one.
absl::StatusOr<uint32_t> LocationAsked(const hub::Hub& hub, const std::string& location_id) {
  if (location_id.empty()) return 0;
  return hub.Read([&](const ledger::Ledger& ledger) {
    return ledger::FindLocation(ledger.state(), "location_id", location_id);
  });
}

}  // namespace

void InsightService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestListDoubts,
             std::bind_front(&InsightService::ListDoubts, this));
  ServeUnary(queue, &service_, &Service::RequestListDeadItems,
             std::bind_front(&InsightService::ListDeadItems, this));
  ServeUnary(queue, &service_, &Service::RequestAdviseSchedule,
             std::bind_front(&InsightService::AdviseSchedule, this));
  ServeUnary(queue, &service_, &Service::RequestStartSalesImport,
             std::bind_front(&SalesImports::Start, &imports_));
  ServeUnary(queue, &service_, &Service::RequestAddPastSales,
             std::bind_front(&SalesImports::Add, &imports_));
  ServeUnary(queue, &service_, &Service::RequestFinishSalesImport,
             std::bind_front(&SalesImports::Finish, &imports_));
}

absl::Status InsightService::ListDoubts(const v1::ListDoubtsRequest& request,
                                        v1::ListDoubtsResponse* response) const {
  if (absl::Status checked = CheckListedMax(request.listed_max()); !checked.ok()) return checked;
  insights::DoubtQuestion question;
  if (request.listed_max() != 0) question.listed_max = request.listed_max();
  question.list =
      request.list() == v1::DOUBT_LIST_UNSPECIFIED ? v1::DOUBT_LIST_OUT_OF_STOCK : request.list();
  if (question.list != v1::DOUBT_LIST_OUT_OF_STOCK && question.list != v1::DOUBT_LIST_DISCREPANCY) {
    return InvalidFilter("list", absl::StrCat(static_cast<int>(request.list())),
                         "ask for OUT_OF_STOCK or DISCREPANCY");
  }
  if (request.has_chance_min()) question.chance_min = request.chance_min();
  // Not in the other form: NaN is no chance either.
  if (!(question.chance_min >= 0 && question.chance_min <= 1)) {
    return InvalidFilter("chance_min", absl::StrCat(question.chance_min), "give 0 to 1");
  }
  const absl::StatusOr<uint32_t> location = LocationAsked(*hub_, request.location_id());
  if (!location.ok()) return location.status();
  question.location = *location;
  insights::DoubtScan scan(question);
  rpc::Finish(*hub_, scan);
  *response = scan.Take();
  return absl::OkStatus();
}

absl::Status InsightService::ListDeadItems(const v1::ListDeadItemsRequest& request,
                                           v1::ListDeadItemsResponse* response) const {
  if (absl::Status checked = CheckListedMax(request.listed_max()); !checked.ok()) return checked;
  insights::DeadQuestion question;
  question.listed_max = request.listed_max() == 0 ? kListedDefault : request.listed_max();
  const auto take = [](absl::string_view field, int32_t days, int32_t* taken) -> absl::Status {
    if (days < 0 || days > kDaysMax)
      return InvalidFilter(field, absl::StrCat(days), "give 1 to 3,650 days");
    if (days != 0) *taken = days;
    return absl::OkStatus();
  };
  absl::Status checked = take("receipt_days", request.receipt_days(), &question.receipt_days);
  if (checked.ok()) checked = take("sale_days", request.sale_days(), &question.sale_days);
  if (!checked.ok()) return checked;
  insights::DeadScan scan(question);
  rpc::Finish(*hub_, scan);
  *response = scan.Take();
  return absl::OkStatus();
}

absl::Status InsightService::AdviseSchedule(const v1::AdviseScheduleRequest& request,
                                            v1::AdviseScheduleResponse* response) const {
  const int32_t one_in = request.risk_one_in() == 0 ? kRiskDefault : request.risk_one_in();
  if (one_in < 2 || one_in > kRiskMax) {
    return InvalidFilter("risk_one_in", absl::StrCat(one_in), "accept 1 in 2 to 1 in 1,000,000");
  }
  const absl::StatusOr<uint32_t> location = LocationAsked(*hub_, request.location_id());
  if (!location.ok()) return location.status();
  insights::ScheduleScan scan(*location, 1.0 / one_in);
  rpc::Finish(*hub_, scan);
  *response = scan.Take();
  return absl::OkStatus();
}

}  // namespace onhand::rpc
