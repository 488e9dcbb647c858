// Every mode of the rules with numbers worked out by hand. All demand here is that of half a unit
// an hour over four hours (three since the location told, one to the pick): m = 2, a = 15, c =
// 0.14, v = 2 + 4 (1/15 + 0.14) = 2.827, and so P(N > k) for k = 0, 1, ...:
//   0.8125 0.5472 0.3206 0.1696 0.0831 0.0383 0.0169 0.0072 0.0029 0.0012
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/availability.h"
#include "server/ledger/taught_chain_for_test.h"

namespace {

// Allocations of this program so far.
int64_t allocations = 0;

}  // namespace

// Inlined they would look like a mismatched pair to the compiler.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace onhand::ledger {
namespace {

constexpr int64_t kHour = ChainForTest::kHour;
constexpr int64_t kDay = 24 * kHour;

class AvailabilityRules : public testing::Test {
 protected:
  AvailabilityRules() {
    for (const char* store : {"bilbao", "cadiz", "gijon"}) chain_.Location(store);
    chain_.LocationGroup(R"(group_id: "north" location_ids: ["bilbao", "gijon"])");
    chain_.Channel(R"(channel_id: "ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "pickup" kind: CHANNEL_KIND_PICKUP)");
    chain_.Channel(R"(channel_id: "till" kind: CHANNEL_KIND_IN_STORE)");
    chain_.Item("boot", R"(category: "footwear/hiking")");
    chain_.Item("sock", R"(category: "footwear/socks")");
    chain_.TeachRate("boot", 0.5);
    chain_.Rule("rule_id: 'hour' cache_s: 0 pick_latency_s: 3600");
    for (const char* store : {"bilbao", "cadiz", "gijon"}) chain_.ToldHoursAgo(store, 3);
  }

  void Shelf(const std::string& location, int64_t units, double empty = 0,
             const std::string& sku = "boot") {
    chain_.Stock(sku, location, units);
    chain_.TeachPosition(sku, location, 0, 0, empty);
  }
  int64_t Salable(const std::string& channel, const std::string& location = "",
                  const std::string& sku = "boot") {
    return chain_.Answer(sku, channel, location).salable;
  }

  TaughtChain chain_;
};

// ---- buffers
// -------------------------------------------------------------------------------------

TEST_F(AvailabilityRules, PercentWithholdsOfWhatIsAvailableRoundedUp) {
  chain_.Rule("rule_id: 'r' buffer { percent: 10 }");
  Shelf("bilbao", 25);
  Shelf("cadiz", 10);
  EXPECT_EQ(Salable("ship"), 22 + 9);
}

TEST_F(AvailabilityRules, DaysOfCoverWithholdsWhatSellsOnAverageDays) {
  chain_.Rule("rule_id: 'r' buffer { days_of_cover: 0.5 }");
  Shelf("bilbao", 10);  // 12 a day
  EXPECT_EQ(Salable("ship"), 4);
  chain_.Rule("rule_id: 'r' buffer { days_of_cover: 0.51 }");
  EXPECT_EQ(Salable("ship"), 3);
}

TEST_F(AvailabilityRules, RiskWithholdsTheQuantileAtEachLocationForPickup) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 10);
  Shelf("cadiz", 5);
  EXPECT_EQ(Salable("pickup", "bilbao"), 3);
  EXPECT_EQ(Salable("pickup"), 3) << "what cadiz lacks is not taken from bilbao";
  EXPECT_EQ(Salable("till", "bilbao"), 3);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 }");
  EXPECT_EQ(Salable("pickup", "bilbao"), 5);
}

TEST_F(AvailabilityRules, BoundsHoldWhateverTheModeGives) {
  Shelf("bilbao", 10);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 max_units: 4 }");
  EXPECT_EQ(Salable("pickup", "bilbao"), 6);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 min_units: 9 }");
  EXPECT_EQ(Salable("pickup", "bilbao"), 1);
  chain_.Rule("rule_id: 'r' buffer { percent: 10 min_units: 2 }");
  EXPECT_EQ(Salable("ship"), 8);
  chain_.Rule("rule_id: 'r' chain_buffer { percent: 50 max_units: 3 }");
  EXPECT_EQ(Salable("ship"), 7);
}

TEST_F(AvailabilityRules, BufferGrowsWithSalesAndNobodyTouchesIt) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 }");
  Shelf("bilbao", 10);
  EXPECT_EQ(Salable("pickup", "bilbao"), 5);
  // Thrice what was expected: (15 + 45)/(15 + 15) = 2 times the rate, m = 4, a = 60.
  chain_.TeachPosition("boot", "bilbao", 45, 15, 0);
  EXPECT_EQ(Salable("pickup", "bilbao"), 1);
}

TEST_F(AvailabilityRules, BufferGrowsWhileALocationIsSilent) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 }");
  Shelf("bilbao", 20);
  chain_.ToldHoursAgo("bilbao", 3);
  EXPECT_EQ(Salable("pickup", "bilbao"), 15);
  chain_.Wait(12 * kHour);
  const int64_t by_the_questions_time = Salable("pickup", "bilbao");
  EXPECT_LT(by_the_questions_time, 9);
  chain_.Tick();
  EXPECT_EQ(Salable("pickup", "bilbao"), by_the_questions_time);
  chain_.ToldHoursAgo("bilbao", 3);
  EXPECT_EQ(Salable("pickup", "bilbao"), 15);
}

TEST_F(AvailabilityRules, NightsAndClosedDaysAddNothingToAWindow) {
  // Open from 16 to 20 only. Now is 22:13 on a Tuesday.
  std::vector<float> weights(kHoursPerWeek, 0);
  for (int hour = 0; hour < kHoursPerWeek; ++hour) weights[hour] = hour % 24 / 4 == 4 ? 6 : 0;
  chain_.TeachLocation("bilbao", 1, weights);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 10);
  chain_.ToldHoursAgo("bilbao", 2);  // 20:14
  EXPECT_EQ(Salable("pickup", "bilbao"), 10);
}

TEST_F(AvailabilityRules, AnnouncedDemandMultipliesTheForecastWhereItIsExpected) {
  chain_.Rule("rule_id: 'r' buffer { days_of_cover: 0.5 }");
  chain_.Rule(
      "rule_id: 'fair' scope { group_id: 'north' } demand_factor: 1.5 "
      "effective_until { seconds: 1800000000 }");
  Shelf("bilbao", 20);
  Shelf("cadiz", 20);
  EXPECT_EQ(Salable("pickup", "bilbao"), 20 - 9);
  EXPECT_EQ(Salable("pickup", "cadiz"), 20 - 6);
}

TEST_F(AvailabilityRules, WeekdayAndLocationFactorPriceTheWindow) {
  // Twice on Tuesdays, half at this location: the same demand as ever.
  chain_.TeachRate("boot", 0.5, {1, 2, 1, 1, 1, 1, 1});
  chain_.TeachLocation("bilbao", 0.5);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 10);
  EXPECT_EQ(Salable("pickup", "bilbao"), 3);
}

TEST_F(AvailabilityRules, LearnedScatterAndTailsWidenBuffers) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 20);
  EXPECT_EQ(Salable("pickup", "bilbao"), 13);
  const auto learn = [&](double c, double tail) {
    chain_.Run([&](Group& group) {
      journal::Fact fact;
      journal::LearnedChain& chain = *fact.mutable_learned_chain();
      for (int window = 0; window < 4; ++window) {
        chain.add_overdispersion(c);
        chain.add_tail_factor(tail);
        chain.add_tail_factor(9);  // of 5 %, which nobody asks for
      }
      group.Add(std::move(fact));
      return 0;
    });
  };
  learn(1, 1);
  // v = 2 + 4 (1/15 + 1) = 6.27, r = 0.9375, q = 0.6809: 0.5 % is beyond 13.
  EXPECT_EQ(Salable("pickup", "bilbao"), 20 - 11);
  learn(0.14, 16.0 / 15 / (1.0 / 15 + 0.14));
  EXPECT_EQ(Salable("pickup", "bilbao"), 20 - 11) << "the same variance";
}

// ---- doubt
// ---------------------------------------------------------------------------------------

TEST_F(AvailabilityRules, DoubtTakesItsShareOfTheAcceptedRisk) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 }");
  Shelf("bilbao", 10, 0.04);  // (0.05 - 0.04)/0.96 = 0.0104 is left
  EXPECT_EQ(Salable("pickup", "bilbao"), 3);
}

TEST_F(AvailabilityRules, ProbablyEmptyShelfPromisesNothingForPickup) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 max_units: 5 }");
  Shelf("bilbao", 500, 0.06);
  EXPECT_EQ(Salable("pickup", "bilbao"), 0);
  chain_.Rule("rule_id: 'k' zero_policy: ZERO_POLICY_KEEP_SELLING");
  EXPECT_EQ(Salable("pickup", "bilbao"), 500) << "who keeps selling asks nobody";
}

TEST_F(AvailabilityRules, EmptyShelfUnderDoubtHidesWhatOnlyItHas) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 20 }");
  Shelf("bilbao", 10, 0.99);
  const Promise promise = chain_.Answer("boot", "ship");
  EXPECT_EQ(promise.salable, 10);
  EXPECT_TRUE(promise.too_risky);
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(promise.rule->rule_id(), "r");
  Shelf("cadiz", 10);
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_IN_STOCK);
}

// ---- fillability
// ---------------------------------------------------------------------------------

TEST_F(AvailabilityRules, ShipShowsWhatSomeOfTheLocationsTriedWillFind) {
  Shelf("bilbao", 3);  // fails with P(N >= 3) = 0.3206
  Shelf("cadiz", 3);
  const auto shown = [&](int tries, int one_in) {
    chain_.Rule(
        absl::StrCat("rule_id: 'r' buffer { risk_one_in: ", one_in, " tries: ", tries, " }"));
    return chain_.Answer("boot", "ship").status == v1::AVAILABILITY_STATUS_IN_STOCK;
  };
  EXPECT_TRUE(shown(1, 3)) << 0.3206;
  EXPECT_FALSE(shown(1, 4));
  EXPECT_TRUE(shown(2, 9)) << 0.1028;
  EXPECT_FALSE(shown(2, 10));
  EXPECT_FALSE(shown(8, 10)) << "there are only two";
  Shelf("gijon", 3);
  EXPECT_TRUE(shown(0, 30)) << "three tries are the default: 0.0330";
  EXPECT_FALSE(shown(0, 31));
}

TEST_F(AvailabilityRules, ShipWithholdsNothingForItsRisk) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 10);
  EXPECT_EQ(chain_.Answer("boot", "ship").max_quantity, 10);
  EXPECT_EQ(chain_.Answer("boot", "ship", "bilbao").max_quantity, 10);
}

TEST_F(AvailabilityRules, QuestionAboutOneLocationTriesOnlyIt) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 9 }");
  Shelf("bilbao", 3);
  Shelf("cadiz", 3);
  EXPECT_FALSE(chain_.Answer("boot", "ship").too_risky);
  EXPECT_TRUE(chain_.Answer("boot", "ship", "bilbao").too_risky);
}

TEST_F(AvailabilityRules, FixedFloorBesideARiskIsTheStricterBound) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 9 tries: 2 } chain_floor { units: 7 }");
  Shelf("bilbao", 3);
  Shelf("cadiz", 3);
  EXPECT_TRUE(chain_.Answer("boot", "ship").below_floor);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 10 tries: 2 } chain_floor { units: 6 }");
  EXPECT_FALSE(chain_.Answer("boot", "ship").below_floor);
  EXPECT_TRUE(chain_.Answer("boot", "ship").too_risky);
}

TEST_F(AvailabilityRules, TooRiskyTurnsToBackOrderWhereTheRulesSaySo) {
  chain_.Rule(
      "rule_id: 'r' buffer { risk_one_in: 100 } zero_policy: ZERO_POLICY_BACKORDER "
      "backorder_limit: 4 backorder_lead_days: 2");
  Shelf("bilbao", 1);
  const Promise promise = chain_.Answer("boot", "ship");
  EXPECT_EQ(promise.status, v1::AVAILABILITY_STATUS_BACKORDER);
  EXPECT_EQ(promise.max_quantity, 4);
}

// ---- the chain's number
// --------------------------------------------------------------------------

TEST_F(AvailabilityRules, PooledChainWithholdsOnceOnTheDemandOfAllLocations) {
  Shelf("bilbao", 10);
  Shelf("cadiz", 10);
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  EXPECT_EQ(Salable("pickup"), 20 - 7 - 7);
  // m = 4, v = 2 * 2.827 + 0.085 * 16 = 7.013: P(N > 11) = 0.0124, P(N > 12) = 0.0069.
  chain_.Rule(
      "rule_id: 'r' buffer { risk_one_in: 100 } chain_buffer { risk_one_in: 100 } "
      "chain_mode: CHAIN_MODE_POOLED");
  EXPECT_EQ(Salable("pickup"), 20 - 12);
  EXPECT_EQ(Salable("pickup", "bilbao"), 3) << "a store answers for itself";
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 } chain_buffer { risk_one_in: 100 }");
  EXPECT_EQ(Salable("pickup"), 0) << "AGGREGATE withholds at each and for the chain";
}

TEST_F(AvailabilityRules, PooledDaysOfCoverAddUpOverTheLocationsThatHaveSome) {
  chain_.Rule("rule_id: 'r' chain_buffer { days_of_cover: 0.3 } chain_mode: CHAIN_MODE_POOLED");
  Shelf("bilbao", 10);
  EXPECT_EQ(Salable("ship"), 10 - 4);  // 3.6
  Shelf("cadiz", 10);
  EXPECT_EQ(Salable("ship"), 20 - 8);  // 7.2
  Shelf("gijon", 0);
  EXPECT_EQ(Salable("ship"), 20 - 8) << "who has nothing sells nothing";
}

TEST_F(AvailabilityRules, PooledChainIgnoresTheLocationsBuffersButNotTheirFloors) {
  chain_.Rule(
      "rule_id: 'r' buffer { units: 4 } location_floor: 3 chain_mode: CHAIN_MODE_POOLED "
      "chain_buffer { units: 1 }");
  Shelf("bilbao", 5);
  Shelf("cadiz", 2);
  EXPECT_EQ(Salable("ship"), 4);
}

TEST_F(AvailabilityRules, OneOfEachInFiveStoresIsNotFiveInOneStoreUnderPooledEither) {
  chain_.Location("leon");
  chain_.Location("vigo");
  chain_.Rule("rule_id: 'r' location_floor: 5 chain_mode: CHAIN_MODE_POOLED");
  for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) Shelf(store, 1);
  EXPECT_EQ(Salable("ship"), 0);
  Shelf("leon", 5);
  EXPECT_EQ(Salable("ship"), 5);
}

TEST_F(AvailabilityRules, OversoldLocationNeverEatsAnothersStockUnderPooled) {
  chain_.Rule("rule_id: 'r' chain_mode: CHAIN_MODE_POOLED chain_buffer { units: 1 }");
  Shelf("bilbao", -6);
  Shelf("cadiz", 2);
  EXPECT_EQ(Salable("ship"), 1);
}

// ---- freshness
// -----------------------------------------------------------------------------------

TEST_F(AvailabilityRules, SilentStoreStopsPromisingPickupWhileTheChainStillShips) {
  chain_.Rule(
      "rule_id: 'r' freshness_target_s: 86400 "
      "freshness_action: FRESHNESS_ACTION_CLOSE_PICKUP");
  Shelf("bilbao", 4);
  Shelf("cadiz", 5);
  chain_.Wait(kDay);
  chain_.KnownThrough("cadiz", chain_.now_us());
  EXPECT_EQ(chain_.Answer("boot", "pickup", "bilbao").status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(Salable("pickup"), 5);
  EXPECT_EQ(Salable("ship"), 9);
  EXPECT_EQ(Salable("till", "bilbao"), 4);
}

TEST_F(AvailabilityRules, SilentStoreWithholdsWhatMayHaveSoldSince) {
  chain_.Rule(
      "rule_id: 'r' buffer { units: 1 } freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_GROW_BUFFER");
  Shelf("bilbao", 10);
  EXPECT_EQ(Salable("ship"), 3);
  EXPECT_TRUE(chain_.Answer("boot", "ship").any_stale);
  chain_.Rule(
      "rule_id: 'r' buffer { risk_one_in: 20 } freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_GROW_BUFFER");
  EXPECT_EQ(Salable("ship"), 5) << "at the risk of the buffer beside it";
  chain_.Rule(
      "rule_id: 'r' buffer { units: 1 } freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_GROW_BUFFER");
  chain_.KnownThrough("bilbao", chain_.now_us());
  EXPECT_EQ(Salable("ship"), 9);
}

TEST_F(AvailabilityRules, StoreThatNeverToldHasNoWindowToGrowBy) {
  chain_.Location("leon");
  chain_.Rule(
      "rule_id: 'r' freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_GROW_BUFFER");
  Shelf("leon", 10);
  EXPECT_EQ(Salable("ship"), 0);
}

TEST_F(AvailabilityRules, FreshnessActionComesWithItsTarget) {
  chain_.Rule(
      "rule_id: 'a' freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_CLOSE_PICKUP");
  chain_.Rule("rule_id: 'b' scope { sku: 'boot' } freshness_target_s: 7200");
  Shelf("bilbao", 4);
  EXPECT_EQ(Salable("ship"), 0) << "the nearer rule says nothing, which is to leave it out";
}

// ---- missing stock, supply, back-orders
// ----------------------------------------------------------

TEST_F(AvailabilityRules, NeverReportedItemIsHiddenWhateverTheZeroPolicy) {
  chain_.Rule("rule_id: 'z' zero_policy: ZERO_POLICY_KEEP_SELLING");
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_KEEP_SELLING);
  chain_.Rule("rule_id: 'm' missing_stock: MISSING_STOCK_HIDE");
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(chain_.Answer("boot", "pickup", "cadiz").status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(chain_.Answer("boot", "ship").rule->rule_id(), "m");
  Shelf("bilbao", 0);
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_KEEP_SELLING);
  EXPECT_EQ(chain_.Answer("boot", "pickup", "cadiz").status, v1::AVAILABILITY_STATUS_KEEP_SELLING);
}

// A shelf that only deliveries and sales told of, and that is sold out, stays told of.
TEST_F(AvailabilityRules, WhatOnlyDeltasToldOfStaysReportedWhenItsEventsAreForgotten) {
  chain_.Rule("rule_id: 'm' missing_stock: MISSING_STOCK_HIDE zero_policy: ZERO_POLICY_SOLD_OUT");
  chain_.Move("boot", "bilbao", 2, EventKind::kReceipt);
  chain_.Move("boot", "bilbao", 2, EventKind::kSale);
  chain_.TeachPosition("sock", "bilbao", 3, 3, 0);
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_SOLD_OUT);
  chain_.Wait(2 * kDay);
  chain_.Tick();
  ASSERT_EQ(
      chain_.state().positions.Find(chain_.ItemId("boot"), chain_.LocationId("bilbao")).beside,
      nullptr);
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_EQ(chain_.Answer("sock", "ship").status, v1::AVAILABILITY_STATUS_HIDDEN)
      << "past sales tell of no stock";
}

// A second till that was enlisted and never told: the location's age is unknown, but what the first
// one's silence may hide is not nothing.
TEST_F(AvailabilityRules, ASourceThatNeverToldTakesFreshnessAndNotTheForecastWindow) {
  chain_.Rule("rule_id: 'r' buffer { risk_one_in: 100 }");
  Shelf("bilbao", 10);
  ASSERT_EQ(Salable("pickup", "bilbao"), 3);
  chain_.Run([&](Group& group) {
    journal::Fact fact;
    journal::SourceOpened& opened = *fact.mutable_source_opened();
    opened.set_source(77);
    opened.set_source_id("second till");
    opened.set_spool(1);
    opened.add_locations(chain_.LocationId("bilbao"));
    group.Add(std::move(fact));
    return 0;
  });
  EXPECT_EQ(Salable("pickup", "bilbao"), 3) << "no less is withheld than before";
  EXPECT_EQ(chain_.Answer("boot", "pickup", "bilbao").known_through_us, 0);
  chain_.Rule("rule_id: 'f' freshness_target_s: 86400");
  EXPECT_EQ(Salable("pickup", "bilbao"), 0) << "as old as anything can be";
}

TEST_F(AvailabilityRules, RuleForASupplyHoldsForItsItemsOnly) {
  chain_.Rule("rule_id: 'a' scope { supply: SUPPLY_ENDED } buffer { units: 1 }");
  chain_.Rule("rule_id: 'b' scope { supply: SUPPLY_REORDERABLE } buffer { units: 2 }");
  chain_.Rule("rule_id: 'c' scope { supply: SUPPLY_SEASONAL } buffer { units: 3 }");
  chain_.Item("last", "supply: SUPPLY_ENDED");
  chain_.Item("summer", absl::StrCat("supply: SUPPLY_SEASONAL supply_date { seconds: ",
                                     (chain_.now_us() + kHour) / ChainForTest::kSecond, " }"));
  for (const char* sku : {"boot", "last", "summer"}) Shelf("bilbao", 10, 0, sku);
  EXPECT_EQ(Salable("ship", "", "boot"), 8) << "no supply is said: reorderable";
  EXPECT_EQ(Salable("ship", "", "last"), 9);
  EXPECT_EQ(Salable("ship", "", "summer"), 7);
  chain_.Wait(kHour);
  EXPECT_EQ(Salable("ship", "", "summer"), 9) << "the season is over";
}

TEST_F(AvailabilityRules, OneSkuKeepsSellingWhileItsNeighbourGoesToBackOrderWithADateAndALimit) {
  chain_.Rule("rule_id: 'boots' scope { sku: 'boot' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  chain_.Rule(
      "rule_id: 'socks' scope { sku: 'sock' } zero_policy: ZERO_POLICY_BACKORDER "
      "backorder_limit: 20 backorder_lead_days: 14");
  Shelf("bilbao", 0);
  Shelf("bilbao", 0, 0, "sock");
  EXPECT_EQ(chain_.Answer("boot", "ship").status, v1::AVAILABILITY_STATUS_KEEP_SELLING);
  const auto sock = [&](const std::string& location = "") {
    return chain_.Answer("sock", "ship", location);
  };
  EXPECT_EQ(sock().status, v1::AVAILABILITY_STATUS_BACKORDER);
  EXPECT_EQ(sock().available_from_us, chain_.now_us() + 14 * kDay);
  EXPECT_EQ(sock().max_quantity, 20) << "no more than the limit";

  chain_.Announce("sock", "cadiz", 6, chain_.now_us() + 3 * kDay, "po-1");
  chain_.Announce("sock", "bilbao", 2, chain_.now_us() + 3 * kDay, "po-2");
  chain_.Announce("sock", "gijon", 50, chain_.now_us() + 5 * kDay, "po-3");
  EXPECT_EQ(sock().available_from_us, chain_.now_us() + 3 * kDay);
  EXPECT_EQ(sock().max_quantity, 8) << "what comes by the date that is told";
  EXPECT_EQ(sock("gijon").available_from_us, chain_.now_us() + 5 * kDay);
  EXPECT_EQ(sock("gijon").max_quantity, 20);
  chain_.LocationState("cadiz", "state: LOCATION_STATE_PAUSED");
  EXPECT_EQ(sock().max_quantity, 2);

  // Late by a day it is still expected any moment; later it backs nothing.
  chain_.Wait(4 * kDay);
  EXPECT_EQ(sock().available_from_us, chain_.now_us());
  chain_.Wait(kDay + 1);
  EXPECT_EQ(sock().available_from_us, chain_.now_us());
  EXPECT_EQ(sock().max_quantity, 20) << "gijon's are due by now";
  chain_.Wait(2 * kDay);
  EXPECT_EQ(sock().available_from_us, chain_.now_us() + 14 * kDay);
}

TEST_F(AvailabilityRules, EndedSupplyNeverBackOrders) {
  chain_.Item("last", "supply: SUPPLY_ENDED");
  chain_.Rule("rule_id: 'r' zero_policy: ZERO_POLICY_BACKORDER backorder_limit: 20");
  chain_.Announce("last", "bilbao", 6, chain_.now_us() + kDay, "po-1");
  EXPECT_EQ(chain_.Answer("last", "ship").status, v1::AVAILABILITY_STATUS_SOLD_OUT);
}

TEST_F(AvailabilityRules, AnswerWithoutATraceAllocatesNothing) {
  chain_.Rule(
      "rule_id: 'r' buffer { risk_one_in: 20 } chain_buffer { risk_one_in: 20 } "
      "chain_mode: CHAIN_MODE_POOLED chain_floor { units: 2 } freshness_target_s: 3600 "
      "freshness_action: FRESHNESS_ACTION_GROW_BUFFER zero_policy: ZERO_POLICY_BACKORDER "
      "backorder_limit: 3 missing_stock: MISSING_STOCK_HIDE");
  chain_.Rule("rule_id: 's' scope { group_id: 'north' } location_floor: 1");
  chain_.Announce("boot", "cadiz", 6, chain_.now_us() + kDay, "po-1");
  for (const char* store : {"bilbao", "cadiz", "gijon"}) Shelf(store, 3, 0.01);
  for (const char* channel : {"ship", "pickup", "till"}) {
    for (const char* location : {"", "bilbao"}) {
      const Question question = chain_.Ask("boot", channel, location);
      const int64_t before = allocations;
      const Promise promise = Evaluate(chain_.state(), chain_.book(), question);
      EXPECT_EQ(allocations, before) << channel << " " << location;
      EXPECT_NE(promise.cache_until_us, 0);
    }
  }
  Trace trace{.with_steps = true};
  const int64_t before = allocations;
  Evaluate(chain_.state(), chain_.book(), chain_.Ask("boot", "ship"), &trace);
  EXPECT_GT(allocations, before) << "the count counts";
}

// ---- the trace
// -----------------------------------------------------------------------------------

TEST_F(AvailabilityRules, LocationsComeInTheOrderOfTheirPriority) {
  chain_.Rule("rule_id: 'a' scope { location_id: 'gijon' } priority: 7");
  chain_.Rule("rule_id: 'b' scope { location_id: 'bilbao' } priority: 200");
  for (const char* store : {"bilbao", "cadiz", "gijon"}) Shelf(store, 1);
  std::vector<uint32_t> order;
  for (const LocationPart& part : chain_.Explain("boot", "ship").locations) {
    order.push_back(part.location);
  }
  EXPECT_THAT(order, testing::ElementsAre(chain_.LocationId("gijon"), chain_.LocationId("cadiz"),
                                          chain_.LocationId("bilbao")));
}

std::vector<std::string> Texts(const Trace& trace) {
  std::vector<std::string> texts;
  for (const Step& step : trace.steps) {
    texts.push_back(absl::StrCat(step.step, " ", step.location, ": ", step.before, " -> ",
                                 step.after, " ", step.rule_id, ": ", step.text));
  }
  return texts;
}

TEST_F(AvailabilityRules, ExplainsRiskDoubtAndGrowthInTheOrderOfDecision) {
  chain_.Rule(
      "rule_id: 'r' buffer { risk_one_in: 20 } chain_buffer { percent: 10 } "
      "chain_floor { units: 2 } zero_policy: ZERO_POLICY_SOLD_OUT");
  Shelf("bilbao", 10);
  Shelf("cadiz", 5, 0.12);
  EXPECT_THAT(
      Texts(chain_.Explain("boot", "pickup")),
      testing::ElementsAre(
          "stock 1: 10 -> 10 : 10 available",
          "location buffer 1: 10 -> 5 r: 5 withheld: 2 may sell unheard of, and 1 order in 20 may "
          "fail",
          "stock 2: 5 -> 5 : 5 available",
          "location buffer 2: 5 -> 0 r: the shelf is empty with a chance of 12 %, and 1 order in "
          "20 may fail",
          "sum 0: 5 -> 5 : what the channel's locations add up to",
          "chain buffer 0: 5 -> 4 r: 1 withheld: 10 % for the chain",
          "chain floor 0: 4 -> 4 r: reached: needs 2"));
  Shelf("bilbao", 3);
  EXPECT_THAT(Texts(chain_.Explain("boot", "ship")),
              testing::ElementsAre(
                  "stock 1: 3 -> 3 : 3 available", "stock 2: 5 -> 5 : 5 available",
                  "sum 0: 8 -> 8 : what the channel's locations add up to",
                  "chain buffer 0: 8 -> 7 r: 1 withheld: 10 % for the chain",
                  "chain floor 0: 7 -> 7 r: reached: needs 2",
                  "risk 0: 7 -> 0 r: an order that may try 3 locations fails with a chance of 6.2 "
                  "%, and 1 order in 20 may fail",
                  "zero policy 0: 7 -> 0 r: nothing to promise from stock: sold out"));
}

}  // namespace
}  // namespace onhand::ledger
