// `onhand find`, from the command line to what it prints, against a hub that keeps what it was
// asked.
#include <string>
#include <vector>

#include "clients/cli/fake_services.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/find.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::HasSubstr;

class FakeFind final : public v1::FindService::Service {
 public:
  grpc::Status FindNearby(grpc::ServerContext*, const v1::FindNearbyRequest* request,
                          v1::FindNearbyResponse* response) override {
    asked = *request;
    if (request->sku() == "gone") return grpc::Status::OK;
    if (request->near_location_id() == "lis") {
      return FakeRefusal(grpc::StatusCode::INVALID_ARGUMENT, "near_location_id 'lis' is nowhere",
                         "INVALID_QUERY", "near_location_id");
    }
    v1::NearbyLocation& near = *response->add_locations();
    near.set_location_id("mad");
    near.set_name("Gran Via");
    near.set_distance_km(3.14159);
    near.set_open_now(true);
    *near.mutable_open_changes_at() = ToProto(kFakeNow + absl::Hours(5));
    *near.mutable_known_through() = ToProto(kFakeNow - absl::Minutes(3));
    v1::NearbyItem& item = *near.add_items();
    item.set_sku("A");
    item.set_status(v1::AVAILABILITY_STATUS_LOW_STOCK);
    item.set_max_quantity(2);
    v1::NearbyLocation& far = *response->add_locations();
    far.set_location_id("lis");
    far.set_open_now(false);
    *far.mutable_open_changes_at() = ToProto(kFakeNow + absl::Hours(17));
    *far.add_items() = item;
    return grpc::Status::OK;
  }

  v1::FindNearbyRequest asked;
};

class FindTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&find_}; }

  FakeFind find_;
};

TEST_F(FindTest, AsksAsTheOptionsSay) {
  ASSERT_EQ(Onhand({"find", "A", "--near", "40.5, -3.25", "--channel", "web", "--limit", "5",
                    "--within-km", "12.5", "--units", "2", "--empty"}),
            0)
      << err_;
  EXPECT_EQ(find_.asked.sku(), "A");
  EXPECT_EQ(find_.asked.near().latitude(), 40.5);
  EXPECT_EQ(find_.asked.near().longitude(), -3.25);
  EXPECT_EQ(find_.asked.channel_id(), "web");
  EXPECT_EQ(find_.asked.limit(), 5u);
  EXPECT_EQ(find_.asked.within_km(), 12.5);
  EXPECT_EQ(find_.asked.units(), 2);
  EXPECT_TRUE(find_.asked.with_empty());
  ASSERT_EQ(Onhand({"find", "A", "--near", "-33.4,-70.6"}), 0) << err_;
  EXPECT_EQ(find_.asked.near().latitude(), -33.4);
  ASSERT_EQ(Onhand({"find", "--parent", "boot", "--near-location", "mad"}), 0) << err_;
  EXPECT_EQ(find_.asked.parent_sku(), "boot");
  EXPECT_EQ(find_.asked.near_location_id(), "mad");
  EXPECT_FALSE(find_.asked.has_near());
}

TEST_F(FindTest, ShowsHowFarHowManyAndUntilWhen) {
  ASSERT_EQ(Onhand({"find", "A", "--near", "40.5,-3.25"}), 0) << err_;
  EXPECT_EQ(out_,
            "LOCATION  NAME       KM  STATUS     UP TO  HOURS                        TOLD THROUGH\n"
            "mad       Gran Via  3.1  low-stock      2  open until 20:06             "
            "15:03:40 (3 min ago)\n"
            "lis       -           -  low-stock      2  shut until 2025-06-16 08:06  never told\n");
}

TEST_F(FindTest, NamesTheItemsOfAParent) {
  ASSERT_EQ(Onhand({"find", "--parent", "boot", "--near", "40.5,-3.25"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("KM  SKU  STATUS"));
}

TEST_F(FindTest, SaysWhatToTryWhereNothingIs) {
  ASSERT_EQ(Onhand({"find", "gone", "--near", "40.5,-3.25"}), 0) << err_;
  EXPECT_EQ(out_, "No location there can promise it; --empty shows those that cannot.\n");
}

TEST_F(FindTest, PrintsOneDocument) {
  ASSERT_EQ(Onhand({"find", "A", "--near", "40.5,-3.25", "--json"}), 0) << err_;
  const auto document = nlohmann::json::parse(out_);
  EXPECT_EQ(document["locations"].size(), 2u);
  EXPECT_EQ(document["locations"][0]["items"][0]["max_quantity"], 2);
}

TEST_F(FindTest, ARefusalNamesTheOption) {
  EXPECT_EQ(Onhand({"find", "A", "--near-location", "lis"}), kExitRefused);
  EXPECT_EQ(err_, "onhand: --near-location 'lis' is nowhere [INVALID_QUERY].\n");
}

TEST_F(FindTest, RefusesWhatSaysNoPlaceOrNoItem) {
  EXPECT_EQ(Onhand({"find", "A"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--near-location"));
  EXPECT_EQ(Onhand({"find", "A", "--near", "1,2", "--near-location", "mad"}), kExitUsage);
  EXPECT_EQ(Onhand({"find", "--near", "1,2"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--parent"));
  EXPECT_EQ(Onhand({"find", "A", "--parent", "boot", "--near", "1,2"}), kExitUsage);
  for (const char* point : {"north", "1", "1,2,3", "1,x"}) {
    EXPECT_EQ(Onhand({"find", "A", "--near", point}), kExitUsage) << point;
    EXPECT_THAT(err_, HasSubstr("--near 40.4168,-3.7038"));
  }
}

}  // namespace
}  // namespace onhand::cli
