// What strangers may do to the port: send too much, too slowly, too often. The hub answers, goes on
// serving others, and does not grow.
#include <malloc.h>

#include <fstream>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/gateway/gateway_for_test.h"
#include "server/gateway/gzip.h"

namespace onhand::gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr size_t kBodyMax = 4 << 20;
constexpr int64_t kGrowthMax = 64 << 20;

GatewayOptions Quick() {
  GatewayOptions options;
  options.limits.body_within = absl::Seconds(1);
  options.limits.connections.head_within = absl::Seconds(1);
  return options;
}

std::string Head(const std::string& more) {
  return absl::StrCat("POST ", kCheck,
                      " HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n", more, "\r\n");
}

std::string Chunk(const std::string& content) {
  return absl::StrCat(absl::Hex(content.size()), "\r\n", content, "\r\n");
}

std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

// Resident bytes of this process.
int64_t Resident() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(GatewayLimitsTest, ABodyOfTheLimitIsTakenAndOneByteMoreIsNot) {
  ServedGateway http;
  const std::string fits = absl::StrCat(R"({"x":")", std::string(kBodyMax - 8, 'a'), R"("})");
  ASSERT_EQ(fits.size(), kBodyMax);
  EXPECT_EQ(http.Post(kCheck, fits)->status, 200);
  for (const bool gzip : {false, true}) {
    const std::string body = fits + " ";
    const auto answer =
        http.Post(kCheck, gzip ? Gzip(body) : body,
                  gzip ? httplib::Headers{{"Content-Encoding", "gzip"}} : httplib::Headers{});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413);
    EXPECT_EQ(CodeOf(answer->body), "resource_exhausted");
    EXPECT_EQ(ReasonOf(answer->body), "BODY_TOO_LARGE");
  }
}

TEST(GatewayLimitsTest, AChunkedBodyHasTheSameLimit) {
  ServedGateway http;
  Wire wire(http.port());
  wire.Send(Head("Transfer-Encoding: chunked\r\n"));
  const std::string piece = Chunk(std::string(64 << 10, ' '));
  for (int i = 0; i < 200 && wire.Send(piece); ++i) {
  }
  const std::string answer = wire.HearUntilClosed();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413")) << answer;
  EXPECT_EQ(ReasonOf(BodyOf(answer)), "BODY_TOO_LARGE");
}

TEST(GatewayLimitsTest, ALengthBeyondTheLimitIsRefusedUnread) {
  ServedGateway http;
  Wire wire(http.port());
  wire.Send(Head("Content-Length: 99999999999\r\n"));
  EXPECT_THAT(wire.HearUntilClosed(), StartsWith("HTTP/1.1 413"));
}

TEST(GatewayLimitsTest, ASlowBodyIsTimedOutHoweverOftenAByteComes) {
  ServedGateway http(Quick());
  Wire wire(http.port());
  wire.Send(Head("Content-Length: 1000\r\n"));
  const absl::Time start = absl::Now();
  std::thread dripping([&] {
    while (wire.Send("x") && absl::Now() - start < absl::Seconds(10)) {
      absl::SleepFor(absl::Milliseconds(50));
    }
  });
  const std::string answer = wire.HearUntilClosed();
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  shutdown(wire.socket_fd(), SHUT_RDWR);
  dripping.join();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408")) << answer;
  EXPECT_EQ(CodeOf(BodyOf(answer)), "deadline_exceeded");
  EXPECT_EQ(ReasonOf(BodyOf(answer)), "BODY_TOO_SLOW");
}

TEST(GatewayLimitsTest, ASlowHeadTakesNoWorkerAndIsCutOff) {
  GatewayOptions options = Quick();
  options.limits.connections.workers = 2;
  ServedGateway http(options);
  std::vector<Wire> slow;
  for (int i = 0; i < 50; ++i) {
    slow.emplace_back(http.port());
    slow.back().Send("POST / HTTP/1.1\r\nHost:");
  }
  EXPECT_EQ(http.client->Get("/healthz")->status, 200);
  const absl::Time start = absl::Now();
  for (Wire& wire : slow) EXPECT_EQ(wire.HearUntilClosed(), "");
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST(GatewayLimitsTest, BrokenRequestsGetConnectsErrorAndTheDoor) {
  ServedGateway http;
  const std::vector<std::pair<std::string, int>> wrong = {
      {"hello\r\n\r\n", 400},
      {"BREW / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: hub\n\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 25), 400},
      {"GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {Head("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}", 400},
      {Head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + "{}", 400},
      {Head("Transfer-Encoding: gzip, chunked\r\n") + "{}", 400},
      {Head("Content-Length: two\r\n") + "{}", 400},
      {Head("Transfer-Encoding: chunked\r\n") + "zz\r\n{}", 400},
      {Head("Transfer-Encoding: chunked\r\n") + std::string(2'000, 'f'), 400},
      {Head("Range: pages=1\r\nContent-Length: 2\r\n") + "{}", 416},
  };
  for (const auto& [request, status] : wrong) {
    Wire wire(http.port());
    wire.Send(request);
    const std::string answer = wire.HearUntilClosed();
    EXPECT_THAT(answer, StartsWith(absl::StrCat("HTTP/1.1 ", status))) << request.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json")) << request.substr(0, 80);
    EXPECT_THAT(CodeOf(BodyOf(answer)), "invalid_argument") << request.substr(0, 80);
  }
}

TEST(GatewayLimitsTest, OneConnectionTooManyIsToldSo) {
  GatewayOptions options;
  options.limits.connections.connections_max = 20;
  ServedGateway http(options);
  std::vector<Wire> open;
  for (int i = 0; i < 20; ++i) open.emplace_back(http.port());
  Wire extra(http.port());
  const std::string answer = extra.HearUntilClosed();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429"));
  EXPECT_EQ(CodeOf(BodyOf(answer)), "resource_exhausted");
  EXPECT_EQ(ReasonOf(BodyOf(answer)), "TOO_MANY_CONNECTIONS");
  open.clear();
  // Their closes are seen a moment later.
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  std::string later;
  do {
    Wire wire(http.port());
    wire.Send("GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
    later = wire.HearUntilClosed();
  } while (later.find("200 OK") == std::string::npos && absl::Now() < deadline);
  EXPECT_THAT(later, HasSubstr("alive"));
}

TEST(GatewayLimitsTest, RequestsThatWaitAreBounded) {
  GatewayOptions options;
  options.limits.connections.workers = 2;  // one of them may be a stream
  options.limits.connections.waiting_max = 4;
  options.limits.body_within = absl::Seconds(3);
  ServedGateway http(options);
  // Both workers wait for bodies.
  std::vector<Wire> slow;
  for (int i = 0; i < 2; ++i) {
    slow.emplace_back(http.port());
    slow.back().Send(Head("Content-Length: 2\r\nExpect: 100-continue\r\n"));
    ASSERT_THAT(slow.back().HearUntil("\r\n\r\n"), HasSubstr("100"));
  }
  std::vector<Wire> waiting;
  for (int i = 0; i < 40; ++i) {
    waiting.emplace_back(http.port());
    waiting.back().Send("GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
  }
  int served = 0;
  int refused = 0;
  for (Wire& wire : waiting) {
    const std::string answer = wire.HearUntilClosed();
    if (answer.find("200 OK") != std::string::npos) ++served;
    if (answer.find("429") != std::string::npos) ++refused;
  }
  EXPECT_EQ(served, 4);
  EXPECT_EQ(refused, 36);
}

// Many at once of everything above; what the hub holds stays small.
TEST(GatewayLimitsTest, MemoryStaysBounded) {
  mallopt(M_MMAP_THRESHOLD, kMmapThresholdBytes);  // as main does
  ServedGateway http(Quick());
  const std::string bomb = Gzip(std::string(128 << 20, ' '));
  ASSERT_LT(bomb.size(), kBodyMax);
  const std::string bomb_request =
      Head(absl::StrCat("Content-Encoding: gzip\r\nContent-Length: ", bomb.size(), "\r\n")) + bomb;
  const std::string large = absl::StrCat(R"({"x":")", std::string(kBodyMax - 8, 'a'), R"("})");
  const std::string large_request =
      Head(absl::StrCat("Content-Length: ", large.size(), "\r\n")) + large;
  const std::string endless = Head("Transfer-Encoding: chunked\r\n") + std::string(8 << 20, 'f');
  // Once of each, so that what is only made once is there.
  for (const std::string* request : {&bomb_request, &large_request, &endless}) {
    Wire wire(http.port());
    wire.Send(*request);
    wire.Hear();
  }
  const int64_t idle = Resident();
  std::atomic<int64_t> most{0};
  std::atomic<bool> done{false};
  std::thread looking([&] {
    while (!done) {
      most = std::max(most.load(), Resident());
      absl::SleepFor(absl::Milliseconds(1));
    }
  });
  std::atomic<int> refused{0};
  std::atomic<int> taken{0};
  std::vector<std::thread> strangers;
  for (int i = 0; i < 60; ++i) {
    strangers.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        Wire wire(http.port());
        wire.Send(i % 3 == 0 ? bomb_request : i % 3 == 1 ? large_request : endless);
        const std::string answer = wire.Hear();
        if (answer.find(" 413 ") != std::string::npos) ++refused;
        if (answer.find(" 200 ") != std::string::npos) ++taken;
      }
    });
  }
  for (std::thread& stranger : strangers) stranger.join();
  done = true;
  looking.join();
  EXPECT_GT(refused.load(), 0);
  EXPECT_GT(taken.load(), 0);
  EXPECT_EQ(http.client->Get("/healthz")->status, 200);
  EXPECT_LT(most.load() - idle, kGrowthMax) << "from " << idle << " to " << most.load();
  printf("memory: %lld MiB above idle\n", static_cast<long long>((most.load() - idle) >> 20));
}

}  // namespace
}  // namespace onhand::gateway
