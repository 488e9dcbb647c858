#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr int kOutstanding = 64;
constexpr int kBatchSkus = 100;

constexpr char kTotalLine[] = "availability, total / bare echo, 64 outstanding";
constexpr char kBreakdownLine[] = "availability, 20 locations / bare echo, 64 outstanding";
constexpr char kBatchLine[] = "availability, batch of 100 SKUs / 100 SKUs, tiny reply";

using Stub = v1::AvailabilityService::Stub;
using SingleLoad = UnaryLoad<Stub, v1::GetAvailabilityRequest, v1::GetAvailabilityResponse>;
using BatchLoad =
    UnaryLoad<Stub, v1::BatchGetAvailabilityRequest, v1::BatchGetAvailabilityResponse>;

// A second of warming up, so that connection and caches are as in service.
void PrintSingle(const Settings& settings, const std::string& name, bool with_locations,
                 const std::string& goal, const std::string& echo, const std::string& hub,
                 int items) {
  if (!settings.Wants(name)) return;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any_item(0, items - 1);
  const auto ask = [&, with_locations](uint64_t, v1::GetAvailabilityRequest* request) {
    request->set_sku(SkuOf(any_item(random)));
    request->set_channel_id(kChannelId);
    request->set_with_locations(with_locations);
  };
  SingleLoad floor_load(Connect(echo), &Stub::PrepareAsyncGetAvailability, ask);
  SingleLoad hub_load(Connect(hub), &Stub::PrepareAsyncGetAvailability, ask);
  floor_load.Run(kOutstanding, settings.seconds / 4);
  hub_load.Run(kOutstanding, settings.seconds / 4);
  const Pair pair = Interleave(
      settings.repeat,
      [&] { return floor_load.Run(kOutstanding, settings.seconds).calls_a_second; },
      [&] { return hub_load.Run(kOutstanding, settings.seconds).calls_a_second; });
  Table::Print({name, Rate(pair.floor, "QPS"), Rate(pair.hub, "QPS"),
                Fixed(pair.hub / pair.floor, 2), goal});
}

void PrintBatch(const Settings& settings, const std::string& echo, const std::string& hub,
                int items) {
  if (!settings.Wants(kBatchLine)) return;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any_item(0, items - 1);
  const auto ask = [&](uint64_t, v1::BatchGetAvailabilityRequest* request) {
    request->clear_skus();
    for (int i = 0; i < kBatchSkus; ++i) request->add_skus(SkuOf(any_item(random)));
    request->set_channel_id(kChannelId);
  };
  BatchLoad floor_load(Connect(echo), &Stub::PrepareAsyncBatchGetAvailability, ask);
  BatchLoad hub_load(Connect(hub), &Stub::PrepareAsyncBatchGetAvailability, ask);
  const Pair pair = Interleave(
      settings.repeat,
      [&] { return floor_load.Run(kOutstanding, settings.seconds).calls_a_second * kBatchSkus; },
      [&] { return hub_load.Run(kOutstanding, settings.seconds).calls_a_second * kBatchSkus; });
  Table::Print({kBatchLine, Rate(pair.floor, "SKU/s"), Rate(pair.hub, "SKU/s"),
                Fixed(pair.hub / pair.floor, 2), "stated"});
}

}  // namespace

void AwaitCalm(const std::string& address) {
  const auto stub = v1::HubService::NewStub(Connect(address));
  uint64_t before = 0;
  const auto start = SteadyClock::now();
  while (SecondsSince(start) < 120) {
    ThrowIfInterrupted();
    grpc::ClientContext context;
    v1::GetHubStatusResponse status;
    const grpc::Status called = stub->GetHubStatus(&context, {}, &status);
    if (!called.ok()) throw std::runtime_error("GetHubStatus: " + called.error_message());
    // A tick a second is calm, and so are tables that are a few ticks behind.
    if (status.revision() <= before + 2 && status.projected_revision() + 5 >= status.revision()) {
      return;
    }
    before = status.revision();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

void MeasureReads(const Settings& settings) {
  if (!settings.Wants(kTotalLine) && !settings.Wants(kBreakdownLine) &&
      !settings.Wants(kBatchLine)) {
    return;
  }
  const BigChain& chain = TheBigChain(settings);
  const Child echo({settings.self, "--echo-server"});
  const Child hub(ServeArguments(settings, chain.url));
  AwaitCalm(hub.address());
  PrintSingle(settings, kTotalLine, false, "0.70, must 0.85; 0.95", echo.address(), hub.address(),
              chain.items);
  PrintSingle(settings, kBreakdownLine, true, "must 0.75; 0.85", echo.address(), hub.address(),
              chain.items);
  PrintBatch(settings, echo.address(), hub.address(), chain.items);
}

}  // namespace onhand::bench
