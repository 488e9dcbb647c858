#include "server/rpc/permissions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "onhand/v1/audit.pb.h"
#include "server/ledger/encode.h"
#include "server/ledger/refusal.h"
#include "server/rpc/served_hub.h"
#include "server/rpc/token_service.h"
#include "server/rpc/token_text.h"

namespace onhand::rpc {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

const char kReflection[] = "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo";

// What the table should say, written by hand: S site, T store, V viewer, E rule editor, A admin,
// and in small letters (a agent, t store) those that may for their own locations only; * anyone.
const std::map<std::string, std::string>& Expected() {
  static const auto* const expected = new std::map<std::string, std::string>{
      {"onhand.v1.AvailabilityService.GetAvailability", "STVEA"},
      {"onhand.v1.AvailabilityService.BatchGetAvailability", "STVEA"},
      {"onhand.v1.CatalogService.BatchUpsertItems", "A"},
      {"onhand.v1.CatalogService.GetItem", "STVEA"},
      {"onhand.v1.CatalogService.ListItems", "STVEA"},
      {"onhand.v1.CatalogService.RenameItem", "A"},
      {"onhand.v1.CatalogService.MergeItems", "A"},
      {"onhand.v1.CatalogService.StopItem", "EA"},
      {"onhand.v1.CatalogService.BatchUpsertLocations", "A"},
      {"onhand.v1.CatalogService.ListLocations", "STVEA"},
      {"onhand.v1.CatalogService.SetLocationState", "tEA"},
      {"onhand.v1.CatalogService.AnnounceStocktake", "tA"},
      {"onhand.v1.CatalogService.BatchUpsertGroups", "A"},
      {"onhand.v1.CatalogService.ListGroups", "STVEA"},
      {"onhand.v1.CatalogService.BatchUpsertChannels", "A"},
      {"onhand.v1.CatalogService.ListChannels", "STVEA"},
      {"onhand.v1.CatalogService.SetChain", "A"},
      {"onhand.v1.CatalogService.GetChain", "STVEA"},
      {"onhand.v1.FindService.FindNearby", "STVEA"},
      {"onhand.v1.HubService.GetHubStatus", "GSTVEA"},
      {"onhand.v1.HubService.ListLocationStatus", "TVEA"},
      {"onhand.v1.HubService.RetireSource", "A"},
      {"onhand.v1.HubService.ListDisplayChanges", "VEA"},
      {"onhand.v1.InsightService.ListDoubts", "tVEA"},
      {"onhand.v1.InsightService.ListDeadItems", "VEA"},
      {"onhand.v1.InsightService.AdviseSchedule", "VEA"},
      {"onhand.v1.InsightService.StartSalesImport", "A"},
      {"onhand.v1.InsightService.AddPastSales", "A"},
      {"onhand.v1.InsightService.FinishSalesImport", "A"},
      {"onhand.v1.QuarantineService.ListQuarantine", "tVEA"},
      {"onhand.v1.QuarantineService.AcceptQuarantined", "A"},
      {"onhand.v1.QuarantineService.RetryQuarantined", "A"},
      {"onhand.v1.QuarantineService.DropQuarantined", "A"},
      {"onhand.v1.ReportService.Report", "aA"},
      {"onhand.v1.ReportService.SubmitReport", "aA"},
      {"onhand.v1.ReservationService.CreateReservation", "SA"},
      {"onhand.v1.ReservationService.CheckBasket", "SA"},
      {"onhand.v1.ReservationService.ExtendReservation", "SA"},
      {"onhand.v1.ReservationService.CommitReservation", "SA"},
      {"onhand.v1.ReservationService.PickReservation", "StA"},
      {"onhand.v1.ReservationService.FulfilReservation", "StA"},
      {"onhand.v1.ReservationService.ReleaseReservation", "SA"},
      {"onhand.v1.ReservationService.ReassignLine", "SA"},
      {"onhand.v1.ReservationService.FailPick", "StA"},
      {"onhand.v1.ReservationService.GetReservation", "StVEA"},
      {"onhand.v1.ReservationService.ListReservations", "StVEA"},
      {"onhand.v1.ReservationService.ListShortages", "StVEA"},
      {"onhand.v1.ReservationService.ImportOrders", "SA"},
      {"onhand.v1.RuleService.SetRule", "EA"},
      {"onhand.v1.RuleService.DeleteRule", "EA"},
      {"onhand.v1.RuleService.GetRule", "VEA"},
      {"onhand.v1.RuleService.ListRules", "VEA"},
      {"onhand.v1.RuleService.BatchChangeRules", "EA"},
      {"onhand.v1.RuleService.ListRuleVersions", "VEA"},
      {"onhand.v1.RuleService.RollbackRule", "EA"},
      {"onhand.v1.RuleService.PreviewRules", "VEA"},
      {"onhand.v1.StockService.ListPositions", "tVEA"},
      {"onhand.v1.StockService.ListMovements", "tVEA"},
      {"onhand.v1.StockService.Adjust", "tA"},
      {"onhand.v1.StockService.EndCorrections", "A"},
      {"onhand.v1.StockService.SetIncoming", "A"},
      {"onhand.v1.StockService.ListIncoming", "STVEA"},
      {"onhand.v1.AuditService.ListAudit", "A"},
      {"onhand.v1.TokenService.CreateToken", "A"},
      {"onhand.v1.TokenService.ListTokens", "A"},
      {"onhand.v1.TokenService.RevokeToken", "A"},
      {"onhand.v1.WatchService.Watch", "STVEA"},
      {"onhand.v1.WebhookService.SetWebhook", "A"},
      {"onhand.v1.WebhookService.ListWebhooks", "A"},
      {"onhand.v1.WebhookService.DeleteWebhook", "A"},
      {"onhand.v1.WebhookService.TestWebhook", "A"},
      {"grpc.health.v1.Health.Check", "*"},
      {"grpc.health.v1.Health.Watch", "*"},
      {kReflection, "*"},
      {"GET /healthz", "*"},
      {"GET /readyz", "*"},
      {"GET /metrics", "VA"},
      {"PUT /v1/locations/{id}/files/{name}", "aA"},
  };
  return *expected;
}

// Whether the hand-written table lets `role` call a method about its own locations, or others.
bool ShouldLetIn(const std::string& method, v1::Role role, bool own) {
  const std::string& letters = Expected().at(method);
  const auto has = [&](char letter) { return letters.find(letter) != std::string::npos; };
  if (has('*')) return true;
  switch (role) {
    case v1::ROLE_AGENT:
      return has('G') || (own && has('a'));
    case v1::ROLE_SITE:
      return has('S');
    case v1::ROLE_STORE:
      return has('T') || (own && has('t'));
    case v1::ROLE_VIEWER:
      return has('V');
    case v1::ROLE_RULE_EDITOR:
      return has('E');
    case v1::ROLE_ADMIN:
      return has('A');
    default:
      return false;
  }
}

// Every method of the contract and of health, by full name.
std::map<std::string, const MethodDescriptor*> Methods() {
  std::map<std::string, const MethodDescriptor*> methods;
  std::set<const google::protobuf::FileDescriptor*> files;
  for (const google::protobuf::Descriptor* message :
       {v1::ListAuditRequest::descriptor(), v1::GetItemRequest::descriptor(),
        v1::GetAvailabilityRequest::descriptor(), v1::FindNearbyRequest::descriptor(),
        v1::GetHubStatusRequest::descriptor(), v1::ListDoubtsRequest::descriptor(),
        v1::ListQuarantineRequest::descriptor(), v1::ReportRequest::descriptor(),
        v1::GetReservationRequest::descriptor(), v1::GetRuleRequest::descriptor(),
        v1::AdjustRequest::descriptor(), v1::CreateTokenRequest::descriptor(),
        v1::WatchRequest::descriptor(), v1::SetWebhookRequest::descriptor(),
        grpc::health::v1::HealthCheckRequest::descriptor()}) {
    files.insert(message->file());
  }
  for (const auto* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const MethodDescriptor* method = file->service(i)->method(j);
        methods[method->full_name()] = method;
      }
    }
  }
  return methods;
}

v1::Hello HelloFor(const std::string& location) {
  v1::Hello hello = HelloOf(absl::StrCat("till@", location), "spool", location);
  return hello;
}

// A hub that asks for tokens, with two locations, a reservation at each, and a token a role.
class SecuredHub {
 public:
  explicit SecuredHub(int64_t clock_scale = 1) : hub_({}, clock_scale, {}, true) {
    admin_ = *MakeFirstToken(&hub_.hub());
  }

  // A call by name; an empty token shows none.
  grpc::Status CallByName(const std::string& method, const std::string& token,
                          const std::string& bytes,
                          std::chrono::milliseconds within = std::chrono::seconds(20)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + within);
    if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool ok = false;
    const size_t dot = method.rfind('.');
    const std::string path = absl::StrCat("/", method.substr(0, dot), "/", method.substr(dot + 1));
    auto stream = grpc::GenericStub(hub_.channel()).PrepareCall(&context, path, &queue);
    stream->StartCall(nullptr);
    queue.Next(&tag, &ok);
    const grpc::Slice slice(bytes);
    stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    queue.Next(&tag, &ok);
    do {
      grpc::ByteBuffer message;
      stream->Read(&message, nullptr);
      queue.Next(&tag, &ok);
    } while (ok);
    grpc::Status status;
    stream->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status;
  }

  template <class Stub, class Request, class Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response, const std::string& token) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    Stub stub(hub_.channel());
    return (stub.*method)(&context, request, response);
  }

  v1::CreateTokenResponse Create(const std::string& principal, v1::Role role, int64_t lifetime_s,
                                 const std::vector<std::string>& locations,
                                 const std::string& request_id = MakeRequestId()) {
    v1::CreateTokenRequest request;
    request.set_request_id(request_id);
    request.set_principal(principal);
    request.set_role(role);
    for (const std::string& id : locations) request.add_location_ids(id);
    if (lifetime_s > 0) request.mutable_lifetime()->set_seconds(lifetime_s);
    v1::CreateTokenResponse response;
    ServedHub::Expect(Call(&v1::TokenService::Stub::CreateToken, request, &response, admin_));
    return response;
  }
  void Revoke(const std::string& token_id) {
    v1::RevokeTokenRequest request;
    request.set_request_id(MakeRequestId());
    request.set_token_id(token_id);
    v1::RevokeTokenResponse response;
    ServedHub::Expect(Call(&v1::TokenService::Stub::RevokeToken, request, &response, admin_));
  }
  grpc::Status Status(const std::string& token) {
    v1::GetHubStatusResponse response;
    return Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest(), &response, token);
  }

  void MakeChain() {
    v1::BatchUpsertLocationsRequest locations;
    locations.set_request_id(MakeRequestId());
    for (const char* id : {"mine", "other"}) {
      v1::Location& location = *locations.add_locations();
      location.set_location_id(id);
      location.set_name(id);
      location.set_time_zone("Europe/Madrid");
    }
    v1::BatchUpsertLocationsResponse locations_response;
    ServedHub::Expect(Call(&v1::CatalogService::Stub::BatchUpsertLocations, locations,
                           &locations_response, admin_));
    v1::BatchUpsertChannelsRequest channels;
    channels.set_request_id(MakeRequestId());
    for (const auto& [id, kind] :
         {std::pair("ship", v1::CHANNEL_KIND_SHIP), std::pair("pickup", v1::CHANNEL_KIND_PICKUP)}) {
      v1::Channel& channel = *channels.add_channels();
      channel.set_channel_id(id);
      channel.set_name(id);
      channel.set_kind(kind);
    }
    v1::BatchUpsertChannelsResponse channels_response;
    ServedHub::Expect(
        Call(&v1::CatalogService::Stub::BatchUpsertChannels, channels, &channels_response, admin_));
    v1::BatchUpsertItemsRequest items;
    items.set_request_id(MakeRequestId());
    items.add_items()->set_sku("boot");
    items.mutable_items(0)->set_name("Boot");
    items.mutable_items(0)->set_published(true);
    v1::BatchUpsertItemsResponse items_response;
    ServedHub::Expect(
        Call(&v1::CatalogService::Stub::BatchUpsertItems, items, &items_response, admin_));
    for (const char* id : {"mine", "other"}) Reserve(id);
  }
  const std::string& ReservationAt(const std::string& location) { return reservations_[location]; }

  const std::string& admin() const { return admin_; }
  ServedHub& served() { return hub_; }

 private:
  void Reserve(const std::string& location) {
    v1::AdjustRequest count;
    count.set_request_id(MakeRequestId());
    count.set_sku("boot");
    count.set_location_id(location);
    count.set_kind(v1::MOVEMENT_KIND_COUNT);
    count.set_quantity(9);
    v1::AdjustResponse counted;
    ServedHub::Expect(Call(&v1::StockService::Stub::Adjust, count, &counted, admin_));
    v1::CreateReservationRequest create;
    create.set_request_id(MakeRequestId());
    create.mutable_basket()->set_channel_id("ship");
    v1::BasketLine& line = *create.mutable_basket()->add_lines();
    line.set_sku("boot");
    line.set_units(1);
    line.set_location_id(location);
    v1::CreateReservationResponse created;
    ServedHub::Expect(
        Call(&v1::ReservationService::Stub::CreateReservation, create, &created, admin_));
    reservations_[location] = created.reservation().reservation_id();
  }

  ServedHub hub_;
  std::string admin_;
  std::map<std::string, std::string> reservations_;
};

// A request that is about `location`, and wrong in another way: it changes nothing if it is let in.
std::string RequestAbout(const MethodDescriptor& method, const std::string& location,
                         SecuredHub& hub) {
  if (method.full_name() == "onhand.v1.ReportService.Report") {
    v1::ReportRequest request;
    request.mutable_hello()->add_location_ids(location);
    return request.SerializeAsString();
  }
  if (method.full_name() == "onhand.v1.ReportService.SubmitReport") {
    v1::SubmitReportRequest request;
    request.mutable_hello()->add_location_ids(location);
    return request.SerializeAsString();
  }
  if (method.full_name() == "onhand.v1.ReservationService.FailPick") {
    v1::FailPickRequest request;
    request.set_reservation_id(hub.ReservationAt(location));
    request.set_line_id(1);
    return request.SerializeAsString();
  }
  const std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()
                                             ->GetPrototype(method.input_type())
                                             ->New());
  const auto set = [&](const char* name, const std::string& value) {
    const auto* field = method.input_type()->FindFieldByName(name);
    if (field != nullptr && !field->is_repeated()) {
      request->GetReflection()->SetString(request.get(), field, value);
    }
  };
  set("location_id", location);
  set("reservation_id", hub.ReservationAt(location));
  set("resume_token", "no token of a watch");
  if (auto* adjust = dynamic_cast<v1::AdjustRequest*>(request.get())) {
    adjust->set_kind(v1::MOVEMENT_KIND_COUNT);
  }
  if (auto* state = dynamic_cast<v1::SetLocationStateRequest*>(request.get())) {
    state->set_state(v1::LOCATION_STATE_OPEN);
  }
  return request->SerializeAsString();
}

TEST(Permissions, EveryMethodHasARowAndEveryRowAMethod) {
  const auto methods = Methods();
  for (const auto& [name, method] : methods) {
    EXPECT_NE(FindPermission(name), nullptr) << name << " has no row in permissions.cc";
    EXPECT_EQ(Expected().count(name), 1u) << name << " is not in this test's table";
  }
  std::set<std::string> rows;
  for (const Permission& row : Permissions()) {
    const std::string name(row.method);
    EXPECT_TRUE(rows.insert(name).second) << name << " has two rows";
    EXPECT_TRUE(methods.count(name) == 1 || name == kReflection || absl::StrContains(name, " /"))
        << name << " is no method";
    EXPECT_EQ(Expected().count(name), 1u) << name;
  }
  EXPECT_EQ(rows.size(), Expected().size());
}

// Services of the contract that Methods() does not know would have no row: the hub tells its own.
TEST(Permissions, EveryServedServiceIsLookedAt) {
  std::set<std::string> served;
  for (const auto& [name, method] : Methods()) served.insert(method->service()->full_name());
  std::set<std::string> contract;
  std::vector<const google::protobuf::FileDescriptor*> files;
  for (const char* file :
       {"audit", "availability", "catalog", "find", "hub", "insights", "quarantine", "report",
        "reservations", "rules", "stock", "tokens", "watch", "webhooks"}) {
    const auto* found = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        absl::StrCat("onhand/v1/", file, ".proto"));
    ASSERT_NE(found, nullptr) << file;
    for (int i = 0; i < found->service_count(); ++i) {
      contract.insert(found->service(i)->full_name());
    }
  }
  contract.insert("grpc.health.v1.Health");
  EXPECT_EQ(served, contract);
}

TEST(Permissions, WhatHasNoRowIsForNobody) {
  EXPECT_EQ(FindPermission("onhand.v1.CatalogService.Burn"), nullptr);
  ledger::State state{ledger::Settings()};
  const absl::Status status =
      CheckPermission(nullptr, state, {.role = v1::ROLE_ADMIN}, nullptr, nullptr);
  EXPECT_EQ(ledger::ReasonOf(status), "ROLE_MAY_NOT");
}

TEST(Permissions, ExactlyTheExpectedCellsAnswer) {
  SecuredHub hub;
  hub.MakeChain();
  std::map<v1::Role, std::string> tokens = {{v1::ROLE_UNSPECIFIED, ""}};
  for (const v1::Role role : {v1::ROLE_AGENT, v1::ROLE_SITE, v1::ROLE_STORE, v1::ROLE_VIEWER,
                              v1::ROLE_RULE_EDITOR, v1::ROLE_ADMIN}) {
    const bool bound = role == v1::ROLE_AGENT || role == v1::ROLE_STORE;
    tokens[role] = hub.Create(v1::Role_Name(role), role, 0,
                              bound ? std::vector<std::string>{"mine"} : std::vector<std::string>{})
                       .text();
    ASSERT_NE(tokens[role], "");
  }
  int cells = 0;
  for (const auto& [name, method] : Methods()) {
    for (const auto& [role, token] : tokens) {
      for (const bool own : {true, false}) {
        const std::string request = RequestAbout(*method, own ? "mine" : "other", hub);
        // A watch of health ends by itself only with the hub.
        const grpc::Status status =
            hub.CallByName(name, token, request,
                           name == "grpc.health.v1.Health.Watch" ? std::chrono::milliseconds(50)
                                                                 : std::chrono::seconds(20));
        const std::string cell =
            absl::StrCat(name, " by ", v1::Role_Name(role), " about ", own ? "its own" : "another",
                         " location: ", status.error_message());
        ++cells;
        if (ShouldLetIn(name, role, own)) {
          EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << cell;
          EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << cell;
          EXPECT_NE(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << cell;
        } else {
          EXPECT_EQ(status.error_code(), token.empty() ? grpc::StatusCode::UNAUTHENTICATED
                                                       : grpc::StatusCode::PERMISSION_DENIED)
              << cell;
        }
      }
    }
  }
  EXPECT_EQ(cells, static_cast<int>(Methods().size()) * 7 * 2);
}

TEST(Permissions, StoreRecordsCountsAlone) {
  SecuredHub hub;
  hub.MakeChain();
  const std::string token = hub.Create("clerk", v1::ROLE_STORE, 0, {"mine"}).text();
  v1::AdjustRequest adjust;
  adjust.set_sku("boot");
  adjust.set_location_id("mine");
  adjust.set_kind(v1::MOVEMENT_KIND_RECEIPT);
  adjust.set_quantity(5);
  adjust.set_request_id(MakeRequestId());
  v1::AdjustResponse response;
  EXPECT_EQ(ReasonOf(hub.Call(&v1::StockService::Stub::Adjust, adjust, &response, token)),
            "ROLE_MAY_NOT");
  adjust.set_kind(v1::MOVEMENT_KIND_COUNT);
  ServedHub::Expect(hub.Call(&v1::StockService::Stub::Adjust, adjust, &response, token));
}

TEST(Permissions, StorePausesPickupAndNothingElse) {
  SecuredHub hub;
  hub.MakeChain();
  const std::string token = hub.Create("clerk", v1::ROLE_STORE, 0, {"mine"}).text();
  const auto set = [&](v1::LocationState state, const std::string& channel,
                       const std::string& shown) {
    v1::SetLocationStateRequest request;
    request.set_request_id(MakeRequestId());
    request.set_location_id("mine");
    request.set_state(state);
    if (!channel.empty()) request.add_paused_channel_ids(channel);
    v1::SetLocationStateResponse response;
    const grpc::Status status =
        hub.Call(&v1::CatalogService::Stub::SetLocationState, request, &response, shown);
    return status.ok() ? std::string("OK") : ReasonOf(status);
  };
  EXPECT_EQ(set(v1::LOCATION_STATE_PAUSED, "pickup", token), "OK");
  EXPECT_EQ(set(v1::LOCATION_STATE_OPEN, "", token), "OK");
  EXPECT_EQ(set(v1::LOCATION_STATE_PAUSED, "ship", token), "ROLE_MAY_NOT");
  EXPECT_EQ(set(v1::LOCATION_STATE_PAUSED, "", token), "ROLE_MAY_NOT");
  EXPECT_EQ(set(v1::LOCATION_STATE_CLOSED, "", token), "ROLE_MAY_NOT");
  // What an admin stopped stays stopped.
  EXPECT_EQ(set(v1::LOCATION_STATE_PAUSED, "", hub.admin()), "OK");
  EXPECT_EQ(set(v1::LOCATION_STATE_OPEN, "", token), "ROLE_MAY_NOT");
}

TEST(Permissions, AgentDoesNotTakeOverASourceOfOtherLocations) {
  SecuredHub hub;
  hub.MakeChain();
  const std::string mine = hub.Create("mine", v1::ROLE_AGENT, 0, {"mine"}).text();
  const std::string other = hub.Create("other", v1::ROLE_AGENT, 0, {"other"}).text();
  v1::SubmitReportRequest request;
  *request.mutable_hello() = HelloFor("other");
  *request.mutable_batch() = BatchOf(1, "boot", 3);
  v1::SubmitReportResponse response;
  ServedHub::Expect(hub.Call(&v1::ReportService::Stub::SubmitReport, request, &response, other));
  request.mutable_hello()->set_location_ids(0, "mine");
  EXPECT_EQ(ReasonOf(hub.Call(&v1::ReportService::Stub::SubmitReport, request, &response, mine)),
            "SOURCE_NOT_YOURS");
}

TEST(Tokens, AreToldApartByWhatIsWrong) {
  SecuredHub hub;
  EXPECT_EQ(ReasonOf(hub.Status("")), "TOKEN_MISSING");
  EXPECT_EQ(ReasonOf(hub.Status("onhand_short")), "TOKEN_MALFORMED");
  EXPECT_EQ(ReasonOf(hub.Status(NewTokenText())), "TOKEN_UNKNOWN");
  EXPECT_TRUE(hub.Status(hub.admin()).ok());
  const grpc::Status refused = hub.Status(NewTokenText());
  EXPECT_EQ(refused.error_message().find("onhand_"), std::string::npos);
}

TEST(Tokens, ExpireAtTheirTime) {
  SecuredHub hub(/*clock_scale=*/600);
  const std::string token = hub.Create("short", v1::ROLE_VIEWER, 600, {}).text();
  const absl::Time until = absl::Now() + absl::Seconds(20);
  while (hub.Status(token).ok() && absl::Now() < until) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(ReasonOf(hub.Status(token)), "TOKEN_EXPIRED");
}

TEST(Tokens, RotationKeepsTheOldOneUntilItIsRevoked) {
  SecuredHub hub;
  const auto before = hub.Create("viewer", v1::ROLE_VIEWER, 0, {});
  const auto after = hub.Create("viewer", v1::ROLE_VIEWER, 0, {});
  EXPECT_TRUE(hub.Status(before.text()).ok());
  EXPECT_TRUE(hub.Status(after.text()).ok());
  hub.Revoke(before.token().token_id());
  EXPECT_EQ(ReasonOf(hub.Status(before.text())), "TOKEN_UNKNOWN");
  EXPECT_TRUE(hub.Status(after.text()).ok());
}

TEST(Tokens, TextIsToldOnceAndKeptNowhere) {
  SecuredHub hub;
  const std::string id = MakeRequestId();
  const auto made = hub.Create("viewer", v1::ROLE_VIEWER, 0, {}, id);
  ASSERT_TRUE(IsTokenText(made.text()));
  const auto again = hub.Create("viewer", v1::ROLE_VIEWER, 0, {}, id);
  EXPECT_EQ(again.token().token_id(), made.token().token_id());
  EXPECT_EQ(again.text(), "");

  std::string kept = hub.served().hub().Read(
      [](const ledger::Ledger& ledger) { return ledger::EncodeState(ledger.state()); });
  const auto journal = hub.served().store().OpenJournalReader();
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_TRUE((*journal)
                  ->Read(1,
                         [&](const storage::JournalRow& row) {
                           kept += row.payload;
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_NE(kept.find(made.token().token_id()), std::string::npos);
  EXPECT_NE(kept.find("first-admin"), std::string::npos);
  EXPECT_EQ(kept.find(made.text().substr(7, 43)), std::string::npos);
  EXPECT_EQ(kept.find(hub.admin().substr(7, 43)), std::string::npos);
}

TEST(Tokens, StreamsEndWithTheirToken) {
  SecuredHub hub;
  hub.MakeChain();
  const auto agent = hub.Create("till", v1::ROLE_AGENT, 0, {"mine"});
  const auto site = hub.Create("shop", v1::ROLE_SITE, 0, {});

  grpc::ClientContext report_context;
  report_context.AddMetadata("authorization", absl::StrCat("Bearer ", agent.text()));
  v1::ReportService::Stub reports(hub.served().channel());
  const auto report = reports.Report(&report_context);
  v1::ReportRequest hello;
  *hello.mutable_hello() = HelloFor("mine");
  ASSERT_TRUE(report->Write(hello));
  v1::ReportResponse welcome;
  ASSERT_TRUE(report->Read(&welcome));
  ASSERT_TRUE(welcome.has_welcome());

  grpc::ClientContext watch_context;
  watch_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  watch_context.AddMetadata("authorization", absl::StrCat("Bearer ", site.text()));
  v1::WatchRequest everything;
  everything.set_channel_id("ship");
  v1::WatchService::Stub watches(hub.served().channel());
  const auto watch = watches.Watch(&watch_context, everything);

  hub.Revoke(agent.token().token_id());
  hub.Revoke(site.token().token_id());
  v1::ReportResponse response;
  while (report->Read(&response)) {
  }
  EXPECT_EQ(ReasonOf(report->Finish()), "TOKEN_UNKNOWN");
  v1::WatchResponse change;
  while (watch->Read(&change)) {
  }
  EXPECT_EQ(ReasonOf(watch->Finish()), "TOKEN_UNKNOWN");
}

TEST(TokenText, HasPrefixSecretAndChecksum) {
  const std::string text = NewTokenText();
  EXPECT_EQ(text.size(), 7u + 43 + 1 + 8);
  EXPECT_EQ(text.substr(0, 7), "onhand_");
  EXPECT_TRUE(IsTokenText(text));
  EXPECT_NE(NewTokenText(), text);
  for (const size_t at : {size_t{0}, size_t{7}, size_t{49}, size_t{50}, text.size() - 1}) {
    std::string wrong = text;
    wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(IsTokenText(wrong)) << wrong;
  }
  EXPECT_FALSE(IsTokenText(text.substr(0, 58)));
}

TEST(TokenText, HashesAreComparedWhole) {
  const std::string hash = Sha256Of("abc");
  EXPECT_EQ(absl::BytesToHexString(hash).substr(0, 8), "ba7816bf");
  EXPECT_TRUE(SameHash(hash, Sha256Of("abc")));
  std::string other = hash;
  other[31] = static_cast<char>(other[31] ^ 1);
  EXPECT_FALSE(SameHash(hash, other));
  EXPECT_FALSE(SameHash(hash, hash.substr(0, 31)));
}

}  // namespace
}  // namespace onhand::rpc
