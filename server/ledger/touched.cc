#include "server/ledger/touched.h"

#include <cstdlib>

#include "server/ledger/reservations.h"
#include "server/ledger/rows.h"

namespace onhand::ledger {
namespace {

void TellRows(const journal::MovementColumns& rows, Touched& touched) {
  const RowReader reader(rows);
  for (int i = 0; i < reader.size(); ++i) {
    switch (reader.kind(i)) {
      case EventKind::kLevel:
      case EventKind::kCount:
        // How far the number moved is not in the row.
        touched.Item(reader.item(i), reader.location(i));
        break;
      default:
        touched.Moved(reader.item(i), reader.location(i), std::abs(reader.quantity(i)));
        break;
    }
  }
}

template <class Moments>
void TellKnownThrough(const Moments& moments, Touched& touched) {
  for (const auto& moment : moments) touched.KnownThrough(moment.location());
}

template <class Items>
void TellItems(const Items& items, uint32_t location, Touched& touched) {
  for (const uint32_t item : items) touched.Item(item, location);
}

void TellRuleSet(const journal::Rule& rule, Touched& touched) {
  touched.Periods();
  // What an earlier version said may have been for another item.
  if (rule.has_item() && rule.version() == 1) return touched.Item(rule.item(), 0);
  touched.Everything();
}

}  // namespace

void TellTouched(const journal::Fact& fact, Touched& touched) {
  switch (fact.fact_case()) {
    case journal::Fact::kReport:
      TellRows(fact.report().rows(), touched);
      return TellKnownThrough(fact.report().known_through(), touched);
    case journal::Fact::kKnownThrough:
      return TellKnownThrough(fact.known_through().known_through(), touched);
    case journal::Fact::kRowRetried:
      return TellRows(fact.row_retried().rows(), touched);
    case journal::Fact::kSnapshotSlice:
      return TellItems(fact.snapshot_slice().item(), fact.snapshot_slice().location(), touched);
    case journal::Fact::kMovementByPerson:
      return touched.Item(fact.movement_by_person().item(), fact.movement_by_person().location());
    case journal::Fact::kCorrectionsEnded:
      return touched.Item(fact.corrections_ended().item(), fact.corrections_ended().location());
    case journal::Fact::kReservationChanged:
      for (const auto& line : fact.reservation_changed().reservation().lines()) {
        if (IsStock(line)) {
          // At most from one location to another, and which it was before is not told.
          touched.Moved(line.item(), 0, 2 * int64_t{line.units()});
        } else {
          touched.Item(line.item(), 0);  // what may still be promised beyond stock changes
        }
      }
      return;
    case journal::Fact::kDisplayChanged:
      return touched.Shown(fact.display_changed().item());
    case journal::Fact::kItemSet:
      return touched.Item(fact.item_set().item().id(), 0);
    case journal::Fact::kLearnedItems:
      return TellItems(fact.learned_items().item(), 0, touched);
    case journal::Fact::kNightInstalled:
      // A night tells every item with positions, so that what it taught of locations is in it too.
      return TellItems(fact.night_installed().item(), 0, touched);
    case journal::Fact::kPositionsTaught:
      return TellItems(fact.positions_taught().item(), 0, touched);
    case journal::Fact::kIncomingSet:
      return touched.Item(fact.incoming_set().item(), 0);
    case journal::Fact::kItemStopped:
      return touched.Item(fact.item_stopped().item(), 0);
    case journal::Fact::kItemsMerged:
      touched.Item(fact.items_merged().item(), 0);
      return touched.Item(fact.items_merged().duplicate(), 0);
    case journal::Fact::kSourceOpened:
    case journal::Fact::kSourceRetired:
      return touched.Sources();
    case journal::Fact::kRuleSet:
      return TellRuleSet(fact.rule_set().rule(), touched);
    case journal::Fact::kLocationStateSet:
      // KEEP_SELLING asks for open locations even where the item has no position.
    case journal::Fact::kLocationSet:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
    case journal::Fact::kRuleEnded:
      touched.Periods();
      return touched.Everything();
    default:
      return;
  }
}

}  // namespace onhand::ledger
