// Tokens by HTTP: the same table decides as by gRPC.
#include "gtest/gtest.h"
#include "server/gateway/gateway_for_test.h"
#include "server/rpc/token_service.h"

namespace onhand::gateway {
namespace {

class HttpTokens : public testing::Test {
 protected:
  HttpTokens() : http_({}, /*asks_tokens=*/true) {
    admin_ = *rpc::MakeFirstToken(&http_.hub.hub());
    Ask("CatalogService/BatchUpsertLocations",
        {{"locations",
          {{{"locationId", "mine"}, {"name", "m"}, {"timeZone", "Europe/Madrid"}},
           {{"locationId", "other"}, {"name", "o"}, {"timeZone", "Europe/Madrid"}}}}});
    agent_ = Token("till", "ROLE_AGENT", {"mine"});
    viewer_ = Token("viewer", "ROLE_VIEWER", json::array());
  }

  json Ask(const std::string& method, json request) {
    request["requestId"] = rpc::MakeRequestId();
    const auto answer = http_.Post("/onhand.v1." + method, request.dump(), Showing(admin_));
    EXPECT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << answer->body;
    return json::parse(answer->body, nullptr, false);
  }
  std::string Token(const std::string& principal, const std::string& role, const json& locations) {
    return Ask("TokenService/CreateToken",
               {{"principal", principal}, {"role", role}, {"locationIds", locations}})
        .value("text", "");
  }
  static httplib::Headers Showing(const std::string& token) {
    if (token.empty()) return {};
    return {{"Authorization", "Bearer " + token}};
  }
  int Put(const std::string& location, const std::string& token) {
    return http_.client
        ->Put("/v1/locations/" + location + "/files/stock.csv", Showing(token),
              "sku,quantity\nboot,4\n", "text/csv")
        ->status;
  }
  int Get(const std::string& path, const std::string& token) {
    return http_.client->Get(path, Showing(token))->status;
  }

  ServedGateway http_;
  std::string admin_, agent_, viewer_;
};

TEST_F(HttpTokens, FilesAreTakenForTheTokensOwnLocationAlone) {
  EXPECT_EQ(Put("mine", ""), 401);
  EXPECT_EQ(Put("other", agent_), 403);
  EXPECT_EQ(Put("mine", viewer_), 403);
  EXPECT_LT(Put("mine", agent_), 300);
  // What the path says in other words is the same location.
  EXPECT_EQ(Put("oth%65r", agent_), 403);
}

TEST_F(HttpTokens, MetricsAreForViewersAndProbesForAnyone) {
  EXPECT_EQ(Get("/metrics", ""), 401);
  EXPECT_EQ(Get("/metrics", agent_), 403);
  EXPECT_EQ(Get("/metrics", viewer_), 200);
  EXPECT_EQ(Get("/healthz", ""), 200);
  EXPECT_EQ(Get("/readyz", ""), 200);
}

TEST_F(HttpTokens, CallsPassTheHeaderOn) {
  const auto post = [&](const httplib::Headers& headers) {
    return http_.Post("/onhand.v1.RuleService/ListRules", "{}", headers);
  };
  EXPECT_EQ(post({})->status, 401);
  EXPECT_EQ(ReasonOf(post({})->body), "TOKEN_MISSING");
  EXPECT_EQ(post({})->get_header_value("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(post(Showing(viewer_))->status, 200);
  EXPECT_EQ(post(Showing(agent_))->status, 403);
  EXPECT_EQ(ReasonOf(post({{"Authorization", "Bearer h\xc3\xa9"}})->body), "TOKEN_MISSING");
}

}  // namespace
}  // namespace onhand::gateway
