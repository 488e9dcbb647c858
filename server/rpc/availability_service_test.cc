// Availability over a real connection to a real hub.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

class AvailabilityTest : public testing::Test {
 protected:
  AvailabilityTest() {
    served_.MakeChain({"M1", "M2"}, {"ball", "boot"});
    Report("till 1", "M1", "ball", 4);
    revision_ = Report("till 2", "M2", "ball", 3);
  }

  uint64_t Report(const std::string& source, const std::string& location, const std::string& sku,
                  int64_t quantity) {
    v1::SubmitReportRequest request;
    *request.mutable_hello() = HelloOf(source, "a", location);
    *request.mutable_batch() = BatchOf(1, sku, quantity);
    v1::SubmitReportResponse response;
    ServedHub::Expect(served_.Call(&v1::ReportService::Stub::SubmitReport, request, &response));
    return response.ack().revision();
  }
  grpc::Status Get(const v1::GetAvailabilityRequest& request,
                   v1::GetAvailabilityResponse* response) {
    return served_.Call(&v1::AvailabilityService::Stub::GetAvailability, request, response);
  }
  grpc::Status BatchGet(const v1::BatchGetAvailabilityRequest& request,
                        v1::BatchGetAvailabilityResponse* response) {
    return served_.Call(&v1::AvailabilityService::Stub::BatchGetAvailability, request, response);
  }

  ServedHub served_;
  uint64_t revision_ = 0;
};

TEST_F(AvailabilityTest, AnswersForTheChain) {
  v1::GetAvailabilityRequest request;
  request.set_sku("ball");
  request.set_min_revision(revision_);
  v1::GetAvailabilityResponse response;
  ServedHub::Expect(Get(request, &response));
  const v1::Availability& answer = response.availability();
  EXPECT_EQ(answer.sku(), "ball");
  EXPECT_EQ(answer.status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_TRUE(answer.orderable());
  EXPECT_EQ(answer.max_quantity(), 7);
  EXPECT_GE(answer.revision(), revision_);
  EXPECT_TRUE(answer.has_cache_until());
  EXPECT_EQ(answer.locations_size(), 0);
}

TEST_F(AvailabilityTest, AddsLocationsAndTheArithmeticOnRequest) {
  v1::GetAvailabilityRequest request;
  request.set_sku("ball");
  request.set_channel_id("web-ship");
  request.set_with_locations(true);
  request.set_explain(true);
  v1::GetAvailabilityResponse response;
  ServedHub::Expect(Get(request, &response));
  ASSERT_EQ(response.availability().locations_size(), 2);
  EXPECT_EQ(response.availability().locations(0).salable() +
                response.availability().locations(1).salable(),
            7);
  EXPECT_FALSE(response.availability().explanation().sentence().empty());
  EXPECT_GT(response.availability().explanation().steps_size(), 0);
}

TEST_F(AvailabilityTest, AnswersForOneLocation) {
  v1::GetAvailabilityRequest request;
  request.set_sku("ball");
  request.set_location_id("M2");
  v1::GetAvailabilityResponse response;
  ServedHub::Expect(Get(request, &response));
  EXPECT_EQ(response.availability().max_quantity(), 3);
}

TEST_F(AvailabilityTest, UnknownNamesAreRefused) {
  v1::GetAvailabilityRequest request;
  v1::GetAvailabilityResponse response;
  request.set_sku("bat");
  EXPECT_EQ(ReasonOf(Get(request, &response)), "UNKNOWN_ITEM");
  request.set_sku("ball");
  request.set_location_id("M9");
  EXPECT_EQ(ReasonOf(Get(request, &response)), "UNKNOWN_LOCATION");
  request.set_location_id("");
  request.set_channel_id("fax");
  EXPECT_EQ(ReasonOf(Get(request, &response)), "UNKNOWN_CHANNEL");
}

TEST_F(AvailabilityTest, ARevisionThatIsNotReachedIsRefusedAsRetryable) {
  v1::GetAvailabilityRequest request;
  request.set_sku("ball");
  request.set_min_revision(1'000'000'000);
  v1::GetAvailabilityResponse response;
  const grpc::Status status = Get(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "REVISION_NOT_REACHED");
}

TEST_F(AvailabilityTest, AnUnknownSkuInABatchIsAResultAndOrderIsKept) {
  v1::BatchGetAvailabilityRequest request;
  for (int i = 0; i < 40; ++i) {
    request.add_skus("ball");
    request.add_skus("bat");
    request.add_skus("boot");
  }
  v1::BatchGetAvailabilityResponse response;
  ServedHub::Expect(BatchGet(request, &response));
  ASSERT_EQ(response.results_size(), 120);
  for (int i = 0; i < 120; i += 3) {
    EXPECT_EQ(response.results(i).availability().max_quantity(), 7);
    EXPECT_EQ(response.results(i + 1).unknown().sku(), "bat");
    EXPECT_EQ(response.results(i + 2).availability().sku(), "boot");
    EXPECT_FALSE(response.results(i + 2).availability().orderable());
  }
}

TEST_F(AvailabilityTest, AParentStandsForItsItems) {
  v1::BatchUpsertItemsRequest items;
  items.set_request_id(MakeRequestId());
  for (const char* sku : {"shirt L", "shirt M"}) {
    v1::Item& item = *items.add_items();
    item.set_sku(sku);
    item.set_parent_sku("shirt");
    item.set_published(true);
  }
  v1::BatchUpsertItemsResponse made;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::BatchUpsertItems, items, &made));
  v1::BatchGetAvailabilityRequest request;
  request.set_parent_sku("shirt");
  v1::BatchGetAvailabilityResponse response;
  ServedHub::Expect(BatchGet(request, &response));
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).availability().sku(), "shirt L");
}

TEST_F(AvailabilityTest, ABatchHasABound) {
  v1::BatchGetAvailabilityRequest request;
  v1::BatchGetAvailabilityResponse response;
  EXPECT_EQ(ReasonOf(BatchGet(request, &response)), "INVALID_BATCH");
  for (int i = 0; i < 1'001; ++i) request.add_skus("ball");
  EXPECT_EQ(ReasonOf(BatchGet(request, &response)), "BATCH_TOO_LARGE");
}

TEST_F(AvailabilityTest, ManyCallersAreAnsweredAtOnceWhileReportsComeIn) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 200;
  std::vector<std::thread> callers;
  callers.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    callers.emplace_back([this] {
      v1::GetAvailabilityRequest request;
      request.set_sku("ball");
      uint64_t revision = 0;
      for (int i = 0; i < kCalls; ++i) {
        v1::GetAvailabilityResponse response;
        ServedHub::Expect(Get(request, &response));
        EXPECT_GE(response.availability().revision(), revision);
        revision = response.availability().revision();
      }
    });
  }
  for (int i = 0; i < 50; ++i) Report(absl::StrCat("till M1 ", i), "M1", "boot", i);
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace onhand::rpc
