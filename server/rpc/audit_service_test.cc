#include "server/rpc/audit_service.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/audit.grpc.pb.h"
#include "server/ledger/encode.h"
#include "server/rpc/served_hub.h"
#include "server/rpc/token_service.h"

namespace onhand::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class AuditTest : public testing::Test {
 protected:
  AuditTest() : hub_({}, 1, {}, /*asks_tokens=*/true) { admin_ = *MakeFirstToken(&hub_.hub()); }

  template <class Stub, class Request, class Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response, const std::string& token = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.AddMetadata("authorization", "Bearer " + (token.empty() ? admin_ : token));
    // What strangers say of themselves is not believed.
    context.AddMetadata("onhand-http-peer", "10.0.0.1:1");
    Stub stub(hub_.channel());
    return (stub.*method)(&context, request, response);
  }
  v1::CreateTokenResponse CreateToken(const std::string& principal, v1::Role role) {
    v1::CreateTokenRequest request;
    request.set_request_id(MakeRequestId());
    request.set_principal(principal);
    request.set_role(role);
    request.set_author("ana");
    v1::CreateTokenResponse response;
    ServedHub::Expect(Call(&v1::TokenService::Stub::CreateToken, request, &response));
    return response;
  }
  grpc::Status UpsertItems(const std::vector<std::string>& skus, const std::string& name,
                           const std::string& request_id = MakeRequestId(),
                           const std::string& token = "") {
    v1::BatchUpsertItemsRequest request;
    request.set_request_id(request_id);
    for (const std::string& sku : skus) {
      v1::Item& item = *request.add_items();
      item.set_sku(sku);
      item.set_name(name);
    }
    v1::BatchUpsertItemsResponse response;
    return Call(&v1::CatalogService::Stub::BatchUpsertItems, request, &response, token);
  }
  void MakeLocation(const std::string& id) {
    v1::BatchUpsertLocationsRequest request;
    request.set_request_id(MakeRequestId());
    request.add_locations()->set_location_id(id);
    request.mutable_locations(0)->set_name(id);
    request.mutable_locations(0)->set_time_zone("UTC");
    v1::BatchUpsertLocationsResponse response;
    ServedHub::Expect(Call(&v1::CatalogService::Stub::BatchUpsertLocations, request, &response));
  }
  grpc::Status Adjust(const std::string& sku, int64_t units) {
    v1::AdjustRequest request;
    request.set_request_id(MakeRequestId());
    request.set_sku(sku);
    request.set_location_id("madrid");
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    request.set_quantity(units);
    request.set_author("ben");
    request.set_reason("found behind the shelf");
    v1::AdjustResponse response;
    return Call(&v1::StockService::Stub::Adjust, request, &response);
  }
  v1::ListAuditResponse List(const std::function<void(v1::ListAuditRequest*)>& fill = {}) {
    v1::ListAuditRequest request;
    if (fill) fill(&request);
    v1::ListAuditResponse response;
    ServedHub::Expect(Call(&v1::AuditService::Stub::ListAudit, request, &response));
    return response;
  }

  ServedHub hub_;
  std::string admin_;
};

TEST_F(AuditTest, TellsWhoChangedWhatFromWhereAndWhatItWas) {
  ServedHub::Expect(UpsertItems({"boot"}, "Boot"));
  const std::string id = MakeRequestId();
  ServedHub::Expect(UpsertItems({"boot"}, "Winter boot", id));
  const v1::AuditEntry entry = List().entries(0);
  EXPECT_EQ(entry.principal(), "first-admin");
  EXPECT_EQ(entry.token_id().size(), 16u);
  EXPECT_EQ(entry.role(), v1::ROLE_ADMIN);
  EXPECT_THAT(entry.peer(), StartsWith("127.0.0.1:"));
  EXPECT_EQ(entry.port(), v1::AUDIT_PORT_GRPC);
  EXPECT_EQ(entry.method(), "onhand.v1.CatalogService/BatchUpsertItems");
  EXPECT_EQ(entry.request_id(), id);
  EXPECT_EQ(entry.revision(), hub_.hub().revision());
  ASSERT_EQ(entry.changes_size(), 1);
  EXPECT_EQ(entry.changes(0).subject(), v1::AUDIT_SUBJECT_ITEM);
  EXPECT_EQ(entry.changes(0).subject_id(), "boot");
  EXPECT_EQ(entry.changes(0).action(), "SET_ITEM");
  EXPECT_THAT(entry.changes(0).before_json(), HasSubstr("\"name\":\"Boot\""));
  EXPECT_THAT(entry.changes(0).after_json(), HasSubstr("\"name\":\"Winter boot\""));
  // What did not change is not told.
  EXPECT_THAT(entry.changes(0).after_json(), Not(HasSubstr("sku")));
}

TEST_F(AuditTest, EachKindOfChangeLeavesOneEntryARefusedOrRepeatedOneNone) {
  MakeLocation("madrid");
  const std::string id = MakeRequestId();
  ServedHub::Expect(UpsertItems({"boot"}, "Boot", id));
  size_t entries = static_cast<size_t>(List().entries_size());
  const auto expect_one_more = [&](v1::AuditSubject subject, const std::string& subject_id,
                                   const std::string& action) {
    const v1::ListAuditResponse all = List();
    ASSERT_EQ(static_cast<size_t>(all.entries_size()), ++entries) << action;
    ASSERT_EQ(all.entries(0).change_count(), 1u) << action;
    EXPECT_EQ(all.entries(0).changes(0).subject(), subject);
    EXPECT_EQ(all.entries(0).changes(0).subject_id(), subject_id);
    EXPECT_EQ(all.entries(0).changes(0).action(), action);
  };
  // The same again, and what the hub refuses.
  ServedHub::Expect(UpsertItems({"boot"}, "Boot", id));
  EXPECT_FALSE(Adjust("no such", 1).ok());
  EXPECT_FALSE(UpsertItems({"boot"}, "Boot", "no id").ok());
  EXPECT_EQ(static_cast<size_t>(List().entries_size()), entries);

  ServedHub::Expect(Adjust("boot", 4));
  expect_one_more(v1::AUDIT_SUBJECT_POSITION, "boot@madrid", "MOVEMENT");
  EXPECT_THAT(List().entries(0).changes(0).after_json(), HasSubstr("\"on_hand\":\"4\""));
  EXPECT_EQ(List().entries(0).author(), "ben");
  EXPECT_EQ(List().entries(0).reason(), "found behind the shelf");

  v1::SetRuleRequest rule;
  rule.set_request_id(MakeRequestId());
  rule.set_etag("*");
  rule.mutable_rule()->set_rule_id("below-5");
  rule.mutable_rule()->mutable_scope();
  rule.mutable_rule()->mutable_chain_floor()->set_units(5);
  rule.mutable_rule()->set_zero_policy(v1::ZERO_POLICY_HIDE);
  rule.set_author("ana");
  v1::SetRuleResponse rule_response;
  ServedHub::Expect(Call(&v1::RuleService::Stub::SetRule, rule, &rule_response));
  expect_one_more(v1::AUDIT_SUBJECT_RULE, "below-5", "SET_RULE");
  EXPECT_THAT(List().entries(0).changes(0).before_json(), IsEmpty());
  rule.set_request_id(MakeRequestId());
  rule.mutable_rule()->mutable_chain_floor()->set_units(8);
  ServedHub::Expect(Call(&v1::RuleService::Stub::SetRule, rule, &rule_response));
  expect_one_more(v1::AUDIT_SUBJECT_RULE, "below-5", "SET_RULE");
  EXPECT_THAT(List().entries(0).changes(0).before_json(), HasSubstr("\"units\":5"));
  EXPECT_THAT(List().entries(0).changes(0).after_json(), HasSubstr("\"units\":8"));
  // A trial run is none.
  rule.set_request_id(MakeRequestId());
  rule.set_dry_run(true);
  rule.mutable_rule()->mutable_chain_floor()->set_units(9);
  ServedHub::Expect(Call(&v1::RuleService::Stub::SetRule, rule, &rule_response));
  EXPECT_EQ(static_cast<size_t>(List().entries_size()), entries);

  v1::StopItemRequest stop;
  stop.set_request_id(MakeRequestId());
  stop.set_sku("boot");
  stop.set_stopped(true);
  stop.set_reason("the sole comes off");
  v1::StopItemResponse stop_response;
  ServedHub::Expect(Call(&v1::CatalogService::Stub::StopItem, stop, &stop_response));
  expect_one_more(v1::AUDIT_SUBJECT_ITEM, "boot", "STOP_ITEM");
}

TEST_F(AuditTest, OfATokenItTellsEverythingButWhatOpensTheDoor) {
  const v1::CreateTokenResponse made = CreateToken("shop", v1::ROLE_SITE);
  const v1::AuditEntry entry = List().entries(0);
  EXPECT_EQ(entry.changes(0).subject(), v1::AUDIT_SUBJECT_TOKEN);
  EXPECT_EQ(entry.changes(0).subject_id(), made.token().token_id());
  EXPECT_THAT(entry.changes(0).after_json(), HasSubstr("\"principal\":\"shop\""));
  const std::string state = hub_.hub().Read(
      [](const ledger::Ledger& ledger) { return ledger::EncodeState(ledger.state()); });
  EXPECT_THAT(entry.DebugString(), Not(HasSubstr("onhand_")));
  EXPECT_EQ(state.find(made.text()), std::string::npos);
  EXPECT_EQ(state.find(made.text().substr(7, 43)), std::string::npos);
  // The first one was made by nobody's call.
  const v1::ListAuditResponse all = List();
  const v1::AuditEntry& first = all.entries(all.entries_size() - 1);
  EXPECT_EQ(first.principal(), "onhandd");
  EXPECT_EQ(first.port(), v1::AUDIT_PORT_NONE);
}

TEST_F(AuditTest, AnImportOfManyIsOneEntryThatCountsThem) {
  std::vector<std::string> skus;
  for (int i = 0; i < 100; ++i) skus.push_back(absl::StrCat("sku-", i));
  ServedHub::Expect(UpsertItems(skus, "Thing"));
  const v1::AuditEntry entry = List().entries(0);
  EXPECT_EQ(entry.change_count(), 100u);
  EXPECT_EQ(entry.changes_size(), 32);
  // A long text is cut within a character's bounds.
  std::string name;
  for (int i = 0; i < 60; ++i) name += "\xE2\x82\xAC";
  ServedHub::Expect(UpsertItems({"sku-1"}, name));
  EXPECT_THAT(List().entries(0).changes(0).after_json(), HasSubstr("\xE2\x82\xAC"));
}

TEST_F(AuditTest, IsFilteredAndPaged) {
  MakeLocation("madrid");
  const std::string shop = CreateToken("second", v1::ROLE_ADMIN).text();
  for (int i = 0; i < 5; ++i) {
    ServedHub::Expect(UpsertItems({absl::StrCat("sku-", i)}, "Thing", MakeRequestId(),
                                  i % 2 == 0 ? shop : admin_));
  }
  EXPECT_EQ(List([](auto* request) { request->set_principal("second"); }).entries_size(), 3);
  EXPECT_EQ(List([](auto* request) { request->set_subject_id("sku-3"); }).entries_size(), 1);
  EXPECT_EQ(
      List([](auto* request) { request->set_subject(v1::AUDIT_SUBJECT_LOCATION); }).entries_size(),
      1);
  EXPECT_EQ(List([](auto* request) { request->set_method("BatchUpsertItems"); }).entries_size(), 5);
  EXPECT_EQ(List([](auto* request) {
              request->mutable_since()->set_seconds(4'000'000'000);
            }).entries_size(),
            0);
  std::vector<std::string> skus;
  std::string token;
  do {
    const v1::ListAuditResponse page = List([&](auto* request) {
      request->set_method("BatchUpsertItems");
      request->set_page_size(2);
      request->set_page_token(token);
    });
    EXPECT_LE(page.entries_size(), 2);
    for (const v1::AuditEntry& entry : page.entries())
      skus.push_back(entry.changes(0).subject_id());
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(skus, ElementsAre("sku-4", "sku-3", "sku-2", "sku-1", "sku-0"));
}

}  // namespace
}  // namespace onhand::rpc
