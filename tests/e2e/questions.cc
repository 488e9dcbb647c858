#include "tests/e2e/questions.h"

#include <utility>

#include "clients/cpp/refusal.h"
#include "gtest/gtest.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::testing {
namespace {

// Calls `use` with every page; stops at a refusal, which fails the test.
template <typename Stub, typename Request, typename Response, typename Use>
void ForEachPage(client::Connection& hub,
                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                 Request request, Use use) {
  request.set_page_size(1000);
  do {
    const absl::StatusOr<Response> page = hub.Call(method, request);
    if (!page.ok()) {
      ADD_FAILURE() << client::Describe(page.status());
      return;
    }
    use(*page);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
}

}  // namespace

void MakeLocations(client::Connection& hub, const std::vector<std::string>& location_ids) {
  v1::BatchUpsertLocationsRequest request;
  for (const std::string& location_id : location_ids) {
    v1::Location& location = *request.add_locations();
    location.set_location_id(location_id);
    location.set_name(location_id);
    location.set_time_zone("UTC");
  }
  const auto made = hub.Write(&v1::CatalogService::Stub::BatchUpsertLocations, std::move(request));
  ASSERT_TRUE(made.ok()) << client::Describe(made.status());
}

void MakeItem(client::Connection& hub, const std::string& sku) {
  v1::BatchUpsertItemsRequest request;
  v1::Item& item = *request.add_items();
  item.set_sku(sku);
  item.set_published(true);
  const auto made = hub.Write(&v1::CatalogService::Stub::BatchUpsertItems, std::move(request));
  ASSERT_TRUE(made.ok()) << client::Describe(made.status());
}

std::map<std::string, int64_t> OnHand(client::Connection& hub, const std::string& location_id) {
  std::map<std::string, int64_t> numbers;
  v1::ListPositionsRequest request;
  request.set_location_id(location_id);
  ForEachPage(hub, &v1::StockService::Stub::ListPositions, request,
              [&](const v1::ListPositionsResponse& page) {
                for (const v1::Position& position : page.positions()) {
                  const bool is_new = numbers.emplace(position.sku(), position.on_hand()).second;
                  EXPECT_TRUE(is_new) << position.sku() << " is listed twice";
                }
              });
  return numbers;
}

std::vector<v1::QuarantineEntry> Quarantined(client::Connection& hub) {
  std::vector<v1::QuarantineEntry> entries;
  ForEachPage(hub, &v1::QuarantineService::Stub::ListQuarantine, v1::ListQuarantineRequest(),
              [&](const v1::ListQuarantineResponse& page) {
                entries.insert(entries.end(), page.entries().begin(), page.entries().end());
              });
  return entries;
}

std::map<std::string, uint64_t> DurableSequences(client::Connection& hub) {
  std::map<std::string, uint64_t> sequences;
  ForEachPage(hub, &v1::HubService::Stub::ListLocationStatus, v1::ListLocationStatusRequest(),
              [&](const v1::ListLocationStatusResponse& page) {
                for (const v1::LocationStatus& location : page.locations()) {
                  for (const v1::SourceStatus& source : location.sources()) {
                    sequences[source.source_id()] = source.durable_sequence();
                  }
                }
              });
  return sequences;
}

}  // namespace onhand::testing
