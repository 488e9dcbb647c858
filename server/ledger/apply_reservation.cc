#include "server/ledger/apply_reservation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/ledger/apply.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

// What positions get more, or less, of; few.
using Changes = std::vector<std::pair<PositionKey, Reserved>>;

void AddLines(const journal::Reservation& row, bool comes, Changes& changes) {
  for (const journal::ReservationLine& line : row.lines()) {
    const Reserved reserved = ReservedBy(line);
    if (reserved.IsNone()) continue;
    const PositionKey key{line.item(), line.location()};
    auto change = std::find_if(changes.begin(), changes.end(),
                               [&](const auto& one) { return one.first == key; });
    if (change == changes.end()) change = changes.insert(changes.end(), {key, Reserved{}});
    change->second += comes ? reserved : -reserved;
  }
}

void Reserve(State& state, const PositionKey& key, const Reserved& change) {
  PositionTable::Editor position = state.positions.Edit(key.item, key.location);
  if (position.created()) ++state.clocks.Mutable(key.location).position_count;
  Beside& beside = position.MakeBeside();
  beside.reserved += change;
  if (!beside.IsNeeded()) position.DropBeside();
}

bool HasOpenLine(const journal::Reservation& row) {
  return std::any_of(row.lines().begin(), row.lines().end(), IsOpen);
}

void TakeCorrection(State& state, const journal::OrderCorrection& correction) {
  Event event{};
  event.at_us = correction.occurred_us();
  event.sequence = correction.ordinal();
  event.kind = correction.kind();
  event.quantity = static_cast<int32_t>(correction.quantity());
  event.arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  TakeEvent(state, correction.item(), correction.location(), event);
  state.counters.person_ordinal = std::max(state.counters.person_ordinal, correction.ordinal());
}

}  // namespace

void ApplyReservationChanged(State& state, const journal::ReservationChanged& changed) {
  Reservations& reservations = state.reservations;
  const std::string& id = changed.reservation().id();
  Changes changes;
  int64_t ended_us = 0;
  if (const journal::Reservation* before = reservations.rows.Find(id)) {
    AddLines(*before, /*comes=*/false, changes);
    ended_us = before->ended_us();
    reservations.Unlist(*before);
  }
  journal::Reservation& row = reservations.rows.Mutable(id);
  row = changed.reservation();
  row.set_revision(state.counters.revision);
  if (HasOpenLine(row)) {
    row.set_ended_us(0);
  } else {
    row.set_ended_us(ended_us != 0 ? ended_us : state.counters.time_us);
  }
  reservations.List(row);
  AddLines(row, /*comes=*/true, changes);
  for (const auto& [key, change] : changes) {
    if (!change.IsNone()) Reserve(state, key, change);
  }
  for (const journal::OrderCorrection& correction : changed.corrections()) {
    TakeCorrection(state, correction);
  }
}

void ForgetEndedReservations(State& state) {
  const int64_t cutoff_us = state.counters.time_us - state.settings.reservation_kept_us;
  std::vector<std::string> ended;
  state.reservations.by_end.VisitFrom({0, ""}, [&](const auto& key) {
    if (key.first > cutoff_us) return false;
    ended.push_back(key.second);
    return true;
  });
  for (const std::string& id : ended) {
    state.reservations.Unlist(*state.reservations.rows.Find(id));
    state.reservations.rows.Erase(id);
  }
}

Reserved ReservedAt(const State& state, uint32_t item, uint32_t location) {
  const PositionTable::View view = state.positions.Find(item, location);
  return view.beside == nullptr ? Reserved{} : view.beside->reserved;
}

}  // namespace onhand::ledger
