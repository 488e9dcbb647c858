// Unary calls, GET and errors over the wire, against a hub.
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "onhand/v1/availability.pb.h"
#include "server/gateway/gateway_for_test.h"
#include "server/gateway/gzip.h"

namespace onhand::gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kGet[] = "/onhand.v1.AvailabilityService/GetAvailability";
constexpr char kBatchGet[] = "/onhand.v1.AvailabilityService/BatchGetAvailability";
constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kStatus[] = "/onhand.v1.HubService/GetHubStatus";
constexpr char kItems[] = "/onhand.v1.CatalogService/BatchUpsertItems";

class GatewayTest : public testing::Test {
 protected:
  // A chain of one location that told of 5 boots and no hats.
  void Stock() {
    http_.hub.MakeChain({"store"}, {"boot", "hat"});
    rpc::Agent agent(http_.hub);
    agent.Open(rpc::HelloOf("till", "spool", "store"));
    agent.Say(rpc::BatchOf(1, "boot", 5));
    agent.HearUntilDurable(1);
    agent.Close();
    agent.End();
  }
  void Tell(uint64_t sequence, int64_t boots) {
    rpc::Agent agent(http_.hub);
    agent.Open(rpc::HelloOf("till", "spool", "store"));
    agent.Say(rpc::BatchOf(sequence, "boot", boots));
    agent.HearUntilDurable(sequence);
    agent.Close();
    agent.End();
  }

  ServedGateway http_;
};

TEST_F(GatewayTest, AnswersJsonWithJson) {
  Stock();
  const auto answer = http_.Post(kGet, R"({"sku":"boot","channelId":"web-ship"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
  const json availability = json::parse(answer->body)["availability"];
  EXPECT_EQ(availability["sku"], "boot");
  EXPECT_EQ(availability["maxQuantity"], 5);
  EXPECT_TRUE(availability["orderable"]);
  // 64 bits do not fit into a number of JavaScript.
  EXPECT_TRUE(availability["revision"].is_string());
}

TEST_F(GatewayTest, AnswersProtobufWithProtobuf) {
  Stock();
  v1::GetAvailabilityRequest request;
  request.set_sku("boot");
  const auto answer = http_.Post(kGet, request.SerializeAsString(),
                                 {{"Connect-Protocol-Version", "1"}}, "application/proto");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/proto");
  v1::GetAvailabilityResponse response;
  ASSERT_TRUE(response.ParseFromString(answer->body));
  EXPECT_EQ(response.availability().max_quantity(), 5);
}

TEST_F(GatewayTest, WritesAreDoneOnceByTheirId) {
  const std::string request = absl::StrCat(R"({"requestId":")", rpc::MakeRequestId(),
                                           R"(","items":[{"sku":"a","name":"A"}]})");
  const auto first = http_.Post(kItems, request);
  const auto again = http_.Post(kItems, request);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->status, 200) << first->body;
  EXPECT_EQ(first->body, again->body);
}

TEST_F(GatewayTest, AnEmptyBodyIsAnEmptyMessageAndUnknownFieldsAreIgnored) {
  EXPECT_EQ(http_.Post(kStatus, "")->status, 200);
  EXPECT_EQ(http_.Post(kStatus, R"({"fieldOfTheFuture":{"deep":[1,2]}})")->status, 200);
  // curl -X POST without a body says no length.
  Wire wire(http_.port());
  wire.Send(absl::StrCat("POST ", kStatus,
                         " HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n\r\n"));
  EXPECT_THAT(wire.HearUntil("journalId"), HasSubstr("200 OK"));
}

TEST_F(GatewayTest, ARefusalKeepsItsCodeReasonAndRemedy) {
  http_.hub.MakeChain({"store"}, {"boot"});
  const auto answer = http_.Post(kGet, R"({"sku":"nothing"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
  const json error = json::parse(answer->body);
  EXPECT_EQ(error["code"], "not_found");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("nothing"));
  ASSERT_EQ(error["details"].size(), 1);
  EXPECT_EQ(error["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(error["details"][0]["debug"]["domain"], "onhand");
  std::string value = error["details"][0]["value"];
  EXPECT_EQ(value.find('='), std::string::npos);
  while (value.size() % 4 != 0) value += '=';
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(value, &bytes));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(bytes));
  EXPECT_EQ(info.reason(), "UNKNOWN_ITEM");
  EXPECT_EQ(info.metadata().at("value"), "nothing");
}

TEST_F(GatewayTest, BrokenJsonIsTheCallersMistake) {
  for (const char* body : {"{", "[]", R"({"sku":{}})", "null", "\xff\xfe"}) {
    const auto answer = http_.Post(kGet, body);
    ASSERT_TRUE(answer) << body;
    EXPECT_EQ(answer->status, 400) << body;
    EXPECT_EQ(ReasonOf(answer->body), "INVALID_JSON") << body;
  }
}

TEST_F(GatewayTest, DeepJsonTakesNoTime) {
  const std::string deep(16'000, '[');
  const absl::Time start = absl::Now();
  for (const std::string& body :
       {absl::StrCat(R"({"x":)", deep, std::string(deep.size(), ']'), "}"), deep}) {
    const auto answer = http_.Post(kStatus, body);
    // Unknown fields are ignored, also deep ones.
    EXPECT_EQ(answer->status, body == deep ? 400 : 200) << answer->body.substr(0, 200);
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST_F(GatewayTest, NothingIsAnsweredWithoutConnectsError) {
  struct Case {
    std::string method, path, type, body;
    int status;
    const char* code;
    const char* reason;
  };
  const std::vector<Case> cases = {
      {"POST", "/nothing", "application/json", "{}", 404, "not_found", "UNKNOWN_PATH"},
      {"GET", "/", "", "", 404, "not_found", "UNKNOWN_PATH"},
      {"POST", "/onhand.v1.StockService/Steal", "application/json", "{}", 404, "unimplemented",
       "UNKNOWN_METHOD"},
      {"POST", "/onhand.journal.v1.Record/Read", "application/json", "{}", 404, "unimplemented",
       "UNKNOWN_METHOD"},
      {"POST", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "application/json",
       "{}", 404, "unimplemented", "UNKNOWN_METHOD"},
      {"POST", "/onhand.v1.ReportService/Report", "application/connect+json", "", 501,
       "unimplemented", "GRPC_ONLY"},
      {"GET", kItems, "", "", 405, "unimplemented", "WRONG_HTTP_METHOD"},
      {"PUT", kGet, "application/json", "{}", 405, "unimplemented", "WRONG_HTTP_METHOD"},
      {"DELETE", kGet, "", "", 405, "unimplemented", "WRONG_HTTP_METHOD"},
      {"TRACE", kGet, "", "", 405, "unimplemented", "WRONG_HTTP_METHOD"},
      {"POST", "/metrics", "text/plain", "x", 405, "unimplemented", "WRONG_HTTP_METHOD"},
      {"POST", kGet, "text/plain", "{}", 415, "invalid_argument", "UNKNOWN_CONTENT_TYPE"},
      {"POST", kGet, "multipart/form-data; boundary=x", "--x--", 415, "invalid_argument",
       "UNKNOWN_CONTENT_TYPE"},
      {"POST", kGet, "application/x-www-form-urlencoded", "sku=boot", 415, "invalid_argument",
       "UNKNOWN_CONTENT_TYPE"},
      {"POST", kGet, "application/connect+json", "", 415, "invalid_argument",
       "UNKNOWN_CONTENT_TYPE"},
      {"POST", "/grpc.health.v1.Health/Watch", "application/json", "{}", 415, "invalid_argument",
       "UNKNOWN_CONTENT_TYPE"},
  };
  for (const Case& wrong : cases) {
    Wire wire(http_.port());
    wire.Send(absl::StrCat(wrong.method, " ", wrong.path, " HTTP/1.1\r\nHost: hub\r\n",
                           wrong.type.empty() ? "" : "Content-Type: " + wrong.type + "\r\n",
                           "Connection: close\r\nContent-Length: ", wrong.body.size(), "\r\n\r\n",
                           wrong.body));
    const std::string answer = wire.HearUntilClosed();
    const std::string what = absl::StrCat(wrong.method, " ", wrong.path, ": ", answer);
    EXPECT_THAT(answer, StartsWith(absl::StrCat("HTTP/1.1 ", wrong.status, " "))) << what;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json")) << what;
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    EXPECT_EQ(CodeOf(body), wrong.code) << what;
    EXPECT_EQ(ReasonOf(body), wrong.reason) << what;
    EXPECT_EQ(answer.find("Allow: ") != std::string::npos, wrong.status == 405) << what;
  }
}

TEST_F(GatewayTest, ADeadlineIsTheHubs) {
  const auto late = http_.Post(kCheck, "{}", {{"Connect-Timeout-Ms", "0"}});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->status, 504);
  EXPECT_EQ(CodeOf(late->body), "deadline_exceeded");
  EXPECT_EQ(http_.Post(kCheck, "{}", {{"Connect-Timeout-Ms", "5000"}})->status, 200);
  for (const char* wrong : {"-1", "1s", "12345678901", "1e3"}) {
    EXPECT_EQ(ReasonOf(http_.Post(kCheck, "{}", {{"Connect-Timeout-Ms", wrong}})->body),
              "INVALID_TIMEOUT")
        << wrong;
  }
}

TEST_F(GatewayTest, ADeadlineEndsACallThatWaits) {
  // Watch is the one that waits for ever.
  const auto answer = http_.Post("/grpc.health.v1.Health/Watch", Enveloped("{}"),
                                 {{"Connect-Timeout-Ms", "300"}}, "application/connect+json");
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, HasSubstr("deadline_exceeded"));
}

TEST_F(GatewayTest, AnotherVersionOfTheProtocolIsRefused) {
  const auto answer = http_.Post(kCheck, "{}", {{"Connect-Protocol-Version", "2"}});
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(ReasonOf(answer->body), "UNKNOWN_VERSION");
}

TEST_F(GatewayTest, BodiesMayBeGzipAndNothingElse) {
  EXPECT_EQ(http_.Post(kCheck, Gzip("{}"), {{"Content-Encoding", "gzip"}})->status, 200);
  EXPECT_EQ(http_.Post(kCheck, "{}", {{"Content-Encoding", "identity"}})->status, 200);
  for (const char* encoding : {"br", "deflate", "zstd", "gzip, gzip"}) {
    const auto answer = http_.Post(kCheck, "{}", {{"Content-Encoding", encoding}});
    ASSERT_TRUE(answer) << encoding;
    EXPECT_EQ(answer->status, 501) << encoding;
    EXPECT_EQ(ReasonOf(answer->body), "UNKNOWN_ENCODING") << encoding;
  }
  const auto broken = http_.Post(kCheck, "not gzip", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(ReasonOf(broken->body), "BROKEN_BODY");
}

TEST_F(GatewayTest, LargeAnswersAreGzipForThoseWhoAsk) {
  std::vector<std::string> skus;
  for (int i = 0; i < 100; ++i) skus.push_back(absl::StrCat("sku-", i));
  http_.hub.MakeChain({"store"}, skus);
  const std::string request = json{{"skus", skus}}.dump();
  const auto plain = http_.Post(kBatchGet, request);
  const auto gzip = http_.Post(kBatchGet, request, {{"Accept-Encoding", "br, gzip;q=0.8"}});
  const auto refused = http_.Post(kBatchGet, request, {{"Accept-Encoding", "gzip;q=0"}});
  const auto small = http_.Post(kCheck, "{}", {{"Accept-Encoding", "gzip"}});
  EXPECT_FALSE(plain->has_header("Content-Encoding"));
  EXPECT_FALSE(refused->has_header("Content-Encoding"));
  EXPECT_FALSE(small->has_header("Content-Encoding"));
  EXPECT_EQ(gzip->get_header_value("Content-Encoding"), "gzip");
  EXPECT_LT(gzip->body.size(), plain->body.size() / 4);
  std::string unzipped;
  ASSERT_TRUE(Gunzip(gzip->body, 1 << 20, &unzipped));
  EXPECT_EQ(json::parse(unzipped)["results"].size(), 100);
}

TEST_F(GatewayTest, ReadsCanBeAskedByGet) {
  Stock();
  const auto plain =
      http_.client->Get(absl::StrCat(kGet, "?encoding=json&message=%7B%22sku%22%3A%22boot%22%7D"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 200) << plain->body;
  EXPECT_EQ(json::parse(plain->body)["availability"]["maxQuantity"], 5);

  v1::GetAvailabilityRequest request;
  request.set_sku("boot");
  for (const bool gzip : {false, true}) {
    const std::string bytes = request.SerializeAsString();
    std::string message;
    absl::WebSafeBase64Escape(gzip ? Gzip(bytes) : bytes, &message);
    const auto proto =
        http_.client->Get(absl::StrCat(kGet, "?connect=v1&encoding=proto&base64=1&other=1",
                                       gzip ? "&compression=gzip" : "", "&message=", message));
    ASSERT_TRUE(proto);
    EXPECT_EQ(proto->get_header_value("Content-Type"), "application/proto");
    v1::GetAvailabilityResponse response;
    ASSERT_TRUE(response.ParseFromString(proto->body));
    EXPECT_EQ(response.availability().sku(), "boot");
  }
  const auto status = http_.Ask(kStatus, json::object());
  EXPECT_EQ(status->status, 200);
  EXPECT_EQ(status->get_header_value("Cache-Control"), "no-store");
}

TEST_F(GatewayTest, WrongQueriesAreRefused) {
  EXPECT_EQ(http_.client->Get(kGet)->status, 415);
  EXPECT_EQ(http_.client->Get(absl::StrCat(kGet, "?encoding=xml&message="))->status, 415);
  EXPECT_EQ(ReasonOf(http_.client->Get(absl::StrCat(kGet, "?encoding=json&connect=v2"))->body),
            "UNKNOWN_VERSION");
  EXPECT_EQ(
      ReasonOf(http_.client->Get(absl::StrCat(kGet, "?encoding=json&base64=1&message=%21"))->body),
      "INVALID_BASE64");
  EXPECT_EQ(
      ReasonOf(
          http_.client->Get(absl::StrCat(kGet, "?encoding=json&compression=br&message=x"))->body),
      "UNKNOWN_ENCODING");
}

TEST_F(GatewayTest, AnAnswerThatStandsIsNotSentAgain) {
  Stock();
  const json question = {{"sku", "boot"}, {"withLocations", true}};
  const auto first = http_.Ask(kGet, question);
  ASSERT_EQ(first->status, 200) << first->body;
  const json availability = json::parse(first->body)["availability"];
  for (const char* moving : {"revision", "knownThrough", "cacheUntil"}) {
    EXPECT_FALSE(availability.contains(moving)) << moving;
  }
  EXPECT_FALSE(availability["locations"][0].contains("knownThrough"));
  EXPECT_THAT(first->get_header_value("Cache-Control"),
              testing::MatchesRegex("max-age=[0-9]+, stale-while-revalidate=[0-9]+"));
  EXPECT_THAT(first->get_header_value("Onhand-Known-Through"),
              testing::MatchesRegex("20..-.*T.*Z"));
  const std::string tag = first->get_header_value("ETag");
  EXPECT_THAT(tag, StartsWith("\"" + http_.hub.hub().journal_id() + "-"));

  // Other facts come and the answer stands.
  const int64_t revision = std::stoll(first->get_header_value("Onhand-Revision"));
  Tell(2, 5);
  const auto second = http_.Ask(kGet, question, {{"If-None-Match", tag}});
  EXPECT_EQ(second->status, 304);
  EXPECT_EQ(second->body, "");
  EXPECT_GT(std::stoll(second->get_header_value("Onhand-Revision")), revision);
  EXPECT_TRUE(second->has_header("Cache-Control"));
  for (const std::string& list : {"\"other\", W/" + tag, std::string("*")}) {
    EXPECT_EQ(http_.Ask(kGet, question, {{"If-None-Match", list}})->status, 304) << list;
  }

  Tell(3, 4);
  const auto third = http_.Ask(kGet, question, {{"If-None-Match", tag}});
  EXPECT_EQ(third->status, 200);
  EXPECT_NE(third->get_header_value("ETag"), tag);
}

TEST_F(GatewayTest, AGzipAnswerHasATagOfItsOwnThatStandsToo) {
  std::vector<std::string> skus;
  for (int i = 0; i < 100; ++i) skus.push_back(absl::StrCat("sku-", i));
  http_.hub.MakeChain({"store"}, skus);
  const json question = {{"skus", skus}};
  const auto plain = http_.Ask(kBatchGet, question);
  const auto gzip = http_.Ask(kBatchGet, question, {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(gzip->get_header_value("Content-Encoding"), "gzip");
  const std::string tag = gzip->get_header_value("ETag");
  EXPECT_NE(tag, plain->get_header_value("ETag"));
  EXPECT_EQ(
      http_.Ask(kBatchGet, question, {{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}})->status,
      304);
}

TEST_F(GatewayTest, ABatchHasTheLeastOfItsAnswers) {
  Stock();
  const auto answer = http_.Ask(kBatchGet, {{"skus", {"boot", "hat", "unknown"}}});
  ASSERT_EQ(answer->status, 200);
  const json results = json::parse(answer->body)["results"];
  EXPECT_EQ(results[2]["unknown"]["sku"], "unknown");
  EXPECT_FALSE(results[0]["availability"].contains("revision"));
  EXPECT_TRUE(answer->has_header("Onhand-Revision"));
  // By POST the message is whole.
  EXPECT_TRUE(
      json::parse(http_.Post(kBatchGet, R"({"skus":["boot"]})")->body)["results"][0]["availability"]
          .contains("revision"));
}

TEST_F(GatewayTest, HeadSaysWhatGetWouldSay) {
  const auto head = http_.client->Head(absl::StrCat(kStatus, "?encoding=json&message="));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_GT(std::stoi(head->get_header_value("Content-Length")), 2);
}

TEST_F(GatewayTest, ARangeIsIgnored) {
  const auto answer = http_.Post(kStatus, "{}", {{"Range", "bytes=0-3"}});
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(json::parse(answer->body).contains("journalId"));
}

TEST_F(GatewayTest, OneConnectionServesManyRequestsAlsoWrittenAtOnce) {
  Wire wire(http_.port());
  const std::string one = absl::StrCat("POST ", kCheck,
                                       " HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json"
                                       "\r\nContent-Length: 2\r\n\r\n{}");
  wire.Send(one + one + "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n" +
            "GET /readyz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
  const std::string all = wire.HearUntilClosed();
  size_t answers = 0;
  for (size_t at = all.find("HTTP/1.1 200"); at != std::string::npos;
       at = all.find("HTTP/1.1 200", at + 1)) {
    ++answers;
  }
  EXPECT_EQ(answers, 4) << all;
  EXPECT_THAT(all, HasSubstr("SERVING"));
}

TEST_F(GatewayTest, LivesAndIsReady) {
  EXPECT_EQ(http_.client->Get("/healthz")->body, "alive\n");
  EXPECT_EQ(http_.client->Get("/readyz")->status, 200);
  http_.ready = absl::UnavailableError("draining");
  EXPECT_EQ(http_.client->Get("/healthz")->status, 200);
  const auto answer = http_.client->Get("/readyz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "draining\n");
}

TEST_F(GatewayTest, ServesMetricsInTheTextFormat) {
  const auto answer = http_.client->Get("/metrics");
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_EQ(answer->body, "onhand_revision 7\n");
}

TEST_F(GatewayTest, APortThatIsTakenIsAnError) {
  const auto second =
      Gateway::Start({.host = "127.0.0.1", .port = http_.port()}, {.hub = &http_.hub.hub()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(GatewayTest, AStoppedHubIsUnavailable) {
  http_.hub.server().Stop();
  const auto answer = http_.Post(kStatus, "{}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503) << answer->body;
  EXPECT_EQ(http_.client->Get("/healthz")->status, 200);
}

TEST(GatewayCorsTest, PagesOfAllowedOriginsMayAskAndRead) {
  ServedGateway http({.allow_origins = {"https://shop.example"}});
  const httplib::Headers ask = {{"Origin", "https://shop.example"},
                                {"Access-Control-Request-Method", "POST"},
                                {"Access-Control-Request-Headers", "content-type"}};
  const auto preflight = http.client->Options(kGet, ask);
  ASSERT_TRUE(preflight);
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_THAT(preflight->get_header_value("Access-Control-Allow-Headers"),
              HasSubstr("Connect-Protocol-Version"));
  const auto answer = http.Post(kCheck, "{}", {{"Origin", "https://shop.example"}});
  EXPECT_EQ(answer->get_header_value("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_THAT(answer->get_header_value("Access-Control-Expose-Headers"), HasSubstr("ETag"));
  // A refusal is read too.
  EXPECT_TRUE(http.Post(kGet, R"({"sku":"no"})", {{"Origin", "https://shop.example"}})
                  ->has_header("Access-Control-Allow-Origin"));
}

TEST(GatewayCorsTest, OtherPagesMayNot) {
  ServedGateway http({.allow_origins = {"https://shop.example"}});
  const auto preflight = http.client->Options(
      kGet, {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(preflight->status, 403);
  EXPECT_EQ(ReasonOf(preflight->body), "UNKNOWN_ORIGIN");
  EXPECT_FALSE(http.Post(kCheck, "{}", {{"Origin", "https://evil.example"}})
                   ->has_header("Access-Control-Allow-Origin"));
  ServedGateway closed;
  EXPECT_FALSE(closed.Post(kCheck, "{}", {{"Origin", "https://shop.example"}})
                   ->has_header("Access-Control-Allow-Origin"));
}

}  // namespace
}  // namespace onhand::gateway
