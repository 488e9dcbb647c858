#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/open.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/disk_floors.h"
#include "tests/bench/lines.h"
#include "tests/bench/report_load.h"
#include "tests/bench/table.h"
#include "tests/support/mariadb.h"

namespace onhand::bench {
namespace {

constexpr int kGeneratorsMax = 12;
// Sustained ingest holds the tables this many movements behind, plain steps of the hub's own
// writing apart; at a constant lag what is acknowledged is what the tables take.
constexpr uint64_t kLagMovements = 300'000;
constexpr double kSettleSeconds = 5;

// A kind of store: how a fresh one is had, and its floors.
struct StoreKind {
  std::string name;
  std::function<std::string()> fresh_url;
  std::function<double(RowWork)> row_rate;
};

std::string BurstName(const StoreKind& kind, int generators) {
  return "burst ingest, " + kind.name + ", " + std::to_string(generators) +
         (generators == 1 ? " generator" : " generators") + " / blob journal";
}
std::string SustainedName(const StoreKind& kind) {
  return "sustained ingest, " + kind.name + ", 12 generators / row-wise upserts";
}
std::string InsertedName(const StoreKind& kind) {
  return "  the same, " + kind.name + " / row-wise inserts";
}

// A full chain store by store: sales of any item meet a position that is known and quiet.
ChainShape IngestShape(const Settings& settings) {
  return {
      .items = settings.quick ? 1'000 : 20'000, .locations = kGeneratorsMax, .positions = false};
}

// A new hub on a new store each time, so that no burst pays for what the one before left to be
// written to the tables.
double BurstOnce(const Settings& settings, const StoreKind& kind, int generators) {
  const ChainShape shape = IngestShape(settings);
  const std::string url = kind.fresh_url();
  MakeChain(url, shape);
  const Child hub(ServeArguments(settings, url));
  AwaitCalm(hub.address());
  ReportLoad load(hub.address(), generators, shape.items);
  return load.Burst(settings.seconds);
}

struct Sustained {
  double movements_a_second = 0;
  int64_t lag_grew_by = 0;  // movements, over the whole measurement
};

// Lets the generators send only while the tables are at most kLagMovements behind, and counts
// acknowledgements once that has settled. The tables' watermarks are read from the tables.
Sustained SustainOnce(const Settings& settings, const StoreKind& kind) {
  const ChainShape shape = IngestShape(settings);
  const std::string url = kind.fresh_url();
  MakeChain(url, shape);
  const Child hub(ServeArguments(settings, url));
  AwaitCalm(hub.address());
  const std::unique_ptr<storage::Store> tables = Must(storage::OpenStore(url, ""), "tables");
  ReportLoad load(hub.address(), kGeneratorsMax, shape.items);
  const auto lag = [&]() -> uint64_t {
    const storage::ProjectionHead head = Must(tables->projection().Head(), "tables' head");
    const uint64_t written =
        load.AcknowledgedThrough(std::min(head.through_revision, head.movements_through_revision));
    return load.acknowledged() - written;
  };
  const auto hold_lag_for = [&](double seconds) {
    const auto start = SteadyClock::now();
    while (SecondsSince(start) < seconds) {
      ThrowIfInterrupted();
      load.SetSending(lag() < kLagMovements);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return SecondsSince(start);
  };
  hold_lag_for(std::min(kSettleSeconds, settings.sustained_seconds));
  const uint64_t lag_before = lag();
  const uint64_t before = load.acknowledged();
  const double seconds = hold_lag_for(settings.sustained_seconds);
  Sustained sustained;
  // What the tables fell behind in that time was not sustained.
  sustained.lag_grew_by = static_cast<int64_t>(lag()) - static_cast<int64_t>(lag_before);
  sustained.movements_a_second = static_cast<double>(load.acknowledged() - before) / seconds;
  load.Finish();
  return sustained;
}

void PrintBursts(const Settings& settings, const StoreKind& kind) {
  for (const int generators : {1, kGeneratorsMax}) {
    const std::string name = BurstName(kind, generators);
    if (!settings.Wants(name)) continue;
    const Pair pair = Interleave(
        settings.repeat, [&] { return BlobJournalRate(kind.fresh_url(), settings.seconds / 2); },
        [&] { return BurstOnce(settings, kind, generators); });
    Table::Print({name, Rate(pair.floor, "mov/s"), Rate(pair.hub, "mov/s"),
                  Fixed(pair.hub / pair.floor, 2), "0.25, must 0.30; 0.50"});
  }
}

// One long run of the hub between the floors' rounds.
void PrintSustained(const Settings& settings, const StoreKind& kind) {
  const std::string name = SustainedName(kind);
  if (!settings.Wants(name)) return;
  std::vector<double> upserts, inserts;
  std::optional<Sustained> sustained;
  for (int round = 0; round < settings.repeat; ++round) {
    if (round == settings.repeat / 2) sustained = SustainOnce(settings, kind);
    upserts.push_back(kind.row_rate(RowWork::kUpsertStock));
    inserts.push_back(kind.row_rate(RowWork::kInsertMovement));
  }
  const double hub = sustained->movements_a_second;
  const double upsert = Median(std::move(upserts));
  const double insert = Median(std::move(inserts));
  Table::Print({name, Rate(upsert, "rows/s"), Rate(hub, "mov/s"), Fixed(hub / upsert, 2),
                "0.50, must 0.50; 0.80"});
  Table::Print({InsertedName(kind), Rate(insert, "rows/s"), Rate(hub, "mov/s"),
                Fixed(hub / insert, 2),
                "lag " + std::string(sustained->lag_grew_by < 0 ? "" : "+") +
                    Rate(static_cast<double>(sustained->lag_grew_by), "movements")});
}

void PrintLines(const Settings& settings, const StoreKind& kind) {
  PrintBursts(settings, kind);
  PrintSustained(settings, kind);
}

bool WantsAny(const Settings& settings, const StoreKind& kind) {
  return settings.Wants(BurstName(kind, 1)) || settings.Wants(BurstName(kind, kGeneratorsMax)) ||
         settings.Wants(SustainedName(kind));
}

// Only what is measured is on the disk: the stores of earlier rounds are removed.
StoreKind Sqlite(const Settings& settings) {
  const std::filesystem::path folder = settings.folder / "ingest";
  const auto empty_folder = [folder] {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    return (folder / "store.db").string();
  };
  return {.name = "SQLite",
          .fresh_url = [empty_folder] { return "sqlite:" + empty_folder(); },
          .row_rate =
              [&settings, empty_folder](RowWork work) {
                const ChainShape shape = IngestShape(settings);
                return SqliteRowRate(empty_folder(), work, shape.items, shape.locations,
                                     settings.seconds);
              }};
}

StoreKind MariaDb(const Settings& settings, std::unique_ptr<testing::MariaDb>* server) {
  // Started by the first who needs it, with room for the redo log of a burst.
  const auto database = [server, last = std::make_shared<std::string>()] {
    if (*server == nullptr) {
      *server = std::make_unique<testing::MariaDb>(
          std::vector<std::string>{"--innodb-log-file-size=512M", "--innodb-buffer-pool-size=512M",
                                   "--open-files-limit=4096"});
    }
    if (!last->empty()) (*server)->Run("DROP DATABASE " + *last);
    return *last = (*server)->CreateDatabase();
  };
  return {.name = "MariaDB",
          .fresh_url =
              [server, database] {
                const std::string name = database();
                return (*server)->Url(name);
              },
          .row_rate =
              [&settings, server, database](RowWork work) {
                const std::string name = database();
                const ChainShape shape = IngestShape(settings);
                return MariaDbRowRate((*server)->port(), (*server)->user(), name, work, shape.items,
                                      shape.locations, settings.seconds);
              }};
}

}  // namespace

void MeasureIngest(const Settings& settings) {
  if (const StoreKind sqlite = Sqlite(settings); WantsAny(settings, sqlite)) {
    PrintLines(settings, sqlite);
  }
  std::unique_ptr<testing::MariaDb> server;
  if (const StoreKind mariadb = MariaDb(settings, &server); WantsAny(settings, mariadb)) {
    PrintLines(settings, mariadb);
  }
}

}  // namespace onhand::bench
