// One caller asks for far more than it may, in every way there is; nobody else notices but by a
// little time. How little is for the bench to say.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/watch.grpc.pb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::HasSubstr;
using SteadyClock = std::chrono::steady_clock;

// A caller with a token.
class Caller {
 public:
  Caller(const std::string& address, std::string token)
      : token_(std::move(token)), channel_(Open(address)), hub_(channel_), watch_(channel_) {}

  grpc::Status Ask(grpc::ClientContext* context) {
    Show(context);
    v1::GetHubStatusResponse response;
    return hub_.GetHubStatus(context, {}, &response);
  }
  grpc::Status Ask() {
    grpc::ClientContext context;
    return Ask(&context);
  }
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> Watch(grpc::ClientContext* context) {
    context->AddMetadata("authorization", "Bearer " + token_);
    v1::WatchRequest request;
    request.set_channel_id("web-ship");
    request.set_initial(true);
    return watch_.Watch(context, request);
  }

 private:
  static std::shared_ptr<grpc::Channel> Open(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  void Show(grpc::ClientContext* context) const {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context->AddMetadata("authorization", "Bearer " + token_);
  }

  const std::string token_;
  std::shared_ptr<grpc::Channel> channel_;
  v1::HubService::Stub hub_;
  v1::WatchService::Stub watch_;
};

std::string PushbackOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("grpc-retry-pushback-ms");
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

class FloodTest : public ::testing::Test {
 protected:
  FloodTest() {
    hub_.Start({"--calls-per-second", "200", "--streams-at-once", "5", "--metrics", "127.0.0.1:0"});
    EXPECT_EQ(hub_.Onhand({"channel", "set", "web-ship", "--kind", "ship"}).exit_code, 0);
    for (const char* name : {"flood", "shop"}) {
      const Ended made =
          hub_.Onhand({"token", "create", name, "--role", "viewer", "--out", folder_ / name});
      EXPECT_EQ(made.exit_code, 0) << made.err;
    }
  }
  std::string TokenOf(const std::string& name) const {
    const std::string content = ReadFile(folder_ / name);
    return std::string(absl::StripSuffix(content, "\n"));
  }
  Caller CallerOf(const std::string& name) const { return Caller(hub_.address(), TokenOf(name)); }
  // A connection that says nothing by itself.
  int Dial() const {
    const std::string address = hub_.address();
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int dialed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(dialed, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    timeval patience = {.tv_sec = 15, .tv_usec = 0};
    setsockopt(dialed, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return dialed;
  }

  TempFolder folder_;
  HubProgram hub_{"memory:", folder_ / "first.token"};
};

TEST_F(FloodTest, TenTimesItsRateOnAHundredConnectionsIsItsOwnerTrouble) {
  constexpr int kConnections = 100;
  constexpr auto kFor = std::chrono::seconds(3);
  std::atomic<int> answered{0}, pushed_back{0}, otherwise{0};
  std::vector<std::thread> flood;
  const auto began = SteadyClock::now();
  for (int n = 0; n < kConnections; ++n) {
    flood.emplace_back([&] {
      Caller caller = CallerOf("flood");
      for (auto next = began; next < began + kFor; next += std::chrono::milliseconds(50)) {
        std::this_thread::sleep_until(next);
        grpc::ClientContext context;
        const grpc::Status status = caller.Ask(&context);
        if (status.ok()) {
          ++answered;
        } else if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
                   absl::StrContains(status.error_message(), "calls a second") &&
                   !PushbackOf(context).empty()) {
          ++pushed_back;
        } else {
          ++otherwise;
        }
      }
    });
  }
  Caller shop = CallerOf("shop");
  int shop_answered = 0, shop_refused = 0;
  while (SteadyClock::now() < began + kFor) {
    ++(shop.Ask().ok() ? shop_answered : shop_refused);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (std::thread& thread : flood) thread.join();
  const std::chrono::duration<double> took = SteadyClock::now() - began;

  EXPECT_EQ(shop_refused, 0);
  EXPECT_GT(shop_answered, 10);
  EXPECT_EQ(otherwise, 0);
  // A second's worth at once, and then its rate.
  EXPECT_LE(answered, 200 * (took.count() + 1) + 1);
  EXPECT_GE(answered, 200);
  EXPECT_GT(pushed_back, 1'000);
  const Ended metrics =
      RunToEnd({"/usr/bin/curl", "-sS", "http://" + hub_.AddressOf("metrics") + "/metrics"});
  EXPECT_THAT(metrics.out, HasSubstr(absl::StrCat("onhand_refused_calls_total{reason=\"RATE_"
                                                  "LIMITED\"} ",
                                                  pushed_back.load(), "\n")));
}

TEST_F(FloodTest, ByHttpItIsToldWhenToComeBack) {
  std::string answer;
  // One process asks 400 times on one connection.
  answer = RunToEnd({"/usr/bin/curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w",
                     "%{http_code} %header{retry-after}\n", "-H",
                     "authorization: Bearer " + TokenOf("flood"),
                     absl::StrCat("http://", hub_.http_address(), "/metrics?n=[1-400]")})
               .out;
  EXPECT_THAT(answer, HasSubstr("200 \n"));
  EXPECT_TRUE(absl::StrContains(answer, "429 1\n")) << answer.substr(answer.size() - 40);
}

TEST_F(FloodTest, StreamsAreCountedToo) {
  Caller flood = CallerOf("flood");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchResponse>>> streams;
  v1::WatchResponse response;
  for (int n = 0; n < 5; ++n) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(flood.Watch(contexts.back().get()));
    EXPECT_TRUE(streams.back()->Read(&response)) << n;
  }
  grpc::ClientContext one_more;
  auto refused = flood.Watch(&one_more);
  EXPECT_FALSE(refused->Read(&response));
  const grpc::Status status = refused->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("5 streams at a time"));
  EXPECT_EQ(PushbackOf(one_more), "100");
  // Who leaves makes room; others never lacked it.
  Caller shop = CallerOf("shop");
  grpc::ClientContext others;
  EXPECT_TRUE(shop.Watch(&others)->Read(&response));
  others.TryCancel();
  contexts[0]->TryCancel();
  EXPECT_TRUE(WaitUntil([&] {
    grpc::ClientContext again;
    auto stream = flood.Watch(&again);
    const bool open = stream->Read(&response);
    again.TryCancel();
    return open;
  }));
  for (auto& context : contexts) context->TryCancel();
}

TEST_F(FloodTest, OversizedMetadataIsRefusedAndNobodyElseNotices) {
  Caller flood = CallerOf("flood"), shop = CallerOf("shop");
  grpc::ClientContext context;
  context.AddMetadata("cookie", std::string(64 << 10, 'x'));
  EXPECT_EQ(flood.Ask(&context).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(shop.Ask().ok());
  EXPECT_TRUE(flood.Ask().ok());
}

TEST_F(FloodTest, WhoNeverShakesHandsIsDroppedInFiveSeconds) {
  std::vector<int> silent;
  for (int n = 0; n < 100; ++n) silent.push_back(Dial());
  Caller shop = CallerOf("shop");
  EXPECT_TRUE(shop.Ask().ok());
  const auto began = SteadyClock::now();
  for (const int dialed : silent) {
    // The hub's own settings may come first; then the end.
    char bytes[256];
    ssize_t got = 0;
    while ((got = recv(dialed, bytes, sizeof(bytes), 0)) > 0) {
    }
    EXPECT_EQ(got, 0) << "it is still open";
    close(dialed);
  }
  EXPECT_LT(SteadyClock::now() - began, std::chrono::seconds(12));
  EXPECT_TRUE(shop.Ask().ok());
}

TEST_F(FloodTest, WhoPingsTooOftenIsSentAway) {
  const int dialed = Dial();
  std::string words = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  words.append("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9);  // SETTINGS
  for (int n = 0; n < 20; ++n) {
    words.append("\x00\x00\x08\x06\x00\x00\x00\x00\x00", 9);  // PING
    words.append(8, 'p');
  }
  ASSERT_EQ(send(dialed, words.data(), words.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(words.size()));
  std::string heard;
  char bytes[4096];
  ssize_t got = 0;
  while ((got = recv(dialed, bytes, sizeof(bytes), 0)) > 0) heard.append(bytes, bytes + got);
  close(dialed);
  EXPECT_THAT(heard, HasSubstr("too_many_pings"));
  EXPECT_TRUE(CallerOf("shop").Ask().ok());
}

}  // namespace
}  // namespace onhand::testing
