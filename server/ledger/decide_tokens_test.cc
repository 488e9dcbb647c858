#include "server/ledger/decide_tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "server/ledger/chain_for_test.h"
#include "server/ledger/encode.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

class DecideTokens : public testing::Test {
 protected:
  DecideTokens() {
    chain_.Location("bilbao");
    chain_.Location("madrid");
  }

  // Each with a hash of its own.
  absl::StatusOr<v1::CreateTokenResponse> Create(const std::string& text) {
    std::string sha256(32, 's');
    sha256[0] = static_cast<char>(++made_);
    return chain_.Run([&](Group& g) {
      return DecideCreateToken(g, FromText<v1::CreateTokenRequest>(text), sha256);
    });
  }
  std::string ReasonFor(const std::string& text) { return ReasonOf(Create(text).status()); }
  absl::Status Revoke(const std::string& id) {
    v1::RevokeTokenRequest request;
    request.set_token_id(id);
    return chain_.Run([&](Group& g) { return DecideRevokeToken(g, request); }).status();
  }
  size_t Count() const { return chain_.state().tokens.SortedKeys().size(); }

  ChainForTest chain_;
  int made_ = 0;
};

TEST_F(DecideTokens, TokenNamesItsLocationsOnceAndInOrder) {
  const auto made = Create(
      "principal: 'till' role: ROLE_AGENT location_ids: ['madrid', 'bilbao', 'madrid'] "
      "lifetime { seconds: 60 }");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->token().token_id(), "0173737373737373");
  ASSERT_EQ(made->token().location_ids_size(), 2);
  EXPECT_EQ(made->token().location_ids(0), "bilbao");
  EXPECT_EQ(made->token().expires_at().seconds() - made->token().created_at().seconds(), 60);
  EXPECT_EQ(made->text(), "");
}

TEST_F(DecideTokens, RefusesWhatNoTokenCanBe) {
  EXPECT_EQ(ReasonFor("role: ROLE_ADMIN"), "INVALID_ID");
  EXPECT_EQ(ReasonFor("principal: 'a'"), "INVALID_ROLE");
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_AGENT"), "LOCATIONS_MISSING");
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_STORE"), "LOCATIONS_MISSING");
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_SITE location_ids: 'madrid'"),
            "LOCATIONS_NOT_USED");
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_AGENT location_ids: 'oz'"), "UNKNOWN_LOCATION");
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_ADMIN lifetime { seconds: 59 }"),
            "INVALID_LIFETIME");
  EXPECT_EQ(Count(), 0u);
}

TEST_F(DecideTokens, TwoOfAPrincipalHoldAndAThirdWaitsForOneToEnd) {
  const auto first = Create("principal: 'a' role: ROLE_VIEWER");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Create("principal: 'a' role: ROLE_VIEWER").ok());
  EXPECT_EQ(ReasonFor("principal: 'a' role: ROLE_VIEWER"), "TWO_TOKENS_HOLD");
  EXPECT_TRUE(Create("principal: 'b' role: ROLE_VIEWER").ok());
  ASSERT_TRUE(Revoke(first->token().token_id()).ok());
  EXPECT_TRUE(Create("principal: 'a' role: ROLE_VIEWER").ok());
}

TEST_F(DecideTokens, LastAdminTokenThatHoldsIsNotRevoked) {
  const auto first = Create("principal: 'root' role: ROLE_ADMIN");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ReasonOf(Revoke(first->token().token_id())), "LAST_ADMIN_TOKEN");
  ASSERT_TRUE(Create("principal: 'root' role: ROLE_ADMIN").ok());
  EXPECT_TRUE(Revoke(first->token().token_id()).ok());
  EXPECT_EQ(ReasonOf(Revoke(first->token().token_id())), "UNKNOWN_TOKEN");
}

TEST_F(DecideTokens, TokensSurviveTheImageByteForByte) {
  ASSERT_TRUE(Create("principal: 'a' role: ROLE_STORE location_ids: 'madrid'").ok());
  const std::string bytes = EncodeTables(chain_.state());
  State decoded{chain_.state().settings};
  ASSERT_TRUE(DecodeTables(bytes, decoded).ok());
  EXPECT_EQ(EncodeTables(decoded), bytes);
  ASSERT_EQ(decoded.tokens.SortedKeys().size(), 1u);
  EXPECT_EQ(decoded.tokens.Find("0173737373737373")->location_ids(0), "madrid");
}

}  // namespace
}  // namespace onhand::ledger
