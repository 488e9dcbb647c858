#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/watch.grpc.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr char kOneLine[] = "watch: told after the acknowledgement p99, 1 watcher";
constexpr char kManyLine[] = "watch: p99 of 1,000 watchers with one stuck / of 1";
constexpr char kMemoryLine[] = "  memory of the hub with them";

constexpr int kWatchers = 1'000;
// Each of the many watches so many items.
constexpr int kSkusEach = 20;
constexpr int kItems = kWatchers * kSkusEach;
constexpr auto kToldWithin = std::chrono::seconds(10);

// Streams on one connection, read by one thread; what they are told last of each item.
class WatchLoad {
 public:
  explicit WatchLoad(const std::string& address) : stub_(Connect(address)) {}
  ~WatchLoad() {
    for (const auto& stream : streams_) stream->context.TryCancel();
    // No read may be started on a queue that is shut: the reader leaves first.
    if (reader_.joinable()) reader_.join();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // Before Start.
  void Add(const v1::WatchRequest& request) {
    streams_.push_back(std::make_unique<Stream>());
    streams_.back()->request = request;
  }
  // Opens the streams and waits until each has been told where it stands.
  void Start() {
    for (const auto& stream : streams_) {
      stream->reader = stub_.PrepareAsyncWatch(&stream->context, stream->request, &queue_);
      stream->reader->StartCall(stream.get());
    }
    reader_ = std::thread([this] { Read(); });
    std::unique_lock<std::mutex> lock(mutex_);
    if (!news_.wait_for(lock, kToldWithin, [this] { return standing_ == streams_.size(); })) {
      throw std::runtime_error("watchers were not opened");
    }
  }
  // When it was told of the item at that revision or later; waits for it.
  SteadyClock::time_point ToldAt(const std::string& sku, uint64_t revision) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto told = [&] { return told_[sku].revision >= revision; };
    if (!news_.wait_for(lock, kToldWithin, told)) {
      throw std::runtime_error(absl::StrCat("no watcher was told of ", sku));
    }
    return told_[sku].at;
  }

 private:
  struct Stream {
    grpc::ClientContext context;
    v1::WatchRequest request;
    v1::WatchResponse response;
    std::unique_ptr<grpc::ClientAsyncReader<v1::WatchResponse>> reader;
    bool open = false;
    bool stands = false;
  };
  struct Told {
    uint64_t revision = 0;
    SteadyClock::time_point at;
  };

  // Until all streams have ended.
  void Read() {
    void* tag = nullptr;
    bool ok = false;
    for (size_t open = streams_.size(); open > 0 && queue_.Next(&tag, &ok);) {
      if (!ok) {
        --open;
        continue;
      }
      Stream& stream = *static_cast<Stream*>(tag);
      if (stream.open) Take(stream);
      stream.open = true;
      stream.reader->Read(&stream.response, &stream);
    }
  }
  void Take(Stream& stream) {
    const auto now = SteadyClock::now();
    std::lock_guard<std::mutex> lock(mutex_);
    if (!stream.stands) ++standing_;
    stream.stands = true;
    for (const v1::Availability& change : stream.response.changes()) {
      told_[change.sku()] = {change.revision(), now};
    }
    news_.notify_all();
  }

  v1::WatchService::Stub stub_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable news_;
  size_t standing_ = 0;
  absl::flat_hash_map<std::string, Told> told_;
};

// A watcher of everything that reads its first message and nothing after it.
class StuckWatcher {
 public:
  explicit StuckWatcher(const std::string& address) : stub_(Connect(address)) {
    reader_ = stub_.Watch(&context_, v1::WatchRequest());
    v1::WatchResponse response;
    if (!reader_->Read(&response)) throw std::runtime_error("the stuck watcher was refused");
  }
  ~StuckWatcher() {
    context_.TryCancel();
    reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  v1::WatchService::Stub stub_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
};

// Reports one item's level at a time; how long after each acknowledgement its watcher was told, us.
class Reporter {
 public:
  explicit Reporter(const std::string& address) : stub_(Connect(address)) {
    *request_.mutable_hello() = HelloOf(1, "watched");
  }

  std::vector<double> Run(WatchLoad& watchers, double seconds) {
    std::vector<double> delays_us;
    for (const auto start = SteadyClock::now(); SecondsSince(start) < seconds;) {
      ThrowIfInterrupted();
      // Prime, so that no watcher has two turns in a row.
      const std::string sku = SkuOf(static_cast<int>(sequence_ * 7'919 % kItems));
      v1::Batch& batch = *request_.mutable_batch();
      batch.set_sequence(++sequence_);
      batch.clear_movements();
      v1::Movement& level = *batch.add_movements();
      level.set_sku(sku);
      level.set_kind(v1::MOVEMENT_KIND_LEVEL);
      // Another number than this item's last one, when its turn comes again.
      level.set_quantity(10 + static_cast<int64_t>(sequence_) % 997);
      level.set_occurred_at_us(WallUs());
      grpc::ClientContext context;
      v1::SubmitReportResponse response;
      const grpc::Status status = stub_.SubmitReport(&context, request_, &response);
      const auto acknowledged = SteadyClock::now();
      if (!status.ok()) throw std::runtime_error("a report failed: " + status.error_message());
      const auto told = watchers.ToldAt(sku, response.ack().revision());
      delays_us.push_back(
          std::max(std::chrono::duration<double, std::micro>(told - acknowledged).count(), 0.0));
    }
    return delays_us;
  }

 private:
  v1::ReportService::Stub stub_;
  v1::SubmitReportRequest request_;
  uint64_t sequence_ = 0;
};

std::string Milliseconds(double us) { return Fixed(us / 1'000, 2) + " ms"; }

}  // namespace

void MeasureWatch(const Settings& settings) {
  const bool wants_many = settings.Wants(kManyLine) || settings.Wants(kMemoryLine);
  if (!settings.Wants(kOneLine) && !wants_many) return;
  const ChainShape shape{.items = kItems, .locations = 20, .positions = false};
  const std::string url = "sqlite:" + (settings.folder / "watch.db").string();
  MakeChain(url, shape);
  const Child hub(ServeArguments(settings, url));
  AwaitCalm(hub.address());
  Reporter reporter(hub.address());
  std::vector<double> one_us, many_us;
  {
    WatchLoad one(hub.address());
    one.Add({});
    one.Start();
    for (int round = 0; round < settings.repeat; ++round) {
      one_us.push_back(Percentile(reporter.Run(one, settings.seconds), 0.99));
    }
  }
  const double one = Median(std::move(one_us));
  Table::Print({kOneLine, "-", Milliseconds(one), "-", "at most 5 ms"});
  if (!wants_many) return;
  const size_t before = hub.ResidentBytes();
  const StuckWatcher stuck(hub.address());
  WatchLoad many(hub.address());
  for (int n = 0; n < kWatchers; ++n) {
    v1::WatchRequest request;
    for (int k = 0; k < kSkusEach; ++k) request.add_skus(SkuOf(n * kSkusEach + k));
    many.Add(request);
  }
  many.Start();
  for (int round = 0; round < settings.repeat; ++round) {
    many_us.push_back(Percentile(reporter.Run(many, settings.seconds), 0.99));
  }
  const double of_many = Median(std::move(many_us));
  Table::Print({kManyLine, Milliseconds(one), Milliseconds(of_many),
                one > 0 ? Fixed(of_many / one, 2) : "-", "at most 2"});
  constexpr double kMegabyte = 1 << 20;
  const double more = static_cast<double>(hub.ResidentBytes()) - static_cast<double>(before);
  Table::Print({kMemoryLine, Fixed(static_cast<double>(before) / kMegabyte, 0) + " MB",
                "+" + Fixed(more / kMegabyte, 0) + " MB", "-", "bounded"});
}

}  // namespace onhand::bench
