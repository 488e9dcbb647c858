// onhand-demo: a small chain on this machine. Starts a hub on SQLite and one agent a store in a
// temporary folder, lets the tills replay real sales, tells scenes, and leaves nothing behind.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/demo/narrator.h"
#include "tests/demo/probe.h"
#include "tests/demo/sales.h"
#include "tests/demo/scenes.h"
#include "tests/demo/stage.h"
#include "tests/demo/tills.h"
#include "tests/demo/view.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kOnceLasts = absl::Seconds(20);
constexpr absl::Duration kPaintEvery = absl::Milliseconds(250);
constexpr absl::Duration kSettlesWithin = absl::Seconds(10);
constexpr char kEnterScreen[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeaveScreen[] = "\x1b[?25h\x1b[?1049l";

volatile sig_atomic_t stop_signal = 0;
void OnSignal(int number) { stop_signal = number; }

struct CommandLine {
  int64_t speed = 1800;
  uint64_t seed = 7;
  std::string data = ONHAND_DEMO_DATA;
  bool once = false;
  bool plain = false;
};

// Waits until every position is what the tills say; answers in how many stores all are.
size_t CountEqualStores(client::Connection& hub, const Tills& tills) {
  size_t equal = 0;
  const absl::Time deadline = absl::Now() + kSettlesWithin;
  for (size_t store = 0; store < Stores().size(); ++store) {
    bool same = false;
    while (!(same = HubEqualsTill(hub, tills, store)) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(50));
    }
    equal += same ? 1 : 0;
  }
  return equal;
}

class Demo {
 public:
  explicit Demo(CommandLine given)
      : given_(std::move(given)),
        paints_(!given_.plain && isatty(STDOUT_FILENO) == 1),
        narrator_(!paints_) {}

  absl::Status Run();

 private:
  absl::Status Prepare();
  // Stores agree with the hub about the opening stock.
  absl::Status AllStoresAreEqual();
  absl::Status TeachPast(const std::vector<Sale>& past);
  absl::Status Show();
  absl::Status Finish();

  const CommandLine given_;
  const bool paints_;
  Narrator narrator_;
  // In the order in which one needs the other; they end the other way round.
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<client::Connection> hub_;
  std::unique_ptr<Probe> probe_;
  std::unique_ptr<Tills> tills_;
  std::unique_ptr<Scenes> scenes_;
  std::unique_ptr<View> view_;
};

absl::Status Demo::Prepare() {
  absl::StatusOr<SalesHistory> history = LoadSales(given_.data, given_.seed);
  if (!history.ok()) return history.status();
  std::cout << kChainName << ": " << Stores().size() << " stores, " << Goods().size()
            << " goods.\nSales: " << history->origin << ".\nOpening stock: simulated, seed "
            << given_.seed << ". Four goods are kept for the scenes.\n"
            << std::flush;
  const std::vector<Sale> past = std::exchange(history->past, {});
  const std::string programs = ONHAND_DEMO_PROGRAMS;
  absl::StatusOr<std::unique_ptr<Stage>> stage =
      Stage::Set({ONHAND_DEMO_HUB, ONHAND_DEMO_AGENT, programs});
  if (!stage.ok()) return stage.status();
  stage_ = *std::move(stage);
  if (const auto status = stage_->StartHub(given_.speed); !status.ok()) return status;
  std::cout << "Hub: ONHAND_HUB=" << stage_->hub()
            << " ONHAND_TOKEN_FILE=" << stage_->TokenFile("first") << ", on SQLite in "
            << stage_->folder() << "\n"
            << std::flush;
  if (const auto status = stage_->ImportChain(); !status.ok()) return status;
  hub_ = std::make_unique<client::Connection>(stage_->connection());

  probe_ = std::make_unique<Probe>(stage_->connection(absl::Seconds(2)), "in-store");
  tills_ = std::make_unique<Tills>(Tills::Options{
      .folder = stage_->drop_folder(),
      .history = *std::move(history),
      .speed = given_.speed,
      .seed = given_.seed,
      .on_sale = [probe = probe_.get()](size_t store, size_t good, int left,
                                        absl::Time at) { probe->Watch(store, good, left, at); },
      .on_rise = [probe = probe_.get()](size_t store,
                                        size_t good) { probe->Forget(store, good); }});
  if (const auto status = tills_->TellOpeningStock(); !status.ok()) return status;
  for (size_t store = 0; store < Stores().size(); ++store) {
    if (const auto status = stage_->StartAgent(store); !status.ok()) return status;
  }
  if (const auto status = AllStoresAreEqual(); !status.ok()) return status;
  return TeachPast(past);
}

absl::Status Demo::AllStoresAreEqual() {
  const size_t equal = CountEqualStores(*hub_, *tills_);
  if (equal == Stores().size()) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("the hub knows the opening stock of ", equal, " stores only"));
}

absl::Status Demo::TeachPast(const std::vector<Sale>& past) {
  // Of a store that has told its opening stock and nothing else.
  const auto store =
      hub_->Call(&v1::HubService::Stub::ListLocationStatus, v1::ListLocationStatusRequest());
  if (!store.ok()) return store.status();
  const auto& opened = store->locations(0).known_through();
  const absl::Time first_moment =
      absl::FromUnixSeconds(opened.seconds()) + absl::Nanoseconds(opened.nanos());
  std::ofstream(stage_->folder() + "/past.csv") << PastSalesCsv(past, first_moment);
  narrator_.Say(
      "\nDay one: the tills' sales of the month before teach the hub how fast everything sells");
  const auto shown = stage_->Show("onhand import sales past.csv --author ana", narrator_);
  if (!shown.ok()) return shown;
  if (const auto status = AllStoresAreEqual(); !status.ok()) return status;
  narrator_.Say("  No stock has moved by that.");
  return absl::OkStatus();
}

absl::Status Demo::Show() {
  tills_->Open();
  scenes_ = std::make_unique<Scenes>(Scenes::Options{.stage = stage_.get(),
                                                     .tills = tills_.get(),
                                                     .probe = probe_.get(),
                                                     .narrator = &narrator_,
                                                     .speed = given_.speed,
                                                     .once = given_.once});
  view_ = std::make_unique<View>(hub_.get(), tills_.get(), probe_.get(), given_.speed);
  const absl::Time end = given_.once ? absl::Now() + kOnceLasts : absl::InfiniteFuture();
  // A slow machine may need longer for the scenes.
  while (stop_signal == 0 &&
         (absl::Now() < end || (!scenes_->played() && scenes_->status().ok()))) {
    if (const auto status = stage_->CheckHub(); !status.ok()) return status;
    const absl::StatusOr<std::string> table = view_->Table();
    if (table.ok() && paints_) view_->Paint(*table, narrator_.lines());
    absl::SleepFor(kPaintEvery);
  }
  return scenes_->status();
}

absl::Status Demo::Finish() {
  const absl::StatusOr<std::string> table = view_->Table();
  tills_->SetHalted(true);
  const size_t equal = CountEqualStores(*hub_, *tills_);
  if (paints_) {
    for (const std::string& line : narrator_.lines()) std::cout << line << "\n";
  }
  if (!table.ok()) return table.status();
  std::cout << "\n"
            << *table << "  " << equal << " of " << Stores().size()
            << " stores have in the hub exactly what their tills count\n"
            << std::flush;
  if (equal == Stores().size()) return tills_->status();
  return absl::DataLossError("the hub and the tills do not agree");
}

absl::Status Demo::Run() {
  if (const auto status = Prepare(); !status.ok() || stop_signal != 0) return status;
  if (paints_) std::cout << kEnterScreen << std::flush;
  const absl::Status shown = Show();
  if (paints_) std::cout << kLeaveScreen << std::flush;
  if (!shown.ok()) {
    // What the hub said last explains more than what a scene missed.
    absl::SleepFor(kPaintEvery);
    const absl::Status hub = stage_->CheckHub();
    return hub.ok() ? shown : hub;
  }
  return given_.once && stop_signal == 0 ? Finish() : absl::OkStatus();
}

int Main(int argc, char** argv) {
  CommandLine given;
  CLI::App app("A small chain on this machine, with its hub, agents and tills.", "onhand-demo");
  app.add_flag("--once", given.once,
               "All scenes (20 seconds at least), the final table, and the end");
  app.add_flag("--plain", given.plain,
               "Text without a live picture, as where there is no terminal");
  app.add_option("--speed", given.speed, "Seconds of the chain that pass in one")
      ->check(CLI::Range(int64_t{1}, int64_t{7200}))
      ->capture_default_str();
  app.add_option("--seed", given.seed, "Of opening stock and of the thinning of sales")
      ->capture_default_str();
  app.add_option("--data", given.data,
                 "Folder with freshretail_sales.csv.gz; without it sales are generated")
      ->envname("ONHAND_DATA");
  CLI11_PARSE(app, argc, argv);

  struct sigaction action = {};
  action.sa_handler = OnSignal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);

  absl::Status status;
  {
    Demo demo(given);
    status = demo.Run();
  }
  if (!status.ok()) {
    std::cerr << "onhand-demo: " << status.message() << "\n";
    return 1;
  }
  return stop_signal == 0 || !given.once ? 0 : 128 + stop_signal;
}

}  // namespace
}  // namespace onhand::demo

int main(int argc, char** argv) { return onhand::demo::Main(argc, argv); }
