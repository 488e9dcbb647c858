// Rules previewed and confirmed, and answers explained, over a real connection to a real hub.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Two stores with ten items of 4 units each, all shown.
class RulePreviewTest : public testing::Test {
 protected:
  RulePreviewTest() {
    for (int i = 0; i < kItems; ++i) skus_.push_back(absl::StrCat("sku-", i));
    served_.MakeChain({"M1", "M2"}, skus_);
    for (const char* place : {"M1", "M2"}) {
      Agent agent(served_);
      agent.Open(HelloOf(absl::StrCat("till-", place), "spool", place));
      v1::Batch batch = BatchOf(1, skus_[0], 4);
      for (int i = 1; i < kItems; ++i) {
        *batch.add_movements() = batch.movements(0);
        batch.mutable_movements(i)->set_sku(skus_[i]);
      }
      agent.Say(batch);
      agent.HearUntilDurable(1);
      agent.Close();
    }
    AwaitShown();
  }

  // Until the shop shows all items.
  void AwaitShown() {
    const auto all_shown = [this] {
      return served_.hub().Read([](const ledger::Ledger& ledger) {
        int shown = 0;
        ledger.state().display.ForEach([&](const auto&, const ledger::Display& display) {
          if (display.status == v1::AVAILABILITY_STATUS_IN_STOCK) ++shown;
        });
        return shown == kItems;
      });
    };
    while (!all_shown()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  grpc::Status Set(const v1::SetRuleRequest& request, v1::SetRuleResponse* response) {
    return served_.Call(&v1::RuleService::Stub::SetRule, request, response);
  }
  static v1::SetRuleRequest RequestOf(const std::string& rule) {
    v1::SetRuleRequest request;
    request.set_request_id(MakeRequestId());
    *request.mutable_rule() = FromText<v1::Rule>(rule);
    request.set_etag("*");
    request.set_author("Ana");
    request.set_reason("spring");
    return request;
  }
  bool Exists(const std::string& rule_id) {
    return served_.hub().Read(
        [&](const ledger::Ledger& ledger) { return ledger.state().rules.Contains(rule_id); });
  }

  static constexpr int kItems = 10;
  std::vector<std::string> skus_;
  ServedHub served_;
};

TEST_F(RulePreviewTest, PreviewSaysWhatWouldChangeAndChangesNothing) {
  v1::PreviewRulesRequest request;
  *request.add_changes()->mutable_set() = FromText<v1::Rule>(
      "rule_id: 'keep-3' scope { location_id: 'M1' } buffer { units: 3 } "
      "effective_from_local: '2020-01-01T00:00'");
  request.set_listed_max(3);
  v1::PreviewRulesResponse response;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::PreviewRules, request, &response));
  ASSERT_EQ(response.totals_size(), 1);
  EXPECT_EQ(response.totals(0).channel_id(), "web-ship");
  EXPECT_EQ(response.totals(0).shown_before(), 10u);
  EXPECT_EQ(response.totals(0).items_changed(), 10u);
  EXPECT_EQ(response.totals(0).positions_changed(), 10u);
  EXPECT_EQ(response.changed_count(), 20u);
  ASSERT_EQ(response.answers_size(), 3);
  EXPECT_EQ(response.answers(0).max_quantity_before(), 8);
  EXPECT_EQ(response.answers(0).max_quantity_after(), 5);
  EXPECT_EQ(response.answers(1).location_id(), "M1");
  EXPECT_FALSE(response.confirmation_needed());
  EXPECT_GT(response.revision(), 0u);
  EXPECT_FALSE(Exists("keep-3"));
}

TEST_F(RulePreviewTest, PreviewRefusesWhatTheChangeWouldBeRefusedFor) {
  v1::PreviewRulesRequest request;
  v1::PreviewRulesResponse response;
  *request.add_changes()->mutable_set() = FromText<v1::Rule>("rule_id: 'r' location_floor: -1");
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::PreviewRules, request, &response)),
            "INVALID_RULE");
  request.mutable_changes(0)->set_delete_rule_id("nothing");
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::PreviewRules, request, &response)),
            "UNKNOWN_RULE");
  *request.mutable_changes(0)->mutable_set() = FromText<v1::Rule>("rule_id: 'r' max_quantity: 1");
  request.set_listed_max(10'001);
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::PreviewRules, request, &response)),
            "BATCH_TOO_LARGE");
}

TEST_F(RulePreviewTest, ACategoryThatHoldsNoItemIsWarnedOfInPreviewAndChange) {
  const std::string rule = "rule_id: 'r' scope { category: 'shose' } buffer { units: 3 }";
  v1::PreviewRulesRequest request;
  *request.add_changes()->mutable_set() = FromText<v1::Rule>(rule);
  v1::PreviewRulesResponse preview;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::PreviewRules, request, &preview));
  ASSERT_EQ(preview.warnings_size(), 1);
  EXPECT_EQ(preview.warnings(0),
            "rule 'r': no item is in category 'shose' yet; the rule holds for none until one is");
  v1::SetRuleResponse response;
  ServedHub::Expect(Set(RequestOf(rule), &response));
  EXPECT_EQ(response.warnings_size(), 1);
  EXPECT_TRUE(Exists("r"));
}

TEST_F(RulePreviewTest, HidingMoreThanAFifthAsksFirst) {
  v1::SetRuleRequest request = RequestOf("rule_id: 'below-9' chain_floor { units: 9 }");
  v1::SetRuleResponse response;
  const grpc::Status status = Set(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "CONFIRMATION_NEEDED");
  EXPECT_EQ(status.error_message(),
            "confirm_hiding 'false' is not enough: it would hide 10 of the 10 pairs of item and "
            "channel that are shown now, which is more than 20 %; preview it (onhand rule "
            "preview), then send confirm_hiding (--yes)");
  EXPECT_FALSE(Exists("below-9"));

  request.set_dry_run(true);
  ServedHub::Expect(Set(request, &response));
  request.set_dry_run(false);
  request.set_confirm_hiding(true);
  ServedHub::Expect(Set(request, &response));
  EXPECT_TRUE(Exists("below-9"));
}

TEST_F(RulePreviewTest, HidingAFifthDoesNot) {
  v1::BatchChangeRulesRequest request;
  request.set_request_id(MakeRequestId());
  request.set_author("Ana");
  request.set_reason("recall");
  for (int i = 0; i < 2; ++i) {
    *request.add_changes()->mutable_set() = FromText<v1::Rule>(
        absl::StrCat("rule_id: 'no-", i, "' scope { sku: '", skus_[i], "' } included: false"));
  }
  v1::BatchChangeRulesResponse response;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::BatchChangeRules, request, &response));

  // What a change cannot touch counts as the display facts say, which follow a moment later.
  v1::GetHubStatusResponse status;
  do {
    ServedHub::Expect(
        served_.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest(), &status));
  } while (status.shown_count() != 8);

  request.set_request_id(MakeRequestId());
  request.clear_changes();
  for (int i = 2; i < 4; ++i) {  // 2 of the 8 that are left
    *request.add_changes()->mutable_set() = FromText<v1::Rule>(
        absl::StrCat("rule_id: 'no-", i, "' scope { sku: '", skus_[i], "' } included: false"));
  }
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::BatchChangeRules, request, &response)),
            "CONFIRMATION_NEEDED");
}

TEST_F(RulePreviewTest, EndingOrRollingBackARuleThatHidesAsksToo) {
  v1::SetRuleResponse response;
  v1::SetRuleRequest hides = RequestOf("rule_id: 'hide' chain_floor { units: 99 }");
  hides.set_confirm_hiding(true);
  ServedHub::Expect(Set(hides, &response));
  v1::SetRuleRequest shows =
      RequestOf("rule_id: 'shows' scope { channel_id: 'web-ship' } chain_floor { units: 1 }");
  ServedHub::Expect(Set(shows, &response));
  AwaitShown();

  v1::DeleteRuleRequest end;
  end.set_request_id(MakeRequestId());
  end.set_rule_id("shows");
  end.set_etag("*");
  end.set_author("Ana");
  v1::DeleteRuleResponse ended;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::DeleteRule, end, &ended)),
            "CONFIRMATION_NEEDED");

  v1::SetRuleRequest harmless = RequestOf(
      "rule_id: 'x' scope { channel_id: 'web-ship' } "
      "chain_floor { units: 99 } max_quantity: 3");
  harmless.set_confirm_hiding(true);
  ServedHub::Expect(Set(harmless, &response));
  harmless = RequestOf("rule_id: 'x' max_quantity: 3");
  ServedHub::Expect(Set(harmless, &response));
  AwaitShown();
  v1::RollbackRuleRequest back;
  back.set_request_id(MakeRequestId());
  back.set_rule_id("x");
  back.set_version(1);
  back.set_etag("*");
  back.set_author("Ana");
  v1::RollbackRuleResponse rolled;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::RollbackRule, back, &rolled)),
            "CONFIRMATION_NEEDED");
}

TEST_F(RulePreviewTest, RepeatedRequestGetsItsFirstAnswerWhateverItWouldHideNow) {
  v1::SetRuleRequest request = RequestOf("rule_id: 'few' chain_floor { units: 1 }");
  v1::SetRuleResponse first;
  ServedHub::Expect(Set(request, &first));
  v1::SetRuleRequest other = RequestOf("rule_id: 'few' chain_floor { units: 99 }");
  other.set_confirm_hiding(true);
  v1::SetRuleResponse ignored;
  ServedHub::Expect(Set(other, &ignored));
  v1::SetRuleResponse again;
  ServedHub::Expect(Set(request, &again));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
}

TEST_F(RulePreviewTest, ExplanationNamesWinnersAndTheFlip) {
  v1::SetRuleRequest rule = RequestOf("rule_id: 'below-9' chain_floor { units: 9 }");
  rule.set_confirm_hiding(true);
  v1::SetRuleResponse set;
  ServedHub::Expect(Set(rule, &set));
  v1::GetAvailabilityRequest request;
  request.set_sku("sku-1");
  request.set_explain(true);
  request.set_with_locations(true);
  v1::GetAvailabilityResponse response;
  ServedHub::Expect(
      served_.Call(&v1::AvailabilityService::Stub::GetAvailability, request, &response));
  const v1::Explanation& explanation = response.availability().explanation();
  EXPECT_EQ(explanation.flip().text(), "1 more in the chain");
  EXPECT_EQ(explanation.flip().units(), 1);
  bool found = false;
  for (const v1::ExplainedField& field : explanation.fields()) {
    if (field.field() != "chain_floor") continue;
    found = true;
    EXPECT_EQ(field.rule_id(), "below-9");
    EXPECT_EQ(field.value(), "9 units");
    EXPECT_EQ(field.author(), "Ana");
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(response.availability().locations_size(), 2);
}

}  // namespace
}  // namespace onhand::rpc
