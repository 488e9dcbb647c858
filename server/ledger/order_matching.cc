#include "server/ledger/order_matching.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "server/ledger/reservation_steps.h"

namespace onhand::ledger {

journal::Reservation& OrderMatching::RowOf(const std::string& id) {
  const auto found = rows_.find(id);
  if (found != rows_.end()) return found->second;
  return rows_.emplace(id, *group_.state().reservations.rows.Find(id)).first->second;
}

bool OrderMatching::IsTaken(const std::string& id, int index) const {
  return std::any_of(taken_.begin(), taken_.end(),
                     [&](const Taken& one) { return one.index == index && one.id == id; });
}

void OrderMatching::Take(const std::string& id, int index, int32_t units, Step step) {
  taken_.push_back({id, SplitOff(RowOf(id), index, units), step});
}

int64_t OrderMatching::TakeLines(const std::string& id, uint32_t item, uint32_t location,
                                 int64_t units, bool handed_over) {
  int64_t taken = 0;
  const int lines = RowOf(id).lines_size();
  for (int i = 0; i < lines && taken < units; ++i) {
    const journal::ReservationLine& line = RowOf(id).lines(i);
    if (!IsStock(line) || line.item() != item || line.location() != location || IsTaken(id, i)) {
      continue;
    }
    if (handed_over ? !IsHandedOver(line) : !IsOpen(line)) continue;
    const auto part = static_cast<int32_t>(std::min<int64_t>(units - taken, line.units()));
    Take(id, i, part, Step::kRungUp);
    taken += part;
  }
  return taken;
}

bool OrderMatching::TakeNameless(uint32_t item, uint32_t location, int64_t units,
                                 int64_t occurred_us) {
  const Reservations& reservations = group_.state().reservations;
  if (orders_ != v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP || reservations.handed_over.IsUnused()) {
    return false;
  }
  bool found = false;
  reservations.handed_over.VisitFrom(
      {location, item, occurred_us - kNamelessUs, ""}, [&](const auto& key) {
        const auto& [at, of, told_us, id] = key;
        if (at != location || of != item || told_us > occurred_us + kNamelessUs) return false;
        const journal::Reservation& row = RowOf(id);
        for (int i = 0; i < row.lines_size() && !found; ++i) {
          const journal::ReservationLine& line = row.lines(i);
          if (!IsHandedOver(line) || line.item() != item || line.location() != location ||
              line.units() != units || line.api_us() != told_us || IsTaken(id, i)) {
            continue;
          }
          Take(id, i, line.units(), Step::kRungUpUnnamed);
          found = true;
        }
        return !found;
      });
  return found;
}

bool OrderMatching::TakeSale(uint32_t item, uint32_t location, int64_t units, int64_t occurred_us,
                             absl::string_view order_reference) {
  if (units <= 0) return false;
  if (order_reference.empty()) return TakeNameless(item, location, units, occurred_us);
  const std::string* found = group_.state().reservations.order_refs.Find(order_reference);
  if (found == nullptr) return false;
  const std::string id = *found;
  const int64_t told = TakeLines(id, item, location, units, /*handed_over=*/true);
  return told + TakeLines(id, item, location, units - told, /*handed_over=*/false) > 0;
}

void OrderMatching::TakeGoneLines(const std::string& id, uint32_t location) {
  for (int i = 0; i < RowOf(id).lines_size(); ++i) {
    const journal::ReservationLine& line = RowOf(id).lines(i);
    if (!IsStock(line) || line.location() != location || line.deducted() || IsTaken(id, i)) {
      continue;
    }
    const bool open = HasState(line, v1::RESERVATION_STATE_COMMITTED) ||
                      HasState(line, v1::RESERVATION_STATE_PICKED);
    if (!open && !IsHandedOver(line)) continue;
    if (open) gone_[{line.item(), location}] += line.units();
    Take(id, i, line.units(), Step::kDeducted);
  }
}

void OrderMatching::TakeGone(uint32_t location, const v1::OrdersGone& gone) {
  if (orders_ != v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED) return;
  const Reservations& reservations = group_.state().reservations;
  for (const std::string& reference : gone.order_references()) {
    if (const std::string* id = reservations.order_refs.Find(reference)) {
      TakeGoneLines(std::string(*id), location);
    }
  }
  if (gone.watermark_us() <= 0) return;
  std::set<std::pair<int64_t, std::string>> placed;  // the oldest first
  for (const auto* lines : {&reservations.open_lines, &reservations.handed_over}) {
    lines->VisitFrom({location, 0, 0, ""}, [&](const auto& key) {
      if (std::get<0>(key) != location) return false;
      const std::string& id = std::get<3>(key);
      const journal::Reservation& row = *reservations.rows.Find(id);
      if (row.created_us() <= gone.watermark_us()) placed.emplace(row.created_us(), id);
      return true;
    });
  }
  for (const auto& [created_us, id] : placed) TakeGoneLines(id, location);
}

int64_t OrderMatching::UnitsGone(uint32_t item, uint32_t location) const {
  const auto found = gone_.find(PositionKey{item, location});
  return found == gone_.end() ? 0 : found->second;
}

void OrderMatching::Add() {
  // In the order of the first match, so that facts do not depend on ids.
  std::vector<std::string> ids;
  for (const Taken& one : taken_) {
    if (std::find(ids.begin(), ids.end(), one.id) == ids.end()) ids.push_back(one.id);
  }
  for (const std::string& id : ids) {
    ReservationChange change(group_, std::move(rows_.at(id)));
    bool rung_up = false;
    for (const Taken& one : taken_) {
      if (one.id != id) continue;
      if (one.step == Step::kDeducted) {
        change.Deduct(one.index);
      } else {
        rung_up = true;
        change.NoteTill(one.index, one.step == Step::kRungUpUnnamed);
      }
    }
    change.Add(rung_up ? "RUNG_UP" : "DEDUCTED");
  }
  taken_.clear();
  rows_.clear();
}

}  // namespace onhand::ledger
