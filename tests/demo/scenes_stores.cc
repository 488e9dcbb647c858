// Scenes of stock that moves, and of stores that fail.
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/demo/scenes.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(2);

}  // namespace

absl::Status Scenes::ItHides() {
  const size_t good = GoodBySku(kHidingSku);
  const std::string ask = absl::StrCat("onhand availability ", kHidingSku, " --channel ", kShip,
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

absl::Status Scenes::ABasketIsHeld() {
  const size_t good = GoodBySku(kHidingSku);
  const int held = tills_->ChainOnHand(good) - 4;
  const auto create = [&](int units) {
    return absl::StrCat("onhand reservation create ", kHidingSku, "=", units, " --channel ", kShip,
                        " --split --ttl 2h");
  };
  narrator_->Say(absl::StrCat("  Somebody puts ", held, " of ", Goods()[good].name,
                              " in the basket and thinks about it. They stay on hand, but are "
                              "promised to nobody else."));
  if (const auto shown = Show(create(held)); !shown.ok()) return shown;
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_HIDDEN); !is.ok()) {
    return is;
  }
  narrator_->Say("  The next customer comes too late:");
  if (const auto shown = Show(create(5) + " 2>&1 | cat"); !shown.ok()) return shown;
  narrator_->Say("  The basket is left behind. After its two hours the website shows all again.");
  if (const auto is = WaitForStatus(kHidingSku, v1::AVAILABILITY_STATUS_IN_STOCK); !is.ok()) {
    return is;
  }
  return Show("onhand reservation list");
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
                           " --channel ", kShip));
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

}  // namespace onhand::demo
