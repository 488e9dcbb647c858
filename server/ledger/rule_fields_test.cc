#include "server/ledger/rule_fields.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

class RuleFields : public testing::Test {
 protected:
  RuleFields() {
    chain_.Location("bilbao");
    chain_.LocationGroup(R"(group_id: "north" location_ids: "bilbao")");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Item("boot");
    chain_.Item("last-boot", "supply: SUPPLY_ENDED");
  }

  // What a rule that was set says, as it is read.
  void ExpectReadAsWritten(const std::string& text) {
    const auto set = chain_.TryRule(text, "");
    ASSERT_TRUE(set.ok()) << text << "\n" << set.status();
    v1::Rule rule = set->rule();
    EXPECT_EQ(rule.version(), 1u);
    EXPECT_EQ(rule.author(), "Ana");
    EXPECT_EQ(rule.changed_at().seconds(), 1'700'000'000);
    EXPECT_FALSE(rule.etag().empty());
    EXPECT_EQ(set->revision(), chain_.state().counters.revision);
    EXPECT_EQ(RuleOf(chain_.state(), *chain_.state().rules.Find(rule.rule_id())).DebugString(),
              rule.DebugString());
    rule.clear_version();
    rule.clear_author();
    rule.clear_etag();
    rule.clear_changed_at();
    EXPECT_EQ(rule.DebugString(), FromText<v1::Rule>(text).DebugString());
  }

  ChainForTest chain_;
};

TEST_F(RuleFields, RuleIsReadAsItWasWritten) {
  ExpectReadAsWritten(R"(
      rule_id: "r" scope { group_id: "north" sku: "boot" channel_kind: CHANNEL_KIND_SHIP }
      effective_from { seconds: 1700000000 } effective_until { seconds: 1800000000 }
      zero_policy: ZERO_POLICY_BACKORDER location_floor: 1
      chain_floor { units: 2 reshow_units: 3 dwell_s: 4 } buffer { units: 5 } chain_buffer { units: 6 }
      included: true max_quantity: 7 low_stock_at: 8 backorder_limit: 9 backorder_lead_days: 10
      freshness_target_s: 11 cache_s: 0 chain_mode: CHAIN_MODE_POOLED
      freshness_action: FRESHNESS_ACTION_CLOSE_PICKUP missing_stock: MISSING_STOCK_HIDE priority: 0
      pick_latency_s: 604800)");
  ExpectReadAsWritten(R"(
      rule_id: "rise" scope { location_id: "bilbao" category: "footwear" supply: SUPPLY_SEASONAL }
      effective_from { seconds: 1700000000 } effective_until { seconds: 1700000001 }
      demand_factor: 0.05)");
}

TEST_F(RuleFields, EachModeOfABufferIsReadAsItWasWritten) {
  const char* const buffers[] = {"units: 0",
                                 "units: 1000000000",
                                 "percent: 0 min_units: 0 max_units: 0",
                                 "percent: 12.5 min_units: 2",
                                 "days_of_cover: 365 max_units: 1000000000",
                                 "days_of_cover: 0.5 min_units: 1 max_units: 1",
                                 "risk_one_in: 2 tries: 8",
                                 "risk_one_in: 1000000 min_units: 3 max_units: 9"};
  for (const char* const buffer : buffers) {
    for (const char* const field : {"buffer", "chain_buffer"}) {
      ExpectReadAsWritten(absl::StrCat("rule_id: '", field, " ", buffer,
                                       "' effective_from { seconds: 1 } scope { } ", field, " { ",
                                       buffer, " }"));
    }
  }
}

TEST_F(RuleFields, NumberThatIsNoneIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  v1::Rule rule = FromText<v1::Rule>("rule_id: 'r' effective_until { seconds: 1800000000 }");
  const auto field_refused = [&] {
    const absl::Status status = RowOfRule(chain_.state(), chain_.now_us(), "rule", rule).status();
    EXPECT_EQ(ReasonOf(status), "INVALID_RULE") << status;
    return std::string(status.message().substr(0, status.message().find(' ')));
  };
  rule.mutable_buffer()->set_percent(nan);
  EXPECT_EQ(field_refused(), "rule.buffer.percent");
  rule.mutable_buffer()->set_days_of_cover(nan);
  EXPECT_EQ(field_refused(), "rule.buffer.days_of_cover");
  rule.clear_buffer();
  rule.set_demand_factor(nan);
  EXPECT_EQ(field_refused(), "rule.demand_factor");
  rule.set_demand_factor(std::numeric_limits<double>::infinity());
  EXPECT_EQ(field_refused(), "rule.demand_factor");
}

TEST_F(RuleFields, NumberOfAnUnknownEnumIsRefused) {
  const auto refused = [&](auto set, const std::string& field) {
    v1::Rule rule = FromText<v1::Rule>("rule_id: 'r' cache_s: 1 freshness_target_s: 1");
    set(rule);
    const absl::Status status = RowOfRule(chain_.state(), chain_.now_us(), "rule", rule).status();
    EXPECT_EQ(ReasonOf(status), "INVALID_RULE") << status;
    EXPECT_EQ(std::string(status.message()).find(field + " '77'"), 0u) << status;
  };
  refused([](v1::Rule& r) { r.set_zero_policy(static_cast<v1::ZeroPolicy>(77)); },
          "rule.zero_policy");
  refused([](v1::Rule& r) { r.set_chain_mode(static_cast<v1::ChainMode>(77)); }, "rule.chain_mode");
  refused([](v1::Rule& r) { r.set_freshness_action(static_cast<v1::FreshnessAction>(77)); },
          "rule.freshness_action");
  refused([](v1::Rule& r) { r.set_missing_stock(static_cast<v1::MissingStock>(77)); },
          "rule.missing_stock");
  refused([](v1::Rule& r) { r.mutable_scope()->set_supply(static_cast<v1::Supply>(77)); },
          "rule.scope.supply");
  refused(
      [](v1::Rule& r) { r.mutable_scope()->set_channel_kind(static_cast<v1::ChannelKind>(77)); },
      "rule.scope.channel_kind");
}

struct BadRule {
  const char* text;
  const char* reason;
  const char* field;
};

TEST_F(RuleFields, BadRuleIsRefusedNamingItsField) {
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
      {"rule_id: 'r' scope { location_id: 'bilbao' } chain_buffer { units: 5 }", "INVALID_RULE",
       "rule.chain_buffer"},
      {"rule_id: 'r' buffer { units: -1 }", "INVALID_RULE", "rule.buffer.units '-1'"},
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
      {"rule_id: 'r' scope { supply: SUPPLY_ENDED } zero_policy: ZERO_POLICY_KEEP_SELLING",
       "INVALID_RULE", "rule.zero_policy 'ZERO_POLICY_KEEP_SELLING'"},
      {"rule_id: 'r' scope { supply: SUPPLY_ENDED } zero_policy: ZERO_POLICY_BACKORDER "
       "backorder_limit: 1",
       "INVALID_RULE", "rule.zero_policy 'ZERO_POLICY_BACKORDER'"},
      {"rule_id: 'r' scope { location_id: 'bilbao' } chain_mode: CHAIN_MODE_POOLED", "INVALID_RULE",
       "rule.chain_mode 'bilbao'"},
      {"rule_id: 'r' buffer { }", "INVALID_RULE", "rule.buffer has no mode"},
      {"rule_id: 'r' buffer { min_units: 1 max_units: 3 }", "INVALID_RULE",
       "rule.buffer has no mode"},
      {"rule_id: 'r' chain_buffer { tries: 2 }", "INVALID_RULE", "rule.chain_buffer has no mode"},
      {"rule_id: 'r' buffer { percent: 100.5 }", "INVALID_RULE", "rule.buffer.percent '100.5'"},
      {"rule_id: 'r' buffer { percent: -1 }", "INVALID_RULE", "rule.buffer.percent '-1'"},
      {"rule_id: 'r' buffer { days_of_cover: 366 }", "INVALID_RULE",
       "rule.buffer.days_of_cover '366'"},
      {"rule_id: 'r' buffer { risk_one_in: 1 }", "INVALID_RULE", "rule.buffer.risk_one_in '1'"},
      {"rule_id: 'r' chain_buffer { risk_one_in: 1000001 }", "INVALID_RULE",
       "rule.chain_buffer.risk_one_in '1000001'"},
      {"rule_id: 'r' buffer { percent: 5 min_units: -1 }", "INVALID_RULE",
       "rule.buffer.min_units '-1'"},
      {"rule_id: 'r' buffer { percent: 5 max_units: -1 }", "INVALID_RULE",
       "rule.buffer.max_units '-1'"},
      {"rule_id: 'r' buffer { percent: 5 min_units: 3 max_units: 2 }", "INVALID_RULE",
       "rule.buffer.max_units '2'"},
      {"rule_id: 'r' buffer { risk_one_in: 100 tries: 9 }", "INVALID_RULE",
       "rule.buffer.tries '9'"},
      {"rule_id: 'r' buffer { units: 5 tries: 2 }", "INVALID_RULE", "rule.buffer.tries '2'"},
      {"rule_id: 'r' freshness_action: FRESHNESS_ACTION_EXCLUDE", "INVALID_RULE",
       "rule.freshness_action 'FRESHNESS_ACTION_EXCLUDE'"},
      {"rule_id: 'r' freshness_target_s: 0", "INVALID_RULE", "rule.freshness_target_s '0'"},
      {"rule_id: 'r' priority: 1001", "INVALID_RULE", "rule.priority '1001'"},
      {"rule_id: 'r' priority: -1", "INVALID_RULE", "rule.priority '-1'"},
      {"rule_id: 'r' pick_latency_s: 604801", "INVALID_RULE", "rule.pick_latency_s '604801'"},
      {"rule_id: 'r' backorder_lead_days: 3651", "INVALID_RULE", "rule.backorder_lead_days '3651'"},
      {"rule_id: 'r' demand_factor: 0.04 effective_until { seconds: 1800000000 }", "INVALID_RULE",
       "rule.demand_factor '0.04'"},
      {"rule_id: 'r' demand_factor: 101 effective_until { seconds: 1800000000 }", "INVALID_RULE",
       "rule.demand_factor '101'"},
      {"rule_id: 'r' demand_factor: 5", "INVALID_RULE", "rule.demand_factor '5' has no end"},
      {"rule_id: 'r' scope { channel_id: 'web-ship' } demand_factor: 5 "
       "effective_until { seconds: 1800000000 }",
       "INVALID_RULE", "rule.demand_factor '5' is asked for on a channel"},
      {"rule_id: 'r' scope { channel_kind: CHANNEL_KIND_PICKUP } demand_factor: 5 "
       "effective_until { seconds: 1800000000 }",
       "INVALID_RULE", "rule.demand_factor '5' is asked for on a channel"},
      {"rule_id: 'r' cache_s: 1 effective_from_local: '2026-11-27T00:00'", "INVALID_RULE",
       "rule.effective_from_local '2026-11-27T00:00'"},
      {"rule_id: 'r' cache_s: 1 effective_until_local: '2026-11-27T00:00'", "INVALID_RULE",
       "rule.effective_until_local '2026-11-27T00:00'"},
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
