#include <malloc.h>

#include <memory>
#include <vector>

#include "storage/open.h"
#include "tests/bench/chain.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"

namespace onhand::bench {
namespace {

constexpr char kBytesLine[] = "bytes a position: cells and index";
constexpr char kBesideLine[] = "  windows and rare state beside them";
constexpr char kHeapLine[] = "  the whole process's heap";
constexpr char kStartLine[] = "start-up: positions a second, image and tail";

// Rows that a start replays behind the image.
constexpr int kTailBatches = 100;

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A hub that has loaded the chain and writes only its epoch and ticks.
struct Loaded {
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<hub::HubClock> clock;
  std::unique_ptr<hub::Hub> hub;
  double seconds = 0;
};

Loaded Load(const std::string& url) {
  Loaded loaded;
  loaded.store = Must(storage::OpenStore(url, ""), "store");
  loaded.clock = std::make_unique<hub::HubClock>();
  const auto start = SteadyClock::now();
  loaded.hub = Must(hub::Hub::Start(loaded.store.get(), loaded.clock.get(), {.version = "bench"}),
                    "starting the hub");
  loaded.seconds = SecondsSince(start);
  return loaded;
}

// Some sales behind the image.
void AddTail(const BigChain& chain) {
  const Loaded loaded = Load(chain.url);
  LocalSource source(loaded.hub.get(), 0, "tail");
  for (int n = 0; n < kTailBatches; ++n) {
    v1::Batch batch;
    const int64_t now_us = loaded.clock->NowUs();
    batch.add_known_through()->set_at_us(now_us);
    for (int i = 0; i < 1'000; ++i) {
      v1::Movement& row = *batch.add_movements();
      row.set_sku(SkuOf((n * 7'919 + i * 104'729) % chain.items));
      row.set_kind(v1::MOVEMENT_KIND_SALE);
      row.set_quantity(1);
      row.set_occurred_at_us(now_us);
    }
    source.Submit(&batch);
    source.Wait();
  }
}

void PrintBytes(const BigChain& chain, size_t heap_before) {
  const Loaded loaded = Load(chain.url);
  const size_t heap = HeapBytes() - heap_before;
  loaded.hub->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    // A copy takes what the original takes: the table does not tell its size.
    const size_t before = HeapBytes();
    const auto index =
        std::make_unique<ledger::Table<std::string, ledger::CodeTarget>>(state.codes);
    const size_t index_bytes = HeapBytes() - before;
    const auto positions = static_cast<double>(state.positions.size());
    const double bytes =
        static_cast<double>(state.positions.BytesOfCells() + index_bytes) / positions;
    Table::Print({kBytesLine, "-", Fixed(bytes, 1) + " B", "-", "48 B; 40 B"});
    Table::Print({kBesideLine, "-",
                  Fixed(static_cast<double>(state.positions.BytesBeside()) / positions, 1) + " B",
                  "-", "-"});
    Table::Print(
        {kHeapLine, "-", Fixed(static_cast<double>(heap) / positions, 1) + " B", "-", "-"});
    return 0;
  });
}

}  // namespace

const BigChain& TheBigChain(const Settings& settings) {
  static const BigChain chain = [&settings] {
    ChainShape shape;
    if (settings.quick) shape.items = 1'000;
    BigChain made{"sqlite:" + (settings.folder / "chain.db").string(), shape.items,
                  shape.locations};
    MakeChain(made.url, shape);
    return made;
  }();
  return chain;
}

void MeasureLedger(const Settings& settings) {
  const bool wants_bytes = settings.Wants(kBytesLine);
  const bool wants_start = settings.Wants(kStartLine);
  if (!wants_bytes && !wants_start) return;
  const BigChain& chain = TheBigChain(settings);
  malloc_trim(0);
  const size_t heap_before = HeapBytes();
  if (wants_bytes) PrintBytes(chain, heap_before);
  if (!wants_start) return;
  AddTail(chain);
  std::vector<double> rates;
  for (int round = 0; round < settings.repeat; ++round) {
    ThrowIfInterrupted();
    const Loaded loaded = Load(chain.url);
    rates.push_back(static_cast<double>(chain.items) * chain.locations / loaded.seconds);
  }
  Table::Print(
      {kStartLine, "-", Rate(Median(std::move(rates)), "positions/s"), "-", "5 M/s; 20 M/s"});
}

}  // namespace onhand::bench
