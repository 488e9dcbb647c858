// What is near, in order, and that each location is told what asking for it alone tells.
#include "server/ledger/nearby.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/random_chain_for_test.h"

namespace onhand::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr EarthPoint kMadrid = {.latitude = 40.4168, .longitude = -3.7038};
constexpr EarthPoint kBarcelona = {.latitude = 41.3874, .longitude = 2.1686};

TEST(DistanceTest, IsThatOfTheGreatCircle) {
  EXPECT_NEAR(DistanceKm(kMadrid, kBarcelona), 505.5, 1.5);
  EXPECT_NEAR(DistanceKm(kBarcelona, kMadrid), DistanceKm(kMadrid, kBarcelona), 1e-9);
  EXPECT_EQ(DistanceKm(kMadrid, kMadrid), 0);
  // A quarter and half of the way round, and over the date line.
  const double quarter = 6'371.0088 * std::acos(0.0);
  EXPECT_NEAR(DistanceKm({}, {.latitude = 90, .longitude = 0}), quarter, 1e-6);
  EXPECT_NEAR(DistanceKm({}, {.latitude = 0, .longitude = 180}), 2 * quarter, 1e-6);
  EXPECT_NEAR(DistanceKm({.latitude = 0, .longitude = 179.5}, {.latitude = 0, .longitude = -179.5}),
              quarter / 90, 1e-6);
}

TEST(DistanceTest, KeepsItsDigitsForCloseNeighbours) {
  // One metre north.
  EXPECT_NEAR(DistanceKm(kMadrid, {.latitude = kMadrid.latitude + 1 / 111'195.08,
                                   .longitude = kMadrid.longitude}),
              0.001, 1e-8);
}

void Put(ChainForTest& chain, const std::string& id, std::optional<EarthPoint> point) {
  v1::BatchUpsertLocationsRequest request;
  v1::Location& location = *request.add_locations();
  location.set_location_id(id);
  location.set_time_zone("UTC");
  location.set_has_coordinates(point.has_value());
  if (point.has_value()) {
    location.set_latitude(point->latitude);
    location.set_longitude(point->longitude);
  }
  const auto result = chain.Run([&](Group& group) {
    return DecideUpsertLocations(group, request, [](absl::string_view) { return true; });
  });
  ASSERT_TRUE(result.ok()) << result.status();
}

// So many tenths of a degree, some 11 km each, north of the middle of everything.
EarthPoint North(int tenths) { return {.latitude = tenths / 10.0, .longitude = 0}; }

std::vector<NearbySearch::Place> Find(const ChainForTest& chain, const NearbyQuestion& question,
                                      const std::vector<std::string>& skus) {
  NearbySearch search(chain.ledger(), question);
  for (const std::string& sku : skus) search.TakeItem(chain.ledger(), chain.ItemId(sku));
  return std::move(search).Found();
}

class NearbyTest : public testing::Test {
 protected:
  NearbyTest() {
    Put(chain_, "far", North(30));
    Put(chain_, "here", North(0));
    Put(chain_, "b-near", North(10));
    Put(chain_, "a-near", North(-10));
    Put(chain_, "nowhere", std::nullopt);
    chain_.Channel("channel_id: 'ship' kind: CHANNEL_KIND_SHIP");
    chain_.Item("ball");
    for (const char* id : {"far", "here", "b-near", "a-near", "nowhere"}) {
      chain_.Stock("ball", id, 3);
    }
    question_.channel = chain_.ChannelId("ship");
    question_.now_us = chain_.now_us();
  }

  std::vector<std::string> Ids(const std::vector<std::string>& skus = {"ball"}) {
    std::vector<std::string> ids;
    for (const NearbySearch::Place& place : Find(chain_, question_, skus)) {
      ids.push_back(chain_.state().locations.Find(place.location)->location_id());
    }
    return ids;
  }

  ChainForTest chain_;
  NearbyQuestion question_;
};

TEST_F(NearbyTest, TheNearestComesFirstAndTheUnplacedLast) {
  EXPECT_THAT(Ids(), ElementsAre("here", "a-near", "b-near", "far", "nowhere"));
}

TEST_F(NearbyTest, LeavesOutWhereItIsAskedFrom) {
  question_.left_out = chain_.LocationId("here");
  EXPECT_THAT(Ids(), ElementsAre("a-near", "b-near", "far", "nowhere"));
}

TEST_F(NearbyTest, WithinADistanceNobodyUnplacedIsTold) {
  question_.within_km = 200;
  EXPECT_THAT(Ids(), ElementsAre("here", "a-near", "b-near"));
}

TEST_F(NearbyTest, TellsNoMoreThanAskedFor) {
  question_.limit = 2;
  EXPECT_THAT(Ids(), ElementsAre("here", "a-near"));
}

TEST_F(NearbyTest, EmptyOnesAreToldOnlyOnRequest) {
  chain_.Stock("ball", "here", 0);
  chain_.Stock("ball", "far", 2);
  question_.units = 3;
  EXPECT_THAT(Ids(), ElementsAre("a-near", "b-near", "nowhere"));
  question_.with_empty = true;
  EXPECT_THAT(Ids(), ElementsAre("here", "a-near", "b-near", "far", "nowhere"));
}

TEST_F(NearbyTest, WhatIsShutForGoodIsNotTold) {
  chain_.LocationState("here", "state: LOCATION_STATE_CLOSED");
  chain_.LocationState("a-near", "state: LOCATION_STATE_PAUSED");
  EXPECT_THAT(Ids(), ElementsAre("b-near", "far", "nowhere"));
  question_.with_empty = true;
  EXPECT_THAT(Ids(), ElementsAre("a-near", "b-near", "far", "nowhere"));
}

TEST_F(NearbyTest, OnlyLocationsOfTheChannelAreTold) {
  chain_.Channel("channel_id: 'pickup' kind: CHANNEL_KIND_PICKUP location_ids: ['far', 'b-near']");
  question_.channel = chain_.ChannelId("pickup");
  EXPECT_THAT(Ids(), ElementsAre("b-near", "far"));
}

TEST_F(NearbyTest, ALocationWithoutARecordMayKeepSelling) {
  chain_.Item("sock");
  EXPECT_THAT(Ids({"sock"}), IsEmpty());
  chain_.Rule("rule_id: 'r' scope { sku: 'sock' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  EXPECT_THAT(Ids({"sock"}), ElementsAre("here", "a-near", "b-near", "far", "nowhere"));
  chain_.Rule(
      "rule_id: 'l' scope { sku: 'sock' location_id: 'here' } "
      "zero_policy: ZERO_POLICY_SOLD_OUT");
  EXPECT_THAT(Ids({"sock"}), ElementsAre("a-near", "b-near", "far", "nowhere"));
}

TEST_F(NearbyTest, EachLocationTellsThoseOfSeveralItemsThatItHas) {
  chain_.Item("boot");
  chain_.Stock("boot", "far", 1);
  chain_.Stock("boot", "a-near", 7);
  chain_.Stock("ball", "a-near", 0);
  chain_.Stock("ball", "here", 0);
  question_.limit = 2;
  const std::vector<NearbySearch::Place> places = Find(chain_, question_, {"ball", "boot"});
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].location, chain_.LocationId("a-near"));
  ASSERT_EQ(places[0].offers.size(), 1u);
  EXPECT_EQ(places[0].offers[0].sku, "boot");
  EXPECT_EQ(places[0].offers[0].max_quantity, 7);
  EXPECT_EQ(places[1].location, chain_.LocationId("b-near"));
}

// Against asking every location about every item and sorting all of it.
class NearbyTellsWhatLocationsTell : public RandomChainTest {
 protected:
  std::vector<NearbySearch::Place> Naive(const ChainForTest& chain, const NearbyQuestion& question,
                                         const std::vector<std::string>& skus) {
    std::vector<std::pair<double, NearbySearch::Place>> all;
    for (int i = 0; i < kLocations; ++i) {
      const std::string id = absl::StrCat("store-", i);
      const uint32_t location = chain.LocationId(id);
      if (chain.book().StopAt(location, question.channel, chain.now_us()) == Stop::kNotInChannel) {
        continue;
      }
      NearbySearch::Place place{.location = location};
      const std::optional<EarthPoint> point = PointOf(*chain.state().locations.Find(location));
      if (point.has_value()) place.distance_km = DistanceKm(question.near, *point);
      for (const std::string& sku : skus) {
        const Promise promise = Evaluate(chain.state(), chain.book(),
                                         {.item = chain.ItemId(sku),
                                          .channel = question.channel,
                                          .location = location,
                                          .now_us = question.now_us});
        if (!question.with_empty && (!promise.orderable || promise.max_quantity < question.units)) {
          continue;
        }
        place.offers.push_back(
            {.sku = sku, .status = promise.status, .max_quantity = promise.max_quantity});
      }
      if (!place.offers.empty()) all.emplace_back(place.distance_km.value_or(1e9), place);
    }
    // Locations were asked in the order of their ids.
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<NearbySearch::Place> first;
    for (size_t i = 0; i < std::min(all.size(), question.limit); ++i) {
      first.push_back(std::move(all[i].second));
    }
    return first;
  }
};

std::string TextOf(const std::vector<NearbySearch::Place>& places) {
  std::string text;
  for (const NearbySearch::Place& place : places) {
    absl::StrAppend(&text, place.location, " at ", place.distance_km.value_or(-1), ":");
    for (const NearbySearch::Offer& offer : place.offers) {
      absl::StrAppend(&text, " ", offer.sku, " ", static_cast<int>(offer.status), " x",
                      offer.max_quantity);
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

TEST_F(NearbyTellsWhatLocationsTell, OnRandomChains) {
  const char* rounds = std::getenv("ONHAND_NEARBY_ROUNDS");
  const int rounds_max = rounds == nullptr ? 60 : std::atoi(rounds);
  for (int round = 0; round < rounds_max && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("seed ", seed_, ", round ", round));
    TaughtChain chain;
    MakeChain(chain);
    for (int i = 0; i < kLocations; ++i) {
      // Two may lie in the same place.
      Put(chain, absl::StrCat("store-", i),
          i == 2 ? std::nullopt : std::optional(North(static_cast<int>(Pick(-3, 3)))));
    }
    chain.Display();
    std::vector<std::string> skus;
    for (int i = 0; i < kItems; ++i) skus.push_back(SkuOf(i));
    for (const char* channel : {"ship", "pickup", "east"}) {
      const NearbyQuestion question{.channel = chain.ChannelId(channel),
                                    .now_us = chain.now_us(),
                                    .near = North(0),
                                    .with_empty = Pick(0, 3) == 0,
                                    .units = static_cast<int32_t>(Pick(1, 4)),
                                    .limit = static_cast<size_t>(Pick(1, 5))};
      EXPECT_EQ(TextOf(Find(chain, question, skus)), TextOf(Naive(chain, question, skus)));
    }
  }
}

}  // namespace
}  // namespace onhand::ledger
