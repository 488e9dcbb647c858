#include "server/ledger/supply_comes.h"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "server/ledger/basket_plan.h"
#include "server/ledger/reservation_steps.h"
#include "server/ledger/rows.h"

namespace onhand::ledger {
namespace {

// Where units of a line may be by now, as many as there are.
PlannedLine PlanLine(Group& group, const RuleBook& book, const journal::Reservation& row,
                     const journal::ReservationLine& line) {
  WantedBasket wanted;
  wanted.channel = row.channel();
  wanted.group = row.group();
  wanted.only_stock = true;
  if (row.has_point()) {
    wanted.near.emplace();
    wanted.near->set_latitude(row.latitude());
    wanted.near->set_longitude(row.longitude());
  }
  wanted.lines.push_back({.item = line.item(), .units = line.units(), .location = line.location()});
  return PlanBasket(group.Settled(), book, wanted, group.now_us()).lines[0];
}

// Who asks for a place in the same way: where one gets nothing, the others get nothing.
using Wish = std::tuple<uint32_t, uint32_t, uint32_t>;  // channel, group, location
using Wishes = absl::btree_set<Wish>;

// Places a reservation's lines of the item as far as it goes. Returns how many facts that took.
int PlaceLines(Group& group, const RuleBook& book, const std::string& id, uint32_t item,
               Wishes& in_vain) {
  int placed = 0;
  for (int i = 0;; ++i) {
    const journal::Reservation& row = *group.state().reservations.rows.Find(id);
    if (i >= row.lines_size()) return placed;
    const journal::ReservationLine& line = row.lines(i);
    if (line.item() != item || !IsOpen(line) || IsStock(line)) continue;
    const Wish wish{row.channel(), row.group(), line.location()};
    if (in_vain.contains(wish)) continue;
    const PlannedLine planned = PlanLine(group, book, row, line);
    if (planned.units < line.units()) in_vain.insert(wish);
    if (planned.units == 0) continue;
    const PlannedPart& part = planned.parts[0];
    ReservationChange change(group, row);
    journal::ReservationLine& came = change.line(SplitOff(change.row(), i, part.units));
    came.set_promise(static_cast<uint32_t>(v1::LINE_PROMISE_STOCK));
    came.set_location(part.location);
    came.set_location_reason(part.location_reason);
    came.clear_available_from_us();
    change.Add("SUPPLY_CAME");
    ++placed;
  }
}

// Whether it may have given units back, or brought lines that wait.
bool FreesUnits(absl::string_view cause) {
  return cause == "RELEASED" || cause == "EXPIRED" || cause == "REASSIGNED" ||
         cause == "PICK_FAILED" || cause == "IMPORTED";
}

}  // namespace

void SupplyComes::Touch(const State& committed, uint32_t item) {
  if (committed.reservations.marked_units.Contains(item)) due_.insert(item);
}

void SupplyComes::NoteFact(const State& committed, const journal::Fact& fact) {
  if (committed.reservations.marked_lines.IsUnused()) return;
  const auto touch_rows = [&](const journal::MovementColumns& rows) {
    const RowReader reader(rows);
    for (int i = 0; i < reader.size(); ++i) {
      if (reader.kind(i) != EventKind::kSale) Touch(committed, reader.item(i));
    }
  };
  const auto touch_all = [&] { started_ = false; };
  switch (fact.fact_case()) {
    case journal::Fact::kReport:
      return touch_rows(fact.report().rows());
    case journal::Fact::kRowRetried:
      return touch_rows(fact.row_retried().rows());
    case journal::Fact::kSnapshotSlice:
      for (const uint32_t item : fact.snapshot_slice().item()) Touch(committed, item);
      return;
    case journal::Fact::kMovementByPerson:
      return Touch(committed, fact.movement_by_person().item());
    case journal::Fact::kCorrectionsEnded:
      return Touch(committed, fact.corrections_ended().item());
    case journal::Fact::kReservationChanged:
      if (!FreesUnits(fact.reservation_changed().cause())) return;
      for (const auto& line : fact.reservation_changed().reservation().lines()) {
        Touch(committed, line.item());
      }
      return;
    case journal::Fact::kItemsMerged:
      return Touch(committed, fact.items_merged().item());
    case journal::Fact::kItemStopped:
      return Touch(committed, fact.item_stopped().item());
    case journal::Fact::kItemSet:
      return Touch(committed, fact.item_set().item().id());
    case journal::Fact::kLocationStateSet:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
    case journal::Fact::kRuleSet:
    case journal::Fact::kRuleEnded:
      return touch_all();
    default:
      return;
  }
}

void SupplyComes::Decide(Group& group, const RuleBook& book, int lines_max) {
  if (!started_) {
    started_ = true;
    group.committed().reservations.marked_units.ForEach(
        [&](uint32_t item, const MarkedUnits&) { due_.insert(item); });
  }
  int placed = 0;
  while (!due_.empty() && placed < lines_max) {
    const uint32_t item = *due_.begin();
    std::vector<std::string> waiting;  // the oldest first
    group.state().reservations.marked_lines.VisitFrom({item, 0, ""}, [&](const auto& key) {
      if (std::get<0>(key) != item) return false;
      waiting.push_back(std::get<2>(key));
      return true;
    });
    Wishes in_vain;
    for (const std::string& id : waiting) {
      placed += PlaceLines(group, book, id, item, in_vain);
      if (placed >= lines_max) return;  // the item stays due
    }
    due_.erase(item);
  }
}

}  // namespace onhand::ledger
