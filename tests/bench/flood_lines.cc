// What one caller's flood costs everybody else: ten times its rate on a hundred connections, with
// oversized metadata among it, and as many connections that never shake hands.
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "clients/cpp/request_id.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/tokens.grpc.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr char kMiddleLine[] = "availability p50 beside another's flood / alone";
constexpr char kSlowLine[] = "  availability p99 beside another's flood";
constexpr int kCallsASecond = 500;
constexpr int kConnections = 100;
constexpr auto kPause = std::chrono::milliseconds(1'000 * kConnections / (10 * kCallsASecond));
constexpr int kOversizedEvery = 20;

grpc::Status Ask(v1::AvailabilityService::Stub& stub, const std::string& token, bool oversized) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + token);
  if (oversized) context.AddMetadata("cookie", std::string(64 << 10, 'x'));
  v1::GetAvailabilityRequest request;
  request.set_sku(SkuOf(7));
  request.set_channel_id(kChannelId);
  v1::GetAvailabilityResponse response;
  return stub.GetAvailability(&context, request, &response);
}

// A viewer's token.
std::string MakeToken(const std::string& hub, const std::string& first, const std::string& name) {
  absl::BitGen random;
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + first);
  v1::CreateTokenRequest request;
  request.set_request_id(client::NewRequestId(absl::Now(), random));
  request.set_principal(name);
  request.set_role(v1::ROLE_VIEWER);
  v1::CreateTokenResponse response;
  const grpc::Status status =
      v1::TokenService::Stub(Connect(hub)).CreateToken(&context, request, &response);
  if (!status.ok()) throw std::runtime_error("no token: " + status.error_message());
  return response.text();
}

std::string TokenIn(const std::string& file) {
  std::string token;
  std::ifstream(file) >> token;
  return token;
}

int Dial(const std::string& hub) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(hub.substr(hub.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int dialed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(dialed, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) std::exit(1);
  return dialed;
}

// The microseconds of calls at half the rate that a caller may have.
std::vector<double> Shop(const std::string& hub, const std::string& token, double seconds) {
  v1::AvailabilityService::Stub stub(Connect(hub));
  std::vector<double> samples;
  const auto began = SteadyClock::now();
  auto next = began;
  while (SecondsSince(began) < seconds) {
    std::this_thread::sleep_until(next);
    next += std::chrono::microseconds(2'000'000 / kCallsASecond);
    const auto asked = SteadyClock::now();
    const grpc::Status status = Ask(stub, token, false);
    if (!status.ok()) throw std::runtime_error("the shop was refused: " + status.error_message());
    samples.push_back(SecondsSince(asked) * 1e6);
  }
  ThrowIfInterrupted();
  return samples;
}

}  // namespace

void RunFlooder(const std::string& hub, const std::string& token_file) {
  // It stands for other machines, which take no processor from this one.
  setpriority(PRIO_PROCESS, 0, 19);
  const std::string token = TokenIn(token_file);
  std::cerr << "flooder ready grpc=" << hub << std::endl;
  const auto began = SteadyClock::now();
  std::vector<std::thread> threads;
  for (int n = 0; n < kConnections; ++n) {
    Dial(hub);  // and never a word
    threads.emplace_back([&, n] {
      v1::AvailabilityService::Stub stub(Connect(hub));
      auto next = began + kPause * n / kConnections;
      for (int asked = n;; ++asked) {
        std::this_thread::sleep_until(next);
        next += kPause;
        Ask(stub, token, asked % kOversizedEvery == 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::abort();
}

void MeasureFlood(const Settings& settings) {
  if (!settings.Wants(kMiddleLine) && !settings.Wants(kSlowLine)) return;
  const std::string url = "sqlite:" + (settings.folder / "flood.db").string();
  MakeChain(url, {.items = 500, .locations = 20});
  const std::string token_file = (settings.folder / "flood.token").string();
  const Child hub({settings.onhandd, "serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
                   "--store", url, "--first-token-file", token_file, "--calls-per-second",
                   std::to_string(kCallsASecond)});
  const std::string first = TokenIn(token_file);
  const std::string shop = MakeToken(hub.address(), first, "shop");
  const std::string flooder = MakeToken(hub.address(), first, "flood");
  const std::string flooder_file = (settings.folder / "flooder.token").string();
  std::ofstream(flooder_file) << flooder;

  std::vector<double> alone_p50, alone_p99, beside_p50, beside_p99;
  for (int round = 0; round < settings.repeat; ++round) {
    const std::vector<double> alone = Shop(hub.address(), shop, settings.seconds);
    const Child flood({settings.self, "--flooder", hub.address(), flooder_file});
    std::this_thread::sleep_for(std::chrono::seconds(1));  // its quiet second is used up
    const std::vector<double> beside = Shop(hub.address(), shop, settings.seconds);
    v1::AvailabilityService::Stub stub(Connect(hub.address()));
    int refused = 0;
    for (int i = 0; i < 20; ++i) refused += Ask(stub, flooder, false).ok() ? 0 : 1;
    if (refused < 10) throw std::runtime_error("there was no flood");
    alone_p50.push_back(Median(alone));
    alone_p99.push_back(Percentile(alone, 0.99));
    beside_p50.push_back(Median(beside));
    beside_p99.push_back(Percentile(beside, 0.99));
  }
  const auto print = [](const char* line, double alone, double beside, const char* goal) {
    Table::Print(
        {line, Fixed(alone, 0) + " us", Fixed(beside, 0) + " us", Fixed(beside / alone, 2), goal});
  };
  print(kMiddleLine, Median(alone_p50), Median(beside_p50), "-");
  print(kSlowLine, Median(alone_p99), Median(beside_p99), "at most 2");
}

}  // namespace onhand::bench
