// The positions of one item, as answers walk them. Any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_ITEM_WALK_H_
#define ONHAND_SERVER_LEDGER_ITEM_WALK_H_

#include <cstddef>
#include <cstdint>

#include "server/ledger/state.h"

namespace onhand::ledger {

// Asks the memory for the first of them. Committed states only.
inline void PrefetchCells(const State& state, uint32_t item) {
  // Lines asked for at once; the processor follows by itself.
  constexpr size_t kLines = 12;
  constexpr size_t kLineBytes = 64;
  const PositionTable::ItemPositions positions = state.positions.Of(item);
  const auto* first = reinterpret_cast<const char*>(positions.locations.data());
  const auto* last = reinterpret_cast<const char*>(positions.cells.data() + positions.cells.size());
  for (size_t i = 0; i < kLines && first < last; ++i, first += kLineBytes) {
    __builtin_prefetch(first);
  }
}

// Calls visit(location, cell, available units) for every position of an item whose stock anybody
// told, by location id.
template <class Visit>
void ForEachPosition(const State& state, uint32_t item, Visit visit) {
  if (state.is_overlay) {
    for (const uint32_t location : state.positions.LocationsOf(item)) {
      const PositionTable::View view = state.positions.Find(item, location);
      if (!IsReported(*view.cell, view.beside)) continue;
      visit(location, *view.cell, AvailableUnits(*view.cell, view.beside));
    }
    return;
  }
  const PositionTable::ItemPositions positions = state.positions.Of(item);
  // What lies beside is scattered: asked for all at once, it costs one wait instead of many.
  for (const Cell& cell : positions.cells) {
    if (cell.beside == 0) continue;
    const Beside* beside = state.positions.BesideOf(cell);
    __builtin_prefetch(&beside->now);
    __builtin_prefetch(&beside->reserved);
  }
  for (size_t i = 0; i < positions.locations.size(); ++i) {
    const Cell& cell = positions.cells[i];
    const Beside* beside = state.positions.BesideOf(cell);
    if (!IsReported(cell, beside)) continue;
    visit(positions.locations[i], cell, AvailableUnits(cell, beside));
  }
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ITEM_WALK_H_
