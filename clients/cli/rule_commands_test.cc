// `onhand rule` and its kin, whole commands against a hub that keeps rules as the real one does.
#include <map>
#include <set>

#include "clients/cli/fake_services.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/rules.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class FakeRules final : public v1::RuleService::Service {
 public:
  grpc::Status SetRule(grpc::ServerContext*, const v1::SetRuleRequest* request,
                       v1::SetRuleResponse* response) override {
    set = *request;
    if (request->rule().max_quantity() == 13 && !request->confirm_hiding()) {
      return FakeRefusal(grpc::StatusCode::FAILED_PRECONDITION, "it would hide 40 %",
                         "CONFIRMATION_NEEDED", "confirm_hiding");
    }
    *response->mutable_rule() = Store(request->rule(), request->author(), request->reason());
    Warn(*response);
    return grpc::Status::OK;
  }
  grpc::Status GetRule(grpc::ServerContext*, const v1::GetRuleRequest* request,
                       v1::GetRuleResponse* response) override {
    if (!rules.contains(request->rule_id())) {
      return FakeRefusal(grpc::StatusCode::NOT_FOUND, "no such rule", "UNKNOWN_RULE", "rule_id");
    }
    *response->mutable_rule() = rules[request->rule_id()];
    return grpc::Status::OK;
  }
  grpc::Status ListRules(grpc::ServerContext*, const v1::ListRulesRequest*,
                         v1::ListRulesResponse* response) override {
    for (const auto& [rule_id, rule] : rules) *response->add_rules() = rule;
    return grpc::Status::OK;
  }
  grpc::Status BatchChangeRules(grpc::ServerContext*, const v1::BatchChangeRulesRequest* request,
                                v1::BatchChangeRulesResponse* response) override {
    batches.push_back(*request);
    Warn(*response);
    for (int i = 0; i < request->changes_size(); ++i) {
      const v1::Rule& rule = request->changes(i).set();
      const std::string field = rule.max_quantity() == 666 ? "max_quantity" : "backorder_limit";
      if (rule.max_quantity() != 666 && rule.zero_policy() != v1::ZERO_POLICY_BACKORDER) continue;
      const std::string path = absl::StrCat("changes[", i, "].set.", field);
      return FakeRefusal(grpc::StatusCode::INVALID_ARGUMENT,
                         absl::StrCat(path, " is refused beside zero_policy"), "INVALID_RULE",
                         path);
    }
    if (request->dry_run()) return grpc::Status::OK;
    for (const v1::RuleChange& change : request->changes()) {
      if (change.has_set()) {
        *response->add_rules() = Store(change.set(), request->author(), request->reason());
      } else {
        rules.erase(change.delete_rule_id());
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status ListRuleVersions(grpc::ServerContext*, const v1::ListRuleVersionsRequest* request,
                                v1::ListRuleVersionsResponse* response) override {
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
      if (!request->rule_id().empty() && version->rule_id() != request->rule_id()) continue;
      *response->add_versions()->mutable_rule() = *version;
    }
    return grpc::Status::OK;
  }
  grpc::Status RollbackRule(grpc::ServerContext*, const v1::RollbackRuleRequest* request,
                            v1::RollbackRuleResponse* response) override {
    rollback = *request;
    Warn(*response);
    *response->mutable_rule() = rules[request->rule_id()];
    return grpc::Status::OK;
  }
  grpc::Status PreviewRules(grpc::ServerContext*, const v1::PreviewRulesRequest* request,
                            v1::PreviewRulesResponse* response) override {
    preview = *request;
    Warn(*response);
    v1::PreviewTotals& totals = *response->add_totals();
    totals.set_channel_id("web");
    totals.set_shown_before(10);
    totals.set_shown_after(6);
    totals.set_becomes_hidden(4);
    v1::PreviewedAnswer& answer = *response->add_answers();
    answer.set_sku("A");
    answer.set_channel_id("web");
    answer.set_status_before(v1::AVAILABILITY_STATUS_IN_STOCK);
    answer.set_max_quantity_before(4);
    answer.set_status_after(v1::AVAILABILITY_STATUS_HIDDEN);
    answer.set_rule_id_after("floor");
    response->set_changed_count(5);
    response->set_item_count(10);
    response->set_position_count(20);
    response->set_hidden_share(0.4);
    response->set_confirmation_needed(true);
    return grpc::Status::OK;
  }

  std::map<std::string, v1::Rule> rules;
  std::vector<v1::Rule> versions;
  v1::SetRuleRequest set;
  v1::RollbackRuleRequest rollback;
  v1::PreviewRulesRequest preview;
  std::vector<v1::BatchChangeRulesRequest> batches;
  std::string warning;  // of every change; empty: none

 private:
  template <class Response>
  void Warn(Response& response) const {
    if (!warning.empty()) response.add_warnings(warning);
  }
  v1::Rule Store(v1::Rule rule, const std::string& author, const std::string& reason) {
    rule.set_version(rules[rule.rule_id()].version() + 1);
    rule.set_etag(absl::StrCat("etag-", rule.version()));
    rule.set_author(author);
    rule.set_reason(reason);
    *rule.mutable_changed_at() = ToProto(kFakeNow - absl::Hours(1));
    if (!rule.has_effective_from() && rule.effective_from_local().empty()) {
      *rule.mutable_effective_from() = rule.changed_at();
    }
    versions.push_back(rule);
    return rules[rule.rule_id()] = rule;
  }
};

class FakeIncoming final : public v1::StockService::Service {
 public:
  grpc::Status SetIncoming(grpc::ServerContext*, const v1::SetIncomingRequest* request,
                           v1::SetIncomingResponse*) override {
    set = *request;
    return grpc::Status::OK;
  }
  grpc::Status ListIncoming(grpc::ServerContext*, const v1::ListIncomingRequest*,
                            v1::ListIncomingResponse* response) override {
    *response->add_incoming() = set.incoming();
    return grpc::Status::OK;
  }

  v1::SetIncomingRequest set;
};

class RuleCommandsTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&rules_, &incoming_}; }

  FakeRules rules_;
  FakeIncoming incoming_;
};

TEST_F(RuleCommandsTest, OptionsOfVelocityBecomeTheRule) {
  EXPECT_EQ(Onhand({"rule",
                    "set",
                    "fast",
                    "--supply",
                    "ended",
                    "--risk",
                    "100",
                    "--buffer-min",
                    "1",
                    "--buffer-max",
                    "9",
                    "--tries",
                    "4",
                    "--chain-buffer-percent",
                    "12.5",
                    "--pooled",
                    "--freshness",
                    "24h",
                    "--past-freshness",
                    "grow-buffer",
                    "--missing-stock",
                    "zero",
                    "--demand-factor",
                    "5",
                    "--priority",
                    "3",
                    "--pick-latency",
                    "2h",
                    "--from",
                    "2026-11-27 00:00",
                    "--until",
                    "2026-11-30T00:00:00+01:00",
                    "--yes"}),
            0)
      << err_;
  const v1::Rule& rule = rules_.set.rule();
  EXPECT_TRUE(rules_.set.confirm_hiding());
  EXPECT_EQ(rule.scope().supply(), v1::SUPPLY_ENDED);
  EXPECT_EQ(rule.buffer().risk_one_in(), 100);
  EXPECT_EQ(rule.buffer().min_units(), 1);
  EXPECT_EQ(rule.buffer().max_units(), 9);
  EXPECT_EQ(rule.buffer().tries(), 4);
  EXPECT_EQ(rule.chain_buffer().percent(), 12.5);
  EXPECT_EQ(rule.chain_mode(), v1::CHAIN_MODE_POOLED);
  EXPECT_EQ(rule.freshness_action(), v1::FRESHNESS_ACTION_GROW_BUFFER);
  EXPECT_EQ(rule.missing_stock(), v1::MISSING_STOCK_AS_ZERO);
  EXPECT_EQ(rule.demand_factor(), 5);
  EXPECT_EQ(rule.priority(), 3);
  EXPECT_EQ(rule.pick_latency_s(), 7200);
  EXPECT_EQ(rule.effective_from_local(), "2026-11-27T00:00");
  EXPECT_FALSE(rule.has_effective_from());
  EXPECT_EQ(rule.effective_until().seconds(), 1'795'993'200);
  EXPECT_THAT(out_, HasSubstr("accepts 1 cancelled order in 100 at each location, at least 1, at "
                              "most 9, 4 tries; buffer 12.5 % in the chain; pooled"));
}

TEST_F(RuleCommandsTest, ARuleTakesOneModeOfABuffer) {
  EXPECT_EQ(Onhand({"rule", "set", "r", "--buffer", "1", "--buffer-days", "2"}), 2);
  EXPECT_THAT(err_, HasSubstr("--buffer-days '2' cannot be used: --buffer is given too; give one "
                              "of --buffer, --buffer-percent"));
  EXPECT_EQ(Onhand({"rule", "set", "r", "--chain-buffer-max", "1"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "r", "--pooled", "--aggregate"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "r", "--zero", "hide", "--from", "soon"}), 2);
  EXPECT_THAT(err_, HasSubstr("--from 'soon'"));
}

TEST_F(RuleCommandsTest, HidingMuchNeedsYes) {
  EXPECT_EQ(Onhand({"rule", "set", "r", "--max-shown", "13"}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("it would hide 40 %"), HasSubstr("[CONFIRMATION_NEEDED]")));
  EXPECT_EQ(Onhand({"rule", "set", "r", "--max-shown", "13", "--yes"}), 0) << err_;
}

TEST_F(RuleCommandsTest, WhatTheHubWarnsOfIsShownBesideTheAnswer) {
  rules_.warning = "no item is in category 'shose' yet";
  const std::string path = WriteFile("yaml", "rules:\n  - id: a\n    chain_floor: 6\n");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"rule", "set", "r", "--category", "shose", "--max-shown", "1"},
        {"rule", "preview", "r", "--category", "shose", "--max-shown", "1"},
        {"rule", "apply", path},
        {"rule", "rollback", "r", "1"}}) {
    EXPECT_EQ(Onhand(command), 0) << command[1] << err_;
    EXPECT_THAT(err_, HasSubstr("warning: no item is in category 'shose' yet\n")) << command[1];
    EXPECT_THAT(out_, Not(HasSubstr("shose' yet"))) << command[1];
  }
}

TEST_F(RuleCommandsTest, PreviewShowsTotalsAnswersAndThatItNeedsYes) {
  EXPECT_EQ(Onhand({"rule", "set", "floor", "--chain-floor", "5", "--preview"}), 0) << err_;
  EXPECT_THAT(rules_.rules, IsEmpty());
  EXPECT_EQ(rules_.preview.changes(0).set().chain_floor().units(), 5);
  EXPECT_THAT(out_, HasSubstr("web             10     6              4"));
  EXPECT_THAT(out_, HasSubstr("A    web      chain     in-stock, up to 4  hidden  floor"));
  EXPECT_THAT(out_, HasSubstr("and 4 more"));
  EXPECT_THAT(out_, HasSubstr("It would hide 40.0 % of what is shown now: making it needs --yes."));

  EXPECT_EQ(Onhand({"rule", "preview", "--delete", "floor"}), 0) << err_;
  EXPECT_EQ(rules_.preview.changes(0).delete_rule_id(), "floor");
  EXPECT_EQ(Onhand({"rule", "preview", "floor", "--chain-floor", "3", "--listed", "7"}), 0);
  EXPECT_EQ(rules_.preview.listed_max(), 7u);
  EXPECT_EQ(Onhand({"rule", "preview"}), 2);
  EXPECT_EQ(Onhand({"rule", "preview", "floor", "--delete", "floor"}), 2);
}

TEST_F(RuleCommandsTest, WhatIsExportedAppliesAsNothingToChange) {
  EXPECT_EQ(Onhand({"rule", "set", "a", "--chain-floor", "5", "--reshow", "8"}), 0) << err_;
  EXPECT_EQ(Onhand({"rule", "set", "b", "--sku", "A", "--risk", "100", "--from", "2026-11-27"}), 0);
  for (const std::string name : {"rules.yaml", "rules.csv"}) {
    EXPECT_EQ(Onhand({"rule", "export", PathOf(name)}), 0) << err_;
    EXPECT_EQ(Onhand({"rule", "apply", PathOf(name), "--prune"}), 0) << err_;
    EXPECT_THAT(out_, HasSubstr("rules: 0 new, 0 changed, 0 ended, 2 unchanged"));
  }
  EXPECT_THAT(rules_.batches, IsEmpty());
}

TEST_F(RuleCommandsTest, AFileThatCannotBeWrittenIsNotTakenForAHubThatIsAway) {
  EXPECT_EQ(Onhand({"rule", "export", PathOf("no/such/folder.yaml")}), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("cannot be written"));
}

TEST_F(RuleCommandsTest, ApplyMakesChangesAndEndsInOneCall) {
  EXPECT_EQ(Onhand({"rule", "set", "a", "--chain-floor", "5", "--reshow", "8"}), 0) << err_;
  EXPECT_EQ(Onhand({"rule", "set", "old", "--max-shown", "3"}), 0) << err_;
  const std::string path = WriteFile(
      "yaml",
      "rules:\n  - id: a\n    chain_floor: 6\n    reshow: 8\n  - id: new\n    zero: hide\n");
  EXPECT_EQ(Onhand({"rule", "apply", "--dry-run", path}), 0) << err_;
  EXPECT_THAT(rules_.rules, SizeIs(2));
  EXPECT_THAT(out_, HasSubstr("change  a     chain_floor  5    6\n"));
  EXPECT_THAT(out_, HasSubstr("new     new   zero         -    hide\n"));
  EXPECT_THAT(out_, HasSubstr("1 rule of the hub is not in the file and stays"));
  EXPECT_THAT(out_, HasSubstr("Dry run, nothing changed. rules: 1 new, 1 changed, 0 ended"));
  // What did not change is not listed, nor the moment that the hub filled in by itself.
  EXPECT_THAT(out_, AllOf(Not(HasSubstr("reshow")), Not(HasSubstr("from"))));

  EXPECT_EQ(Onhand({"rule", "apply", path, "--prune", "--author", "Ana", "--reason", "sale"}), 0);
  ASSERT_THAT(rules_.batches, SizeIs(2));
  const v1::BatchChangeRulesRequest& batch = rules_.batches[1];
  ASSERT_EQ(batch.changes_size(), 3);
  EXPECT_EQ(batch.changes(0).etag(), "etag-1");
  EXPECT_EQ(batch.changes(1).etag(), "");
  EXPECT_EQ(batch.changes(2).delete_rule_id(), "old");
  EXPECT_EQ(batch.changes(2).etag(), "etag-1");
  EXPECT_EQ(batch.author(), "Ana");
  EXPECT_EQ(rules_.rules.count("old"), 0u);
  EXPECT_EQ(rules_.rules["a"].chain_floor().units(), 6);
}

TEST_F(RuleCommandsTest, ApplyNamesTheLineThatTheHubRefuses) {
  const std::string path = WriteFile(
      "yaml", "rules:\n  - id: a\n    zero: hide\n  - id: b\n    zero: hide\n    max_shown: 666\n");
  EXPECT_EQ(Onhand({"rule", "apply", path}), 1);
  EXPECT_THAT(err_, HasSubstr("yaml line 6: rule 'b': max_shown is refused beside zero "));
  // A field that is missing has no line: that of the field which asks for it is named.
  const std::string missing = WriteFile(
      "yaml", "rules:\n  - id: a\n    cache: 1m\n    zero: backorder\n    max_shown: 5\n");
  EXPECT_EQ(Onhand({"rule", "apply", missing}), 1);
  EXPECT_THAT(err_, HasSubstr("yaml line 4: rule 'a': backorder_limit is refused beside zero "));
  EXPECT_EQ(Onhand({"rule", "apply", WriteFile("txt", "")}), 2);
  EXPECT_EQ(Onhand({"rule", "apply", WriteFile("yml", "rules:\n  - id: a\n    zero: no\n")}), 1);
  EXPECT_THAT(err_, HasSubstr("line 3: zero 'no' of rule 'a'"));
}

TEST_F(RuleCommandsTest, HistoryAndDiffShowWhoChangedWhat) {
  EXPECT_EQ(Onhand({"rule", "set", "a", "--buffer", "1", "--author", "Ana", "--reason", "new"}), 0);
  EXPECT_EQ(Onhand({"rule", "set", "a", "--risk", "100", "--author", "Ben", "--reason", "sale",
                    "--etag", "*"}),
            0);
  EXPECT_EQ(Onhand({"rule", "history", "a"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("a           2  14:06:40 (1 h ago)  Ben  sale  everywhere"));
  EXPECT_EQ(Onhand({"rule", "diff", "a"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("from: version 1 of 2025-06-15 14:06 by Ana, because: new"),
                          HasSubstr("buffer  1     -\n"), HasSubstr("risk    -     100\n")));
  EXPECT_EQ(Onhand({"rule", "diff", "a", "2", "1"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("buffer  -     1\n"));
  EXPECT_EQ(Onhand({"rule", "diff", "a", "7"}), 2);
  EXPECT_THAT(err_, HasSubstr("kept are 1 to 2"));
}

TEST_F(RuleCommandsTest, RollbackNamesTheVersionThatItFound) {
  EXPECT_EQ(Onhand({"rule", "set", "a", "--buffer", "1"}), 0);
  EXPECT_EQ(Onhand({"rule", "rollback", "a", "1", "--reason", "wrong", "--yes"}), 0) << err_;
  EXPECT_EQ(rules_.rollback.version(), 1u);
  EXPECT_EQ(rules_.rollback.etag(), "etag-1");
  EXPECT_TRUE(rules_.rollback.confirm_hiding());
  EXPECT_EQ(Onhand({"rule", "rollback", "gone", "1"}), 0) << err_;
  EXPECT_EQ(rules_.rollback.etag(), "");
}

TEST_F(RuleCommandsTest, ChainSetKeepsWhatIsNotGiven) {
  EXPECT_EQ(Onhand({"chain", "set", "--confirm-hiding", "5"}), 0) << err_;
  EXPECT_EQ(chain_.chain.time_zone(), "Europe/Madrid");
  EXPECT_EQ(chain_.chain.confirm_hiding_percent(), 5);
  EXPECT_EQ(Onhand({"chain", "set"}), 2);
  EXPECT_EQ(Onhand({"chain", "show"}), 0);
  EXPECT_THAT(out_, HasSubstr("hides more than 5 % of what is shown"));
}

TEST_F(RuleCommandsTest, IncomingNeedsADateUnlessItIsClosed) {
  EXPECT_EQ(Onhand({"incoming", "set", "PO-1", "A", "mad", "12"}), 2);
  EXPECT_THAT(err_, HasSubstr("--due"));
  EXPECT_EQ(Onhand({"incoming", "set", "PO-1", "A", "mad", "12", "--due", "3d"}), 0) << err_;
  EXPECT_EQ(FromProto(incoming_.set.incoming().due_at()), kFakeNow + absl::Hours(72));
  EXPECT_EQ(Onhand({"incoming", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr("PO-1       A    mad          12  2025-06-18 15:06 (in 3 days)"));
  EXPECT_EQ(Onhand({"incoming", "set", "PO-1", "A", "mad", "0"}), 0) << err_;
}

TEST_F(RuleCommandsTest, JsonIsOneDocument) {
  EXPECT_EQ(Onhand({"rule", "set", "a", "--buffer", "1"}), 0);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"rule", "history"},
                                             {"rule", "diff", "a"},
                                             {"rule", "rollback", "a", "1"},
                                             {"rule", "preview", "--delete", "a"},
                                             {"rule", "apply", WriteFile("yaml", "rules: []\n")},
                                             {"chain", "show"},
                                             {"incoming", "list"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--json");
    EXPECT_EQ(Onhand(arguments), 0) << err_;
    EXPECT_TRUE(nlohmann::json::accept(out_)) << out_;
  }
}

}  // namespace
}  // namespace onhand::cli
