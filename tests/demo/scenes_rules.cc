// Scenes of rules that think: what sales teach, what silence says, and how a rule is changed.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "onhand/v1/insights.grpc.pb.h"
#include "onhand/v1/rules.grpc.pb.h"
#include "tests/demo/scenes.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

// A day and a night, and another one for units that were just counted.
constexpr absl::Duration kUntilMorning = absl::Hours(48);
constexpr absl::Duration kSellsEvery = absl::Minutes(15);  // of the chain's time
constexpr int kSellsAtOnce = 5;                            // in each store
constexpr int kSellsAtMost = 48;                           // times: half a day
constexpr int kCautiousFloor = 40;
// Of an item that the cautious floor hides: so many that the old one would show it again.
constexpr int kPlenty = 12;

// What the chain's buffer keeps back; -1: the answer does not say.
int64_t KeptBack(const v1::Availability& answer) {
  for (const v1::ExplainedStep& step : answer.explanation().steps()) {
    if (step.step() == "chain buffer") return step.before() - step.after();
  }
  return -1;
}

bool PromisesNothingForDoubt(const v1::Availability& answer) {
  const auto& steps = answer.explanation().steps();
  return !answer.orderable() && std::any_of(steps.begin(), steps.end(), [](const auto& step) {
    return absl::StrContains(step.text(), "the shelf is empty");
  });
}

}  // namespace

// A scene that is played again needs something to vanish, and somebody who has seen it: a shelf
// that was counted empty is doubted for longer than one delivery.
absl::Status Scenes::PutBackWhatVanished(size_t store, size_t good) {
  const int units = tills_->Shelves(store)[good];
  if (units >= kVanishedUnits) return absl::OkStatus();
  tills_->Receive(store, good, kVanishedUnits - units);
  const auto arrived =
      WaitUntil("the delivery does not arrive", [&] { return EqualsTheTill(store); });
  if (!arrived.ok()) return arrived;
  return Show(absl::StrCat("onhand adjust ", kVanishedSku, " ", kRobbedStore, " --count ",
                           kVanishedUnits, " --author rosa --reason 'new ones came'"));
}

absl::Status Scenes::TwoUnitsVanish() {
  const size_t store = StoreById(kRobbedStore);
  const size_t good = GoodBySku(kVanishedSku);
  if (const auto there = PutBackWhatVanished(store, good); !there.ok()) return there;
  narrator_->Say(absl::StrCat("  The record of ", Stores()[store].name, " says ", kVanishedUnits,
                              " of ", Goods()[good].name,
                              ", but its shelf is empty: no till rang when they left."));
  const auto promised = WaitUntil("the vanished units are not promised", [&] {
    return Ask(kVanishedSku, kPickup, kRobbedStore).orderable();
  });
  if (!promised.ok()) return promised;
  return Show(absl::StrCat("onhand availability ", kVanishedSku, " --location ", kRobbedStore,
                           " --channel ", kPickup, " --explain | head -4"));
}

absl::Status Scenes::TheNumberGrows() {
  const size_t good = GoodBySku(kGrowingSku);
  const std::string ask =
      absl::StrCat("onhand availability ", kGrowingSku, " --channel ", kShip,
                   " --explain | grep -E '^", kGrowingSku, ":|STEP|chain buffer'");
  const int needed = kSellsAtOnce * kSellsAtMost;
  for (size_t store = 0; store < Stores().size(); ++store) {
    // A scene that is played again needs something to sell.
    const int missing = needed - tills_->Shelves(store)[good];
    if (missing > 0) tills_->Receive(store, good, missing);
  }
  int64_t before = -1;
  const auto known = WaitUntil("nothing is kept back", [&] {
    return (before = KeptBack(Ask(kGrowingSku, kShip, ""))) >= 0;
  });
  if (!known.ok()) return known;
  if (const auto shown = Show(ask); !shown.ok()) return shown;
  narrator_->Say(absl::StrCat("  ", Goods()[good].name, ": somebody famous plays with them, and ",
                              kSellsAtOnce, " leave every store each ",
                              absl::ToInt64Minutes(kSellsEvery), " minutes."));
  int sold = 0;
  for (int times = 0; KeptBack(Ask(kGrowingSku, kShip, "")) < 2 * before; ++times) {
    if (times == kSellsAtMost) return absl::InternalError("what is kept back has not grown");
    sold += tills_->SellEverywhere(good, kSellsAtOnce);
    if (!Rest(kSellsEvery / speed_)) return absl::CancelledError("stopped");
  }
  narrator_->Say(absl::StrCat("  After ", sold, " the hub keeps back twice as many."));
  if (const auto shown = Show(ask); !shown.ok()) return shown;
  narrator_->Say("  The rule is still the one that Ana once wrote:");
  return Show("onhand rule history tennis-by-velocity");
}

absl::Status Scenes::ARuleIsTried() {
  // So that nothing but the rule changes the answers.
  tills_->SetHalted(true);
  const absl::Status tried = TryTheCautiousRule();
  tills_->SetHalted(false);
  return tried;
}

absl::Status Scenes::TryTheCautiousRule() {
  v1::GetRuleRequest which;
  which.set_rule_id("below-5");
  const auto old = hub_.Call(&v1::RuleService::Stub::GetRule, which);
  if (!old.ok()) return old.status();
  v1::PreviewRulesRequest request;
  request.set_listed_max(10'000);
  v1::RuleChange& change = *request.add_changes();
  change.set_etag("*");
  *change.mutable_set() = old->rule();
  change.mutable_set()->mutable_chain_floor()->set_units(kCautiousFloor);
  change.mutable_set()->mutable_chain_floor()->set_reshow_units(kCautiousFloor);
  const auto preview = hub_.Call(&v1::RuleService::Stub::PreviewRules, request);
  if (!preview.ok()) return preview.status();
  const auto hidden =
      std::find_if(preview->answers().begin(), preview->answers().end(), [](const auto& answer) {
        return answer.channel_id() == kShip && answer.location_id().empty() &&
               answer.status_after() == v1::AVAILABILITY_STATUS_HIDDEN &&
               answer.max_quantity_before() >= kPlenty;
      });
  if (hidden == preview->answers().end()) return absl::InternalError("the rule would hide nothing");

  const std::string says =
      absl::StrCat("below-5 --channel ", kShip, " --chain-floor ", kCautiousFloor, " --zero hide");
  narrator_->Say(absl::StrCat("  Ben would rather hide below ", kCautiousFloor,
                              ". What would that do? (The tills pause for this scene.)"));
  if (const auto shown = Show(absl::StrCat("onhand rule preview ", says, " --listed 3"));
      !shown.ok()) {
    return shown;
  }
  narrator_->Say("  He publishes it all the same, and it is in force at once.");
  if (const auto shown = Show(absl::StrCat("onhand rule set ", says,
                                           " --etag '*' --author ben --reason 'to be on the safe "
                                           "side' | grep -E 'rule|says|version|changed'"));
      !shown.ok()) {
    return shown;
  }
  const auto is = WaitForStatus(hidden->sku(), v1::AVAILABILITY_STATUS_HIDDEN);
  if (!is.ok()) return is;
  if (const auto shown = Show(absl::StrCat("onhand availability ", hidden->sku(), " --channel ",
                                           kShip, " --explain | grep '^", hidden->sku(), ":'"));
      !shown.ok()) {
    return shown;
  }
  narrator_->Say("  Ana sees what it hides, and takes it back.");
  if (const auto shown = Show(absl::StrCat("onhand rule rollback below-5 ", old->rule().version(),
                                           " --author ana --reason 'it hid what we have' | head "
                                           "-1"));
      !shown.ok()) {
    return shown;
  }
  const auto back = WaitForStatus(hidden->sku(), hidden->status_before());
  if (!back.ok()) return back;
  return Show("onhand rule history below-5");
}

bool Scenes::IsDoubted() {
  v1::ListDoubtsRequest request;
  request.set_location_id(kRobbedStore);
  const auto doubts = hub_.Call(&v1::InsightService::Stub::ListDoubts, request);
  return doubts.ok() &&
         std::any_of(doubts->positions().begin(), doubts->positions().end(),
                     [](const auto& position) { return position.sku() == kVanishedSku; });
}

absl::Status Scenes::TheyAreCounted() {
  const size_t store = StoreById(kRobbedStore);
  const size_t good = GoodBySku(kVanishedSku);
  const std::string list = absl::StrCat("onhand check doubts --location ", kRobbedStore);
  narrator_->Say(absl::StrCat("  ", Goods()[good].name, " sells fast, but since the morning not ",
                              "one was sold in ", Stores()[store].name,
                              ". The hub's doubt grows with every sale that should have come:"));
  const auto doubted = WaitUntil(
      "the vanished units are not doubted", [&] { return IsDoubted(); }, kUntilMorning);
  if (!doubted.ok()) return doubted;
  if (const auto shown = Show(absl::StrCat(list, " | head -2")); !shown.ok()) return shown;
  narrator_->Say(
      "  At four in the morning it has learned from the day, and sends nobody there any more:");
  const auto withdrawn = WaitUntil(
      "the vanished units are still promised",
      [&] { return PromisesNothingForDoubt(Ask(kVanishedSku, kPickup, kRobbedStore)); },
      kUntilMorning);
  if (!withdrawn.ok()) return withdrawn;
  if (const auto shown =
          Show(absl::StrCat("onhand availability ", kVanishedSku, " --location ", kRobbedStore,
                            " --channel ", kPickup, " --explain | head -4"));
      !shown.ok()) {
    return shown;
  }
  narrator_->Say("  Rosa walks to the shelf, looks, and counts.");
  if (const auto shown = Show(absl::StrCat("onhand adjust ", kVanishedSku, " ", kRobbedStore,
                                           " --count 0 --author rosa --reason 'the hook is "
                                           "empty'"));
      !shown.ok()) {
    return shown;
  }
  tills_->WriteOff(store, good);
  const auto gone = WaitUntil("the vanished units are still doubted", [&] { return !IsDoubted(); });
  if (!gone.ok()) return gone;
  return Show(absl::StrCat(list, " | head -2"));
}

}  // namespace onhand::demo
