// Refusals, request ids and the connection's retries, against a service that answers from a script.

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/request_id.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"

namespace onhand::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

grpc::Status HubRefusal(grpc::StatusCode code, const std::string& message,
                        const std::string& reason, const std::string& field = "") {
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(reason);
  if (!field.empty()) {
    (*info.mutable_metadata())["field"] = field;
    (*info.mutable_metadata())["value"] = "x y";
    (*info.mutable_metadata())["remedy"] = "give another";
  }
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(info);
  return grpc::Status(code, message, details.SerializeAsString());
}

TEST(RefusalTest, CarriesReasonFieldValueRemedyAndIndex) {
  const absl::Status status = StatusFromGrpc(
      HubRefusal(grpc::StatusCode::INVALID_ARGUMENT, "bad item", "INVALID_ITEM", "items[3].sku"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const Refusal refusal = RefusalOf(status);
  EXPECT_EQ(refusal.reason, "INVALID_ITEM");
  EXPECT_EQ(refusal.field, "items[3].sku");
  EXPECT_EQ(refusal.value, "x y");
  EXPECT_EQ(refusal.remedy, "give another");
  EXPECT_EQ(refusal.index, 3);
}

TEST(RefusalTest, DescriptionSaysEachPartOnce) {
  const grpc::Status terse =
      HubRefusal(grpc::StatusCode::INVALID_ARGUMENT, "bad item.", "INVALID_ITEM", "sku");
  EXPECT_EQ(Describe(StatusFromGrpc(terse)), "bad item (sku: 'x y'); give another [INVALID_ITEM]");
  const grpc::Status full = HubRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                                       "sku 'x y' is taken: give another", "SKU_TAKEN", "sku");
  EXPECT_EQ(Describe(StatusFromGrpc(full)), "sku 'x y' is taken: give another [SKU_TAKEN]");
}

TEST(RefusalTest, StatusWithoutDetailsStaysPlain) {
  const absl::Status status = StatusFromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "broken"));
  EXPECT_EQ(Describe(status), "broken");
  EXPECT_EQ(RefusalOf(status).reason, "");
}

TEST(RequestIdTest, HoldsItsMomentVersionAndVariant) {
  absl::BitGen random;
  const std::string id = NewRequestId(absl::FromUnixMillis(0x0123456789AB), random);
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id.substr(0, 15), "01234567-89ab-7");
  EXPECT_THAT(std::string("89ab"), HasSubstr(std::string(1, id[19])));
}

TEST(RequestIdTest, IdsOfOneMomentDiffer) {
  absl::BitGen random;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(NewRequestId(absl::UnixEpoch(), random));
  EXPECT_EQ(ids.size(), 1000u);
}

// Answers StopItem with the scripted statuses, then with success; keeps the ids it saw.
class ScriptedHub final : public v1::CatalogService::Service, public v1::HubService::Service {
 public:
  ScriptedHub() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::CatalogService::Service*>(this));
    builder.RegisterService(static_cast<v1::HubService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~ScriptedHub() override { server_->Shutdown(); }

  grpc::Status StopItem(grpc::ServerContext*, const v1::StopItemRequest* request,
                        v1::StopItemResponse* response) override {
    request_ids.push_back(request->request_id());
    if (script.empty()) {
      response->set_revision(7);
      return grpc::Status::OK;
    }
    grpc::Status status = script.front();
    script.pop_front();
    return status;
  }

  grpc::Status GetHubStatus(grpc::ServerContext*, const v1::GetHubStatusRequest*,
                            v1::GetHubStatusResponse* response) override {
    response->mutable_ledger_time()->set_seconds(absl::ToUnixSeconds(ledger_time));
    return grpc::Status::OK;
  }

  ConnectionOptions Options() const {
    ConnectionOptions options;
    options.hub = absl::StrCat("127.0.0.1:", port_);
    options.timeout = absl::Seconds(20);
    options.first_backoff = absl::Milliseconds(1);
    return options;
  }

  std::deque<grpc::Status> script;
  std::vector<std::string> request_ids;
  absl::Time ledger_time = absl::Now();

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

const grpc::Status kAway(grpc::StatusCode::UNAVAILABLE, "away");

TEST(ConnectionTest, RetriesWhileTheHubIsAwayWithTheSameRequestId) {
  ScriptedHub hub;
  hub.script = {kAway, kAway};
  Connection connection(hub.Options());
  const auto response =
      connection.Write(&v1::CatalogService::Stub::StopItem, v1::StopItemRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->revision(), 7u);
  ASSERT_EQ(hub.request_ids.size(), 3u);
  EXPECT_THAT(std::set<std::string>(hub.request_ids.begin(), hub.request_ids.end()),
              testing::SizeIs(1));
}

TEST(ConnectionTest, GivesUpAfterItsAttempts) {
  ScriptedHub hub;
  hub.script = {kAway, kAway, kAway, kAway, kAway, kAway};
  Connection connection(hub.Options());
  const auto response =
      connection.Write(&v1::CatalogService::Stub::StopItem, v1::StopItemRequest());
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(hub.request_ids.size(), 4u);
}

TEST(ConnectionTest, RefusalIsNotRetried) {
  ScriptedHub hub;
  hub.script = {HubRefusal(grpc::StatusCode::NOT_FOUND, "no such item", "UNKNOWN_ITEM", "sku")};
  Connection connection(hub.Options());
  const auto response =
      connection.Write(&v1::CatalogService::Stub::StopItem, v1::StopItemRequest());
  EXPECT_EQ(RefusalOf(response.status()).reason, "UNKNOWN_ITEM");
  EXPECT_EQ(hub.request_ids.size(), 1u);
}

TEST(ConnectionTest, TakesOverTheHubsClockWhenAFreshIdIsRefused) {
  ScriptedHub hub;
  hub.ledger_time = absl::FromUnixSeconds(0x10'0000'0000 / 1000);
  hub.script = {HubRefusal(grpc::StatusCode::FAILED_PRECONDITION, "too old", "REQUEST_ID_EXPIRED")};
  Connection connection(hub.Options());
  const auto response =
      connection.Write(&v1::CatalogService::Stub::StopItem, v1::StopItemRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(hub.request_ids.size(), 2u);
  // The first 32 bits are the moment in units of 65.5 s.
  EXPECT_EQ(hub.request_ids[1].substr(0, 5), "000ff");
  EXPECT_THAT(hub.request_ids[0], Not(HasSubstr("000ff")));
}

TEST(ConnectionTest, AnIdAheadOfTheHubsClockIsMadeAnewToo) {
  ScriptedHub hub;
  hub.ledger_time = absl::FromUnixSeconds(60);
  hub.script = {HubRefusal(grpc::StatusCode::INVALID_ARGUMENT, "too new", "REQUEST_ID_AHEAD")};
  Connection connection(hub.Options());
  const auto response =
      connection.Write(&v1::CatalogService::Stub::StopItem, v1::StopItemRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(hub.request_ids[1], testing::StartsWith("00000000-"));
}

TEST(ConnectionTest, NobodyListeningIsUnavailable) {
  ConnectionOptions options;
  options.hub = "127.0.0.1:1";
  options.first_backoff = absl::Milliseconds(1);
  Connection connection(options);
  EXPECT_EQ(connection.HubTime().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhand::client
