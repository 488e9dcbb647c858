// Random chains, rules and stock for tests that compare what is said with what then happens. The
// seed is random unless ONHAND_TEST_SEED gives one; tests print it. One thread.
#ifndef ONHAND_SERVER_LEDGER_RANDOM_CHAIN_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_RANDOM_CHAIN_FOR_TEST_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/ledger/taught_chain_for_test.h"

namespace onhand::ledger {

class RandomChainTest : public testing::Test {
 protected:
  RandomChainTest() {
    const char* given = std::getenv("ONHAND_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
  }

  int64_t Pick(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }
  bool Flip() { return Pick(0, 1) == 0; }

  void MakeChain(TaughtChain& chain) {
    for (int i = 0; i < kLocations; ++i) chain.Location(absl::StrCat("store-", i));
    chain.LocationGroup("group_id: 'north' rank: 2 location_ids: ['store-0', 'store-1']");
    chain.LocationGroup("group_id: 'east' rank: 1 location_ids: ['store-1', 'store-2', 'store-3']");
    chain.Channel("channel_id: 'ship' kind: CHANNEL_KIND_SHIP");
    chain.Channel("channel_id: 'pickup' kind: CHANNEL_KIND_PICKUP");
    chain.Channel("channel_id: 'east' kind: CHANNEL_KIND_PICKUP group_ids: 'east'");
    if (Flip()) chain.LocationState("store-4", "state: LOCATION_STATE_CLOSING");
    for (int i = 0; i < kItems; ++i) {
      chain.Item(SkuOf(i), absl::StrCat("category: '", CategoryOf(i), "' supply: ",
                                        i % 4 == 0 ? "SUPPLY_ENDED" : "SUPPLY_REORDERABLE"));
      chain.TeachRate(SkuOf(i), static_cast<double>(Pick(1, 100)) / 200);
      if (i == kItems - 1) continue;  // nobody ever reported it
      for (int place = 0; place < kLocations; ++place) {
        const std::string location = absl::StrCat("store-", place);
        if (Pick(0, 2) == 0) continue;
        chain.Stock(SkuOf(i), location, Pick(-1, 12));
        chain.TeachPosition(SkuOf(i), location, 3, 3, static_cast<double>(Pick(0, 30)) / 100);
      }
    }
    for (int place = 0; place < kLocations; ++place) {
      if (Pick(0, 3) != 0) chain.ToldHoursAgo(absl::StrCat("store-", place), Pick(0, 6));
    }
    for (int i = 0; i < 8; ++i) chain.Rule(RuleText(chain, absl::StrCat("r", i)));
    chain.Display();
    for (int i = 0; i < 40; ++i) {  // so that floors hide what has not come back far enough
      chain.Move(SkuOf(Pick(0, kItems - 1)), absl::StrCat("store-", Pick(0, kLocations - 1)),
                 Pick(-3, 4));
      chain.Display();
    }
  }

  static std::string SkuOf(int64_t item) { return absl::StrCat("sku-", item); }
  static std::string CategoryOf(int item) {
    return item % 3 == 0 ? "shoes" : item % 3 == 1 ? "shoes/boots" : "hats";
  }

  std::string ScopeText() {
    std::string text;
    switch (Pick(0, 3)) {
      case 0:
        absl::StrAppend(&text, "sku: '", SkuOf(Pick(0, kItems - 1)), "' ");
        break;
      case 1:
        absl::StrAppend(&text, "category: '", Flip() ? "shoes" : "shoes/boots", "' ");
        break;
      default:
        break;
    }
    is_local_ = false;
    switch (Pick(0, 4)) {
      case 0:
        is_local_ = true;
        absl::StrAppend(&text, "location_id: 'store-", Pick(0, kLocations - 1), "' ");
        break;
      case 1:
        absl::StrAppend(&text, "group_id: '", Flip() ? "north" : "east", "' ");
        break;
      default:
        break;
    }
    switch (Pick(0, 3)) {
      case 0:
        absl::StrAppend(&text, "channel_id: '", Flip() ? "ship" : "east", "' ");
        break;
      case 1:
        absl::StrAppend(&text, "channel_kind: CHANNEL_KIND_PICKUP ");
        break;
      default:
        break;
    }
    if (Pick(0, 7) == 0) absl::StrAppend(&text, "supply: SUPPLY_ENDED ");
    return text;
  }

  std::string BufferText() {
    switch (Pick(0, 3)) {
      case 0:
        return absl::StrCat("{ percent: ", Pick(0, 100), " min_units: 1 }");
      case 1:
        return absl::StrCat("{ days_of_cover: ", Pick(0, 3), " max_units: 6 }");
      case 2:
        return absl::StrCat("{ risk_one_in: ", Pick(2, 50), " tries: ", Pick(1, 3), " }");
      default:
        return absl::StrCat("{ units: ", Pick(0, 6), " }");
    }
  }

  std::string FieldText() {
    switch (Pick(0, 13)) {
      case 0:
        return "zero_policy: ZERO_POLICY_SOLD_OUT";
      case 1:
        return "zero_policy: ZERO_POLICY_KEEP_SELLING";
      case 2:
        return absl::StrCat("zero_policy: ZERO_POLICY_BACKORDER backorder_limit: ", Pick(0, 9));
      case 3:
        return absl::StrCat("location_floor: ", Pick(0, 6));
      case 4:
        return "buffer " + BufferText();
      case 5:
        return Pick(0, 2) == 0 ? "included: false" : "included: true";
      case 6:
        return absl::StrCat("max_quantity: ", Pick(1, 9));
      case 7:
        return absl::StrCat("low_stock_at: ", Pick(0, 9));
      case 8:
        if (is_local_) return "cache_s: 5";
        return "chain_buffer " + BufferText();
      case 9:
        return is_local_ ? "cache_s: 7" : "chain_mode: CHAIN_MODE_POOLED";
      case 10:
        return absl::StrCat("freshness_target_s: ", 3'600 * Pick(1, 5),
                            " freshness_action: ", Pick(1, 3));
      case 11:
        return "missing_stock: MISSING_STOCK_HIDE";
      case 12:
        return absl::StrCat("pick_latency_s: ", 3'600 * Pick(0, 24));
      default:
        if (is_local_) return "cache_s: 60";
        return absl::StrCat("chain_floor { units: ", Pick(1, 15), " reshow_units: ", Pick(15, 25),
                            " }");
    }
  }

  // One that a decision takes.
  std::string RuleText(ChainForTest& chain, const std::string& id) {
    for (;;) {
      const std::string scope = ScopeText();
      const std::string text =
          absl::StrCat("rule_id: '", id, "' scope { ", scope, "} ", FieldText());
      v1::SetRuleRequest request;
      *request.mutable_rule() = FromText<v1::Rule>(text);
      request.set_etag("*");
      Group group = chain.NewGroup();
      if (DecideSetRule(group, request).ok()) return text;
    }
  }

  static constexpr int kLocations = 5;
  static constexpr int kItems = 12;
  uint64_t seed_ = 0;
  bool is_local_ = false;
  std::mt19937_64 random_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RANDOM_CHAIN_FOR_TEST_H_
