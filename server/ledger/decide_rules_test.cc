#include "server/ledger/decide_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/demand_factor.h"
#include "server/ledger/encode.h"
#include "server/ledger/refusal.h"
#include "server/ledger/rule_history.h"

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

  static std::string Told(const RuleVersion& version) {
    return absl::StrCat(version.rule.rule_id(), " ", version.rule.version(), " cache ",
                        version.rule.cache_s(), version.ended ? " ended" : "");
  }
  // Versions of a rule, or of all, as they are listed.
  std::vector<std::string> History(const std::string& rule_id) const {
    std::vector<std::string> told;
    for (const RuleVersion* version : VersionsBehind(chain_.state(), rule_id, std::nullopt, 100)) {
      told.push_back(Told(*version));
    }
    return told;
  }
  auto Batch(const std::string& text) {
    const auto request = FromText<v1::BatchChangeRulesRequest>(text);
    return chain_.Run([&](Group& g) { return DecideBatchChangeRules(g, request); });
  }
  auto Rollback(const std::string& text) {
    const auto request = FromText<v1::RollbackRuleRequest>(text);
    return chain_.Run([&](Group& g) { return DecideRollbackRule(g, request); });
  }

  // What a hub would hold that starts now.
  std::unique_ptr<State> LoadedState() const {
    auto state = std::make_unique<State>(Settings{});
    EXPECT_TRUE(DecodeTables(EncodeTables(chain_.state()), *state).ok());
    return state;
  }

  ChainForTest chain_;
};

struct BadBatch {
  const char* text;
  const char* reason;
  const char* field;
};

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
  const auto set = chain_.TryRule("rule_id: 'r' buffer { units: 3 }", "");
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

TEST_F(DecideRules, EndedRuleGoesOnCountingWhenItIsMadeAnew) {
  chain_.Rule("rule_id: 'r' cache_s: 1");
  chain_.Rule("rule_id: 'r' cache_s: 2");
  chain_.EndRule("r");
  const auto again = chain_.TryRule("rule_id: 'r' cache_s: 3", "");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rule().version(), 3u);
  EXPECT_EQ(History("r"), (std::vector<std::string>{"r 3 cache 3", "r 2 cache 2 ended",
                                                    "r 2 cache 2", "r 1 cache 1"}));
}

TEST_F(DecideRules, VersionsSayWhoChangedWhatAndWhy) {
  v1::SetRuleRequest request;
  *request.mutable_rule() = FromText<v1::Rule>("rule_id: 'r' cache_s: 1");
  request.set_author("Ana");
  request.set_reason("summer");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideSetRule(g, request); }).ok());
  v1::DeleteRuleRequest end;
  end.set_rule_id("r");
  end.set_etag("*");
  end.set_author("Bea");
  end.set_reason("autumn");
  chain_.Wait(ChainForTest::kHour);
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideDeleteRule(g, end); }).ok());
  const auto versions = VersionsBehind(chain_.state(), "r", std::nullopt, 10);
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0]->rule.author(), "Bea");
  EXPECT_EQ(versions[0]->rule.reason(), "autumn");
  EXPECT_EQ(versions[0]->rule.cache_s(), 1) << "what it said until then";
  EXPECT_EQ(versions[0]->rule.changed_us(), ChainForTest::kStart + ChainForTest::kHour);
  EXPECT_EQ(versions[1]->rule.author(), "Ana");
  EXPECT_EQ(versions[1]->rule.reason(), "summer");
}

TEST_F(DecideRules, PagesOfAllVersionsHoldEachOnceNewestFirst) {
  // One commit changes three rules, so that a page ends within a revision.
  ASSERT_TRUE(Batch(R"(changes { set { rule_id: "b" cache_s: 1 } }
                       changes { set { rule_id: "a" cache_s: 1 } }
                       changes { set { rule_id: "c" cache_s: 1 } })")
                  .ok());
  chain_.Rule("rule_id: 'b' cache_s: 2");
  chain_.EndRule("a");
  const std::vector<std::string> all = {"a 1 cache 1 ended", "b 2 cache 2", "a 1 cache 1",
                                        "b 1 cache 1", "c 1 cache 1"};
  EXPECT_EQ(History(""), all);
  std::vector<std::string> paged;
  std::optional<VersionPlace> after;
  for (;;) {
    const auto page = VersionsBehind(chain_.state(), "", after, 2);
    if (page.empty()) break;
    for (const RuleVersion* version : page) paged.push_back(Told(*version));
    after = PlaceOf(*page.back());
    // What is changed meanwhile comes before the page and moves nothing behind it.
    chain_.Rule("rule_id: 'a' cache_s: 9");
  }
  EXPECT_EQ(paged, all);
}

TEST_F(DecideRules, VersionsOfOneCommitAreNewestFirst) {
  chain_.Run([](Group& group) {
    for (int cache_s = 1; cache_s <= 3; ++cache_s) {
      v1::SetRuleRequest request;
      request.mutable_rule()->set_rule_id("r");
      request.mutable_rule()->set_cache_s(cache_s);
      request.set_etag("*");
      EXPECT_TRUE(DecideSetRule(group, request).ok());
    }
    return 0;
  });
  EXPECT_EQ(History(""), (std::vector<std::string>{"r 3 cache 3", "r 2 cache 2", "r 1 cache 1"}));
}

TEST_F(DecideRules, BatchMakesReplacesAndEndsWithOneCommit) {
  chain_.Rule("rule_id: 'old' cache_s: 1");
  chain_.Rule("rule_id: 'kept' cache_s: 1");
  const std::string etag = EtagOf(*chain_.state().rules.Find("kept"));
  const uint64_t before = chain_.state().counters.revision;
  const auto changed = Batch(
      "changes { set { rule_id: 'new' cache_s: 2 } } changes { delete_rule_id: 'old' etag: '*' }"
      "changes { set { rule_id: 'kept' cache_s: 3 } etag: '" +
      etag + "' } author: 'Ana' reason: 'from the file'");
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->revision(), before + 1);
  ASSERT_EQ(changed->rules_size(), 2);
  EXPECT_EQ(changed->rules(0).rule_id(), "new");
  EXPECT_EQ(changed->rules(1).version(), 2u);
  EXPECT_EQ(changed->rules(1).etag(), absl::StrCat(before + 1, ".2"));
  EXPECT_EQ(changed->rules(1).reason(), "from the file");
  EXPECT_FALSE(chain_.state().rules.Contains("old"));
  EXPECT_EQ(History("old")[0], "old 1 cache 1 ended");
}

TEST_F(DecideRules, BatchIsAllOrNone) {
  chain_.Rule("rule_id: 'kept' cache_s: 1");
  const BadBatch bad_batches[] = {
      {"", "INVALID_RULE", "changes are none"},
      {"changes { }", "INVALID_RULE", "changes[1]"},
      {"changes { set { rule_id: 'r' buffer { } } }", "INVALID_RULE", "changes[1].set.buffer "},
      {"changes { set { rule_id: 'r' scope { sku: 'mars' } cache_s: 1 } }", "UNKNOWN_ITEM",
       "changes[1].set.scope.sku 'mars'"},
      {"changes { set { rule_id: 'r' } }", "INVALID_RULE", "changes[1].set 'r'"},
      {"changes { set { rule_id: 'kept' cache_s: 2 } }", "ETAG_MISMATCH", "changes[1].etag"},
      {"changes { delete_rule_id: 'kept' etag: '1.1' }", "ETAG_MISMATCH", "changes[1].etag '1.1'"},
      {"changes { delete_rule_id: 'mars' etag: '*' }", "UNKNOWN_RULE",
       "changes[1].delete_rule_id 'mars'"},
      {"changes { set { rule_id: 'good' cache_s: 2 } }", "INVALID_RULE",
       "changes[1].set.rule_id 'good'"},
      {"reason: '\\n' changes { set { rule_id: 'r' cache_s: 2 } }", "INVALID_TEXT", "reason"},
  };
  for (const BadBatch& bad : bad_batches) {
    const std::string good = "changes { set { rule_id: 'good' cache_s: 1 } }";
    const std::string text = bad.text[0] == '\0' ? "" : good + bad.text;
    const auto request = FromText<v1::BatchChangeRulesRequest>(text);
    Group group = chain_.NewGroup();
    const absl::Status status = DecideBatchChangeRules(group, request).status();
    EXPECT_EQ(ReasonOf(status), bad.reason) << bad.text << "\n" << status;
    EXPECT_EQ(std::string(status.message()).find(bad.field), 0u) << bad.text << "\n" << status;
    EXPECT_EQ(group.fact_count(), 0) << bad.text;
  }
  v1::BatchChangeRulesRequest large;
  for (int i = 0; i < 1'001; ++i) large.add_changes()->mutable_set()->set_cache_s(1);
  EXPECT_EQ(
      ReasonOf(chain_.Run([&](Group& g) { return DecideBatchChangeRules(g, large); }).status()),
      "BATCH_TOO_LARGE");
}

TEST_F(DecideRules, DryBatchChangesNothing) {
  chain_.Rule("rule_id: 'old' cache_s: 1");
  const auto changed = Batch(R"(changes { set { rule_id: "new" cache_s: 2 } }
                                changes { delete_rule_id: "old" etag: "*" } dry_run: true)");
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->revision(), 0u);
  ASSERT_EQ(changed->rules_size(), 1);
  EXPECT_EQ(changed->rules(0).version(), 1u);
  EXPECT_EQ(changed->rules(0).etag(), "");
  EXPECT_TRUE(chain_.state().rules.Contains("old"));
  EXPECT_FALSE(chain_.state().rules.Contains("new"));
}

TEST_F(DecideRules, NewVersionsAreToldWithoutMakingThem) {
  chain_.Rule("rule_id: 'old' cache_s: 1");
  const auto request = FromText<v1::BatchChangeRulesRequest>(
      R"(changes { set { rule_id: "new" cache_s: 2 } }
         changes { delete_rule_id: "old" etag: "*" })");
  const auto versions = NewVersionsOf(chain_.state(), chain_.now_us(), request.changes());
  ASSERT_TRUE(versions.ok()) << versions.status();
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ(Told((*versions)[0]), "new 1 cache 2");
  EXPECT_EQ(Told((*versions)[1]), "old 1 cache 1 ended");
  EXPECT_FALSE(chain_.state().rules.Contains("new"));
}

TEST_F(DecideRules, RollbackSaysAgainWhatAnOlderVersionSaid) {
  chain_.Rule(R"(rule_id: "r" scope { sku: "boot" channel_kind: CHANNEL_KIND_SHIP }
                 buffer { risk_one_in: 100 tries: 2 } cache_s: 1)");
  chain_.Rule("rule_id: 'r' cache_s: 2");
  const auto back = Rollback("rule_id: 'r' version: 1 etag: '*' author: 'Bea' reason: 'too early'");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->rule().version(), 3u);
  EXPECT_EQ(back->rule().scope().sku(), "boot");
  EXPECT_EQ(back->rule().buffer().tries(), 2);
  EXPECT_EQ(back->rule().cache_s(), 1);
  EXPECT_EQ(back->rule().author(), "Bea");
  EXPECT_EQ(back->rule().reason(), "too early");
  EXPECT_EQ(back->revision(), chain_.state().counters.revision);
  EXPECT_EQ(chain_.state().rules.Find("r")->cache_s(), 1);
}

TEST_F(DecideRules, RollbackBringsAnEndedRuleBack) {
  chain_.Rule("rule_id: 'r' cache_s: 1");
  chain_.EndRule("r");
  EXPECT_EQ(ReasonOf(Rollback("rule_id: 'r' version: 1 etag: '1.1'").status()), "ETAG_MISMATCH");
  const auto back = Rollback("rule_id: 'r' version: 1");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->rule().version(), 2u);
  EXPECT_EQ(History("r"),
            (std::vector<std::string>{"r 2 cache 1", "r 1 cache 1 ended", "r 1 cache 1"}));
}

TEST_F(DecideRules, RollbackRepeatsABeginningOnlyWhereSomebodySaidIt) {
  chain_.Rule("rule_id: 'r' cache_s: 1");
  chain_.Wait(ChainForTest::kHour);
  chain_.Rule("rule_id: 'r' cache_s: 2 effective_from { seconds: 1600000000 }");
  chain_.Wait(ChainForTest::kHour);
  const auto unsaid = Rollback("rule_id: 'r' version: 1 etag: '*'");
  ASSERT_TRUE(unsaid.ok()) << unsaid.status();
  EXPECT_EQ(MicrosOf(unsaid->rule().effective_from()), chain_.now_us());
  EXPECT_EQ(MicrosOf(unsaid->rule().changed_at()), chain_.now_us());
  const auto said = Rollback("rule_id: 'r' version: 2 etag: '*'");
  ASSERT_TRUE(said.ok()) << said.status();
  EXPECT_EQ(said->rule().effective_from().seconds(), 1'600'000'000);
  // One that ended is looked up by the commit that made it.
  chain_.Rule("rule_id: 's' cache_s: 1");
  chain_.Wait(ChainForTest::kHour);
  chain_.EndRule("s");
  const auto ended = Rollback("rule_id: 's' version: 1");
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(MicrosOf(ended->rule().effective_from()), chain_.now_us());
}

TEST_F(DecideRules, RollbackIsRefusedNamingWhy) {
  chain_.Rule("rule_id: 'r' cache_s: 1");
  chain_.Rule("rule_id: 'r' cache_s: 2");
  const auto refused = [&](const std::string& text, const std::string& reason,
                           const std::string& begin) {
    const absl::Status status = Rollback(text).status();
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(std::string(status.message()).find(begin), 0u) << status;
  };
  refused("rule_id: 'mars' version: 1", "UNKNOWN_RULE", "rule_id 'mars'");
  refused("rule_id: 'r' version: 3 etag: '*'", "UNKNOWN_VERSION", "version '3'");
  refused("rule_id: 'r' version: 0 etag: '*'", "UNKNOWN_VERSION", "version '0'");
  refused("rule_id: 'r' version: 1", "ETAG_MISMATCH", "etag");
  chain_.Item("seasonal");
  chain_.Rule("rule_id: 's' scope { sku: 'seasonal' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  chain_.EndRule("s");
  chain_.Item("seasonal", "supply: SUPPLY_ENDED");
  refused("rule_id: 's' version: 1", "INVALID_RULE", "rule.zero_policy 'ZERO_POLICY_KEEP_SELLING'");
}

TEST_F(DecideRules, RollbackFollowsAnItemToItsNewSku) {
  chain_.Rule("rule_id: 'r' scope { sku: 'boot' } cache_s: 1");
  chain_.Rule("rule_id: 'r' cache_s: 2");
  v1::MergeItemsRequest merge;
  chain_.Item("boot 2");
  merge.set_sku("boot 2");
  merge.set_duplicate_sku("boot");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideMergeItems(g, merge); }).ok());
  const auto back = Rollback("rule_id: 'r' version: 1 etag: '*'");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->rule().scope().sku(), "boot 2");
}

TEST_F(DecideRules, RulesOfADuplicateHoldForTheItemThatStays) {
  chain_.Item("boot 2");
  chain_.Rule("rule_id: 'b' scope { sku: 'boot 2' } cache_s: 1");
  chain_.Rule("rule_id: 'a' scope { sku: 'boot 2' } cache_s: 2");
  chain_.Rule("rule_id: 'other' scope { sku: 'last-boot' } cache_s: 3");
  v1::MergeItemsRequest merge;
  merge.set_sku("boot");
  merge.set_duplicate_sku("boot 2");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideMergeItems(g, merge); }).ok());
  for (const char* const rule_id : {"a", "b"}) {
    const v1::Rule rule = RuleOf(chain_.state(), *chain_.state().rules.Find(rule_id));
    EXPECT_EQ(rule.scope().sku(), "boot");
    EXPECT_EQ(rule.version(), 2u);
    EXPECT_EQ(rule.reason(), "'boot 2' became 'boot'");
  }
  EXPECT_EQ(chain_.state().rules.Find("other")->version(), 1u);
}

// A year and more after its end nobody asks what a rule said.
TEST_F(DecideRules, VersionsOfAnEndedRuleAreForgottenAfterFourHundredDays) {
  constexpr int64_t kKept = State::kEndedRuleKept_us;
  chain_.Rule("rule_id: 'ended' cache_s: 1");
  chain_.Rule("rule_id: 'revived' cache_s: 1");
  chain_.Rule("rule_id: 'kept' cache_s: 1");
  chain_.EndRule("ended");
  chain_.EndRule("revived");
  chain_.Wait(kKept / 2);
  chain_.Rule("rule_id: 'revived' cache_s: 2");
  chain_.Wait(kKept / 2 - ChainForTest::kSecond);
  chain_.Tick();
  EXPECT_EQ(History("ended").size(), 2u);
  EXPECT_EQ(LoadedState()->ended_rules, chain_.state().ended_rules);
  // The decision sees it gone whether a row came before or not.
  chain_.Wait(ChainForTest::kSecond);
  EXPECT_EQ(ReasonOf(Rollback("rule_id: 'ended' version: 1").status()), "UNKNOWN_RULE");
  chain_.Tick();
  EXPECT_EQ(History("ended").size(), 0u);
  EXPECT_TRUE(chain_.state().ended_rules.empty());
  EXPECT_EQ(History("revived").size(), 3u);
  EXPECT_EQ(History("kept").size(), 1u);
  const auto anew = chain_.TryRule("rule_id: 'ended' cache_s: 3", "");
  ASSERT_TRUE(anew.ok());
  EXPECT_EQ(anew->rule().version(), 1u);
}

TEST_F(DecideRules, DemandFactorsAreAskedOfTheirRulesAlone) {
  for (int i = 0; i < 50; ++i) chain_.Rule(absl::StrCat("rule_id: 'other-", i, "' cache_s: 1"));
  const auto listed = [](const State& state) {
    std::vector<std::string> ids;
    for (const auto& rule : state.demand_rules.list()) ids.push_back(rule->rule_id());
    return ids;
  };
  const auto factor = [&](const State& state) {
    return DemandFactorAt(state, chain_.ItemId("boot"), chain_.LocationId("bilbao"),
                          chain_.now_us());
  };
  EXPECT_THAT(listed(chain_.state()), testing::IsEmpty());
  const std::string until = "effective_until { seconds: 1800000000 }";
  chain_.Rule("rule_id: 'week' demand_factor: 2 " + until);
  chain_.Rule("rule_id: 'boots' scope { sku: 'boot' } demand_factor: 5 " + until);
  chain_.Rule(absl::StrCat(
      "rule_id: 'later' scope { sku: 'boot' } demand_factor: 7 ", until,
      " effective_from { seconds: ", chain_.now_us() / ChainForTest::kSecond + 60, " }"));
  EXPECT_THAT(listed(chain_.state()), testing::ElementsAre("boots", "later", "week"));
  EXPECT_EQ(factor(chain_.state()), 5);
  EXPECT_EQ(listed(*LoadedState()), listed(chain_.state()));
  // A group sees what it decided, and the committed state does not.
  {
    Group group = chain_.NewGroup();
    v1::DeleteRuleRequest request;
    request.set_rule_id("boots");
    request.set_etag("*");
    ASSERT_TRUE(DecideDeleteRule(group, request).ok());
    EXPECT_EQ(factor(group.state()), 2);
    EXPECT_EQ(factor(chain_.state()), 5);
  }
  chain_.Rule("rule_id: 'week' cache_s: 1");
  chain_.Wait(60 * ChainForTest::kSecond);
  EXPECT_EQ(factor(chain_.state()), 7);
  chain_.EndRule("later");
  chain_.EndRule("boots");
  EXPECT_THAT(listed(chain_.state()), testing::IsEmpty());
  EXPECT_EQ(factor(chain_.state()), 1);
}

TEST_F(DecideRules, ARuleForACategoryWithoutItemsIsTakenAndWarnedOf) {
  chain_.Item("sandal", "category: 'shoes/summer/beach'");
  const auto warned = [&](const std::string& category) {
    const auto set = chain_.TryRule(
        absl::StrCat("rule_id: 'r' scope { category: '", category, "' } cache_s: 1"));
    EXPECT_TRUE(set.ok()) << set.status();
    return set->warnings_size() > 0;
  };
  EXPECT_FALSE(warned("shoes"));
  EXPECT_FALSE(warned("shoes/summer"));
  EXPECT_FALSE(warned("shoes/summer/beach"));
  EXPECT_TRUE(warned("shoes/sum"));
  EXPECT_TRUE(warned("Shoes"));
  EXPECT_TRUE(warned("shoes/summer/beach/red"));
  const auto batch = Batch(
      "changes { set { rule_id: 'a' scope { category: 'ski' } cache_s: 1 } }"
      "changes { set { rule_id: 'b' scope { category: 'shoes' } cache_s: 1 } }"
      "changes { set { rule_id: 'c' cache_s: 1 } } dry_run: true");
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_THAT(batch->warnings(),
              testing::ElementsAre("rule 'a': no item is in category 'ski' yet; the rule holds for "
                                   "none until one is"));
  chain_.Item("carver", "category: 'ski/race'");
  EXPECT_FALSE(warned("ski"));
}

TEST_F(DecideRules, NewestThousandVersionsAreKept) {
  for (int i = 1; i <= 1'002; ++i) chain_.Rule(absl::StrCat("rule_id: 'r' cache_s: ", i));
  const auto versions = VersionsBehind(chain_.state(), "r", std::nullopt, 2'000);
  ASSERT_EQ(versions.size(), 1'000u);
  EXPECT_EQ(versions.front()->rule.version(), 1'002u);
  EXPECT_EQ(versions.back()->rule.version(), 3u);
  const absl::Status gone = Rollback("rule_id: 'r' version: 2 etag: '*'").status();
  EXPECT_EQ(ReasonOf(gone), "UNKNOWN_VERSION");
  EXPECT_NE(gone.message().find("send 3 to 1002"), absl::string_view::npos) << gone;
}

}  // namespace
}  // namespace onhand::ledger
