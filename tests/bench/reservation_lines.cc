// What holding a basket costs, alone and while every store sends its nightly stock at once.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/request_id.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr char kHoldLine[] = "reservation p50, one at a time / echo p50";
constexpr char kHoldSlowLine[] = "  reservation p99";
constexpr char kFloodLine[] = "reservation p50 under nightly snapshots / idle";
constexpr char kFloodSlowLine[] = "  reservation p99 under nightly snapshots";
constexpr int kBatchRows = 1'000;  // as agents send them

using EchoLoad = UnaryLoad<v1::AvailabilityService::Stub, v1::GetAvailabilityRequest,
                           v1::GetAvailabilityResponse>;
using HoldLoad = UnaryLoad<v1::ReservationService::Stub, v1::CreateReservationRequest,
                           v1::CreateReservationResponse>;

// Every store's whole stock, again and again, one connection each, as one night brings them.
class Flood {
 public:
  // Each night's spool is a new one.
  Flood(const std::string& hub, int night, int stores, int items)
      : spool_id_(absl::StrCat("night-", night)) {
    for (int store = 0; store < stores; ++store) {
      threads_.emplace_back([this, hub, store, items] { Send(hub, store, items); });
    }
  }
  ~Flood() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  bool failed() const { return failed_; }

 private:
  void Send(const std::string& hub, int store, int items) {
    v1::ReportService::Stub stub(Connect(hub));
    uint64_t sequence = 0;
    while (!stopping_) {
      for (int first = 0; first < items && !stopping_; first += kBatchRows) {
        v1::SubmitReportRequest request;
        *request.mutable_hello() = HelloOf(store, spool_id_);
        v1::Batch& batch = *request.mutable_batch();
        batch.set_sequence(++sequence);
        const int64_t now_us = WallUs();
        batch.add_known_through()->set_at_us(now_us);
        v1::SnapshotPart& part = *batch.add_snapshots();
        if (first == 0) part.mutable_begin()->set_as_of_us(now_us);
        for (int n = first; n < std::min(items, first + kBatchRows); ++n) {
          v1::SnapshotRow& row = *part.add_rows();
          row.set_sku(SkuOf(n));
          row.set_quantity(5 + (n + store + snapshots_) % 40);
        }
        if (first + kBatchRows >= items) {
          part.mutable_end()->set_row_count(static_cast<uint64_t>(items));
          part.mutable_end()->set_complete(true);
        }
        grpc::ClientContext context;
        v1::SubmitReportResponse response;
        if (!stub.SubmitReport(&context, request, &response).ok()) {
          failed_ = true;
          return;
        }
      }
      ++snapshots_;
    }
  }

  const std::string spool_id_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_{false};
  std::atomic<int> snapshots_{0};
  std::vector<std::thread> threads_;
};

struct Latencies {
  double p50 = 0;
  double p99 = 0;
};

Latencies Of(const std::vector<std::vector<double>>& rounds) {
  std::vector<double> p50, p99;
  for (const std::vector<double>& samples : rounds) {
    p50.push_back(Median(samples));
    p99.push_back(Percentile(samples, 0.99));
  }
  return {Median(std::move(p50)), Median(std::move(p99))};
}

}  // namespace

void MeasureReservations(const Settings& settings) {
  const bool wants_flood = settings.Wants(kFloodLine) || settings.Wants(kFloodSlowLine);
  if (!wants_flood && !settings.Wants(kHoldLine) && !settings.Wants(kHoldSlowLine)) return;
  const ChainShape shape{.items = settings.quick ? 500 : 20'000, .locations = 20};
  const std::string url = "sqlite:" + (settings.folder / "reservations.db").string();
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
  absl::BitGen random;
  // Two lines, as a basket has; the hub chooses the store.
  HoldLoad hold(Connect(hub.address()),
                &v1::ReservationService::Stub::PrepareAsyncCreateReservation,
                [&](uint64_t, v1::CreateReservationRequest* request) {
                  request->set_request_id(client::NewRequestId(absl::Now(), random));
                  v1::Basket& basket = *request->mutable_basket();
                  basket.set_channel_id(kChannelId);
                  basket.clear_lines();
                  const int item = absl::Uniform(random, 0, shape.items);
                  for (const int n : {item, (item + 1) % shape.items}) {
                    v1::BasketLine& line = *basket.add_lines();
                    line.set_sku(SkuOf(n));
                    line.set_units(1);
                  }
                  request->set_ttl_s(5);
                });
  std::vector<std::vector<double>> floor, idle, flooded;
  for (int round = 0; round < settings.repeat; ++round) {
    floor.push_back(echo.Run(1, settings.seconds / 2).latencies_us);
    idle.push_back(hold.Run(1, settings.seconds / 2).latencies_us);
    if (!wants_flood) continue;
    const Flood flood(hub.address(), round, settings.quick ? 4 : 12, shape.items);
    flooded.push_back(hold.Run(1, settings.seconds).latencies_us);
    if (flood.failed()) throw std::runtime_error("a snapshot of the flood was refused");
  }
  const Latencies echoed = Of(floor), alone = Of(idle);
  Table::Print({kHoldLine, Fixed(echoed.p50, 0) + " us", Fixed(alone.p50, 0) + " us",
                Fixed(alone.p50 / echoed.p50, 2), "-"});
  Table::Print({kHoldSlowLine, Fixed(echoed.p99, 0) + " us", Fixed(alone.p99, 0) + " us",
                Fixed(alone.p99 / echoed.p99, 2), "-"});
  if (!wants_flood) return;
  const Latencies under = Of(flooded);
  Table::Print({kFloodLine, Fixed(alone.p50, 0) + " us", Fixed(under.p50, 0) + " us",
                Fixed(under.p50 / alone.p50, 2), "-"});
  Table::Print({kFloodSlowLine, Fixed(alone.p99, 0) + " us", Fixed(under.p99, 0) + " us",
                Fixed(under.p99 / alone.p99, 2), "at most 2; 1.3"});
}

}  // namespace onhand::bench
