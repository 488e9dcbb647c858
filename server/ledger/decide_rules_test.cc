#include "server/ledger/decide_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "server/ledger/catalog_view.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

class DecideRules : public testing::Test {
 protected:
  DecideRules() {
    chain_.Location("bilbao");
    chain_.LocationGroup(R"(group_id: "north" location_ids: "bilbao")");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Item("boot");
    chain_.Item("last-boot", "supply: SUPPLY_ENDED");
  }

  ChainForTest chain_;
};

TEST_F(DecideRules, RuleIsReadAsItWasWritten) {
  const std::string text = R"(
      rule_id: "r" scope { group_id: "north" sku: "boot" channel_kind: CHANNEL_KIND_SHIP }
      effective_from { seconds: 1700000000 } effective_until { seconds: 1800000000 }
      zero_policy: ZERO_POLICY_BACKORDER location_floor: 1
      chain_floor { units: 2 reshow_units: 3 dwell_s: 4 } buffer_units: 5 chain_buffer_units: 6
      included: true max_quantity: 7 low_stock_at: 8 backorder_limit: 9 backorder_lead_days: 10
      freshness_target_s: 11 cache_s: 0)";
  const auto set = chain_.TryRule(text, "");
  ASSERT_TRUE(set.ok()) << set.status();
  v1::Rule rule = set->rule();
  EXPECT_EQ(rule.version(), 1u);
  EXPECT_EQ(rule.author(), "Ana");
  EXPECT_EQ(rule.changed_at().seconds(), 1'700'000'000);
  EXPECT_FALSE(rule.etag().empty());
  EXPECT_EQ(set->revision(), chain_.state().counters.revision);
  EXPECT_EQ(RuleOf(chain_.state(), *chain_.state().rules.Find("r")).DebugString(),
            rule.DebugString());
  rule.clear_version();
  rule.clear_author();
  rule.clear_etag();
  rule.clear_changed_at();
  EXPECT_EQ(rule.DebugString(), FromText<v1::Rule>(text).DebugString());
}

TEST_F(DecideRules, EtagOfTheLastChangeIsNeededToReplace) {
  const auto first = chain_.TryRule("rule_id: 'r' cache_s: 1", "");
  ASSERT_TRUE(first.ok());
  const auto again = chain_.TryRule("rule_id: 'r' cache_s: 2", "");
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(again.status()), "ETAG_MISMATCH");
  const auto second = chain_.TryRule("rule_id: 'r' cache_s: 2", first->rule().etag());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->rule().version(), 2u);
  EXPECT_NE(second->rule().etag(), first->rule().etag());
  EXPECT_EQ(ReasonOf(chain_.TryRule("rule_id: 'r' cache_s: 3", first->rule().etag()).status()),
            "ETAG_MISMATCH");
  EXPECT_TRUE(chain_.TryRule("rule_id: 'r' cache_s: 3", "*").ok());
  EXPECT_EQ(ReasonOf(chain_.TryRule("rule_id: 'gone' cache_s: 3", "1.1").status()),
            "ETAG_MISMATCH");
}

TEST_F(DecideRules, DeletingNeedsTheEtagAndEndsTheRule) {
  const auto set = chain_.TryRule("rule_id: 'r' buffer_units: 3", "");
  ASSERT_TRUE(set.ok());
  v1::DeleteRuleRequest request;
  request.set_rule_id("r");
  const auto decide = [&](Group& g) { return DecideDeleteRule(g, request); };
  EXPECT_EQ(ReasonOf(chain_.Run(decide).status()), "ETAG_MISMATCH");
  request.set_etag(set->rule().etag());
  EXPECT_TRUE(chain_.Run(decide).ok());
  EXPECT_FALSE(chain_.state().rules.Contains("r"));
  const auto again = chain_.Run(decide);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(again.status()), "UNKNOWN_RULE");
}

TEST_F(DecideRules, DryRunChangesNothing) {
  v1::SetRuleRequest request;
  *request.mutable_rule() = FromText<v1::Rule>("rule_id: 'r' cache_s: 1");
  request.set_dry_run(true);
  const auto result = chain_.Run([&](Group& g) { return DecideSetRule(g, request); });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->revision(), 0u);
  EXPECT_EQ(result->rule().cache_s(), 1);
  EXPECT_FALSE(chain_.state().rules.Contains("r"));
}

struct BadRule {
  const char* text;
  const char* reason;
  const char* field;
};

TEST_F(DecideRules, BadRuleIsRefusedNamingItsField) {
  const BadRule bad_rules[] = {
      {"rule_id: '' cache_s: 1", "INVALID_ID", "rule.rule_id"},
      {"rule_id: 'r'", "INVALID_RULE", "rule 'r' sets no field"},
      {"rule_id: 'r' cache_s: 1 scope { location_id: 'mars' }", "UNKNOWN_LOCATION",
       "rule.scope.location_id 'mars'"},
      {"rule_id: 'r' cache_s: 1 scope { group_id: 'mars' }", "UNKNOWN_GROUP",
       "rule.scope.group_id 'mars'"},
      {"rule_id: 'r' cache_s: 1 scope { channel_id: 'mars' }", "UNKNOWN_CHANNEL",
       "rule.scope.channel_id 'mars'"},
      {"rule_id: 'r' cache_s: 1 scope { sku: 'mars' }", "UNKNOWN_ITEM", "rule.scope.sku 'mars'"},
      {"rule_id: 'r' cache_s: 1 scope { sku: 'boot' category: 'footwear' }", "INVALID_RULE",
       "rule.scope.category"},
      {"rule_id: 'r' cache_s: 1 scope { location_id: 'bilbao' group_id: 'north' }", "INVALID_RULE",
       "rule.scope.group_id"},
      {"rule_id: 'r' cache_s: 1 scope { channel_id: 'web-ship' channel_kind: CHANNEL_KIND_SHIP }",
       "INVALID_RULE", "rule.scope.channel_kind"},
      {"rule_id: 'r' cache_s: 1 scope { category: '/footwear' }", "INVALID_RULE",
       "rule.scope.category"},
      {"rule_id: 'r' cache_s: 1 effective_from { seconds: 20 } effective_until { seconds: 20 }",
       "INVALID_RULE", "rule.effective_until"},
      {"rule_id: 'r' cache_s: 1 effective_until { seconds: 20 }", "INVALID_RULE",
       "rule.effective_until"},
      {"rule_id: 'r' chain_floor { units: 5 reshow_units: 4 }", "INVALID_RULE",
       "rule.chain_floor.reshow_units '4'"},
      {"rule_id: 'r' chain_floor { units: -1 }", "INVALID_RULE", "rule.chain_floor.units '-1'"},
      {"rule_id: 'r' scope { location_id: 'bilbao' } chain_floor { units: 5 }", "INVALID_RULE",
       "rule.chain_floor"},
      {"rule_id: 'r' scope { location_id: 'bilbao' } chain_buffer_units: 5", "INVALID_RULE",
       "rule.chain_buffer_units"},
      {"rule_id: 'r' buffer_units: -1", "INVALID_RULE", "rule.buffer_units '-1'"},
      {"rule_id: 'r' location_floor: 1000000001", "INVALID_RULE", "rule.location_floor"},
      {"rule_id: 'r' max_quantity: 0", "INVALID_RULE", "rule.max_quantity '0'"},
      {"rule_id: 'r' cache_s: 86401", "INVALID_RULE", "rule.cache_s '86401'"},
      {"rule_id: 'r' zero_policy: ZERO_POLICY_BACKORDER", "INVALID_RULE", "rule.backorder_limit"},
      {"rule_id: 'r' zero_policy: ZERO_POLICY_HIDE backorder_limit: 1", "INVALID_RULE",
       "rule.zero_policy"},
      {"rule_id: 'r' scope { sku: 'last-boot' } zero_policy: ZERO_POLICY_KEEP_SELLING",
       "INVALID_RULE", "rule.zero_policy 'ZERO_POLICY_KEEP_SELLING'"},
      {"rule_id: 'r' scope { sku: 'last-boot' } zero_policy: ZERO_POLICY_BACKORDER "
       "backorder_limit: 1",
       "INVALID_RULE", "rule.zero_policy"},
  };
  for (const BadRule& bad : bad_rules) {
    const absl::Status status = chain_.TryRule(bad.text).status();
    EXPECT_EQ(ReasonOf(status), bad.reason) << bad.text << "\n" << status;
    EXPECT_EQ(std::string(status.message()).find(bad.field), 0u) << bad.text << "\n" << status;
    EXPECT_FALSE(chain_.state().rules.Contains("r"));
  }
}

}  // namespace
}  // namespace onhand::ledger
