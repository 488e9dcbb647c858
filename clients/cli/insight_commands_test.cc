// `onhand explain`, `check`, `advise` and `import sales`, whole commands against services that keep
// what they were asked.
#include <set>

#include "clients/cli/assess.h"
#include "clients/cli/checks.h"
#include "clients/cli/fake_services.h"
#include "clients/cli/private_hub.h"
#include "clients/cli/sales_file.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/insights.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FakeAnswers final : public v1::AvailabilityService::Service {
 public:
  grpc::Status GetAvailability(grpc::ServerContext*, const v1::GetAvailabilityRequest* request,
                               v1::GetAvailabilityResponse* response) override {
    asked = *request;
    v1::Availability& answer = *response->mutable_availability();
    answer.set_sku(request->sku());
    answer.set_status(v1::AVAILABILITY_STATUS_HIDDEN);
    v1::Explanation& explanation = *answer.mutable_explanation();
    explanation.set_sentence("Hidden since 14:05: 4 left in the chain, your rule needs 5.");
    const auto step = [&](const char* name, const char* location_id, int before, int after,
                          const char* rule_id) {
      v1::ExplainedStep& added = *explanation.add_steps();
      added.set_step(name);
      added.set_location_id(location_id);
      added.set_before(before);
      added.set_after(after);
      added.set_rule_id(rule_id);
    };
    step("stock", "mad", 0, 3, "");
    step("stock", "lis", 0, 1, "");
    step("location buffer", "mad", 3, 3, "");
    step("sum", "", 0, 4, "");
    step("chain floor", "", 4, 0, "floor");
    v1::ExplainedField& field = *explanation.add_fields();
    field.set_field("chain_floor");
    field.set_value("5");
    field.set_rule_id("floor");
    field.set_version(3);
    field.set_author("Ana");
    v1::LosingRule& loser = *field.add_losers();
    loser.set_rule_id("all");
    loser.set_version(1);
    loser.set_value("2");
    loser.set_why("it is for the chain, the winner for an item");
    explanation.mutable_flip()->set_text("1 more in the chain");
    explanation.mutable_flip()->set_status(v1::AVAILABILITY_STATUS_IN_STOCK);
    return grpc::Status::OK;
  }

  v1::GetAvailabilityRequest asked;
};

class FakeInsights final : public v1::InsightService::Service {
 public:
  grpc::Status ListDoubts(grpc::ServerContext*, const v1::ListDoubtsRequest* request,
                          v1::ListDoubtsResponse* response) override {
    doubts = *request;
    v1::DoubtedPosition& position = *response->add_positions();
    position.set_sku("A");
    position.set_location_id("mad");
    position.set_on_hand(3);
    position.set_chance_empty(0.934);
    position.set_units_per_day(1.5);
    position.set_why("no sale in 9 days");
    response->set_doubted_count(4);
    response->set_undetectable_count(7);
    return grpc::Status::OK;
  }
  grpc::Status ListDeadItems(grpc::ServerContext*, const v1::ListDeadItemsRequest* request,
                             v1::ListDeadItemsResponse* response) override {
    dead = *request;
    v1::DeadItem& item = *response->add_items();
    item.set_sku("OLD");
    item.set_reason(v1::DEAD_REASON_ENDED);
    item.add_channel_ids("web");
    response->set_dead_count(1);
    return grpc::Status::OK;
  }
  grpc::Status AdviseSchedule(grpc::ServerContext*, const v1::AdviseScheduleRequest* request,
                              v1::AdviseScheduleResponse* response) override {
    schedule = *request;
    for (const int64_t interval : {900, 0}) {
      v1::LocationSchedule& location = *response->add_locations();
      location.set_location_id(interval == 0 ? "lis" : "mad");
      location.set_interval_s(interval);
      location.set_seen_interval_s(interval == 0 ? 0 : 917);
    }
    return grpc::Status::OK;
  }
  grpc::Status StartSalesImport(grpc::ServerContext*, const v1::StartSalesImportRequest*,
                                v1::StartSalesImportResponse* response) override {
    response->set_import_id("import-1");
    return grpc::Status::OK;
  }
  grpc::Status AddPastSales(grpc::ServerContext*, const v1::AddPastSalesRequest* request,
                            v1::AddPastSalesResponse* response) override {
    EXPECT_EQ(request->import_id(), "import-1");
    parts.push_back(request->part());
    for (int i = 0; i < request->sales_size(); ++i) {
      sales.push_back(request->sales(i));
      if (request->sales(i).sku() != "UNKNOWN") continue;
      v1::RefusedPastSale& refused = *response->add_refused();
      refused.set_index(static_cast<uint32_t>(i));
      refused.set_reason("UNKNOWN_ITEM");
      refused.set_message("sku 'UNKNOWN' is not known; import it first");
    }
    return grpc::Status::OK;
  }
  grpc::Status FinishSalesImport(grpc::ServerContext*, const v1::FinishSalesImportRequest* request,
                                 v1::FinishSalesImportResponse* response) override {
    finish = *request;
    response->set_position_count(2);
    response->set_item_count(1);
    response->set_location_count(2);
    response->set_unit_count(17);
    *response->mutable_first_sale_at() = ToProto(kFakeNow - absl::Hours(24 * 30));
    *response->mutable_last_sale_at() = ToProto(kFakeNow);
    return grpc::Status::OK;
  }

  v1::ListDoubtsRequest doubts;
  v1::ListDeadItemsRequest dead;
  v1::AdviseScheduleRequest schedule;
  std::vector<uint64_t> parts;
  std::vector<v1::PastSale> sales;
  v1::FinishSalesImportRequest finish;
};

class InsightCommandsTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&answers_, &insights_}; }

  FakeAnswers answers_;
  FakeInsights insights_;
};

TEST_F(InsightCommandsTest, ExplainIsASentenceThenATree) {
  EXPECT_EQ(Onhand({"explain", "A", "--channel", "web", "--location", "mad"}), 0) << err_;
  EXPECT_TRUE(answers_.asked.explain());
  EXPECT_EQ(answers_.asked.location_id(), "mad");
  EXPECT_EQ(out_,
            "Hidden since 14:05: 4 left in the chain, your rule needs 5.\n"
            "\n"
            "A  hidden, known through nothing yet: some of it was never told\n"
            "├─ location mad\n"
            "│  ├─ stock            0 -> 3\n"
            "│  └─ location buffer  3\n"
            "├─ location lis\n"
            "│  └─ stock            0 -> 1\n"
            "├─ chain\n"
            "│  ├─ sum              0 -> 4\n"
            "│  └─ chain floor      4 -> 0  [rule floor]\n"
            "├─ rules\n"
            "│  └─ chain_floor = 5  by rule floor version 3, set by Ana\n"
            "│     └─ lost: rule all version 1 with 2: it is for the chain, the winner for an "
            "item\n"
            "└─ would become in-stock with: 1 more in the chain\n");
}

TEST_F(InsightCommandsTest, DoubtsPassTheirFiltersAndPrintWhatIsLeft) {
  EXPECT_EQ(Onhand({"check", "doubts", "--location", "mad", "--chance", "0.7", "--discrepancy"}), 0)
      << err_;
  EXPECT_EQ(insights_.doubts.location_id(), "mad");
  EXPECT_EQ(insights_.doubts.chance_min(), 0.7);
  EXPECT_EQ(insights_.doubts.list(), v1::DOUBT_LIST_DISCREPANCY);
  EXPECT_THAT(out_, AllOf(HasSubstr("A    mad             3          93 %   1.50"),
                          HasSubstr("and 3 more"), HasSubstr("7 positions sell too slowly")));
  EXPECT_EQ(Onhand({"check", "doubts"}), 0);
  EXPECT_FALSE(insights_.doubts.has_chance_min());
}

TEST_F(InsightCommandsTest, DeadItemsAndSchedulesAreTables) {
  EXPECT_EQ(Onhand({"check", "dead", "--receipt-days", "100", "--sale-days", "50"}), 0) << err_;
  EXPECT_EQ(insights_.dead.receipt_days(), 100);
  EXPECT_EQ(insights_.dead.sale_days(), 50);
  EXPECT_THAT(out_, HasSubstr("OLD  -     ended        0  none known  none known    web"));
  EXPECT_EQ(Onhand({"advise", "schedule", "--risk", "50"}), 0) << err_;
  EXPECT_EQ(insights_.schedule.risk_one_in(), 50);
  EXPECT_THAT(out_, AllOf(HasSubstr("mad       -     every 15 min       every 15m17s"),
                          HasSubstr("lis       -     no reports needed  not seen yet")));
}

TEST(IntervalTextTest, SaysIntervalsInWords) {
  EXPECT_EQ(IntervalText(3), "every 3 s");
  EXPECT_EQ(IntervalText(60), "every 1 min");
  EXPECT_EQ(IntervalText(3600), "every hour");
  EXPECT_EQ(IntervalText(14400), "every 4 hours");
  EXPECT_EQ(IntervalText(86400), "every day");
  EXPECT_EQ(IntervalText(604800), "every week");
}

TEST_F(InsightCommandsTest, SalesAreReadInTheTimeZoneOfTheirLocation) {
  const std::string path = WriteFile("csv",
                                     "Filiale;Artikelnummer;Datum;Uhrzeit;Menge\n"
                                     "mad;A;27.05.2025;10:00;2\n"
                                     "lis;A;27.05.2025;10:00;-1\n"
                                     "lis;;27.05.2025;10:00;1\n"
                                     "lis;UNKNOWN;28.05.2025;10:00;1\n");
  EXPECT_EQ(Onhand({"import", "sales", path, "--author", "Ana"}), 0) << err_;
  ASSERT_THAT(insights_.sales, SizeIs(3));
  EXPECT_EQ(absl::FormatTime(FromProto(insights_.sales[0].sold_at()), absl::UTCTimeZone()),
            "2025-05-27T08:00:00+00:00");
  EXPECT_EQ(absl::FormatTime(FromProto(insights_.sales[1].sold_at()), absl::UTCTimeZone()),
            "2025-05-27T09:00:00+00:00");
  EXPECT_EQ(insights_.sales[1].units(), -1);
  EXPECT_FALSE(insights_.sales[1].whole_day());
  EXPECT_EQ(insights_.finish.author(), "Ana");
  EXPECT_FALSE(insights_.finish.dry_run());
  EXPECT_THAT(out_, AllOf(HasSubstr("2 rows cannot be used\n  line 4: sku is empty"),
                          HasSubstr("line 5: sku 'UNKNOWN' is not known; import it first "
                                    "[UNKNOWN_ITEM]"),
                          HasSubstr("sales: 17 units from 2025-05-16 to 2025-06-15 teach 2 "
                                    "positions of 1 item, and the clocks of 2 locations")));
}

TEST_F(InsightCommandsTest, DatesAloneAndFilesOfMidnightsAreWholeDays) {
  EXPECT_EQ(Onhand({"import", "sales", "--location", "mad", "--dry-run",
                    WriteFile("dates.csv", "sku,sold_date,units\nA,2025-05-27,3\n")}),
            0)
      << err_;
  EXPECT_EQ(Onhand({"import", "sales", "--location", "mad",
                    WriteFile("nights.csv", "barcode,sold_at,qty\nA,2025-05-27 00:00:00,3\n")}),
            0)
      << err_;
  ASSERT_THAT(insights_.sales, SizeIs(2));
  for (const v1::PastSale& sale : insights_.sales) {
    EXPECT_TRUE(sale.whole_day());
    EXPECT_EQ(sale.location_id(), "mad");
    absl::TimeZone madrid;
    absl::LoadTimeZone("Europe/Madrid", &madrid);
    EXPECT_EQ(absl::ToCivilDay(FromProto(sale.sold_at()), madrid), absl::CivilDay(2025, 5, 27));
  }
}

TEST_F(InsightCommandsTest, ManySalesGoInPartsOfTenThousand) {
  std::string csv = "sku,location,sold_at,units\n";
  for (int i = 0; i < 25'000; ++i) absl::StrAppend(&csv, "A,mad,2025-05-27 10:00,1\n");
  terminal_ = true;
  EXPECT_EQ(Onhand({"import", "sales", WriteFile("csv", csv)}), 0) << err_;
  EXPECT_THAT(insights_.sales, SizeIs(25'000));
  EXPECT_THAT(insights_.parts, testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(err_, HasSubstr("25000 of 25000\n"));
}

TEST_F(InsightCommandsTest, FilesThatCannotBeSalesSayWhy) {
  EXPECT_EQ(Onhand({"import", "sales", WriteFile("a.csv", "sku,units,sold_at\nA,1,2025-05-27\n")}),
            2);
  EXPECT_THAT(err_, HasSubstr("no column with locations; say with --location"));
  EXPECT_EQ(Onhand({"import", "sales", WriteFile("b.csv", "sku,store,units\nA,mad,1\n")}), 1);
  EXPECT_THAT(err_, HasSubstr("no column says when units were sold"));
  EXPECT_EQ(Onhand({"import", "sales", WriteFile("c.csv", "colour,store\nred,mad\n")}), 1);
  EXPECT_THAT(err_, HasSubstr("no column is known as sku"));
  EXPECT_EQ(Onhand({"import", "sales", "/nowhere.csv"}), 1);
  EXPECT_EQ(Onhand({"import", "sales",
                    WriteFile("d.csv", "sku,store,units,sold_at\nA,mad,x,2025-05-27\n")}),
            1);
  EXPECT_THAT(err_, HasSubstr("not one sale can be read"));
}

TEST_F(InsightCommandsTest, JsonIsOneDocument) {
  const std::string path = WriteFile("csv",
                                     "sku,store,units,sold_at\nA,mad,1,2025-05-27\nA,mad,x,"
                                     "2025-05-28\n");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"explain", "A"},
                                             {"check", "doubts"},
                                             {"check", "dead"},
                                             {"advise", "schedule"},
                                             {"import", "sales", path}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--json");
    EXPECT_EQ(Onhand(arguments), 0) << err_;
    EXPECT_TRUE(nlohmann::json::accept(out_)) << out_;
  }
  EXPECT_THAT(nlohmann::json::parse(out_)["refused"], SizeIs(1));
}

TEST_F(InsightCommandsTest, AssessNeedsTheHubsProgram) {
  const std::string sales = WriteFile("sales.csv", "sku,store,units,sold_at\nA,mad,1,2025-05-27\n");
  const std::string stock = WriteFile("stock.csv", "sku,store,qty\nA,mad,1\n");
  EXPECT_EQ(Onhand({"assess", sales, stock, "--onhandd", "/nowhere/onhandd"}), 1);
  EXPECT_THAT(err_, HasSubstr("--onhandd '/nowhere/onhandd' is no program"));
  EXPECT_EQ(Onhand({"assess", sales, stock, "--time-zone", "Moon/Base"}), 2);
  EXPECT_EQ(Onhand({"assess", sales, stock, "--onhandd", "/bin/false"}), 1);
  EXPECT_THAT(err_, HasSubstr("the private hub ended at once"));
}

}  // namespace
}  // namespace onhand::cli
