// Rules, what they hold for and supply on its way, over a real connection to a real hub.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
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

// Seconds since 1970 of a moment such as 2027-03-28T01:00:00Z.
int64_t SecondsOf(const std::string& rfc3339) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, rfc3339, &time, nullptr)) << rfc3339;
  return absl::ToUnixSeconds(time);
}

class RulesServiceTest : public testing::Test {
 protected:
  // M1 and M2 are in Europe/Madrid; the chain's time zone is not set: UTC.
  RulesServiceTest() { served_.MakeChain({"M1", "M2"}, {"ball", "boot", "bike"}); }

  grpc::Status Set(const std::string& text, v1::SetRuleResponse* response) {
    v1::SetRuleRequest request;
    request.set_request_id(MakeRequestId());
    *request.mutable_rule() = FromText<v1::Rule>(text);
    request.set_etag("*");
    request.set_author("Ana");
    return served_.Call(&v1::RuleService::Stub::SetRule, request, response);
  }
  v1::Rule MustSet(const std::string& text) {
    v1::SetRuleResponse response;
    ServedHub::Expect(Set(text, &response));
    return response.rule();
  }
  // `field 'value' problem; remedy` of a refused rule.
  std::string Refused(const std::string& text) {
    v1::SetRuleResponse response;
    const grpc::Status status = Set(text, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), "INVALID_RULE");
    return status.error_message();
  }
  void SetChainZone(const std::string& zone) {
    v1::SetChainRequest request;
    request.set_request_id(MakeRequestId());
    request.mutable_chain()->set_time_zone(zone);
    v1::SetChainResponse response;
    ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::SetChain, request, &response));
  }
  // Versions as `rule version`, an ending with a cross, page by page.
  std::vector<std::string> History(const std::string& rule_id, uint32_t page_size) {
    v1::ListRuleVersionsRequest list;
    list.set_rule_id(rule_id);
    list.set_page_size(page_size);
    std::vector<std::string> told;
    do {
      v1::ListRuleVersionsResponse page;
      ServedHub::Expect(served_.Call(&v1::RuleService::Stub::ListRuleVersions, list, &page));
      EXPECT_LE(static_cast<uint32_t>(page.versions_size()), page_size);
      for (const v1::RuleVersion& version : page.versions()) {
        told.push_back(absl::StrCat(version.rule().rule_id(), " ", version.rule().version(),
                                    version.ended() ? "x" : ""));
      }
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty());
    return told;
  }
  grpc::Status SetIncoming(const std::string& text, absl::Time due) {
    v1::SetIncomingRequest request;
    request.set_request_id(MakeRequestId());
    *request.mutable_incoming() = FromText<v1::Incoming>(text);
    request.mutable_incoming()->mutable_due_at()->set_seconds(absl::ToUnixSeconds(due));
    v1::SetIncomingResponse response;
    return served_.Call(&v1::StockService::Stub::SetIncoming, request, &response);
  }

  ServedHub served_;
};

TEST_F(RulesServiceTest, LocalPeriodOfALocationIsReadInItsTimeZone) {
  const v1::Rule rule = MustSet(R"(
      rule_id: "friday" scope { location_id: "M1" } demand_factor: 5
      effective_from_local: "2099-11-27T00:00" effective_until_local: "2099-11-30T23:59:59")");
  EXPECT_EQ(rule.effective_from().seconds(), SecondsOf("2099-11-26T23:00:00Z"));
  EXPECT_EQ(rule.effective_until().seconds(), SecondsOf("2099-11-30T22:59:59Z"));
  EXPECT_EQ(rule.effective_from_local(), "");
  EXPECT_EQ(rule.effective_until_local(), "");
}

TEST_F(RulesServiceTest, LocalPeriodOfTheChainIsReadInTheChainsTimeZone) {
  const std::string text = "rule_id: 'r' cache_s: 1 effective_from_local: '2027-07-01T10:00'";
  EXPECT_EQ(MustSet(text).effective_from().seconds(), SecondsOf("2027-07-01T10:00:00Z"));
  SetChainZone("America/New_York");
  EXPECT_EQ(MustSet(text).effective_from().seconds(), SecondsOf("2027-07-01T14:00:00Z"));
}

TEST_F(RulesServiceTest, RepeatedLocalHourIsTheEarlierOne) {
  // Clocks in Madrid go back from 03:00 to 02:00 on 31 October 2027.
  const std::string begin = "rule_id: 'r' scope { location_id: 'M1' } cache_s: 1 ";
  EXPECT_EQ(MustSet(begin + "effective_from_local: '2027-10-31T02:30'").effective_from().seconds(),
            SecondsOf("2027-10-31T00:30:00Z"));
  EXPECT_EQ(MustSet(begin + "effective_from_local: '2027-10-31T03:00'").effective_from().seconds(),
            SecondsOf("2027-10-31T02:00:00Z"));
}

TEST_F(RulesServiceTest, MissingLocalHourIsRefusedNamingTheGap) {
  const std::string begin = "rule_id: 'r' scope { location_id: 'M1' } cache_s: 1 ";
  const std::string message = Refused(begin + "effective_from_local: '2027-03-28T02:30'");
  EXPECT_EQ(message,
            "rule.effective_from_local '2027-03-28T02:30' does not exist in Europe/Madrid, where "
            "the clocks go from 2027-03-28T02:00:00 to 2027-03-28T03:00:00; send "
            "2027-03-28T03:00:00 or a time before the change");
  EXPECT_EQ(Refused(begin + "effective_until_local: '2027-03-28T02:00'")
                .find("rule.effective_until_local '2027-03-28T02:00'"),
            0u);
  EXPECT_EQ(MustSet(begin + "effective_from_local: '2027-03-28T03:00'").effective_from().seconds(),
            SecondsOf("2027-03-28T01:00:00Z"));
  EXPECT_EQ(
      MustSet(begin + "effective_from_local: '2027-03-28T01:59:59'").effective_from().seconds(),
      SecondsOf("2027-03-28T00:59:59Z"));
}

TEST_F(RulesServiceTest, LocalTimeThatIsNoneIsRefused) {
  for (const char* text :
       {"2027-07-01", "2027-07-01 10:00", "2027-07-01T10", "2027-07-01T10:00Z", "2027-7-01T10:000",
        "2027-07-01T10:00:0", "2027-02-30T10:00", "2027-07-01T24:00", "2027-07-01T10:60",
        "2027-07-01T10:00:60", "0000-07-01T10:00", " 2027-07-01T10:0", "2027-07-01T10:00:00.5"}) {
    const std::string message =
        Refused(absl::StrCat("rule_id: 'r' cache_s: 1 effective_from_local: '", text, "'"));
    EXPECT_EQ(message.find(absl::StrCat("rule.effective_from_local '", text, "'")), 0u) << message;
  }
}

TEST_F(RulesServiceTest, MomentAndLocalTimeTogetherAreRefused) {
  const std::string message = Refused(R"(rule_id: "r" cache_s: 1 effective_from { seconds: 1 }
                                         effective_from_local: "2027-07-01T10:00")");
  EXPECT_EQ(message.find("rule.effective_from_local '2027-07-01T10:00' is given beside"), 0u)
      << message;
  EXPECT_EQ(Refused(R"(rule_id: "r" cache_s: 1 effective_until { seconds: 1 }
                       effective_until_local: "2027-07-01T10:00")")
                .find("rule.effective_until_local"),
            0u);
}

TEST_F(RulesServiceTest, LocalPeriodThatEndsBeforeItStartsIsRefused) {
  EXPECT_EQ(Refused(R"(rule_id: "r" cache_s: 1 effective_from_local: "2027-07-01T10:00"
                       effective_until_local: "2027-07-01T10:00")")
                .find("rule.effective_until"),
            0u);
}

TEST_F(RulesServiceTest, RepeatedRequestGetsTheFirstAnswerThoughItsTimeIsReadOtherwiseNow) {
  v1::SetRuleRequest request;
  request.set_request_id(MakeRequestId());
  *request.mutable_rule() =
      FromText<v1::Rule>("rule_id: 'r' cache_s: 1 effective_from_local: '2027-03-28T02:30'");
  v1::SetRuleResponse first;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::SetRule, request, &first));
  SetChainZone("Europe/Madrid");  // where that time does not exist
  v1::SetRuleResponse again;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::SetRule, request, &again));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
}

TEST_F(RulesServiceTest, BatchIsOneCommitAndNamesTheIndexOfWhatIsWrong) {
  auto request = FromText<v1::BatchChangeRulesRequest>(R"(
      changes { set { rule_id: "a" cache_s: 1 effective_from_local: "2027-07-01T10:00" } }
      changes { set { rule_id: "b" cache_s: 1 effective_from_local: "2027-07-01" } })");
  request.set_request_id(MakeRequestId());
  v1::BatchChangeRulesResponse response;
  grpc::Status status = served_.Call(&v1::RuleService::Stub::BatchChangeRules, request, &response);
  EXPECT_EQ(ReasonOf(status), "INVALID_RULE");
  EXPECT_EQ(status.error_message().find("changes[1].set.effective_from_local '2027-07-01'"), 0u)
      << status.error_message();
  request.mutable_changes(1)->mutable_set()->set_effective_from_local("2027-07-01T10:00:01");
  request.set_request_id(MakeRequestId());
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::BatchChangeRules, request, &response));
  ASSERT_EQ(response.rules_size(), 2);
  EXPECT_EQ(response.rules(1).effective_from().seconds(),
            response.rules(0).effective_from().seconds() + 1);
  EXPECT_EQ(response.rules(0).etag(), absl::StrCat(response.revision(), ".1"));
  EXPECT_EQ(response.rules(1).etag(), absl::StrCat(response.revision(), ".1"));

  v1::BatchChangeRulesResponse again;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::BatchChangeRules, request, &again));
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(History("a", 10), (std::vector<std::string>{"a 1"}));
}

TEST_F(RulesServiceTest, HistoryIsPagedNewestFirstAndKeepsEndedRules) {
  for (int i = 1; i <= 3; ++i) MustSet(absl::StrCat("rule_id: 'a' cache_s: ", i));
  MustSet("rule_id: 'b' cache_s: 1");
  v1::DeleteRuleRequest end;
  end.set_request_id(MakeRequestId());
  end.set_rule_id("a");
  end.set_etag("*");
  v1::DeleteRuleResponse ended;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::DeleteRule, end, &ended));
  EXPECT_EQ(History("", 2), (std::vector<std::string>{"a 3x", "b 1", "a 3", "a 2", "a 1"}));
  EXPECT_EQ(History("a", 1), (std::vector<std::string>{"a 3x", "a 3", "a 2", "a 1"}));

  v1::ListRuleVersionsRequest list;
  v1::ListRuleVersionsResponse page;
  list.set_rule_id("c");
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::ListRuleVersions, list, &page)),
            "UNKNOWN_RULE");
  list.set_rule_id("");
  list.set_page_size(1);
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::ListRuleVersions, list, &page));
  list.set_rule_id("a");
  list.set_page_token(page.next_page_token());
  EXPECT_EQ(ReasonOf(served_.Call(&v1::RuleService::Stub::ListRuleVersions, list, &page)),
            "INVALID_PAGE_TOKEN");
}

TEST_F(RulesServiceTest, RollbackIsAVersionOfItsOwn) {
  MustSet("rule_id: 'a' cache_s: 1");
  MustSet("rule_id: 'a' cache_s: 2");
  v1::RollbackRuleRequest request;
  request.set_request_id(MakeRequestId());
  request.set_rule_id("a");
  request.set_version(1);
  request.set_etag("*");
  v1::RollbackRuleResponse response;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::RollbackRule, request, &response));
  EXPECT_EQ(response.rule().version(), 3u);
  EXPECT_EQ(response.rule().cache_s(), 1);
  v1::RollbackRuleResponse again;
  ServedHub::Expect(served_.Call(&v1::RuleService::Stub::RollbackRule, request, &again));
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(History("a", 10), (std::vector<std::string>{"a 3", "a 2", "a 1"}));
  request.set_request_id(MakeRequestId());
  request.set_version(9);
  const grpc::Status status =
      served_.Call(&v1::RuleService::Stub::RollbackRule, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_VERSION");
}

TEST_F(RulesServiceTest, ChainIsSetAndReadAndKnowsItsTimeZones) {
  v1::GetChainResponse chain;
  ServedHub::Expect(
      served_.Call(&v1::CatalogService::Stub::GetChain, v1::GetChainRequest(), &chain));
  EXPECT_EQ(chain.chain().time_zone(), "");
  EXPECT_FALSE(chain.chain().has_confirm_hiding_percent());
  v1::SetChainRequest request;
  request.mutable_chain()->set_confirm_hiding_percent(5);
  for (const char* zone : {"Europe/Atlantis", "localtime", "/etc/localtime"}) {
    request.set_request_id(MakeRequestId());
    request.mutable_chain()->set_time_zone(zone);
    v1::SetChainResponse refused;
    EXPECT_EQ(ReasonOf(served_.Call(&v1::CatalogService::Stub::SetChain, request, &refused)),
              "INVALID_CHAIN")
        << zone;
  }
  request.set_request_id(MakeRequestId());
  request.mutable_chain()->set_time_zone("Europe/Madrid");
  v1::SetChainResponse response;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::SetChain, request, &response));
  ServedHub::Expect(
      served_.Call(&v1::CatalogService::Stub::GetChain, v1::GetChainRequest(), &chain));
  EXPECT_EQ(chain.chain().SerializeAsString(), request.chain().SerializeAsString());
  EXPECT_EQ(response.chain().SerializeAsString(), request.chain().SerializeAsString());
}

TEST_F(RulesServiceTest, WhatAnItemIsLikeIsReadAsItWasWritten) {
  v1::BatchUpsertItemsRequest request;
  request.set_request_id(MakeRequestId());
  *request.add_items() = FromText<v1::Item>("sku: 'ball' like_sku: 'boot' unit_value: 12.5");
  v1::BatchUpsertItemsResponse response;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response));
  v1::GetItemRequest get;
  get.set_sku("ball");
  v1::GetItemResponse got;
  ServedHub::Expect(served_.Call(&v1::CatalogService::Stub::GetItem, get, &got));
  EXPECT_EQ(got.item().like_sku(), "boot");
  EXPECT_EQ(got.item().unit_value(), 12.5);
}

TEST_F(RulesServiceTest, SupplyIsPagedByReferenceSkuAndLocation) {
  const absl::Time due = absl::Now() + absl::Hours(48);
  for (const char* text : {"reference: 'PO-2' sku: 'boot' location_id: 'M1' units: 1",
                           "reference: 'PO-1' sku: 'boot' location_id: 'M2' units: 2",
                           "reference: 'PO-1' sku: 'boot' location_id: 'M1' units: 3",
                           "reference: 'PO-1' sku: 'ball' location_id: 'M2' units: 4",
                           "reference: 'PO-1 b' sku: 'ball' location_id: 'M1' units: 5"}) {
    ServedHub::Expect(SetIncoming(text, due));
  }
  const auto listed = [&](const std::string& sku) {
    v1::ListIncomingRequest list;
    list.set_page_size(2);
    list.set_sku(sku);
    std::vector<int64_t> units;
    do {
      v1::ListIncomingResponse page;
      ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListIncoming, list, &page));
      EXPECT_LE(page.incoming_size(), 2);
      for (const v1::Incoming& one : page.incoming()) {
        units.push_back(one.units());
        EXPECT_EQ(one.due_at().seconds(), absl::ToUnixSeconds(due));
      }
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty());
    return units;
  };
  EXPECT_EQ(listed(""), (std::vector<int64_t>{4, 3, 2, 5, 1}));
  EXPECT_EQ(listed("boot"), (std::vector<int64_t>{3, 2, 1}));
  EXPECT_EQ(listed("bike"), (std::vector<int64_t>{}));
  ServedHub::Expect(SetIncoming("reference: 'PO-1' sku: 'boot' location_id: 'M1'", due));
  EXPECT_EQ(listed("boot"), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(ReasonOf(SetIncoming("reference: 'PO-1' sku: 'boot' location_id: 'M1' units: 1",
                                 absl::Now() - absl::Hours(49))),
            "INVALID_INCOMING");
  v1::ListIncomingRequest list;
  list.set_sku("bat");
  v1::ListIncomingResponse page;
  EXPECT_EQ(ReasonOf(served_.Call(&v1::StockService::Stub::ListIncoming, list, &page)),
            "UNKNOWN_ITEM");
}

}  // namespace
}  // namespace onhand::rpc
