#include "clients/cli/stock.h"

#include "absl/strings/str_cat.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::cli {
namespace {

Table PositionTable() {
  return Table({"SKU", "LOCATION", ">ON HAND", ">UNAVAILABLE", ">HELD", ">COMMITTED", ">AVAILABLE",
                ">CORRECTIONS", "SOURCE", "KNOWN THROUGH"});
}

void AddPosition(const v1::Position& position, absl::Time now, absl::TimeZone zone, Table* table) {
  table->Add({position.sku(), position.location_id(), absl::StrCat(position.on_hand()),
              absl::StrCat(position.unavailable()), absl::StrCat(position.held()),
              absl::StrCat(position.committed()), absl::StrCat(position.available()),
              absl::StrCat(position.corrections()), position.level_source_id(),
              position.has_known_through()
                  ? FormatMoment(FromProto(position.known_through()), now, zone)
                  : "never told"});
}

template <typename Response>
void ReportPosition(Session& session, const Response& response) {
  if (session.json) return PrintJson(session, response);
  Table table = PositionTable();
  AddPosition(response.position(), HubNow(session), session.zone, &table);
  table.Print(session.out, "");
}

// The one kind and quantity that were given.
absl::Status SetKind(const AdjustOptions& options, v1::AdjustRequest* request) {
  const struct {
    const std::optional<int64_t>& quantity;
    v1::MovementKind kind;
  } choices[] = {{options.adjust, v1::MOVEMENT_KIND_ADJUSTMENT},
                 {options.count, v1::MOVEMENT_KIND_COUNT},
                 {options.set_aside, v1::MOVEMENT_KIND_SET_ASIDE},
                 {options.put_back, v1::MOVEMENT_KIND_PUT_BACK}};
  int given = 0;
  for (const auto& choice : choices) {
    if (!choice.quantity) continue;
    ++given;
    request->set_kind(choice.kind);
    request->set_quantity(*choice.quantity);
  }
  if (given != 1) {
    return UsageError("adjust", absl::StrCat(given, " kinds"),
                      "give exactly one of --adjust, --count, --set-aside and --put-back");
  }
  if (options.includes_picked && !options.count) {
    return UsageError("--includes-picked", "", "it goes with --count only");
  }
  request->set_includes_picked(options.includes_picked);
  return absl::OkStatus();
}

}  // namespace

absl::Status ShowPositions(Session& session, const PositionsOptions& options) {
  if (options.sku.empty() && options.location_id.empty()) {
    return UsageError("positions", "", "give --sku, --location or both");
  }
  v1::ListPositionsRequest request;
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  const auto response = ListAll(session, &v1::StockService::Stub::ListPositions, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table = PositionTable();
  const absl::Time now = HubNow(session);
  for (const v1::Position& position : response->positions()) {
    AddPosition(position, now, session.zone, &table);
  }
  table.Print(session.out, "No positions.");
  return absl::OkStatus();
}

absl::Status ShowMovements(Session& session, const MovementsOptions& options) {
  v1::ListMovementsRequest request;
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  const auto response = ListAll(session, &v1::StockService::Stub::ListMovements, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"WHEN", "KIND", ">QUANTITY", "SOURCE", ">SEQUENCE", "INFERRED"});
  const absl::Time now = HubNow(session);
  for (const v1::RecordedMovement& movement : response->movements()) {
    const bool by_person = movement.source_id().empty();
    table.Add({FormatMoment(FromProto(movement.occurred_at()), now, session.zone),
               NameOf(movement.kind()), absl::StrCat(movement.quantity()),
               by_person ? "a person" : movement.source_id(),
               by_person ? "" : absl::StrCat(movement.sequence()),
               movement.inferred() ? "yes" : "no"});
  }
  table.Print(session.out, "No movements in the last 36 hours.");
  return absl::OkStatus();
}

absl::Status Adjust(Session& session, const AdjustOptions& options) {
  v1::AdjustRequest request;
  if (absl::Status status = SetKind(options, &request); !status.ok()) return status;
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  if (!options.at.empty()) {
    const auto at = ParseMoment("--at", options.at, HubNow(session), session.zone);
    if (!at.ok()) return at.status();
    *request.mutable_occurred_at() = ToProto(*at);
  }
  const auto response = session.hub.Write(&v1::StockService::Stub::Adjust, std::move(request));
  if (!response.ok()) return response.status();
  ReportPosition(session, *response);
  return absl::OkStatus();
}

absl::Status EndCorrections(Session& session, const EndCorrectionsOptions& options) {
  v1::EndCorrectionsRequest request;
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response =
      session.hub.Write(&v1::StockService::Stub::EndCorrections, std::move(request));
  if (!response.ok()) return response.status();
  ReportPosition(session, *response);
  return absl::OkStatus();
}

}  // namespace onhand::cli
