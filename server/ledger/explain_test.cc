#include "server/ledger/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/explain_fields.h"
#include "server/ledger/taught_chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int64_t kHour = ChainForTest::kHour;

// Three stores, a web shop that ships and one that lets customers collect.
class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    for (const char* store : {"bilbao", "cadiz", "leon"}) chain_.Location(store);
    chain_.LocationGroup("group_id: 'north' rank: 1 location_ids: ['bilbao', 'leon']");
    chain_.LocationGroup("group_id: 'spain' rank: 2 location_ids: ['bilbao', 'cadiz', 'leon']");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "web-pickup" kind: CHANNEL_KIND_PICKUP)");
    chain_.Item("boot", R"(category: "footwear/hiking")");
  }

  std::string Sentence(const std::string& location = "") {
    return chain_.Explain("boot", location.empty() ? "web-ship" : "web-pickup", location).sentence;
  }

  // `field = value (rule vN by author)`, then `; rule: value, why` for each loser.
  std::vector<std::string> Fields(const std::string& channel, const std::string& location = "") {
    v1::Explanation explanation;
    ExplainFields(chain_.state(), chain_.book(), chain_.Ask("boot", channel, location),
                  &explanation);
    std::vector<std::string> lines;
    for (const v1::ExplainedField& field : explanation.fields()) {
      std::string line = absl::StrCat(field.field(), " = ", field.value());
      if (!field.rule_id().empty()) {
        absl::StrAppend(&line, " (", field.rule_id(), " v", field.version(), " by ", field.author(),
                        ")");
        EXPECT_EQ(field.changed_at().seconds(),
                  chain_.state().rules.Find(field.rule_id())->changed_us() / kSecond);
      }
      for (const v1::LosingRule& loser : field.losers()) {
        absl::StrAppend(&line, "; ", loser.rule_id(), ": ", loser.value(), ", ", loser.why());
      }
      lines.push_back(line);
    }
    return lines;
  }
  // The losers of one field, nearest first, with why.
  std::vector<std::string> Losers(const std::string& field, const std::string& channel,
                                  const std::string& location) {
    v1::Explanation explanation;
    ExplainFields(chain_.state(), chain_.book(), chain_.Ask("boot", channel, location),
                  &explanation);
    std::vector<std::string> losers;
    for (const v1::ExplainedField& explained : explanation.fields()) {
      if (explained.field() != field) continue;
      for (const v1::LosingRule& loser : explained.losers()) {
        losers.push_back(absl::StrCat(loser.rule_id(), ": ", loser.why()));
      }
    }
    return losers;
  }

  TaughtChain chain_;
};

TEST_F(ExplainTest, FloorTellsSinceWhenHowManyAndWhatReturnsIt) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 8 dwell_s: 7200 })");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  EXPECT_EQ(Sentence(),
            "Hidden since 22:13 UTC: 4 left in the chain, rule 'below-5' needs 5 (set by Ana on 14 "
            "Nov 2023); returns at 8 after at least 2 h.");
}

TEST_F(ExplainTest, TellsTimeByTheChainsOwnClockOnceThatIsKnown) {
  chain_.Run([](Group& group) {
    journal::Fact fact;
    journal::LocationOffsets& chain = *fact.mutable_offsets_learned()->add_locations();
    chain.set_time_zone("Europe/Madrid");
    chain.add_at_s(0);
    chain.add_offset_s(3'600);
    group.Add(std::move(fact));
    return 0;
  });
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 })");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  EXPECT_THAT(Sentence(), testing::StartsWith("Hidden since 23:13: 4 left in the chain"));
}

TEST_F(ExplainTest, StoreThatDoesNotReportIsNamed) {
  chain_.Rule("rule_id: 'fresh' freshness_target_s: 3600");
  chain_.Stock("boot", "bilbao", 4);
  chain_.KnownThrough("bilbao", chain_.now_us() - 2 * kHour);
  EXPECT_EQ(Sentence(),
            "Hidden: nothing to sell in the chain; 4 on record at bilbao, which has not reported "
            "since 20:13 UTC and should every 1 h (rule 'fresh').");
  chain_.Stock("boot", "cadiz", 1);
  EXPECT_EQ(Sentence("cadiz"),
            "Hidden: nothing to sell at cadiz; 1 on record at cadiz, which has never told "
            "everything and should every 1 h (rule 'fresh').");
}

TEST_F(ExplainTest, VanishedUnitsAreDoubtedInWords) {
  chain_.Rule("rule_id: 'safe' buffer { risk_one_in: 20 }");
  chain_.Stock("boot", "bilbao", 2);
  chain_.KnownThrough("bilbao", chain_.now_us());
  chain_.TeachPosition("boot", "bilbao", 3, 3, 0.9);
  EXPECT_EQ(Sentence("bilbao"),
            "Hidden: nothing to sell at bilbao; 2 on record at bilbao, but probably gone.");
  chain_.Run([&](Group& group) {
    journal::Fact fact;
    journal::PositionsTaught& taught = *fact.mutable_positions_taught();
    taught.add_item(chain_.ItemId("boot"));
    taught.add_location(chain_.LocationId("bilbao"));
    taught.add_sold(3);
    taught.add_exposure(3);
    taught.add_at_s(static_cast<uint32_t>(chain_.now_us() / kSecond) + 1);
    taught.add_empty(0.9F);
    taught.add_run(6);
    taught.add_last_sale_s(0);
    group.Add(std::move(fact));
    return 0;
  });
  EXPECT_EQ(Sentence("bilbao"),
            "Hidden: nothing to sell at bilbao; 2 on record at bilbao, but probably gone: no sale "
            "where 6 were expected.");
}

TEST_F(ExplainTest, BufferByVelocitySaysWhatMaySell) {
  chain_.TeachRate("boot", 1);
  chain_.Rule("rule_id: 'safe' buffer { risk_one_in: 20 }");
  chain_.Stock("boot", "bilbao", 12);
  chain_.ToldHoursAgo("bilbao", 1);
  const Trace trace = chain_.Explain("boot", "web-pickup", "bilbao");
  ASSERT_EQ(trace.locations.size(), 1u);
  const int64_t withheld = trace.locations[0].withheld;
  ASSERT_GT(withheld, 1);
  EXPECT_EQ(
      trace.sentence,
      absl::StrCat("In stock: ", 12 - withheld, " can be sold at bilbao (12 there, ", withheld,
                   " kept back: up to ", withheld, " may sell before the hub hears of it)."));
  chain_.Stock("boot", "bilbao", 1);
  EXPECT_EQ(Sentence("bilbao"),
            absl::StrCat("Hidden: nothing to sell at bilbao; 1 on record at bilbao, ", withheld,
                         " kept back: up to ", withheld,
                         " may sell before the hub hears of it (rule 'safe')."));
}

TEST_F(ExplainTest, PooledChainTellsWhatIsKeptBackOnce) {
  chain_.TeachRate("boot", 1);
  chain_.Rule("rule_id: 'pooled' chain_mode: CHAIN_MODE_POOLED chain_buffer { units: 7 }");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Stock("boot", "cadiz", 3);
  EXPECT_EQ(Sentence(), "Hidden: nothing to sell in the chain: 7 there, 7 kept back.");
  chain_.Rule("rule_id: 'below-5' chain_floor { units: 5 }");
  chain_.Stock("boot", "cadiz", 5);
  EXPECT_EQ(Sentence(),
            "Hidden: 2 left in the chain (9 there, 7 kept back), rule 'below-5' needs 5 (set by "
            "Ana on 14 Nov 2023); returns at 5.");
}

TEST_F(ExplainTest, OrdersThatWouldFailTooOftenHideTheItem) {
  chain_.Rule("rule_id: 'safe' buffer { risk_one_in: 100 tries: 2 }");
  chain_.Stock("boot", "bilbao", 2);
  chain_.KnownThrough("bilbao", chain_.now_us());
  chain_.TeachPosition("boot", "bilbao", 3, 3, 0.6);
  EXPECT_EQ(Sentence(),
            "Hidden: 2 left in the chain, but more than 1 order in 100 would find nothing at up to "
            "2 locations (2 on record at bilbao, but probably gone), by rule 'safe' (set by Ana on "
            "14 Nov 2023).");
}

TEST_F(ExplainTest, BackOrderTellsTheDateOfTheSupplyOnItsWay) {
  chain_.Rule(R"(rule_id: "later" zero_policy: ZERO_POLICY_BACKORDER backorder_limit: 9
                 backorder_lead_days: 20)");
  EXPECT_EQ(Sentence(),
            "On back-order: nothing to sell in the chain, up to 9 for delivery from 4 Dec 2023, by "
            "rule 'later' (set by Ana on 14 Nov 2023).");
  chain_.Announce("boot", "cadiz", 4, chain_.now_us() + 48 * kHour, "PO-1");
  EXPECT_EQ(Sentence(),
            "On back-order: nothing to sell in the chain, up to 4 for delivery from 16 Nov 2023, "
            "when supply comes, by rule 'later' (set by Ana on 14 Nov 2023).");
}

TEST_F(ExplainTest, StopsAndFloorsAndLeavingOutAreNamed) {
  chain_.Stock("boot", "bilbao", 4);
  chain_.LocationState("bilbao", "state: LOCATION_STATE_PAUSED reason: 'water damage'");
  EXPECT_EQ(Sentence(),
            "Hidden: nothing to sell in the chain; 4 on record at bilbao, but the location is "
            "paused.");
  EXPECT_EQ(Sentence("bilbao"), "Hidden at bilbao: the location is paused (water damage).");
  chain_.LocationState("bilbao", "state: LOCATION_STATE_OPEN");
  chain_.Rule("rule_id: 'store-5' location_floor: 5");
  chain_.Stock("boot", "cadiz", 2);
  EXPECT_EQ(Sentence(),
            "Hidden: nothing to sell in the chain; 4 on record at bilbao, fewer than the 5 it "
            "needs (rule 'store-5'); nothing from 1 other.");
  chain_.Rule("rule_id: 'no' scope { sku: 'boot' } included: false");
  EXPECT_EQ(Sentence(),
            "Hidden: left out of the channel in the chain by rule 'no' (set by Ana on 14 Nov "
            "2023).");
}

TEST_F(ExplainTest, ItemThatNobodyReportedIsMissing) {
  chain_.Rule("rule_id: 'unseen' missing_stock: MISSING_STOCK_HIDE");
  EXPECT_EQ(Sentence(),
            "Hidden: no location of the channel has ever reported it, by rule 'unseen' (set by Ana "
            "on 14 Nov 2023).");
}

TEST_F(ExplainTest, EachFieldNamesItsRuleVersionAndAuthorOrTheDefault) {
  chain_.Rule("rule_id: 'chain' chain_floor { units: 5 reshow_units: 8 } max_quantity: 3");
  chain_.Rule("rule_id: 'chain' chain_floor { units: 6 reshow_units: 8 } max_quantity: 3");
  EXPECT_THAT(Fields("web-ship"),
              testing::ElementsAre("buffer = nothing is withheld",
                                   "chain_floor = 6 units, shown again at 8 (chain v2 by Ana)",
                                   "zero_policy = hide", "max_quantity = 3 units (chain v2 by Ana)",
                                   "cache_s = 30 s"));
}

TEST_F(ExplainTest, ValuesAreSaidAsPeopleReadThem) {
  chain_.Rule(R"(rule_id: "r" buffer { percent: 12.5 min_units: 1 max_units: 6 }
                 freshness_target_s: 86400 freshness_action: FRESHNESS_ACTION_CLOSE_PICKUP
                 chain_buffer { risk_one_in: 100 } chain_mode: CHAIN_MODE_POOLED
                 zero_policy: ZERO_POLICY_BACKORDER backorder_limit: 1 backorder_lead_days: 1
                 missing_stock: MISSING_STOCK_HIDE priority: 5 pick_latency_s: 5400 cache_s: 45)");
  EXPECT_THAT(
      Fields("web-ship"),
      testing::ElementsAre(
          "missing_stock = hidden until the first report (r v1 by Ana)",
          "freshness_target_s = 1 day, then no pickup (r v1 by Ana)",
          "buffer = 12.5 % of what is there, at least 1, at most 6 (r v1 by Ana)",
          "pick_latency_s = 90 min (r v1 by Ana)", "priority = 5 (r v1 by Ana)",
          "chain_mode = pooled: one buffer for what is available everywhere (r v1 by Ana)",
          "chain_buffer = so many that 1 order in 100 may fail (r v1 by Ana)",
          "zero_policy = back-order (r v1 by Ana)", "backorder_limit = 1 unit (r v1 by Ana)",
          "backorder_lead_days = 1 day (r v1 by Ana)", "cache_s = 45 s (r v1 by Ana)"));
}

// The rule that wins first, then each that loses with the line of precedence on which it does.
TEST_F(ExplainTest, LosersComeNearestFirstAndSayWhyTheyLost) {
  for (const char* text :
       {"rule_id: 'sku-store' scope { sku: 'boot' location_id: 'bilbao' }",
        "rule_id: 'sku-north' scope { sku: 'boot' group_id: 'north' }",
        "rule_id: 'hiking' scope { category: 'footwear/hiking' location_id: 'bilbao' }",
        "rule_id: 'shoes' scope { category: 'footwear' location_id: 'bilbao' }",
        "rule_id: 'store' scope { location_id: 'bilbao' }", "rule_id: 'chain'"}) {
    chain_.Rule(absl::StrCat(text, " buffer { units: 1 }"));
  }
  EXPECT_THAT(Losers("buffer", "web-pickup", "bilbao"),
              testing::ElementsAre("sku-north: a location's rule beats a group's",
                                   "hiking: an item's rule beats a category's",
                                   "shoes: an item's rule beats a category's",
                                   "store: an item's rule beats one for all items",
                                   "chain: an item's rule beats one for all items"));
  chain_.EndRule("sku-store");
  chain_.EndRule("sku-north");
  EXPECT_THAT(Losers("buffer", "web-pickup", "bilbao"),
              testing::ElementsAre("shoes: the nearer category beats the wider one",
                                   "store: a category's rule beats one for all items",
                                   "chain: a category's rule beats one for all items"));
}

TEST_F(ExplainTest, PlacesChannelsDatesAndIdsDecideInThisOrder) {
  for (const char* text :
       {"rule_id: 'north-pickup' scope { group_id: 'north' channel_id: 'web-pickup' }",
        "rule_id: 'north-kind' scope { group_id: 'north' channel_kind: CHANNEL_KIND_PICKUP }",
        "rule_id: 'north' scope { group_id: 'north' }",
        "rule_id: 'spain' scope { group_id: 'spain' }", "rule_id: 'chain'"}) {
    chain_.Rule(absl::StrCat(text, " location_floor: 1"));
  }
  EXPECT_THAT(Losers("location_floor", "web-pickup", "bilbao"),
              testing::ElementsAre("north-kind: a channel's rule beats a kind's",
                                   "north: a channel's rule beats one for all channels",
                                   "spain: a group of rank 1 beats one of rank 2",
                                   "chain: a group's rule beats the chain's"));
  chain_.EndRule("north-pickup");
  EXPECT_THAT(Losers("location_floor", "web-pickup", "bilbao")[0],
              "north: a kind's rule beats one for all channels");
  for (const char* id : {"north-kind", "north", "spain"}) chain_.EndRule(id);
  chain_.Rule("rule_id: 'store' scope { location_id: 'bilbao' } location_floor: 2");
  EXPECT_THAT(Losers("location_floor", "web-pickup", "bilbao"),
              testing::ElementsAre("chain: a location's rule beats the chain's"));
  chain_.EndRule("store");
  chain_.Rule("rule_id: 'b' location_floor: 2");
  EXPECT_THAT(Losers("location_floor", "web-pickup", "bilbao"),
              testing::ElementsAre("chain: of two rules that are equal otherwise, the lower id "
                                   "wins"));
  chain_.Wait(kHour);
  chain_.Rule("rule_id: 'z' location_floor: 3");
  EXPECT_THAT(Losers("location_floor", "web-pickup", "bilbao"),
              testing::ElementsAre("b: the rule that took effect later beats the earlier one",
                                   "chain: the rule that took effect later beats the earlier one"));
}

TEST_F(ExplainTest, RulesThatDoNotHoldHereAreNotNamed) {
  chain_.Rule("rule_id: 'leon' scope { location_id: 'leon' } buffer { units: 2 }");
  chain_.Rule("rule_id: 'over' buffer { units: 3 } effective_until { seconds: 1700000100 }");
  EXPECT_THAT(Fields("web-pickup", "bilbao")[0], "buffer = 3 units (over v1 by Ana)");
  chain_.Wait(kHour);
  EXPECT_THAT(Fields("web-pickup", "bilbao")[0], "buffer = nothing is withheld");
  EXPECT_THAT(Fields("web-pickup", "leon")[0], "buffer = 2 units (leon v1 by Ana)");
}

}  // namespace
}  // namespace onhand::ledger
