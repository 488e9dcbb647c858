#include "tests/demo/scenes.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr char kChannel[] = "web-ship";
constexpr absl::Duration kHappensWithin = absl::Seconds(15);
constexpr absl::Duration kLookEvery = absl::Milliseconds(20);
constexpr absl::Duration kSilence = absl::Seconds(2);
constexpr absl::Duration kPause = absl::Seconds(5);

size_t StoreById(absl::string_view id) {
  size_t store = 0;
  while (Stores()[store].id != id) ++store;
  return store;
}

}  // namespace

bool HubEqualsTill(client::Connection& hub, const Tills& tills, size_t store) {
  v1::ListPositionsRequest request;
  request.set_location_id(Stores()[store].id);
  request.set_page_size(1000);
  const auto response = hub.Call(&v1::StockService::Stub::ListPositions, request);
  if (!response.ok()) return false;
  std::map<std::string, int64_t> on_hand;
  for (const v1::Position& position : response->positions()) {
    on_hand[position.sku()] = position.on_hand();
  }
  const std::vector<int> shelves = tills.Shelves(store);
  for (size_t good = 0; good < Goods().size(); ++good) {
    const auto told = on_hand.find(Goods()[good].sku);
    if (told == on_hand.end() || told->second != shelves[good]) return false;
  }
  return true;
}

Scenes::Scenes(Stage* stage, Tills* tills, Probe* probe, Narrator* narrator, bool once)
    : stage_(stage),
      tills_(tills),
      probe_(probe),
      narrator_(narrator),
      once_(once),
      hub_({.hub = stage->hub(), .timeout = absl::Seconds(2)}),
      thread_([this] { Run(); }) {}

Scenes::~Scenes() { Stop(); }

void Scenes::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status Scenes::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

bool Scenes::Rest(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  return !mu_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
}

void Scenes::Run() {
  absl::Status status;
  do {
    status = Play("Scene 1: below 5 in the chain it disappears, at 8 it is back", &Scenes::ItHides);
    if (status.ok()) {
      status = Play("Scene 2: nothing left, and each item does what its rule says",
                    &Scenes::ZeroMeansWhatTheRuleSays);
    }
    if (status.ok()) {
      status = Play("Scene 3: a store falls silent and comes back", &Scenes::AStoreFallsSilent);
    }
    if (status.ok()) {
      status = Play("Scene 4: a broken file is caught", &Scenes::ABrokenFileIsCaught);
    }
    played_ = played_ || status.ok();
  } while (status.ok() && !once_ && Rest(kPause));
  if (!status.ok() && !absl::IsCancelled(status)) {
    narrator_->Say(absl::StrCat("  It did not go as told: ", std::string(status.message())));
    absl::MutexLock lock(&mu_);
    status_ = status;
  }
  // An agent lives no longer than the thread that started it.
  while (Rest(absl::Hours(1))) {
  }
}

absl::Status Scenes::Play(const std::string& title, absl::Status (Scenes::*scene)()) {
  if (!once_ && !Rest(kPause)) return absl::CancelledError("stopped");
  narrator_->Say(absl::StrCat("\n", title));
  return (this->*scene)();
}

absl::Status Scenes::WaitUntil(const std::string& what, const std::function<bool()>& happened) {
  const absl::Time deadline = absl::Now() + kHappensWithin;
  while (!happened()) {
    if (!Rest(kLookEvery)) return absl::CancelledError("stopped");
    if (absl::Now() > deadline) return absl::DeadlineExceededError(what);
  }
  return absl::OkStatus();
}

absl::Status Scenes::WaitForStatus(const char* sku, v1::AvailabilityStatus status) {
  return WaitUntil(absl::StrCat(sku, " is not ", v1::AvailabilityStatus_Name(status)), [&] {
    v1::GetAvailabilityRequest request;
    request.set_sku(sku);
    request.set_channel_id(kChannel);
    const auto response = hub_.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
    return response.ok() && response->availability().status() == status;
  });
}

absl::Status Scenes::Show(const std::string& command) {
  const absl::StatusOr<Finished> finished = stage_->Type(command);
  if (!finished.ok()) return finished.status();
  std::string text = absl::StrCat("  $ ", command, "\n");
  for (const absl::string_view line : absl::StrSplit(finished->output, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text, "    ", line, "\n");
  }
  text.pop_back();
  narrator_->Say(text);
  if (finished->exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command, " ended with ", finished->exit_code));
}

absl::Status Scenes::ItHides() {
  const size_t good = GoodBySku(kHidingSku);
  const std::string ask = absl::StrCat("onhand availability ", kHidingSku, " --channel ", kChannel,
                                       " --explain | head -4");
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_IN_STOCK); !is.ok()) {
    return is;
  }
  const int sold = tills_->Sell(good, tills_->ChainOnHand(good) - 4);
  narrator_->Say(absl::StrCat("  Customers in several stores buy ", sold, " of ",
                              Goods()[good].name, "; 4 are left in the whole chain."));
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_HIDDEN); !is.ok()) {
    return is;
  }
  if (const auto shown = Show(ask); !shown.ok()) return shown;
  const size_t store = StoreById("lisbon");
  tills_->Receive(store, good, 3);
  narrator_->Say(absl::StrCat("  ", Stores()[store].name,
                              " receives 3: 7 are more than 5, but not yet the 8 of the rule."));
  const auto arrived =
      WaitUntil("the receipt does not arrive", [&] { return EqualsTheTill(store); });
  if (!arrived.ok()) return arrived;
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_HIDDEN); !is.ok()) {
    return is;
  }
  tills_->Receive(store, good, 2);
  narrator_->Say("  Then 2 more: 9, and the website shows it again.");
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_IN_STOCK); !is.ok()) {
    return is;
  }
  return Show(absl::StrCat("onhand displayed ", kHidingSku));
}

absl::Status Scenes::ZeroMeansWhatTheRuleSays() {
  for (const auto& [sku, status] :
       {std::pair{kKeepSellingSku, v1::AVAILABILITY_STATUS_KEEP_SELLING},
        std::pair{kBackorderedSku, v1::AVAILABILITY_STATUS_BACKORDER}}) {
    const size_t good = GoodBySku(sku);
    // A scene that is played again needs something to sell out.
    if (tills_->ChainOnHand(good) == 0) tills_->Receive(StoreById("madrid"), good, 3);
    const int sold = tills_->Sell(good, tills_->ChainOnHand(good));
    narrator_->Say(absl::StrCat("  The last ", sold, " of ", Goods()[good].name, " are sold."));
    if (const auto is = WaitForStatus(sku, status); !is.ok()) return is;
  }
  return Show(absl::StrCat("onhand availability ", kKeepSellingSku, " ", kBackorderedSku,
                           " --channel ", kChannel));
}

absl::Status Scenes::AStoreFallsSilent() {
  const size_t store = StoreById("bilbao");
  const std::string& name = Stores()[store].name;
  const std::string look = absl::StrCat("onhand status | grep -E 'LOCATION|", name, "'");
  probe_->SetSilent(store, true);
  stage_->KillAgent(store);
  narrator_->Say(absl::StrCat("  The machine of ", name,
                              " loses its power (kill -9). Its till goes on selling; its "
                              "known_through stands still."));
  if (!Rest(kSilence)) return absl::CancelledError("stopped");
  if (const auto shown = Show(look); !shown.ok()) return shown;
  if (const auto started = stage_->StartAgent(store); !started.ok()) return started;
  narrator_->Say("  The agent starts again, finds its place and tells what waited in the folder.");
  tills_->SetHalted(true);
  const absl::Status equal =
      WaitUntil("the hub's numbers are not the till's", [&] { return EqualsTheTill(store); });
  tills_->SetHalted(false);
  if (!equal.ok()) return equal;
  probe_->SetSilent(store, false);
  narrator_->Say(absl::StrCat("  All ", Goods().size(),
                              " positions of the store equal the till's own count: nothing is "
                              "lost, nothing counted twice."));
  return Show(look);
}

absl::Status Scenes::ABrokenFileIsCaught() {
  const size_t store = StoreById("munich");
  const std::string folder = tills_->FolderOf(store);
  const std::string cut = tills_->DropStockFile(store, StockFile::kCutInARow);
  narrator_->Say(absl::StrCat("  ", Stores()[store].name,
                              " exports its stock, and the line drops in the middle of a row. "
                              "The agent refuses the file:"));
  const std::string reason = absl::StrCat(folder, "/rejected/", cut, ".reason");
  const auto refused =
      WaitUntil("the cut file is not refused", [&] { return access(reason.c_str(), R_OK) == 0; });
  if (!refused.ok()) return refused;
  if (const auto shown = Show(absl::StrCat("cat ", reason)); !shown.ok()) return shown;

  tills_->DropStockFile(store, StockFile::kCutBetweenRows);
  narrator_->Say(
      "  The next one is cut between two rows and looks whole; two thirds of the goods are "
      "missing. The hub sets it aside and keeps its numbers:");
  const auto count = [&] {
    const auto hub = hub_.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
    return hub.ok() ? hub->quarantine_count() : 0;
  };
  const auto caught = WaitUntil("the short file is not quarantined", [&] { return count() > 0; });
  if (!caught.ok()) return caught;
  if (const auto shown = Show("onhand quarantine list"); !shown.ok()) return shown;

  tills_->DropStockFile(store, StockFile::kWhole);
  narrator_->Say("  A good file comes, and the matter is closed without anybody's help.");
  const auto closed = WaitUntil("the good file does not end it", [&] { return count() == 0; });
  if (!closed.ok()) return closed;
  return Show("onhand quarantine list");
}

bool Scenes::EqualsTheTill(size_t store) { return HubEqualsTill(hub_, *tills_, store); }

}  // namespace onhand::demo
