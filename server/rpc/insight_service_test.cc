// Insights over a real connection to a real hub.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/ledger/catalog_view.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

constexpr int64_t kHour_us = int64_t{3'600} * 1'000'000;
constexpr int kDays = 42;
// Of a history of 30 an hour.
constexpr int kUnits = 10 * (2 * 30 * kDays + 3 * (kDays - 14));

class InsightTest : public testing::Test {
 protected:
  using Stub = v1::InsightService::Stub;

  InsightTest() { served_.MakeChain({"M1", "M2"}, {"ball", "boot"}); }

  std::string Start() {
    v1::StartSalesImportResponse response;
    ServedHub::Expect(
        served_.Call(&Stub::StartSalesImport, v1::StartSalesImportRequest(), &response));
    return response.import_id();
  }

  // Six weeks of ball at both locations, so many an hour from 9 to 19 UTC; boot sells a tenth in M1
  // until the last two weeks.
  v1::AddPastSalesRequest History(const std::string& import_id, int64_t units) {
    v1::AddPastSalesRequest request;
    request.set_import_id(import_id);
    request.set_part(1);
    const int64_t midnight_us = NowUs() / (24 * kHour_us) * (24 * kHour_us);
    for (int day = kDays; day > 0; --day) {
      for (int hour = 9; hour < 19; ++hour) {
        const int64_t at_us = midnight_us - day * 24 * kHour_us + hour * kHour_us;
        AddSale("ball", "M1", at_us, units, &request);
        AddSale("ball", "M2", at_us, units, &request);
        if (day > 14) AddSale("boot", "M1", at_us, units / 10, &request);
      }
    }
    return request;
  }
  static void AddSale(const std::string& sku, const std::string& location, int64_t at_us,
                      int64_t units, v1::AddPastSalesRequest* request) {
    v1::PastSale& sale = *request->add_sales();
    sale.set_sku(sku);
    sale.set_location_id(location);
    *sale.mutable_sold_at() = ledger::TimestampOf(at_us);
    sale.set_units(units);
  }
  v1::AddPastSalesResponse Add(const v1::AddPastSalesRequest& request) {
    v1::AddPastSalesResponse response;
    ServedHub::Expect(served_.Call(&Stub::AddPastSales, request, &response));
    return response;
  }
  static v1::FinishSalesImportRequest FinishOf(const std::string& import_id) {
    v1::FinishSalesImportRequest request;
    request.set_request_id(MakeRequestId());
    request.set_import_id(import_id);
    request.set_author("Ana");
    return request;
  }
  grpc::Status Finish(const v1::FinishSalesImportRequest& request,
                      v1::FinishSalesImportResponse* response) {
    return served_.Call(&Stub::FinishSalesImport, request, response);
  }
  v1::FinishSalesImportResponse Teach(int64_t units) {
    const std::string id = Start();
    Add(History(id, units));
    v1::FinishSalesImportResponse response;
    ServedHub::Expect(Finish(FinishOf(id), &response));
    return response;
  }
  void Stock(const std::string& sku, const std::string& location, int64_t units) {
    v1::AdjustRequest request;
    request.set_request_id(MakeRequestId());
    request.set_sku(sku);
    request.set_location_id(location);
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    request.set_quantity(units);
    v1::AdjustResponse response;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::Adjust, request, &response));
  }
  v1::Position PositionOf(const std::string& sku, const std::string& location) {
    v1::ListPositionsRequest request;
    request.set_sku(sku);
    request.set_location_id(location);
    v1::ListPositionsResponse response;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, request, &response));
    return response.positions_size() == 1 ? response.positions(0) : v1::Position();
  }

  ServedHub served_;
};

TEST_F(InsightTest, PastSalesTeachAndMoveNoStock) {
  const v1::FinishSalesImportResponse taught = Teach(30);
  EXPECT_EQ(taught.position_count(), 3u);
  EXPECT_EQ(taught.item_count(), 2u);
  EXPECT_EQ(taught.location_count(), 2u);
  EXPECT_EQ(taught.unit_count(), kUnits);
  EXPECT_GT(taught.revision(), 0u);
  EXPECT_GE(served_.hub().revision(), taught.revision());

  const v1::Position ball = PositionOf("ball", "M1");
  EXPECT_EQ(ball.on_hand(), 0);
  EXPECT_NEAR(ball.estimate().units_per_day(), 300, 15);
  EXPECT_GT(ball.estimate().evidence(), 1'000);
  EXPECT_LT(ball.estimate().chance_empty(), 0.01);
}

TEST_F(InsightTest, WhatStoppedSellingIsDoubtedOnceItHasARecord) {
  Teach(30);
  Stock("boot", "M1", 4);
  v1::ListDoubtsResponse response;
  ServedHub::Expect(served_.Call(&Stub::ListDoubts, v1::ListDoubtsRequest(), &response));
  ASSERT_EQ(response.positions_size(), 1);
  EXPECT_EQ(response.positions(0).sku(), "boot");
  EXPECT_EQ(response.positions(0).on_hand(), 4);
  EXPECT_GT(response.positions(0).chance_empty(), 0.9);
}

TEST_F(InsightTest, ASecondImportReplacesTheFirst) {
  Teach(30);
  Teach(60);
  EXPECT_NEAR(PositionOf("ball", "M2").estimate().units_per_day(), 600, 30);
}

TEST_F(InsightTest, ADryRunTellsAndTeachesNothing) {
  const std::string id = Start();
  Add(History(id, 30));
  v1::FinishSalesImportRequest request = FinishOf(id);
  request.clear_request_id();
  request.set_dry_run(true);
  v1::FinishSalesImportResponse response;
  ServedHub::Expect(Finish(request, &response));
  EXPECT_EQ(response.position_count(), 3u);
  EXPECT_EQ(response.revision(), 0u);
  EXPECT_FALSE(PositionOf("ball", "M1").has_estimate());
  // The import is still there.
  ServedHub::Expect(Finish(FinishOf(id), &response));
  EXPECT_TRUE(PositionOf("ball", "M1").has_estimate());
}

TEST_F(InsightTest, AnImportThatWasOnlyTriedMakesRoomForTheNext) {
  const std::string id = Start();
  Add(History(id, 30));
  v1::FinishSalesImportRequest request = FinishOf(id);
  request.clear_request_id();
  request.set_dry_run(true);
  v1::FinishSalesImportResponse response;
  ServedHub::Expect(Finish(request, &response));
  EXPECT_NE(Start(), id);
}

TEST_F(InsightTest, FinishingTwiceGivesTheFirstAnswer) {
  const std::string id = Start();
  Add(History(id, 30));
  const v1::FinishSalesImportRequest request = FinishOf(id);
  v1::FinishSalesImportResponse first, second;
  ServedHub::Expect(Finish(request, &first));
  ServedHub::Expect(Finish(request, &second));
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
  v1::FinishSalesImportResponse other;
  EXPECT_EQ(ReasonOf(Finish(FinishOf(id), &other)), "UNKNOWN_IMPORT");
}

TEST_F(InsightTest, APartCountsOnce) {
  const std::string id = Start();
  const v1::AddPastSalesRequest history = History(id, 30);
  Add(history);
  Add(history);
  v1::FinishSalesImportResponse response;
  ServedHub::Expect(Finish(FinishOf(id), &response));
  EXPECT_EQ(response.unit_count(), kUnits);
}

TEST_F(InsightTest, RowsThatCannotBeUsedAreToldAndDoNotHoldUpOthers) {
  v1::AddPastSalesRequest request;
  request.set_import_id(Start());
  request.set_part(1);
  AddSale("nobody", "M1", NowUs(), 1, &request);
  AddSale("ball", "nowhere", NowUs(), 1, &request);
  AddSale("ball", "M1", NowUs(), 1'000'001, &request);
  AddSale("ball", "M1", NowUs() * 1'000, 1, &request);
  AddSale("ball", "M1", NowUs(), 1, &request);
  std::vector<std::string> reasons;
  const v1::AddPastSalesResponse answer = Add(request);
  for (const v1::RefusedPastSale& refused : answer.refused()) {
    EXPECT_EQ(refused.index(), reasons.size());
    EXPECT_FALSE(refused.message().empty());
    reasons.push_back(refused.reason());
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{"UNKNOWN_ITEM", "UNKNOWN_LOCATION",
                                               "QUANTITY_OUT_OF_RANGE", "INVALID_MOMENT"}));
}

TEST_F(InsightTest, LessThanAWeekIsRefusedAndMayBeAddedTo) {
  const std::string id = Start();
  v1::AddPastSalesRequest request;
  request.set_import_id(id);
  AddSale("ball", "M1", NowUs(), 1, &request);
  Add(request);
  v1::FinishSalesImportResponse response;
  EXPECT_EQ(ReasonOf(Finish(FinishOf(id), &response)), "INVALID_IMPORT");
  v1::AddPastSalesRequest more = History(id, 30);
  more.set_part(2);
  Add(more);
  ServedHub::Expect(Finish(FinishOf(id), &response));
}

TEST_F(InsightTest, OneImportAtATime) {
  Start();
  v1::StartSalesImportResponse response;
  EXPECT_EQ(
      ReasonOf(served_.Call(&Stub::StartSalesImport, v1::StartSalesImportRequest(), &response)),
      "IMPORT_UNDER_WAY");
  v1::AddPastSalesRequest request;
  request.set_import_id("sales-0-0");
  v1::AddPastSalesResponse added;
  EXPECT_EQ(ReasonOf(served_.Call(&Stub::AddPastSales, request, &added)), "UNKNOWN_IMPORT");
}

// Whoever interrupts his import begins again a minute later, on a clock that runs fast here.
TEST(SalesImports, AnImportThatWasBrokenOffMakesRoomForTheNext) {
  ServedHub served({}, /*clock_scale=*/300);
  using Stub = v1::InsightService::Stub;
  v1::StartSalesImportResponse first, second;
  ServedHub::Expect(served.Call(&Stub::StartSalesImport, v1::StartSalesImportRequest(), &first));
  // An hour would be twelve seconds.
  const absl::Time deadline = absl::Now() + absl::Seconds(6);
  grpc::Status status;
  do {
    status = served.Call(&Stub::StartSalesImport, v1::StartSalesImportRequest(), &second);
  } while (!status.ok() && absl::Now() < deadline);
  ServedHub::Expect(status);
  v1::AddPastSalesRequest late;
  late.set_import_id(first.import_id());
  v1::AddPastSalesResponse response;
  EXPECT_EQ(ReasonOf(served.Call(&Stub::AddPastSales, late, &response)), "UNKNOWN_IMPORT");
  late.set_import_id(second.import_id());
  ServedHub::Expect(served.Call(&Stub::AddPastSales, late, &response));
}

TEST_F(InsightTest, AdvisesEveryLocation) {
  Teach(30);
  Stock("ball", "M1", 900);
  v1::AdviseScheduleResponse response;
  ServedHub::Expect(served_.Call(&Stub::AdviseSchedule, v1::AdviseScheduleRequest(), &response));
  ASSERT_EQ(response.locations_size(), 2);
  EXPECT_EQ(response.locations(0).location_id(), "M1");
  // 600 a day in the chain, 900 left: a day is safe, two are not.
  EXPECT_EQ(response.locations(0).interval_s(), 86'400);
  EXPECT_EQ(response.locations(1).interval_s(), 0);
}

TEST_F(InsightTest, QuestionsOutOfRangeNameTheField) {
  v1::ListDoubtsRequest doubts;
  v1::ListDoubtsResponse doubted;
  doubts.set_chance_min(1.5);
  EXPECT_EQ(ReasonOf(served_.Call(&Stub::ListDoubts, doubts, &doubted)), "INVALID_FILTER");
  doubts.clear_chance_min();
  doubts.set_location_id("nowhere");
  EXPECT_EQ(ReasonOf(served_.Call(&Stub::ListDoubts, doubts, &doubted)), "UNKNOWN_LOCATION");
  v1::ListDeadItemsRequest dead;
  v1::ListDeadItemsResponse dead_items;
  dead.set_sale_days(-1);
  EXPECT_EQ(ReasonOf(served_.Call(&Stub::ListDeadItems, dead, &dead_items)), "INVALID_FILTER");
  v1::AdviseScheduleRequest schedule;
  v1::AdviseScheduleResponse advice;
  schedule.set_risk_one_in(1);
  EXPECT_EQ(ReasonOf(served_.Call(&Stub::AdviseSchedule, schedule, &advice)), "INVALID_FILTER");
}

}  // namespace
}  // namespace onhand::rpc
