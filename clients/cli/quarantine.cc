#include "clients/cli/quarantine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/quarantine.grpc.pb.h"

namespace onhand::cli {
namespace {

std::string WhatText(const v1::QuarantineEntry& entry) {
  if (!entry.is_snapshot()) {
    return absl::StrCat(NameOf(entry.kind()), " ", entry.quantity(), " of ", entry.sku());
  }
  return absl::StrCat("snapshot of ", entry.snapshot_rows(), " rows, ",
                      entry.snapshot_lost_positions(), " of ", entry.snapshot_known_positions(),
                      " positions lost");
}

template <typename Response>
absl::Status Decided(Session& session, const absl::StatusOr<Response>& response,
                     uint64_t quarantine_id, const char* outcome) {
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Entry " << quarantine_id << " " << outcome << ".\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ListQuarantine(Session& session, const std::string& location_id) {
  v1::ListQuarantineRequest request;
  request.set_location_id(location_id);
  const auto response = ListAll(session, &v1::QuarantineService::Stub::ListQuarantine, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({">ID", "SINCE", "LOCATION", "SOURCE", "WHAT", "REASON", "MESSAGE"});
  const absl::Time now = HubNow(session);
  for (const v1::QuarantineEntry& entry : response->entries()) {
    table.Add({absl::StrCat(entry.quarantine_id()),
               FormatMoment(FromProto(entry.quarantined_at()), now, session.zone),
               entry.location_id(), entry.source_id(), WhatText(entry), entry.reason(),
               entry.message()});
  }
  table.Print(session.out, "Nothing in quarantine.");
  return absl::OkStatus();
}

absl::Status AcceptQuarantined(Session& session, const QuarantineOptions& options) {
  v1::AcceptQuarantinedRequest request;
  request.set_quarantine_id(options.quarantine_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  return Decided(session,
                 session.hub.Write(&v1::QuarantineService::Stub::AcceptQuarantined, request),
                 options.quarantine_id, "is being taken as it is");
}

absl::Status RetryQuarantined(Session& session, const QuarantineOptions& options) {
  v1::RetryQuarantinedRequest request;
  request.set_quarantine_id(options.quarantine_id);
  request.set_author(options.author);
  return Decided(session,
                 session.hub.Write(&v1::QuarantineService::Stub::RetryQuarantined, request),
                 options.quarantine_id, "was taken");
}

absl::Status DropQuarantined(Session& session, const QuarantineOptions& options) {
  v1::DropQuarantinedRequest request;
  request.set_quarantine_id(options.quarantine_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  return Decided(session, session.hub.Write(&v1::QuarantineService::Stub::DropQuarantined, request),
                 options.quarantine_id, "is dropped for good");
}

}  // namespace onhand::cli
