// `onhand import orders`, from a file to what is printed, against a hub that keeps what it was
// sent.
#include "clients/cli/orders_import.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/fake_services.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/reservations.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::HasSubstr;

// Knows an order once it has seen it, and refuses item X.
class FakeOrders final : public v1::ReservationService::Service {
 public:
  grpc::Status ImportOrders(grpc::ServerContext*, const v1::ImportOrdersRequest* request,
                            v1::ImportOrdersResponse* response) override {
    batches.push_back(*request);
    for (const v1::ImportedOrder& order : request->orders()) {
      v1::ImportedOrderResult& result = *response->add_results();
      result.set_order_reference(order.order_reference());
      if (order.lines(0).sku() == "X") {
        result.set_outcome(v1::IMPORT_OUTCOME_REFUSED);
        result.set_reason("UNKNOWN_ITEM");
        result.set_message("lines[0].sku 'X': is not known; import it first");
      } else if (known.insert(order.order_reference()).second) {
        result.set_outcome(v1::IMPORT_OUTCOME_IMPORTED);
      } else {
        result.set_outcome(v1::IMPORT_OUTCOME_ALREADY_THERE);
      }
    }
    response->set_revision(7);
    return grpc::Status::OK;
  }

  std::vector<v1::ImportOrdersRequest> batches;
  std::set<std::string> known;
};

class OrdersImportTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&hub_}; }

  int Import(const std::string& csv, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"import", "orders", WriteFile("orders.csv", csv)});
    return Onhand(std::move(options));
  }

  FakeOrders hub_;
};

constexpr char kTwoOrders[] =
    "order_reference;sku;units;channel;location;placed_at;picked\n"
    "o-1;A;2;web;mad;2025-06-15 14:00;yes\n"
    "o-2;A;1;;;;\n"
    "o-1;B;3;web;lis;2025-06-15 14:00;yes\n";

TEST_F(OrdersImportTest, RowsOfOneOrderAreItsLines) {
  ASSERT_EQ(Import(kTwoOrders), 0) << err_;
  ASSERT_EQ(hub_.batches.size(), 1u);
  ASSERT_EQ(hub_.batches[0].orders_size(), 2);
  EXPECT_FALSE(hub_.batches[0].request_id().empty());
  EXPECT_EQ(hub_.batches[0].orders(0).ShortDebugString(),
            "order_reference: \"o-1\" channel_id: \"web\" "
            "lines { sku: \"A\" units: 2 location_id: \"mad\" } "
            "lines { sku: \"B\" units: 3 location_id: \"lis\" } "
            "placed_at { seconds: 1749996000 } picked: true");
  EXPECT_EQ(hub_.batches[0].orders(1).ShortDebugString(),
            "order_reference: \"o-2\" lines { sku: \"A\" units: 1 }");
  EXPECT_EQ(out_, "orders: 2 imported, 0 already there, 0 refused\n");
}

TEST_F(OrdersImportTest, ImportedAgainTheyAreThereAlready) {
  ASSERT_EQ(Import(kTwoOrders), 0) << err_;
  ASSERT_EQ(Import(absl::StrCat(kTwoOrders, "o-3;A;1;;;;\n")), 0) << err_;
  EXPECT_EQ(out_, "orders: 1 imported, 2 already there, 0 refused\n");
  ASSERT_EQ(Import(kTwoOrders, {"--dry-run"}), 0) << err_;
  EXPECT_TRUE(hub_.batches.back().dry_run());
  EXPECT_EQ(out_, "orders (dry run, nothing changed): 0 imported, 2 already there, 0 refused\n");
}

TEST_F(OrdersImportTest, RefusedOrdersNameTheirLinesAndHoldUpNoOthers) {
  EXPECT_EQ(Import("order_reference,sku,units,placed_at,picked\n"
                   "o-1,A,none,,\n"
                   "o-2,X,1,,\n"
                   "o-3,A,1,,\n"
                   "o-2,A,1,,\n"
                   "o-3,B,1,,yes\n"
                   "o-4,A,1,tomorrow,\n"
                   "o-5,A,1,2h,\n"
                   "o-6,A,1,,perhaps\n"
                   "o-7,,1,,\n"
                   ",A,1,,\n"
                   "o-8,A,10000,,no\n"),
            kExitRefused);
  EXPECT_EQ(out_,
            "orders: 1 imported, 0 already there, 8 refused\n"
            "  order o-1, line 2: units 'none': write 1 to 10,000 [INVALID_ROW]\n"
            "  order o-2, lines 3 to 5: lines[0].sku 'X': is not known; import it first "
            "[UNKNOWN_ITEM]\n"
            "  order o-3, line 6: channel, placed_at or picked differ from line 4 of the same "
            "order [INVALID_ROW]\n"
            "  order o-4, line 7: placed_at 'tomorrow': write a past moment such as 2025-11-23 "
            "14:00 or 2025-11-23T14:00:00+01:00 [INVALID_ROW]\n"
            "  order o-5, line 8: placed_at '2h': write a past moment such as 2025-11-23 14:00 or "
            "2025-11-23T14:00:00+01:00 [INVALID_ROW]\n"
            "  order o-6, line 9: picked 'perhaps': write yes or no [INVALID_ROW]\n"
            "  order o-7, line 10: sku '': must not be empty [INVALID_ROW]\n"
            "  order , line 11: order_reference '': give 1 to 64 bytes [INVALID_ROW]\n");
  EXPECT_THAT(err_, HasSubstr("8 orders of '"));
  EXPECT_THAT(err_, HasSubstr("import the file again"));
  ASSERT_EQ(hub_.batches.size(), 1u);
  EXPECT_EQ(hub_.batches[0].orders_size(), 2);
}

TEST_F(OrdersImportTest, AThousandOrdersGoInOneRequest) {
  std::string csv = "order_reference,sku,units\n";
  for (int i = 0; i < 1'001; ++i) absl::StrAppend(&csv, "o-", i, ",A,1\n");
  ASSERT_EQ(Import(csv), 0) << err_;
  ASSERT_EQ(hub_.batches.size(), 2u);
  EXPECT_EQ(hub_.batches[0].orders_size(), 1'000);
  EXPECT_EQ(hub_.batches[1].orders_size(), 1);
  EXPECT_EQ(out_, "orders: 1001 imported, 0 already there, 0 refused\n");
}

TEST_F(OrdersImportTest, AnOrderHasAHundredLines) {
  std::string csv = "order_reference,sku,units\n";
  for (int i = 0; i < 101; ++i) absl::StrAppend(&csv, "o,A", i, ",1\n");
  EXPECT_EQ(Import(csv), kExitRefused);
  EXPECT_THAT(out_, HasSubstr("line 102: an order has at most 100 lines"));
}

TEST_F(OrdersImportTest, AFileThatIsNoTableOfOrdersIsNotSent) {
  EXPECT_EQ(Import("order_reference,sku\no,A\n"), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("line 1: column 'units' is missing"));
  EXPECT_EQ(Import("order_reference,sku,units,colour\no,A,1,red\n"), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("line 1: column 'colour' is unknown; use order_reference, sku"));
  EXPECT_EQ(Import("order_reference,sku,sku,units\no,A,A,1\n"), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("line 1: column 'sku' stands twice"));
  EXPECT_EQ(Import("order_reference,sku,units\no,\"A,1\n"), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("line 2"));
  EXPECT_TRUE(hub_.batches.empty());
}

TEST_F(OrdersImportTest, PrintsOneDocument) {
  EXPECT_EQ(Import("order_reference,sku,units\no-1,A,x\no-2,A,1\n", {"--json"}), kExitRefused);
  const auto document = nlohmann::json::parse(out_);
  EXPECT_EQ(document["results"].size(), 2u);
  EXPECT_EQ(document["results"][0]["reason"], "INVALID_ROW");
  EXPECT_EQ(document["results"][1]["outcome"], "IMPORT_OUTCOME_IMPORTED");
  EXPECT_EQ(document["revision"], "7");
}

}  // namespace
}  // namespace onhand::cli
