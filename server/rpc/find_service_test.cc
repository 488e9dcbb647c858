// FindNearby over a real connection to a real hub.
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

class FindServiceTest : public testing::Test {
 protected:
  FindServiceTest() {
    served_.MakeChain({"M1", "M2", "M3", "M4"}, {"ball"});
    // One degree of longitude on the equator is 111.2 km.
    PutAt("M1", 0, false);
    PutAt("M2", 1, true);
    PutAt("M3", 2, false);
    AddSizes({"boot-40", "boot-41"});
    Report("M1", {{"ball", 4}});
    Report("M2", {{"ball", 3}, {"boot-40", 1}, {"boot-41", 2}});
    Report("M3", {{"ball", 0}, {"boot-41", 6}});
    Report("M4", {{"ball", 1}});
  }

  void PutAt(const std::string& id, double longitude, bool always_open) {
    v1::BatchUpsertLocationsRequest request;
    request.set_request_id(MakeRequestId());
    v1::Location& location = *request.add_locations();
    location.set_location_id(id);
    location.set_name(absl::StrCat("Store ", id));
    location.set_time_zone("Europe/Madrid");
    location.set_longitude(longitude);
    location.set_has_coordinates(true);
    if (always_open) {
      for (uint32_t day = 1; day <= 7; ++day) {
        v1::OpeningHours& open = *location.add_hours();
        open.set_day_of_week(day);
        open.set_closes_minute(1'440);
      }
    }
    v1::BatchUpsertLocationsResponse response;
    ServedHub::Expect(
        served_.Call(&v1::CatalogService::Stub::BatchUpsertLocations, request, &response));
  }
  void AddSizes(const std::vector<std::string>& skus) {
    v1::BatchUpsertItemsRequest request;
    request.set_request_id(MakeRequestId());
    for (const std::string& sku : skus) {
      v1::Item& item = *request.add_items();
      item.set_sku(sku);
      item.set_parent_sku("boot");
      item.set_published(true);
    }
    v1::BatchUpsertItemsResponse response;
    ServedHub::Expect(
        served_.Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response));
  }
  void Report(const std::string& location,
              const std::vector<std::pair<std::string, int64_t>>& levels) {
    uint64_t sequence = 0;
    for (const auto& [sku, quantity] : levels) {
      v1::SubmitReportRequest request;
      *request.mutable_hello() = HelloOf(absl::StrCat("till ", location), "a", location);
      *request.mutable_batch() = BatchOf(++sequence, sku, quantity);
      v1::SubmitReportResponse response;
      ServedHub::Expect(served_.Call(&v1::ReportService::Stub::SubmitReport, request, &response));
      revision_ = response.ack().revision();
    }
  }
  grpc::Status Find(const v1::FindNearbyRequest& request) {
    response_.Clear();
    return served_.Call(&v1::FindService::Stub::FindNearby, request, &response_);
  }
  std::string Ids() const {
    std::string ids;
    for (const v1::NearbyLocation& location : response_.locations()) {
      absl::StrAppend(&ids, ids.empty() ? "" : " ", location.location_id());
    }
    return ids;
  }
  static v1::FindNearbyRequest Ball() {
    v1::FindNearbyRequest request;
    request.set_sku("ball");
    request.mutable_near()->set_longitude(-0.5);
    return request;
  }

  ServedHub served_;
  uint64_t revision_ = 0;
  v1::FindNearbyResponse response_;
};

TEST_F(FindServiceTest, TellsTheNearestFirst) {
  ServedHub::Expect(Find(Ball()));
  EXPECT_EQ(Ids(), "M1 M2 M4");
  EXPECT_GE(response_.revision(), revision_);
  const v1::NearbyLocation& second = response_.locations(1);
  EXPECT_EQ(second.name(), "Store M2");
  EXPECT_NEAR(second.distance_km(), 166.8, 0.1);
  EXPECT_EQ(second.point().longitude(), 1);
  ASSERT_EQ(second.items_size(), 1);
  EXPECT_EQ(second.items(0).sku(), "ball");
  EXPECT_EQ(second.items(0).status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_EQ(second.items(0).max_quantity(), 3);
  EXPECT_TRUE(second.has_known_through());
  const v1::NearbyLocation& unplaced = response_.locations(2);
  EXPECT_FALSE(unplaced.has_distance_km());
  EXPECT_FALSE(unplaced.has_point());
}

TEST_F(FindServiceTest, TellsWhetherALocationIsOpen) {
  ServedHub::Expect(Find(Ball()));
  EXPECT_FALSE(response_.locations(0).has_open_now());
  EXPECT_TRUE(response_.locations(1).has_open_now());
  EXPECT_TRUE(response_.locations(1).open_now());
  EXPECT_FALSE(response_.locations(1).has_open_changes_at());  // it never shuts
}

TEST_F(FindServiceTest, SearchesAroundALocation) {
  v1::FindNearbyRequest request;
  request.set_sku("ball");
  request.set_near_location_id("M2");
  ServedHub::Expect(Find(request));
  EXPECT_EQ(Ids(), "M1 M4");
  request.set_with_empty(true);
  request.set_within_km(150);
  ServedHub::Expect(Find(request));
  EXPECT_EQ(Ids(), "M1 M3");
}

TEST_F(FindServiceTest, TellsTheSizesThatALocationHas) {
  v1::FindNearbyRequest request = Ball();
  request.clear_sku();
  request.set_parent_sku("boot");
  ServedHub::Expect(Find(request));
  EXPECT_EQ(Ids(), "M2 M3");
  ASSERT_EQ(response_.locations(0).items_size(), 2);
  EXPECT_EQ(response_.locations(0).items(0).sku(), "boot-40");
  EXPECT_EQ(response_.locations(0).items(1).sku(), "boot-41");
  ASSERT_EQ(response_.locations(1).items_size(), 1);
  EXPECT_EQ(response_.locations(1).items(0).sku(), "boot-41");
}

TEST_F(FindServiceTest, RefusesWhatCannotBeSearched) {
  const auto reason = [this](auto change) {
    v1::FindNearbyRequest request = Ball();
    change(request);
    const grpc::Status status = Find(request);
    return absl::StrCat(ReasonOf(status), " ", ErrorInfoOf(status).metadata().at("field"));
  };
  using Request = v1::FindNearbyRequest;
  EXPECT_EQ(reason([](Request& r) { r.clear_sku(); }), "INVALID_QUERY sku");
  EXPECT_EQ(reason([](Request& r) { r.set_parent_sku("boot"); }), "INVALID_QUERY sku");
  EXPECT_EQ(reason([](Request& r) { r.clear_near(); }), "INVALID_QUERY near");
  EXPECT_EQ(reason([](Request& r) { r.set_near_location_id("M1"); }), "INVALID_QUERY near");
  EXPECT_EQ(reason([](Request& r) { r.mutable_near()->set_latitude(91); }),
            "INVALID_QUERY near.latitude");
  EXPECT_EQ(reason([](Request& r) {
              r.mutable_near()->set_longitude(std::numeric_limits<double>::quiet_NaN());
            }),
            "INVALID_QUERY near.longitude");
  EXPECT_EQ(reason([](Request& r) { r.set_limit(101); }), "INVALID_QUERY limit");
  EXPECT_EQ(reason([](Request& r) { r.set_within_km(-1); }), "INVALID_QUERY within_km");
  EXPECT_EQ(reason([](Request& r) { r.set_units(-1); }), "INVALID_QUERY units");
  EXPECT_EQ(reason([](Request& r) { r.set_sku("bat"); }), "UNKNOWN_ITEM sku");
  EXPECT_EQ(reason([](Request& r) {
              r.clear_sku();
              r.set_parent_sku("bat");
            }),
            "UNKNOWN_ITEM parent_sku");
  EXPECT_EQ(reason([](Request& r) { r.set_channel_id("post"); }), "UNKNOWN_CHANNEL channel_id");
  EXPECT_EQ(reason([](Request& r) {
              r.clear_near();
              r.set_near_location_id("M9");
            }),
            "UNKNOWN_LOCATION near_location_id");
  EXPECT_EQ(reason([](Request& r) {
              r.clear_near();
              r.set_near_location_id("M4");
            }),
            "INVALID_QUERY near_location_id");
}

}  // namespace
}  // namespace onhand::rpc
