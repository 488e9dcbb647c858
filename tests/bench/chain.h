// The chain that is measured: items, locations, one channel and a few rules, put into a store by a
// hub inside this process, with a clock that can be turned. One thread.
#ifndef ONHAND_TESTS_BENCH_CHAIN_H_
#define ONHAND_TESTS_BENCH_CHAIN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "onhand/v1/report.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "storage/store.h"

namespace onhand::bench {

inline constexpr char kChannelId[] = "web-ship";

struct ChainShape {
  int items = 100'000;
  int locations = 20;
  // True: every item has a position at every location, told two days ago and quiet since.
  bool positions = true;
};

// The ids of item and location n, from 0.
std::string SkuOf(int item);
std::string LocationOf(int location);
// The one source of a location, and what it says first.
v1::Hello HelloOf(int location, const std::string& spool_id);

// Makes the chain in the store at `url` (as storage::OpenStore takes it) and leaves a sealed image.
// The plain tables are marked as written, so that a hub that serves the store has nothing to catch
// up with.
void MakeChain(const std::string& url, const ChainShape& shape);

// Stands until it is turned.
class TurnedClock final : public hub::Clock {
 public:
  explicit TurnedClock(int64_t now_us) : now_us_(now_us) {}
  int64_t NowUs() override { return now_us_.load(); }
  void Turn(int64_t us) { now_us_ += us; }

 private:
  std::atomic<int64_t> now_us_;
};

int64_t WallUs();

// A source's reports inside this process: opens it and submits batches one by one.
class LocalSource {
 public:
  LocalSource(hub::Hub* hub, int location, const std::string& spool_id);
  // Submits and does not wait; `batch` lives until Wait returns. Its sequence is set here.
  void Submit(v1::Batch* batch);
  // Until everything submitted is durable. Throws if a batch was refused or a row quarantined.
  void Wait();

 private:
  hub::Hub* const hub_;
  ledger::OpenedSource opened_;
  uint64_t sequence_ = 0;
  std::atomic<int> open_{0};
  std::atomic<int> refused_{0};
};

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_CHAIN_H_
