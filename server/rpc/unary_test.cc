// Unary writes and reads over a real connection to a real hub: ids, refusals, pages, health.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

class UnaryTest : public testing::Test {
 protected:
  UnaryTest() { served_.MakeChain({"M1", "M2", "M3"}, {"ball", "boot", "bike"}); }

  v1::AdjustRequest CountOf(const std::string& sku, int64_t quantity) {
    v1::AdjustRequest request;
    request.set_request_id(MakeRequestId());
    request.set_sku(sku);
    request.set_location_id("M1");
    request.set_kind(v1::MOVEMENT_KIND_COUNT);
    request.set_quantity(quantity);
    request.set_author("Ana");
    request.set_reason("count");
    return request;
  }
  grpc::Status Adjust(const v1::AdjustRequest& request, v1::AdjustResponse* response) {
    return served_.Call(&v1::StockService::Stub::Adjust, request, response);
  }

  // Whether a status names its reason, the field, what came and what to do.
  static void ExpectRefusal(const grpc::Status& status, grpc::StatusCode code,
                            const std::string& reason, const std::string& field,
                            const std::string& value) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    const google::rpc::ErrorInfo info = ErrorInfoOf(status);
    EXPECT_EQ(info.domain(), "onhand");
    EXPECT_EQ(info.reason(), reason) << status.error_message();
    const auto metadata = [&info](const char* key) {
      const auto found = info.metadata().find(key);
      return found == info.metadata().end() ? std::string() : found->second;
    };
    EXPECT_EQ(metadata("field"), field);
    EXPECT_EQ(metadata("value"), value);
    EXPECT_FALSE(metadata("remedy").empty());
    EXPECT_NE(status.error_message().find(metadata("remedy")), std::string::npos);
  }

  ServedHub served_;
};

TEST_F(UnaryTest, ARepeatedRequestGetsTheFirstAnswerAndChangesNothing) {
  v1::AdjustRequest request = CountOf("ball", 7);
  request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
  v1::AdjustResponse first;
  ServedHub::Expect(Adjust(request, &first));
  v1::AdjustResponse again;
  ServedHub::Expect(Adjust(request, &again));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(first.position().on_hand(), 7);

  v1::ListPositionsRequest positions;
  positions.set_sku("ball");
  v1::ListPositionsResponse listed;
  ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, positions, &listed));
  ASSERT_EQ(listed.positions_size(), 1);
  EXPECT_EQ(listed.positions(0).on_hand(), 7);
}

TEST_F(UnaryTest, ARequestIdWithOtherContentIsRefused) {
  v1::AdjustRequest request = CountOf("ball", 7);
  v1::AdjustResponse response;
  ServedHub::Expect(Adjust(request, &response));
  request.set_quantity(8);
  EXPECT_EQ(ReasonOf(Adjust(request, &response)), "REQUEST_ID_REUSED");
}

TEST_F(UnaryTest, ARequestIdOfAnotherMethodIsRefused) {
  const v1::AdjustRequest request = CountOf("ball", 7);
  v1::AdjustResponse adjusted;
  ServedHub::Expect(Adjust(request, &adjusted));
  v1::EndCorrectionsRequest other;
  other.set_request_id(request.request_id());
  other.set_sku("ball");
  other.set_location_id("M1");
  v1::EndCorrectionsResponse response;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::StockService::Stub::EndCorrections, other, &response)),
            "REQUEST_ID_REUSED");
}

TEST_F(UnaryTest, RequestIdsAreUuidsOfTheirTime) {
  v1::AdjustRequest request = CountOf("ball", 7);
  v1::AdjustResponse response;
  request.set_request_id("");
  EXPECT_EQ(ReasonOf(Adjust(request, &response)), "INVALID_REQUEST_ID");
  request.set_request_id("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  ExpectRefusal(Adjust(request, &response), grpc::StatusCode::INVALID_ARGUMENT,
                "INVALID_REQUEST_ID", "request_id", "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  request.set_request_id(MakeRequestId(absl::Now() - absl::Hours(24 * 8)));
  EXPECT_EQ(ReasonOf(Adjust(request, &response)), "REQUEST_ID_EXPIRED");
  request.set_request_id(MakeRequestId(absl::Now() + absl::Hours(25)));
  EXPECT_EQ(ReasonOf(Adjust(request, &response)), "REQUEST_ID_AHEAD");
}

TEST_F(UnaryTest, RefusalsNameFieldValueAndRemedy) {
  v1::AdjustResponse adjusted;
  ExpectRefusal(Adjust(CountOf("bat", 7), &adjusted), grpc::StatusCode::NOT_FOUND, "UNKNOWN_ITEM",
                "sku", "bat");
  ExpectRefusal(Adjust(CountOf("ball", -1), &adjusted), grpc::StatusCode::INVALID_ARGUMENT,
                "QUANTITY_OUT_OF_RANGE", "quantity", "-1");
  ExpectRefusal(Adjust(CountOf("ball", int64_t{1} << 40), &adjusted),
                grpc::StatusCode::INVALID_ARGUMENT, "QUANTITY_OUT_OF_RANGE", "quantity",
                "1099511627776");
  v1::AdjustRequest elsewhere = CountOf("ball", 1);
  elsewhere.set_location_id("M9");
  ExpectRefusal(Adjust(elsewhere, &adjusted), grpc::StatusCode::NOT_FOUND, "UNKNOWN_LOCATION",
                "location_id", "M9");

  v1::GetRuleRequest rule;
  rule.set_rule_id("floor");
  v1::GetRuleResponse rule_response;
  ExpectRefusal(served_.Call(&v1::RuleService::Stub::GetRule, rule, &rule_response),
                grpc::StatusCode::NOT_FOUND, "UNKNOWN_RULE", "rule_id", "floor");

  v1::GetItemRequest item;
  item.set_sku("bat\n");
  v1::GetItemResponse item_response;
  ExpectRefusal(served_.Call(&v1::CatalogService::Stub::GetItem, item, &item_response),
                grpc::StatusCode::NOT_FOUND, "UNKNOWN_ITEM", "sku", "bat\\n");
}

TEST_F(UnaryTest, AnUnknownTimeZoneIsRefusedWhateverThisMachineCallsIts) {
  for (const char* zone :
       {"Europe/Atlantis", "localtime", "/etc/localtime", "../../etc/localtime", ""}) {
    v1::BatchUpsertLocationsRequest request;
    request.set_request_id(MakeRequestId());
    v1::Location& location = *request.add_locations();
    location.set_location_id("M4");
    location.set_time_zone(zone);
    v1::BatchUpsertLocationsResponse response;
    EXPECT_EQ(
        ReasonOf(served_.Call(&v1::CatalogService::Stub::BatchUpsertLocations, request, &response)),
        "INVALID_LOCATION")
        << zone;
  }
}

TEST_F(UnaryTest, ADryRunChangesNothingAndNeedsNoId) {
  v1::BatchUpsertItemsRequest request;
  request.set_dry_run(true);
  request.add_items()->set_sku("bat");
  v1::BatchUpsertItemsResponse response;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response));
  EXPECT_EQ(response.created_count(), 1u);
  EXPECT_EQ(response.revision(), 0u);
  v1::GetItemRequest item;
  item.set_sku("bat");
  v1::GetItemResponse found;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::CatalogService::Stub::GetItem, item, &found)),
            "UNKNOWN_ITEM");
}

TEST_F(UnaryTest, PagesOfAListAreItsElementsInOrderOnce) {
  v1::BatchUpsertItemsRequest request;
  request.set_request_id(MakeRequestId());
  for (int i = 0; i < 25; ++i) {
    v1::Item& item = *request.add_items();
    item.set_sku(absl::StrFormat("shoe %02d", i));
    item.set_category(i % 2 == 0 ? "footwear/running" : "footwearx");
  }
  v1::BatchUpsertItemsResponse response;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response));

  v1::ListItemsRequest list;
  list.set_page_size(5);
  list.set_category("footwear");
  std::vector<std::string> skus;
  do {
    v1::ListItemsResponse page;
    ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::ListItems, list, &page));
    EXPECT_LE(page.items_size(), 5);
    for (const v1::Item& item : page.items()) skus.push_back(item.sku());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(skus.size(), 13u);
  EXPECT_TRUE(std::is_sorted(skus.begin(), skus.end()));
}

TEST_F(UnaryTest, LocationsArePagedInIdOrder) {
  v1::ListLocationsRequest list;
  list.set_page_size(2);
  v1::ListLocationsResponse first;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::ListLocations, list, &first));
  ASSERT_EQ(first.locations_size(), 2);
  EXPECT_EQ(first.locations(1).location_id(), "M2");
  list.set_page_token(first.next_page_token());
  v1::ListLocationsResponse second;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::ListLocations, list, &second));
  ASSERT_EQ(second.locations_size(), 1);
  EXPECT_EQ(second.locations(0).location_id(), "M3");
  EXPECT_TRUE(second.next_page_token().empty());
}

TEST_F(UnaryTest, PositionsOfALocationArePagedInSkuOrder) {
  v1::AdjustResponse adjusted;
  for (const char* sku : {"boot", "ball", "bike"})
    ServedHub::Expect(Adjust(CountOf(sku, 4), &adjusted));
  v1::ListPositionsRequest list;
  list.set_location_id("M1");
  list.set_page_size(2);
  v1::ListPositionsResponse first;
  ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, list, &first));
  ASSERT_EQ(first.positions_size(), 2);
  EXPECT_EQ(first.positions(0).sku(), "ball");
  EXPECT_EQ(first.positions(1).sku(), "bike");
  list.set_page_token(first.next_page_token());
  v1::ListPositionsResponse second;
  ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, list, &second));
  ASSERT_EQ(second.positions_size(), 1);
  EXPECT_EQ(second.positions(0).sku(), "boot");
  EXPECT_TRUE(second.next_page_token().empty());
}

TEST_F(UnaryTest, MovementsArePagedNewestFirst) {
  v1::AdjustResponse adjusted;
  for (int i = 1; i <= 3; ++i) {
    v1::AdjustRequest request = CountOf("ball", i);
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    ServedHub::Expect(Adjust(request, &adjusted));
  }
  v1::ListMovementsRequest list;
  list.set_sku("ball");
  list.set_location_id("M1");
  list.set_page_size(1);
  std::vector<int64_t> quantities;
  do {
    v1::ListMovementsResponse page;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListMovements, list, &page));
    for (const v1::RecordedMovement& movement : page.movements())
      quantities.push_back(movement.quantity());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(quantities, (std::vector<int64_t>{3, 2, 1}));
}

TEST_F(UnaryTest, AForeignPageTokenIsRefused) {
  v1::ListLocationsRequest locations;
  locations.set_page_size(1);
  v1::ListLocationsResponse first;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::ListLocations, locations, &first));
  v1::ListItemsRequest items;
  items.set_page_token(first.next_page_token());
  v1::ListItemsResponse response;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::CatalogService::Stub::ListItems, items, &response)),
            "INVALID_PAGE_TOKEN");
  items.set_page_token("@@@");
  EXPECT_EQ(ReasonOf(served_.Call(&v1::CatalogService::Stub::ListItems, items, &response)),
            "INVALID_PAGE_TOKEN");
  items.set_page_token("");
  items.set_page_size(1'001);
  EXPECT_EQ(ReasonOf(served_.Call(&v1::CatalogService::Stub::ListItems, items, &response)),
            "INVALID_PAGE_SIZE");
}

TEST_F(UnaryTest, APositionsListNeedsAFilter) {
  v1::ListPositionsResponse response;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::StockService::Stub::ListPositions,
                                  v1::ListPositionsRequest(), &response)),
            "INVALID_FILTER");
}

TEST_F(UnaryTest, AnEtagOfAnotherVersionIsAborted) {
  v1::SetRuleRequest request;
  request.set_request_id(MakeRequestId());
  request.mutable_rule()->set_rule_id("floor");
  request.mutable_rule()->mutable_chain_floor()->set_units(5);
  v1::SetRuleResponse response;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::SetRule, request, &response));
  const std::string etag = response.rule().etag();

  request.set_request_id(MakeRequestId());
  request.set_etag("stale");
  const grpc::Status stale = served_.Call(&v1::RuleService::Stub::SetRule, request, &response);
  EXPECT_EQ(stale.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(stale), "ETAG_MISMATCH");

  request.set_request_id(MakeRequestId());
  request.set_etag(etag);
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::SetRule, request, &response));
  EXPECT_EQ(response.rule().version(), 2u);
  v1::ListRulesResponse listed;
  ServedHub::Expect(
      served_.Call(&v1::RuleService::Stub::ListRules, v1::ListRulesRequest(), &listed));
  EXPECT_EQ(listed.rules_size(), 1);
}

TEST_F(UnaryTest, AQuarantinedRowIsListedAndDropped) {
  v1::SubmitReportRequest report;
  *report.mutable_hello() = HelloOf("till", "a", "M2");
  *report.mutable_batch() = BatchOf(1, "unheard of", 3);
  v1::SubmitReportResponse reported;
  ServedHub::Expect(served_.Call(&v1::ReportService::Stub::SubmitReport, report, &reported));
  ASSERT_EQ(reported.ack().problems_size(), 1);

  v1::ListQuarantineRequest list;
  list.set_location_id("M2");
  v1::ListQuarantineResponse listed;
  ServedHub::Expect(served_.Call(&v1::QuarantineService::Stub::ListQuarantine, list, &listed));
  ASSERT_EQ(listed.entries_size(), 1);
  EXPECT_EQ(listed.entries(0).sku(), "unheard of");
  EXPECT_EQ(listed.entries(0).source_id(), "till");
  EXPECT_EQ(listed.entries(0).location_id(), "M2");

  v1::DropQuarantinedRequest drop;
  drop.set_request_id(MakeRequestId());
  drop.set_quarantine_id(listed.entries(0).quarantine_id());
  v1::DropQuarantinedResponse dropped;
  ServedHub::Expect(served_.Call(&v1::QuarantineService::Stub::DropQuarantined, drop, &dropped));
  EXPECT_GT(dropped.revision(), 0u);
  v1::ListQuarantineResponse after;
  ServedHub::Expect(served_.Call(&v1::QuarantineService::Stub::ListQuarantine, list, &after));
  EXPECT_EQ(after.entries_size(), 0);
}

TEST_F(UnaryTest, TheHubTellsHowItIs) {
  v1::GetHubStatusResponse response;
  ServedHub::Expect(
      served_.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest(), &response));
  EXPECT_EQ(response.version(), "test");
  EXPECT_EQ(response.store(), "memory");
  EXPECT_EQ(response.item_count(), 3u);
  EXPECT_EQ(response.journal_id(), served_.hub().journal_id());
  EXPECT_GT(response.revision(), 0u);
}

TEST_F(UnaryTest, AMessageOf20MegabytesIsRefusedClearlyAndDisturbsNobody) {
  v1::AdjustRequest large = CountOf("ball", 7);
  large.set_reason(std::string(20 << 20, 'x'));
  v1::AdjustResponse response;
  const grpc::Status status = Adjust(large, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_NE(status.error_message().find("larger than max"), std::string::npos)
      << status.error_message();
  ServedHub::Expect(Adjust(CountOf("ball", 7), &response));
}

TEST_F(UnaryTest, HealthAnswersServing) {
  grpc::health::v1::HealthCheckResponse response;
  ServedHub::Expect(served_.Call(&grpc::health::v1::Health::Stub::Check,
                                 grpc::health::v1::HealthCheckRequest(), &response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(UnaryTest, HealthWatchersHearOfTheDrain) {
  grpc::ClientContext context;
  const auto stub = grpc::health::v1::Health::NewStub(served_.channel());
  const auto watch = stub->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  Agent agent(served_);  // keeps the drain waiting until it was heard
  agent.Open(HelloOf("till", "a", "M1"));
  std::thread stop([this] { served_.server().Stop(); });
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  context.TryCancel();
  agent.Close();
  agent.End();
  stop.join();
}

TEST_F(UnaryTest, HealthKnowsTheServicesOfTheHubAndNoOthers) {
  grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  request.set_service("onhand.v1.StockService");
  ServedHub::Expect(served_.Call(&grpc::health::v1::Health::Stub::Check, request, &response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  request.set_service("onhand.v1.FaxService");
  EXPECT_EQ(served_.Call(&grpc::health::v1::Health::Stub::Check, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);

  grpc::ClientContext context;
  const auto stub = grpc::health::v1::Health::NewStub(served_.channel());
  const auto watch = stub->Watch(&context, request);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
}

TEST_F(UnaryTest, AHealthWatchDoesNotHoldUpTheEnd) {
  grpc::ClientContext context;
  const auto stub = grpc::health::v1::Health::NewStub(served_.channel());
  const auto watch = stub->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  served_.server().Stop();
  while (watch->Read(&response)) {
  }
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(UnaryTest, MoreWritesThanCallsWaitAreAllAnswered) {
  constexpr int kWrites = 600;
  v1::StockService::Stub stub(served_.channel());
  struct Write {
    grpc::ClientContext context;
    v1::AdjustResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::AdjustResponse>> reader;
  };
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Write>> writes;
  for (int i = 0; i < kWrites; ++i) {
    auto& write = *writes.emplace_back(std::make_unique<Write>());
    v1::AdjustRequest request = CountOf("ball", 1);
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    write.reader = stub.AsyncAdjust(&write.context, request, &queue);
    write.reader->Finish(&write.response, &write.status, &write);
  }
  int64_t highest = 0;
  for (int i = 0; i < kWrites; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    const auto& write = *static_cast<Write*>(tag);
    ServedHub::Expect(write.status);
    highest = std::max(highest, write.response.position().on_hand());
  }
  EXPECT_EQ(highest, kWrites);
}

}  // namespace
}  // namespace onhand::rpc
