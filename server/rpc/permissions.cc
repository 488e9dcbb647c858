#include "server/rpc/permissions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "onhand/v1/catalog.pb.h"
#include "onhand/v1/report.pb.h"
#include "onhand/v1/reservations.pb.h"
#include "onhand/v1/stock.pb.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservations.h"

namespace onhand::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr Roles kAnyone = 1;
constexpr Roles kAgent = 1 << v1::ROLE_AGENT;
constexpr Roles kSite = 1 << v1::ROLE_SITE;
constexpr Roles kStore = 1 << v1::ROLE_STORE;
constexpr Roles kViewer = 1 << v1::ROLE_VIEWER;
constexpr Roles kEditor = 1 << v1::ROLE_RULE_EDITOR;
constexpr Roles kAdmin = 1 << v1::ROLE_ADMIN;

constexpr Roles kReaders = kViewer | kEditor | kAdmin;
constexpr Roles kShoppers = kReaders | kSite | kStore;  // who may see what can be promised
constexpr Roles kRules = kEditor | kAdmin;
constexpr Roles kSales = kSite | kAdmin;

absl::Status Denied(absl::string_view reason, absl::string_view field, std::string value,
                    std::string problem, std::string remedy) {
  return ledger::Refuse(absl::StatusCode::kPermissionDenied, {.reason = reason,
                                                              .field = field,
                                                              .value = std::move(value),
                                                              .problem = std::move(problem),
                                                              .remedy = std::move(remedy)});
}

absl::Status RoleMayNot(const Principal& principal, std::string problem) {
  return Denied("ROLE_MAY_NOT", "role", RoleName(principal.role), std::move(problem),
                "ask an admin of the hub for a token of another role");
}

// A source that reports for others' locations too would be taken over by its name.
absl::Status OwnSource(const ledger::State& state, const Principal& principal,
                       const v1::Hello& hello) {
  const uint32_t* source = state.source_ids.Find(hello.source_id());
  if (source == nullptr) return absl::OkStatus();
  for (const uint32_t location : state.sources.Find(*source)->opened.locations()) {
    if (principal.Owns(state.locations.Find(location)->location_id())) continue;
    return Denied("SOURCE_NOT_YOURS", "hello.source_id", hello.source_id(),
                  "reports for locations that this token does not name",
                  "choose another source id, or ask for a token for all of its locations");
  }
  return absl::OkStatus();
}

template <class Request>
absl::Status OwnSourceOf(const ledger::State& state, const Principal& principal,
                         const Message& request) {
  return OwnSource(state, principal, static_cast<const Request&>(request).hello());
}

absl::Status CountOnly(const ledger::State&, const Principal& principal, const Message& request) {
  const auto& adjust = static_cast<const v1::AdjustRequest&>(request);
  if (adjust.kind() == v1::MOVEMENT_KIND_COUNT) return absl::OkStatus();
  return RoleMayNot(principal, "may record counts and nothing else");
}

bool IsPickup(const ledger::State& state, uint32_t channel) {
  const auto* row = state.channels.Find(channel);
  return row != nullptr && row->kind() == v1::CHANNEL_KIND_PICKUP;
}

// Pausing pickup, and ending that pause; a location that others stopped stays as it is.
absl::Status PausesPickup(const ledger::State& state, const Principal& principal,
                          const Message& request) {
  const auto& set = static_cast<const v1::SetLocationStateRequest&>(request);
  const uint32_t* location = state.location_ids.Find(set.location_id());
  if (location == nullptr) return absl::OkStatus();  // refused for that
  const auto& now = *state.locations.Find(*location);
  const bool pickup_paused =
      now.state() == v1::LOCATION_STATE_PAUSED && !now.paused_channels().empty() &&
      std::all_of(now.paused_channels().begin(), now.paused_channels().end(),
                  [&](uint32_t channel) { return IsPickup(state, channel); });
  bool may = now.state() == v1::LOCATION_STATE_OPEN || pickup_paused;
  if (set.state() == v1::LOCATION_STATE_PAUSED) {
    may = may && !set.paused_channel_ids().empty();
    for (const std::string& id : set.paused_channel_ids()) {
      const uint32_t* channel = state.channel_ids.Find(id);
      may = may && channel != nullptr && IsPickup(state, *channel);
    }
  } else {
    may = may && set.state() == v1::LOCATION_STATE_OPEN;
  }
  if (may) return absl::OkStatus();
  return RoleMayNot(principal,
                    "may pause pickup of a location that is open, name pickup channels alone, and "
                    "end such a pause");
}

// By service, in the order of the contract.
constexpr Permission kPermissions[] = {
    {"onhand.v1.AvailabilityService.GetAvailability", kShoppers},
    {"onhand.v1.AvailabilityService.BatchGetAvailability", kShoppers},

    {"onhand.v1.CatalogService.BatchUpsertItems", kAdmin},
    {"onhand.v1.CatalogService.GetItem", kShoppers},
    {"onhand.v1.CatalogService.ListItems", kShoppers},
    {"onhand.v1.CatalogService.RenameItem", kAdmin},
    {"onhand.v1.CatalogService.MergeItems", kAdmin},
    {"onhand.v1.CatalogService.StopItem", kRules},
    {"onhand.v1.CatalogService.BatchUpsertLocations", kAdmin},
    {"onhand.v1.CatalogService.ListLocations", kShoppers},
    {"onhand.v1.CatalogService.SetLocationState", kRules, kStore, "location_id", PausesPickup},
    {"onhand.v1.CatalogService.AnnounceStocktake", kAdmin, kStore, "location_id"},
    {"onhand.v1.CatalogService.BatchUpsertGroups", kAdmin},
    {"onhand.v1.CatalogService.ListGroups", kShoppers},
    {"onhand.v1.CatalogService.BatchUpsertChannels", kAdmin},
    {"onhand.v1.CatalogService.ListChannels", kShoppers},
    {"onhand.v1.CatalogService.SetChain", kAdmin},
    {"onhand.v1.CatalogService.GetChain", kShoppers},

    {"onhand.v1.FindService.FindNearby", kShoppers},

    {"onhand.v1.HubService.GetHubStatus", kShoppers | kAgent},
    {"onhand.v1.HubService.ListLocationStatus", kReaders | kStore},
    {"onhand.v1.HubService.RetireSource", kAdmin},
    {"onhand.v1.HubService.ListDisplayChanges", kReaders},

    {"onhand.v1.InsightService.ListDoubts", kReaders, kStore, "location_id"},
    {"onhand.v1.InsightService.ListDeadItems", kReaders},
    {"onhand.v1.InsightService.AdviseSchedule", kReaders},
    {"onhand.v1.InsightService.StartSalesImport", kAdmin},
    {"onhand.v1.InsightService.AddPastSales", kAdmin},
    {"onhand.v1.InsightService.FinishSalesImport", kAdmin},

    {"onhand.v1.QuarantineService.ListQuarantine", kReaders, kStore, "location_id"},
    {"onhand.v1.QuarantineService.AcceptQuarantined", kAdmin},
    {"onhand.v1.QuarantineService.RetryQuarantined", kAdmin},
    {"onhand.v1.QuarantineService.DropQuarantined", kAdmin},

    {"onhand.v1.ReportService.Report", kAdmin, kAgent, "hello.location_ids",
     OwnSourceOf<v1::ReportRequest>},
    {"onhand.v1.ReportService.SubmitReport", kAdmin, kAgent, "hello.location_ids",
     OwnSourceOf<v1::SubmitReportRequest>},

    {"onhand.v1.ReservationService.CreateReservation", kSales},
    {"onhand.v1.ReservationService.CheckBasket", kSales},
    {"onhand.v1.ReservationService.ExtendReservation", kSales},
    {"onhand.v1.ReservationService.CommitReservation", kSales},
    {"onhand.v1.ReservationService.PickReservation", kSales, kStore, kLinesOfReservation},
    {"onhand.v1.ReservationService.FulfilReservation", kSales, kStore, kLinesOfReservation},
    {"onhand.v1.ReservationService.ReleaseReservation", kSales},
    {"onhand.v1.ReservationService.ReassignLine", kSales},
    {"onhand.v1.ReservationService.FailPick", kSales, kStore, kLinesOfReservation},
    {"onhand.v1.ReservationService.GetReservation", kSales | kReaders, kStore, kLinesOfReservation},
    {"onhand.v1.ReservationService.ListReservations", kSales | kReaders, kStore, "location_id"},
    {"onhand.v1.ReservationService.ListShortages", kSales | kReaders, kStore, "location_id"},
    {"onhand.v1.ReservationService.ImportOrders", kSales},

    {"onhand.v1.RuleService.SetRule", kRules},
    {"onhand.v1.RuleService.DeleteRule", kRules},
    {"onhand.v1.RuleService.GetRule", kReaders},
    {"onhand.v1.RuleService.ListRules", kReaders},
    {"onhand.v1.RuleService.BatchChangeRules", kRules},
    {"onhand.v1.RuleService.ListRuleVersions", kReaders},
    {"onhand.v1.RuleService.RollbackRule", kRules},
    {"onhand.v1.RuleService.PreviewRules", kReaders},

    {"onhand.v1.StockService.ListPositions", kReaders, kStore, "location_id"},
    {"onhand.v1.StockService.ListMovements", kReaders, kStore, "location_id"},
    {"onhand.v1.StockService.Adjust", kAdmin, kStore, "location_id", CountOnly},
    {"onhand.v1.StockService.EndCorrections", kAdmin},
    {"onhand.v1.StockService.SetIncoming", kAdmin},
    {"onhand.v1.StockService.ListIncoming", kShoppers},

    {"onhand.v1.AuditService.ListAudit", kAdmin},
    {"onhand.v1.TokenService.CreateToken", kAdmin},
    {"onhand.v1.TokenService.ListTokens", kAdmin},
    {"onhand.v1.TokenService.RevokeToken", kAdmin},

    {"onhand.v1.WatchService.Watch", kShoppers},

    // An address may hold a receiver's secret.
    {"onhand.v1.WebhookService.SetWebhook", kAdmin},
    {"onhand.v1.WebhookService.ListWebhooks", kAdmin},
    {"onhand.v1.WebhookService.DeleteWebhook", kAdmin},
    {"onhand.v1.WebhookService.TestWebhook", kAdmin},

    // Probes have no token; the contract is public.
    {"grpc.health.v1.Health.Check", kAnyone},
    {"grpc.health.v1.Health.Watch", kAnyone},
    {"grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo", kAnyone},
    {"GET /healthz", kAnyone},
    {"GET /readyz", kAnyone},
    {kGetMetrics, kViewer | kAdmin},
    {kPutFile, kAdmin, kAgent, kInPath},
};

// Every text at `path`; nothing if a message on the way is not set.
void AddTextsAt(const Message& message, absl::Span<const std::string> path,
                std::vector<std::string>* texts) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(path[0]);
  if (field == nullptr) return;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!field->is_repeated()) {
      return AddTextsAt(reflection.GetMessage(message, field), path.subspan(1), texts);
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      AddTextsAt(reflection.GetRepeatedMessage(message, field, i), path.subspan(1), texts);
    }
    return;
  }
  if (!field->is_repeated()) {
    const std::string text = reflection.GetString(message, field);
    if (!text.empty()) texts->push_back(text);
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    texts->push_back(reflection.GetRepeatedString(message, field, i));
  }
}

// The ids of the lines that a request names; none: all.
std::vector<uint32_t> NamedLines(const Message& request) {
  std::vector<uint32_t> ids;
  if (const auto* fail = dynamic_cast<const v1::FailPickRequest*>(&request)) {
    ids.push_back(fail->line_id());
  } else if (const auto* pick = dynamic_cast<const v1::PickReservationRequest*>(&request)) {
    for (const v1::LineUnits& line : pick->lines()) ids.push_back(line.line_id());
  } else if (const auto* fulfil = dynamic_cast<const v1::FulfilReservationRequest*>(&request)) {
    for (const v1::LineUnits& line : fulfil->lines()) ids.push_back(line.line_id());
  }
  return ids;
}

std::string TextAt(const Message& message, const std::string& name) {
  std::vector<std::string> texts;
  AddTextsAt(message, {name}, &texts);
  return texts.empty() ? "" : texts[0];
}

// Nothing if there is no such reservation: whether there is one is not told to whom it is not for.
std::vector<std::string> LocationsOfLines(const ledger::State& state, const Message& request) {
  std::vector<std::string> ids;
  const auto reservation = ledger::FindReservation(state, TextAt(request, "reservation_id"),
                                                   TextAt(request, "order_reference"));
  if (!reservation.ok()) return ids;
  const std::vector<uint32_t> named = NamedLines(request);
  for (const auto& line : (*reservation)->lines()) {
    if (!named.empty() && std::count(named.begin(), named.end(), line.line_id()) == 0) continue;
    const auto* location = state.locations.Find(line.location());
    // A line without a location is the chain's.
    ids.push_back(location == nullptr ? "" : location->location_id());
  }
  return ids;
}

std::vector<std::string> LocationsOf(const Permission& row, const ledger::State& state,
                                     const Message* request, const std::string* in_path) {
  if (in_path != nullptr) return {*in_path};
  if (row.locations == kLinesOfReservation) return LocationsOfLines(state, *request);
  std::vector<std::string> ids;
  const std::vector<std::string> path = absl::StrSplit(row.locations, '.');
  AddTextsAt(*request, path, &ids);
  return ids;
}

}  // namespace

bool Principal::Owns(const std::string& location_id) const {
  return std::binary_search(location_ids.begin(), location_ids.end(), location_id);
}

absl::Span<const Permission> Permissions() { return kPermissions; }

const Permission* FindPermission(absl::string_view method) {
  for (const Permission& row : kPermissions) {
    if (row.method == method) return &row;
  }
  return nullptr;
}

std::string MethodTaking(const google::protobuf::Descriptor* request) {
  const google::protobuf::FileDescriptor& file = *request->file();
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const google::protobuf::MethodDescriptor* method = file.service(i)->method(j);
      if (method->input_type() == request) return method->full_name();
    }
  }
  return "";
}

absl::Status CheckPermission(const Permission* row, const ledger::State& state,
                             const Principal& principal, const Message* request,
                             const std::string* in_path) {
  const Roles role = Roles{1} << principal.role;
  if (row != nullptr && (row->anywhere & (role | kAnyone)) != 0) return absl::OkStatus();
  if (row == nullptr || (row->own & role) == 0) return RoleMayNot(principal, "may not do this");
  const std::vector<std::string> locations = LocationsOf(*row, state, request, in_path);
  const auto other = std::find_if(locations.begin(), locations.end(),
                                  [&](const std::string& id) { return !principal.Owns(id); });
  if (locations.empty() || other != locations.end()) {
    return Denied("LOCATION_NOT_YOURS", row->locations, locations.empty() ? "" : *other,
                  "is not about the locations of this token alone",
                  absl::StrCat("name locations out of: ",
                               absl::StrJoin(principal.location_ids.begin(),
                                             principal.location_ids.begin() +
                                                 static_cast<std::ptrdiff_t>(std::min<size_t>(
                                                     principal.location_ids.size(), 10)),
                                             ", ")));
  }
  if (row->narrow == nullptr || request == nullptr) return absl::OkStatus();
  return row->narrow(state, principal, *request);
}

std::string RoleName(v1::Role role) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(role), "ROLE_")),
                             {{"_", "-"}});
}

}  // namespace onhand::rpc
