// Streams over the wire, against a hub. The health check's Watch tells at once and then only when
// the hub stops, which is all that is asked of a stream here.
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"
#include "server/gateway/gateway_for_test.h"

namespace onhand::gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kServing[] = R"({"status":"SERVING"})";

httplib::Result Watch(ServedGateway& http, const std::string& body,
                      const std::string& type = "application/connect+json",
                      httplib::Headers headers = {}) {
  return http.Post("/grpc.health.v1.Health/Watch", body, headers, type);
}

// Takes the chunks of HTTP off.
std::string Unchunk(const std::string& answer) {
  std::string content;
  size_t at = answer.find("\r\n\r\n") + 4;
  while (at < answer.size()) {
    const size_t end = answer.find("\r\n", at);
    if (end == std::string::npos) break;
    const size_t size = std::stoul(answer.substr(at, end - at), nullptr, 16);
    if (size == 0) break;
    content += answer.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
  return content;
}

TEST(GatewayStreamTest, TellsMessagesAsTheyComeAndHowItEnded) {
  ServedGateway http;
  Wire wire(http.port());
  wire.Send(HealthWatch());
  const std::string first = wire.HearUntil(kServing);
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(first, HasSubstr("Content-Type: application/connect+json"));
  EXPECT_EQ(Unchunk(first), Enveloped(kServing));

  http.hub.server().Stop();
  const std::string rest = wire.HearUntil("0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr("NOT_SERVING"));
  const std::string all = Unchunk(first + rest);
  const size_t end = all.find("{\"error\"");
  ASSERT_NE(end, std::string::npos) << all;
  // The last message says so in its flags, and is as long as it says.
  EXPECT_EQ(all.substr(end - 5), Enveloped(all.substr(end), 2));
  EXPECT_EQ(json::parse(all.substr(end))["error"]["code"], "unavailable");
}

TEST(GatewayStreamTest, TellsProtobufToThoseWhoSpeakIt) {
  ServedGateway http;
  const auto answer =
      Watch(http, Enveloped(""), "application/connect+proto", {{"Connect-Timeout-Ms", "300"}});
  ASSERT_TRUE(answer);
  grpc::health::v1::HealthCheckResponse serving;
  serving.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
  const std::string message = Enveloped(serving.SerializeAsString());
  ASSERT_THAT(answer->body, StartsWith(message));
  EXPECT_EQ(answer->body[message.size()], 2);
  EXPECT_EQ(json::parse(answer->body.substr(message.size() + 5))["error"]["code"],
            "deadline_exceeded");
}

TEST(GatewayStreamTest, WhatIsWrongWithTheRequestIsTheEndOfTheStream) {
  ServedGateway http;
  const std::vector<std::string> wrong = {"",
                                          "{}",
                                          Enveloped("{}") + Enveloped("{}"),
                                          Enveloped("{}").substr(0, 6),
                                          Enveloped("{}", 4),
                                          Enveloped("{}", 1),
                                          Enveloped("{")};
  for (const std::string& body : wrong) {
    const auto answer = Watch(http, body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    ASSERT_GT(answer->body.size(), 5u);
    EXPECT_EQ(answer->body[0], 2);
    const json end = json::parse(answer->body.substr(5));
    EXPECT_THAT(ReasonOf(end["error"]),
                testing::AnyOf("BROKEN_BODY", "UNKNOWN_ENCODING", "INVALID_JSON"));
  }
}

TEST(GatewayStreamTest, AClientThatLeavesFreesItsPlace) {
  GatewayOptions options;
  options.limits.connections.workers = 4;  // so 2 streams
  ServedGateway http(options);
  for (int i = 0; i < 20; ++i) {
    Wire first(http.port());
    Wire second(http.port());
    first.Send(HealthWatch());
    second.Send(HealthWatch());
    std::string heard = first.HearUntil("}");
    // The ones before may be noticed a moment later.
    while (heard.find(kServing) == std::string::npos) {
      ASSERT_THAT(heard, HasSubstr("TOO_MANY_STREAMS"));
      first.Send(HealthWatch());
      heard = first.HearUntil("}");
    }
  }
}

TEST(GatewayStreamTest, StreamsLeaveHalfOfTheWorkersToOthers) {
  GatewayOptions options;
  options.limits.connections.workers = 4;
  ServedGateway http(options);
  std::vector<Wire> open;
  for (int i = 0; i < 2; ++i) {
    open.emplace_back(http.port());
    open.back().Send(HealthWatch());
    ASSERT_THAT(open.back().HearUntil("}"), HasSubstr(kServing));
  }
  for (int i = 0; i < 10; ++i) {
    const auto answer = Watch(http, Enveloped("{}"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    const json end = json::parse(answer->body.substr(5));
    EXPECT_EQ(end["error"]["code"], "resource_exhausted");
    EXPECT_EQ(ReasonOf(end["error"]), "TOO_MANY_STREAMS");
    EXPECT_EQ(http.client->Get("/healthz")->status, 200);
  }
}

TEST(GatewayStreamTest, AStreamThatTellsNothingEnds) {
  GatewayOptions options;
  options.quiet_stream_max = absl::Milliseconds(300);
  ServedGateway http(options);
  const auto answer = Watch(http, Enveloped("{}"));
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, HasSubstr("QUIET_STREAM"));
}

}  // namespace
}  // namespace onhand::gateway
