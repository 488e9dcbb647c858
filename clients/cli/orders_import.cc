#include "clients/cli/orders_import.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/counted.h"
#include "clients/cli/csv.h"
#include "clients/cli/progress.h"
#include "onhand/v1/reservations.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr size_t kBatchOrdersMax = 1'000;
// Orders of many lines fill a message before they are 1,000.
constexpr size_t kBatchBytesMax = 1 << 20;
constexpr size_t kRefusedShown = 50;

// Orders that go to the hub in one request: indexes into the file's.
using Batch = std::vector<size_t>;

std::vector<Batch> BatchesOf(const std::vector<FileOrder>& orders) {
  std::vector<Batch> batches;
  size_t bytes = 0;
  for (size_t i = 0; i < orders.size(); ++i) {
    if (!orders[i].error.empty()) continue;
    bytes += orders[i].order.ByteSizeLong();
    if (batches.empty() || batches.back().size() == kBatchOrdersMax || bytes > kBatchBytesMax) {
      batches.emplace_back();
      bytes = orders[i].order.ByteSizeLong();
    }
    batches.back().push_back(i);
  }
  return batches;
}

std::string LinesText(const std::vector<int>& lines) {
  if (lines.size() == 1) return absl::StrCat("line ", lines.front());
  return absl::StrCat("lines ", lines.front(), " to ", lines.back());
}

// The results of the file's orders; those that cannot be sent are refused already.
std::vector<v1::ImportedOrderResult> ResultsBefore(const std::vector<FileOrder>& orders) {
  std::vector<v1::ImportedOrderResult> results(orders.size());
  for (size_t i = 0; i < orders.size(); ++i) {
    results[i].set_order_reference(orders[i].order.order_reference());
    if (orders[i].error.empty()) continue;
    results[i].set_outcome(v1::IMPORT_OUTCOME_REFUSED);
    results[i].set_reason("INVALID_ROW");
    results[i].set_message(orders[i].error);
  }
  return results;
}

absl::Status SendBatch(Session& session, const std::vector<FileOrder>& orders, const Batch& batch,
                       bool dry_run, std::vector<v1::ImportedOrderResult>& results,
                       uint64_t* revision) {
  v1::ImportOrdersRequest request;
  request.set_dry_run(dry_run);
  for (const size_t i : batch) *request.add_orders() = orders[i].order;
  const auto response =
      session.hub.Write(&v1::ReservationService::Stub::ImportOrders, std::move(request));
  if (!response.ok()) return response.status();
  *revision = response->revision();
  for (size_t k = 0; k < std::min(batch.size(), static_cast<size_t>(response->results_size()));
       ++k) {
    v1::ImportedOrderResult& result = results[batch[k]];
    result = response->results(static_cast<int>(k));
    if (result.outcome() != v1::IMPORT_OUTCOME_REFUSED) continue;
    result.set_message(absl::StrCat(LinesText(orders[batch[k]].lines), ": ", result.message()));
  }
  return absl::OkStatus();
}

// What became of a file's orders.
struct Counts {
  size_t imported = 0;
  size_t already_there = 0;
  std::vector<const v1::ImportedOrderResult*> refused;
};

Counts CountsOf(const std::vector<v1::ImportedOrderResult>& results) {
  Counts counts;
  for (const v1::ImportedOrderResult& result : results) {
    if (result.outcome() == v1::IMPORT_OUTCOME_IMPORTED) ++counts.imported;
    if (result.outcome() == v1::IMPORT_OUTCOME_ALREADY_THERE) ++counts.already_there;
    if (result.outcome() == v1::IMPORT_OUTCOME_REFUSED) counts.refused.push_back(&result);
  }
  return counts;
}

void Print(Session& session, const Counts& counts, bool dry_run) {
  session.out << "orders" << (dry_run ? " (dry run, nothing changed): " : ": ") << counts.imported
              << " imported, " << counts.already_there << " already there, "
              << counts.refused.size() << " refused\n";
  const size_t shown = std::min(counts.refused.size(), kRefusedShown);
  for (size_t i = 0; i < shown; ++i) {
    const v1::ImportedOrderResult& result = *counts.refused[i];
    session.out << "  order " << result.order_reference() << ", " << result.message() << " ["
                << result.reason() << "]\n";
  }
  if (shown < counts.refused.size()) {
    session.out << "  and " << counts.refused.size() - shown << " more\n";
  }
}

}  // namespace

absl::Status ImportOrders(Session& session, const OrdersImportOptions& options) {
  const absl::StatusOr<std::string> csv = ReadFile(options.path);
  if (!csv.ok()) return csv.status();
  const absl::StatusOr<std::vector<FileOrder>> orders =
      ReadOrders(*csv, HubNow(session), session.zone);
  if (!orders.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("nothing of '", options.path,
                                                   "' was sent, because of ",
                                                   std::string(orders.status().message())));
  }
  std::vector<v1::ImportedOrderResult> results = ResultsBefore(*orders);
  v1::ImportOrdersResponse all;
  uint64_t revision = 0;
  size_t sent = 0;
  for (const Batch& batch : BatchesOf(*orders)) {
    ShowProgress(session, sent, orders->size());
    absl::Status status = SendBatch(session, *orders, batch, options.dry_run, results, &revision);
    if (!status.ok()) {
      if (session.err_is_terminal) session.err << "\n";
      return status;
    }
    sent += batch.size();
  }
  ShowProgress(session, orders->size(), orders->size());

  const Counts counts = CountsOf(results);
  if (session.json) {
    for (const v1::ImportedOrderResult& result : results) *all.add_results() = result;
    all.set_revision(revision);
    PrintJson(session, all);
  } else {
    Print(session, counts, options.dry_run);
  }
  if (counts.refused.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Counted(counts.refused.size(), "order"), " of '", options.path,
                   "' cannot be taken; mend them and import the file again: those that are there "
                   "are left as they are"));
}

}  // namespace onhand::cli
