#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "clients/cpp/request_id.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/disk_floors.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr int kOutstanding = 64;
constexpr char kAckLine[] = "durable acknowledgement p50, one at a time / echo p50";
constexpr char kAckSlowLine[] = "  p99";
constexpr char kSyncLine[] = "  p50 beyond echo p50, in fdatasyncs / fdatasync p50";
constexpr char kUpdateLine[] = "durable unary update, 64 outstanding / bare echo";

using EchoLoad = UnaryLoad<v1::AvailabilityService::Stub, v1::GetAvailabilityRequest,
                           v1::GetAvailabilityResponse>;
using SubmitLoad =
    UnaryLoad<v1::ReportService::Stub, v1::SubmitReportRequest, v1::SubmitReportResponse>;
using AdjustLoad = UnaryLoad<v1::StockService::Stub, v1::AdjustRequest, v1::AdjustResponse>;

void PrintAcknowledgement(const Settings& settings, EchoLoad& echo, const std::string& hub,
                          int items) {
  SubmitLoad submit(Connect(hub), &v1::ReportService::Stub::PrepareAsyncSubmitReport,
                    [items](uint64_t n, v1::SubmitReportRequest* request) {
                      *request->mutable_hello() = HelloOf(0, "one-by-one");
                      v1::Batch& batch = *request->mutable_batch();
                      batch.set_sequence(n + 1);
                      batch.clear_movements();
                      v1::Movement& sale = *batch.add_movements();
                      sale.set_sku(SkuOf(static_cast<int>(n) % items));
                      sale.set_kind(v1::MOVEMENT_KIND_SALE);
                      sale.set_quantity(1);
                      sale.set_occurred_at_us(WallUs());
                    });
  std::vector<double> floors, floors_slow, hubs, hubs_slow, syncs;
  for (int round = 0; round < settings.repeat; ++round) {
    const UnaryResult floor = echo.Run(1, settings.seconds / 2);
    floors.push_back(Median(floor.latencies_us));
    floors_slow.push_back(Percentile(floor.latencies_us, 0.99));
    const UnaryResult durable = submit.Run(1, settings.seconds / 2);
    hubs.push_back(Median(durable.latencies_us));
    hubs_slow.push_back(Percentile(durable.latencies_us, 0.99));
    syncs.push_back(FdatasyncUs(settings.folder, settings.quick ? 50 : 1'000));
  }
  const double floor = Median(std::move(floors));
  const double durable = Median(std::move(hubs));
  const double floor_slow = Median(std::move(floors_slow));
  const double durable_slow = Median(std::move(hubs_slow));
  const double sync = Median(std::move(syncs));
  Table::Print({kAckLine, Fixed(floor, 0) + " us", Fixed(durable, 0) + " us",
                Fixed(durable / floor, 2), "-"});
  Table::Print({kAckSlowLine, Fixed(floor_slow, 0) + " us", Fixed(durable_slow, 0) + " us",
                Fixed(durable_slow / floor_slow, 2), "-"});
  Table::Print({kSyncLine, Fixed(sync, 0) + " us", Fixed(durable - floor, 0) + " us",
                Fixed((durable - floor) / sync, 2), "at most 2; 1.3"});
}

void PrintUpdate(const Settings& settings, EchoLoad& echo, const std::string& hub, int items,
                 int locations) {
  absl::BitGen random;
  AdjustLoad adjust(Connect(hub), &v1::StockService::Stub::PrepareAsyncAdjust,
                    [&](uint64_t, v1::AdjustRequest* request) {
                      request->set_request_id(client::NewRequestId(absl::Now(), random));
                      request->set_sku(SkuOf(absl::Uniform(random, 0, items)));
                      request->set_location_id(LocationOf(absl::Uniform(random, 0, locations)));
                      request->set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
                      request->set_quantity(1);
                      request->set_author("bench");
                      request->set_reason("measured");
                    });
  const Pair pair = Interleave(
      settings.repeat, [&] { return echo.Run(kOutstanding, settings.seconds).calls_a_second; },
      [&] { return adjust.Run(kOutstanding, settings.seconds).calls_a_second; });
  Table::Print({kUpdateLine, Rate(pair.floor, "QPS"), Rate(pair.hub, "QPS"),
                Fixed(pair.hub / pair.floor, 2), "must 0.60; 0.80"});
}

}  // namespace

void MeasureAcknowledgements(const Settings& settings) {
  const bool wants_ack = settings.Wants(kAckLine) || settings.Wants(kSyncLine);
  const bool wants_update = settings.Wants(kUpdateLine);
  if (!wants_ack && !wants_update) return;
  const ChainShape shape{
      .items = settings.quick ? 1'000 : 20'000, .locations = 20, .positions = false};
  const std::string url = "sqlite:" + (settings.folder / "ack.db").string();
  MakeChain(url, shape);
  const Child echo_server({settings.self, "--echo-server"});
  const Child hub(ServeArguments(settings, url));
  AwaitCalm(hub.address());
  EchoLoad echo(Connect(echo_server.address()),
                &v1::AvailabilityService::Stub::PrepareAsyncGetAvailability,
                [](uint64_t, v1::GetAvailabilityRequest* request) {
                  request->set_sku(SkuOf(12'345));
                  request->set_channel_id(kChannelId);
                });
  if (wants_ack) PrintAcknowledgement(settings, echo, hub.address(), shape.items);
  if (wants_update) PrintUpdate(settings, echo, hub.address(), shape.items, shape.locations);
}

}  // namespace onhand::bench
