#include "tests/demo/scenes.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kHappensWithin = absl::Seconds(15);
constexpr absl::Duration kLookEvery = absl::Milliseconds(20);
constexpr absl::Duration kPause = absl::Seconds(5);

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

Scenes::Scenes(const Options& options)
    : stage_(options.stage),
      tills_(options.tills),
      probe_(options.probe),
      narrator_(options.narrator),
      speed_(options.speed),
      once_(options.once),
      hub_(options.stage->connection(absl::Seconds(2))),
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
    status = PlayAll();
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

absl::Status Scenes::PlayAll() {
  using Scene = absl::Status (Scenes::*)();
  // The last one needs the night, which comes nineteen hours after the chain has opened.
  static constexpr std::pair<const char*, Scene> kScenes[] = {
      {"two units vanish, and nobody knows", &Scenes::TwoUnitsVanish},
      {"below 5 in the chain it disappears, at 8 it is back", &Scenes::ItHides},
      {"a basket is held, and given back by itself", &Scenes::ABasketIsHeld},
      {"nothing left, and each item does what its rule says", &Scenes::ZeroMeansWhatTheRuleSays},
      {"what is kept back grows with the sales, and nobody touches it", &Scenes::TheNumberGrows},
      {"a store falls silent and comes back", &Scenes::AStoreFallsSilent},
      {"a broken file is caught", &Scenes::ABrokenFileIsCaught},
      {"a rule is changed: previewed, published, and taken back", &Scenes::ARuleIsTried},
      {"the two units are doubted, counted, gone", &Scenes::TheyAreCounted},
  };
  int number = 0;
  for (const auto& [title, scene] : kScenes) {
    if (!once_ && !Rest(kPause)) return absl::CancelledError("stopped");
    narrator_->Say(absl::StrCat("\nScene ", ++number, ": ", title));
    if (const absl::Status status = (this->*scene)(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Scenes::WaitUntil(const std::string& what, const std::function<bool()>& happened,
                               absl::Duration chain_hours) {
  const absl::Time deadline = absl::Now() + kHappensWithin + chain_hours / speed_;
  while (!happened()) {
    if (!Rest(kLookEvery)) return absl::CancelledError("stopped");
    if (absl::Now() > deadline) return absl::DeadlineExceededError(what);
  }
  return absl::OkStatus();
}

v1::Availability Scenes::Ask(const std::string& sku, const std::string& channel_id,
                             const std::string& location_id) {
  v1::GetAvailabilityRequest request;
  request.set_sku(sku);
  request.set_channel_id(channel_id);
  request.set_location_id(location_id);
  request.set_explain(true);
  const auto response = hub_.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
  return response.ok() ? response->availability() : v1::Availability();
}

absl::Status Scenes::WaitForStatus(const std::string& sku, v1::AvailabilityStatus status) {
  return WaitUntil(absl::StrCat(sku, " is not ", v1::AvailabilityStatus_Name(status)),
                   [&] { return Ask(sku, kShip, "").status() == status; });
}

absl::Status Scenes::Show(const std::string& command) { return stage_->Show(command, *narrator_); }

bool Scenes::EqualsTheTill(size_t store) { return HubEqualsTill(hub_, *tills_, store); }

}  // namespace onhand::demo
