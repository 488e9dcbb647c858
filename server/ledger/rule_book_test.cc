#include "server/ledger/rule_book.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/naive_rules_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;

// Two stores of which one is in two groups; three channels of two kinds.
class RuleBookTest : public testing::Test {
 protected:
  RuleBookTest() {
    chain_.Location("bilbao");
    chain_.Location("cadiz");
    chain_.LocationGroup(R"(group_id: "north" location_ids: "bilbao" rank: 1)");
    chain_.LocationGroup(R"(group_id: "large" location_ids: "bilbao" rank: 2)");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "market" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "web-pickup" kind: CHANNEL_KIND_PICKUP)");
    chain_.Item("boot", R"(category: "footwear/hiking/winter")");
    chain_.Item("ball", R"(category: "footwear-care")");
  }

  ResolvedRules Resolve(const std::string& location = "bilbao", const std::string& sku = "boot",
                        const std::string& channel = "web-ship") {
    const uint32_t item = chain_.ItemId(sku);
    const auto candidates = chain_.book().CandidatesOf(
        item, chain_.state().items.Find(item)->category(), v1::SUPPLY_REORDERABLE,
        chain_.ChannelId(channel), chain_.now_us());
    if (location.empty()) return chain_.book().Resolve(candidates, std::nullopt);
    return chain_.book().Resolve(candidates, chain_.LocationId(location));
  }

  ChainForTest chain_;
};

TEST_F(RuleBookTest, DefaultsHoldWithoutRules) {
  const ResolvedRules rules = Resolve();
  EXPECT_EQ(rules.zero_policy.value, static_cast<uint32_t>(v1::ZERO_POLICY_HIDE));
  EXPECT_EQ(rules.location_floor.value, 0);
  EXPECT_TRUE(rules.included.value);
  EXPECT_EQ(rules.cache_s.value, 30);
  EXPECT_FALSE(rules.max_quantity.value.has_value());
  EXPECT_EQ(rules.cache_s.rule, nullptr);
}

// Each rule beats all rules above it. All hold for boots at bilbao on web-ship.
TEST_F(RuleBookTest, MoreSpecificRuleWins) {
  const std::vector<std::string> scopes = {
      "",
      "channel_kind: CHANNEL_KIND_SHIP",
      "channel_id: 'web-ship'",
      "group_id: 'large'",
      "group_id: 'north'",
      "group_id: 'north' channel_kind: CHANNEL_KIND_SHIP",
      "group_id: 'north' channel_id: 'web-ship'",
      "location_id: 'bilbao'",
      "location_id: 'bilbao' channel_id: 'web-ship'",
      "category: 'footwear'",
      "category: 'footwear' location_id: 'bilbao'",
      "category: 'footwear/hiking'",
      "category: 'footwear/hiking' group_id: 'large' channel_id: 'web-ship'",
      "category: 'footwear/hiking/winter'",
      "sku: 'boot'",
      "sku: 'boot' channel_kind: CHANNEL_KIND_SHIP",
      "sku: 'boot' group_id: 'large'",
      "sku: 'boot' location_id: 'bilbao'",
      "sku: 'boot' location_id: 'bilbao' channel_id: 'web-ship'",
  };
  for (size_t i = 0; i < scopes.size(); ++i) {
    // An id that would win a tie, so that no rule wins by its id.
    chain_.Rule(absl::StrCat("rule_id: 'z", 99 - i, "' scope { ", scopes[i],
                             " } buffer { units: ", i + 1, " }"));
    EXPECT_EQ(Resolve().buffer.value.amount, static_cast<int32_t>(i + 1)) << scopes[i];
  }
  for (size_t i = scopes.size(); i-- > 1;) {
    chain_.EndRule(absl::StrCat("z", 99 - i));
    EXPECT_EQ(Resolve().buffer.value.amount, static_cast<int32_t>(i)) << "without " << scopes[i];
  }
}

TEST_F(RuleBookTest, PrecedenceIsPerField) {
  chain_.Rule(R"(rule_id: "a" scope { sku: "boot" } buffer { units: 1 })");
  chain_.Rule(
      R"(rule_id: "b" scope { location_id: "bilbao" } buffer { units: 2 } location_floor: 3)");
  chain_.Rule(R"(rule_id: "c" location_floor: 4 cache_s: 5)");
  const ResolvedRules rules = Resolve();
  EXPECT_EQ(rules.buffer.rule->rule_id(), "a");
  EXPECT_EQ(rules.location_floor.rule->rule_id(), "b");
  EXPECT_EQ(rules.cache_s.rule->rule_id(), "c");
}

TEST_F(RuleBookTest, LaterEffectiveDateThenLowerIdWins) {
  chain_.Rule(R"(rule_id: "a" buffer { units: 1 } effective_from { seconds: 1600000000 })");
  chain_.Rule(R"(rule_id: "c" buffer { units: 3 } effective_from { seconds: 1600000001 })");
  chain_.Rule(R"(rule_id: "b" buffer { units: 2 } effective_from { seconds: 1600000001 })");
  EXPECT_EQ(Resolve().buffer.value.amount, 2);
}

TEST_F(RuleBookTest, RuleHoldsFromItsStartUntilItsEndExclusive) {
  chain_.Rule(R"(rule_id: "a" buffer { units: 1 } effective_from { seconds: 1700000010 }
                 effective_until { seconds: 1700000020 })");
  EXPECT_EQ(chain_.book().NextChange(chain_.now_us()), chain_.now_us() + 10 * kSecond);
  chain_.Wait(10 * kSecond - 1);
  EXPECT_EQ(Resolve().buffer.value.amount, 0);
  chain_.Wait(1);
  EXPECT_EQ(Resolve().buffer.value.amount, 1);
  chain_.Wait(10 * kSecond - 1);
  EXPECT_EQ(Resolve().buffer.value.amount, 1);
  chain_.Wait(1);
  EXPECT_EQ(Resolve().buffer.value.amount, 0);
  EXPECT_EQ(chain_.book().NextChange(chain_.now_us()), RuleBook::kNever);
}

TEST_F(RuleBookTest, CategoryMatchesWholeParts) {
  chain_.Rule(R"(rule_id: "a" scope { category: "footwear" } buffer { units: 1 })");
  EXPECT_EQ(Resolve("bilbao", "boot").buffer.value.amount, 1);
  EXPECT_EQ(Resolve("bilbao", "ball").buffer.value.amount, 0);
}

TEST_F(RuleBookTest, OtherChannelsAndLocationsAreLeftAlone) {
  chain_.Rule(R"(rule_id: "a" scope { channel_id: "market" } buffer { units: 1 })");
  chain_.Rule(R"(rule_id: "b" scope { group_id: "north" } location_floor: 2)");
  EXPECT_EQ(Resolve("bilbao", "boot", "web-ship").buffer.value.amount, 0);
  EXPECT_EQ(Resolve("bilbao", "boot", "market").buffer.value.amount, 1);
  EXPECT_EQ(Resolve("bilbao").location_floor.value, 2);
  EXPECT_EQ(Resolve("cadiz").location_floor.value, 0);
}

TEST_F(RuleBookTest, RuleOfAGroupSpeaksForTheChainOnlyIfItCoversTheWholeChannel) {
  chain_.Channel(R"(channel_id: "north-ship" kind: CHANNEL_KIND_SHIP group_ids: "north")");
  chain_.Rule(R"(rule_id: "a" scope { group_id: "north" } chain_floor { units: 4 })");
  EXPECT_EQ(Resolve("", "boot", "web-ship").chain_floor.value, 0);
  EXPECT_EQ(Resolve("", "boot", "north-ship").chain_floor.value, 4);
  EXPECT_EQ(Resolve("bilbao", "boot", "web-ship").chain_floor.value, 4);
}

TEST_F(RuleBookTest, ChangedGroupChangesWhereItsRulesHold) {
  chain_.Rule(R"(rule_id: "a" scope { group_id: "north" } buffer { units: 1 })");
  chain_.LocationGroup(R"(group_id: "north" location_ids: "cadiz" rank: 1)");
  EXPECT_EQ(Resolve("bilbao").buffer.value.amount, 0);
  EXPECT_EQ(Resolve("cadiz").buffer.value.amount, 1);
}

// ---- against a naive computation
// -----------------------------------------------------------------

std::string IdOf(const journal::Rule* rule) { return rule == nullptr ? "" : rule->rule_id(); }

TEST_F(RuleBookTest, AgreesWithANaiveComputation) {
  const char* given = std::getenv("ONHAND_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE(absl::StrCat("ONHAND_TEST_SEED=", seed));
  std::mt19937_64 random(seed);
  const auto pick = [&](std::vector<std::string> from) { return from[random() % from.size()]; };
  const auto maybe = [&](const std::string& text) { return random() % 3 == 0 ? text : ""; };

  for (int step = 0; step < 400; ++step) {
    const std::string id = absl::StrCat("r", random() % 40);
    if (random() % 5 == 0 && chain_.state().rules.Contains(id)) {
      chain_.EndRule(id);
    } else {
      const int64_t now_s = chain_.now_us() / kSecond;
      const int64_t from_s = now_s + static_cast<int64_t>(random() % 60) - 40;
      const int64_t until_s = now_s + 21 + static_cast<int64_t>(random() % 60);
      chain_.Rule(absl::StrCat(
          "rule_id: '", id, "' scope { ",
          pick({"", "", "sku: 'boot'", "sku: 'ball'", "category: 'footwear'",
                "category: 'footwear/hiking'", "category: 'footwear/hiking/winter'"}),
          " ",
          pick({"", "", "location_id: 'bilbao'", "location_id: 'cadiz'", "group_id: 'north'",
                "group_id: 'large'"}),
          " ",
          pick({"", "", "channel_id: 'web-ship'", "channel_id: 'web-pickup'",
                "channel_kind: CHANNEL_KIND_SHIP"}),
          " ", pick({"", "", "supply: SUPPLY_REORDERABLE", "supply: SUPPLY_ENDED"}), " } ",
          maybe(absl::StrCat("effective_from { seconds: ", from_s, " } ")),
          maybe(absl::StrCat("effective_until { seconds: ", until_s, " } ")),
          maybe("location_floor: 1 "), maybe("buffer { percent: 3 } "), maybe("priority: 4 "),
          maybe("pick_latency_s: 60 "), maybe("missing_stock: MISSING_STOCK_HIDE "),
          maybe("included: false "), maybe("freshness_target_s: 9 "),
          maybe("zero_policy: ZERO_POLICY_SOLD_OUT "), maybe("low_stock_at: 3 "), "cache_s: 7"));
    }
    const std::string sku = pick({"boot", "ball"});
    const std::string location = pick({"bilbao", "cadiz"});
    const std::string channel = pick({"web-ship", "market", "web-pickup"});
    const ResolvedRules rules = Resolve(location, sku, channel);
    const NaiveRules naive(chain_.state(), chain_.ItemId(sku), chain_.LocationId(location),
                           chain_.ChannelId(channel), chain_.now_us());
    const auto expect = [&](const journal::Rule* winner, auto sets, const char* field) {
      ASSERT_EQ(IdOf(winner), IdOf(naive.Winner(sets)))
          << field << " of " << sku << " at " << location << " on " << channel << " in step "
          << step;
    };
    using Rule = journal::Rule;
    expect(
        rules.location_floor.rule, [](const Rule& r) { return r.has_location_floor(); }, "floor");
    expect(
        rules.buffer.rule, [](const Rule& r) { return r.has_buffer(); }, "buffer");
    expect(
        rules.priority.rule, [](const Rule& r) { return r.has_priority(); }, "priority");
    expect(
        rules.pick_latency_s.rule, [](const Rule& r) { return r.has_pick_latency_s(); }, "pick");
    expect(
        rules.missing_stock.rule, [](const Rule& r) { return r.missing_stock() != 0; }, "missing");
    expect(
        rules.included.rule, [](const Rule& r) { return r.has_included(); }, "included");
    expect(
        rules.freshness_target_s.rule, [](const Rule& r) { return r.has_freshness_target_s(); },
        "freshness");
    expect(
        rules.zero_policy.rule, [](const Rule& r) { return r.zero_policy() != 0; }, "policy");
    expect(
        rules.low_stock_at.rule, [](const Rule& r) { return r.has_low_stock_at(); }, "low");
    expect(
        rules.cache_s.rule, [](const Rule& r) { return r.has_cache_s(); }, "cache");
    chain_.Wait(static_cast<int64_t>(random() % 2) * kSecond);

    // One rule at a time or all at once: the book is the same.
    if (step % 50 != 49) continue;
    const RuleBook fresh = RuleBook::Build(chain_.state());
    const uint32_t item = chain_.ItemId("boot");
    const auto ids = [&](const RuleBook& book) {
      const auto candidates = book.CandidatesOf(item, "footwear/hiking/winter",
                                                v1::SUPPLY_REORDERABLE, 0, chain_.now_us());
      const ResolvedRules all = book.Resolve(candidates, std::nullopt);
      return absl::StrCat(candidates.entries.size(), IdOf(all.cache_s.rule),
                          IdOf(all.zero_policy.rule), book.NextChange(chain_.now_us()));
    };
    ASSERT_EQ(ids(chain_.book()), ids(fresh));
  }
}

}  // namespace
}  // namespace onhand::ledger
