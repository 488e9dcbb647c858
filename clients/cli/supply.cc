#include "clients/cli/supply.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/moment.h"
#include "clients/cli/table.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::cli {

absl::Status SetIncoming(Session& session, const IncomingOptions& options) {
  v1::SetIncomingRequest request;
  v1::Incoming& incoming = *request.mutable_incoming();
  incoming.set_reference(options.reference);
  incoming.set_sku(options.sku);
  incoming.set_location_id(options.location_id);
  incoming.set_units(options.units);
  const absl::Time now = HubNow(session);
  absl::Time due;
  if (!options.due.empty()) {
    const auto moment = ParseMoment("--due", options.due, now, session.zone);
    if (!moment.ok()) return moment.status();
    due = *moment;
    *incoming.mutable_due_at() = ToProto(due);
  } else if (options.units != 0) {
    return UsageError("--due", "", "say when it should be there, such as --due 2026-11-27 or 3d");
  }
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response = session.hub.Write(&v1::StockService::Stub::SetIncoming, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else if (options.units == 0) {
    session.out << "Of " << options.reference << " no more " << options.sku << " is on its way to "
                << options.location_id << ".\n";
  } else {
    session.out << options.units << " of " << options.sku << " are on their way to "
                << options.location_id << " with " << options.reference << ", due "
                << FormatMoment(due, now, session.zone) << ".\n";
  }
  return absl::OkStatus();
}

absl::Status ListIncoming(Session& session, const std::string& sku) {
  v1::ListIncomingRequest request;
  request.set_sku(sku);
  const auto response = ListAll(session, &v1::StockService::Stub::ListIncoming, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"REFERENCE", "SKU", "LOCATION", ">UNITS", "DUE"});
  const absl::Time now = HubNow(session);
  for (const v1::Incoming& incoming : response->incoming()) {
    table.Add({incoming.reference(), incoming.sku(), incoming.location_id(),
               absl::StrCat(incoming.units()),
               FormatMoment(FromProto(incoming.due_at()), now, session.zone)});
  }
  table.Print(session.out, "Nothing is on its way.");
  return absl::OkStatus();
}

}  // namespace onhand::cli
