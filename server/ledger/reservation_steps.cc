#include "server/ledger/reservation_steps.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"
#include "server/ledger/row_judge.h"

namespace onhand::ledger {
namespace {

// The name that people read, such as COMMITTED.
std::string NameOf(v1::ReservationState state) {
  return v1::ReservationState_Name(state).substr(sizeof("RESERVATION_STATE_") - 1);
}

void SetState(journal::ReservationLine& line, v1::ReservationState state) {
  line.set_state(static_cast<uint32_t>(state));
}

// Units that were handed over through the API at the line's position and of which neither a till
// nor the source has told, other than those of this line.
int64_t OthersHandedOver(const State& state, const journal::ReservationLine& line) {
  int64_t units = 0;
  absl::flat_hash_set<std::string> ids;
  state.reservations.handed_over.VisitFrom(
      {line.location(), line.item(), 0, ""}, [&](const auto& key) {
        if (std::get<0>(key) != line.location() || std::get<1>(key) != line.item()) return false;
        ids.insert(std::get<3>(key));
        return true;
      });
  for (const std::string& id : ids) {
    for (const journal::ReservationLine& other : state.reservations.rows.Find(id)->lines()) {
      if (!IsHandedOver(other) || other.item() != line.item() ||
          other.location() != line.location()) {
        continue;
      }
      units += other.units();
    }
  }
  return units - (IsHandedOver(line) ? line.units() : 0);
}

// Units by which LEVELs at the line's position fell since a moment without a sale, an order or a
// count that tells why: they may be orders that the source has deducted.
int64_t UnexplainedDropSince(const State& state, const journal::ReservationLine& line,
                             int64_t since_us) {
  const PositionTable::View view = state.positions.Find(line.item(), line.location());
  if (view.beside == nullptr) return 0;
  int64_t drop = 0;
  FoldState fold = view.beside->before;
  for (const Event& event : view.beside->window) {
    if (event.event_kind() == EventKind::kLevel && event.at_us > since_us) {
      drop -= std::min<int64_t>(
          UnexplainedChange(fold, event.source, event.at_us, event.quantity, /*units_gone=*/0), 0);
    }
    fold.Advance(event);
  }
  return drop;
}

}  // namespace

bool HasState(const journal::ReservationLine& line, v1::ReservationState state) {
  return line.state() == static_cast<uint32_t>(state);
}

absl::Status InvalidStep(absl::string_view field, v1::ReservationState state, std::string problem) {
  return Refuse(absl::StatusCode::kFailedPrecondition,
                {.reason = "INVALID_STEP",
                 .field = field,
                 .value = NameOf(state),
                 .problem = std::move(problem),
                 .remedy = "read the reservation; its lines tell where they stand"});
}

absl::Status InvalidLine(absl::string_view field, std::string value, std::string problem,
                         std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_LINE",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

uint32_t NextLineId(const journal::Reservation& row) {
  return row.lines().empty() ? 1 : row.lines(row.lines_size() - 1).line_id() + 1;
}

int SplitOff(journal::Reservation& row, int index, int32_t units) {
  if (units >= row.lines(index).units()) return index;
  journal::ReservationLine part = row.lines(index);
  part.set_line_id(NextLineId(row));
  part.set_units(units);
  row.mutable_lines(index)->set_units(row.lines(index).units() - units);
  *row.add_lines() = std::move(part);
  return row.lines_size() - 1;
}

absl::StatusOr<std::vector<ChosenUnits>> ChooseLines(
    const journal::Reservation& row, const google::protobuf::RepeatedPtrField<v1::LineUnits>& named,
    absl::string_view step, absl::FunctionRef<bool(const journal::ReservationLine&)> allowed,
    absl::FunctionRef<bool(const journal::ReservationLine&)> by_itself) {
  std::vector<ChosenUnits> chosen;
  for (int n = 0; n < named.size(); ++n) {
    const v1::LineUnits& wanted = named.Get(n);
    const std::string path = absl::StrCat("lines[", n, "]");
    const auto found = std::find_if(
        row.lines().begin(), row.lines().end(),
        [&](const journal::ReservationLine& line) { return line.line_id() == wanted.line_id(); });
    const auto index = static_cast<int>(found - row.lines().begin());
    const bool twice = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const ChosenUnits& one) { return one.index == index; });
    if (found == row.lines().end() || twice) {
      return InvalidLine(path + ".line_id", absl::StrCat(wanted.line_id()),
                         twice ? "is named twice" : "is no line of the reservation",
                         "name lines of the reservation, each once");
    }
    if (wanted.units() < 0 || wanted.units() > found->units()) {
      return InvalidLine(path + ".units", absl::StrCat(wanted.units()), "is out of range",
                         absl::StrCat("send at most ", found->units(), ", or 0 for all"));
    }
    if (!allowed(*found)) {
      return InvalidStep(path, static_cast<v1::ReservationState>(found->state()),
                         absl::StrCat("line ", found->line_id(), " cannot be ", step));
    }
    chosen.push_back({index, wanted.units() == 0 ? found->units() : wanted.units()});
  }
  if (!named.empty()) return chosen;
  for (int index = 0; index < row.lines_size(); ++index) {
    if (by_itself(row.lines(index))) chosen.push_back({index, row.lines(index).units()});
  }
  if (!chosen.empty()) return chosen;
  return InvalidStep("state", StateOf(row), absl::StrCat("no line of it can be ", step));
}

v1::OrdersInNumbers OrdersAt(const State& state, uint32_t item, uint32_t location) {
  const PositionTable::View view = state.positions.Find(item, location);
  uint32_t source = view.cell == nullptr ? 0 : view.cell->level_source;
  if (source == 0) {
    const LocationClock* clock = state.clocks.Find(location);
    if (clock != nullptr && !clock->sources.empty()) source = clock->sources.front().source;
  }
  const SourceState* row = source == 0 ? nullptr : state.sources.Find(source);
  if (row == nullptr || row->opened.orders_in_numbers() == v1::ORDERS_IN_NUMBERS_UNSPECIFIED) {
    return v1::ORDERS_IN_NUMBERS_NEVER;
  }
  return static_cast<v1::OrdersInNumbers>(row->opened.orders_in_numbers());
}

ReservationChange::ReservationChange(Group& group, journal::Reservation row) : group_(group) {
  *changed_.mutable_reservation() = std::move(row);
}

void ReservationChange::Correct(const journal::ReservationLine& line, EventKind kind,
                                int64_t quantity) {
  if (quantity == 0) return;
  journal::OrderCorrection& correction = *changed_.add_corrections();
  correction.set_item(line.item());
  correction.set_location(line.location());
  correction.set_kind(static_cast<uint32_t>(kind));
  correction.set_quantity(quantity);
  correction.set_occurred_us(group_.now_us());
  correction.set_ordinal(group_.state().counters.person_ordinal +
                         static_cast<uint64_t>(changed_.corrections_size()));
}

void ReservationChange::HandOver(int index) {
  journal::ReservationLine& told = line(index);
  SetState(told, v1::RESERVATION_STATE_FULFILLED);
  told.set_api_us(group_.now_us());
  if (!IsStock(told) || told.deducted()) return;
  const bool never =
      OrdersAt(group_.Settled(), told.item(), told.location()) == v1::ORDERS_IN_NUMBERS_NEVER;
  Correct(told, never ? EventKind::kLastingCorrection : EventKind::kCorrection, -told.units());
}

int64_t ReservationChange::EndCorrections(const journal::ReservationLine& line) {
  const State& state = group_.Settled();
  const PositionTable::View view = state.positions.Find(line.item(), line.location());
  if (view.beside == nullptr) return 0;
  const FoldState& fold = view.beside->now;
  // What this change ended before is not in the fold yet.
  int64_t ended_before = 0;
  for (const journal::OrderCorrection& one : changed_.corrections()) {
    if (one.item() != line.item() || one.location() != line.location()) continue;
    const auto kind = static_cast<EventKind>(one.kind());
    if (kind == EventKind::kCorrectionEnded || kind == EventKind::kLastingCorrectionEnded) {
      ended_before += one.quantity();
    }
  }
  int64_t& looked_at = looked_at_[{line.item(), line.location()}];
  const int64_t others = OthersHandedOver(state, line) - looked_at;
  looked_at += line.units();
  const int64_t standing =
      fold.UnitsCorrected(false) + fold.UnitsCorrected(true) - ended_before - others;
  const int64_t units = std::clamp<int64_t>(standing, 0, line.units());
  const int64_t passing =
      std::min(units, std::max<int64_t>(fold.UnitsCorrected(false) - ended_before, 0));
  Correct(line, EventKind::kCorrectionEnded, passing);
  Correct(line, EventKind::kLastingCorrectionEnded, units - passing);
  return units;
}

void ReservationChange::NoteTill(int index, bool inferred) {
  journal::ReservationLine& rung_up = line(index);
  if (IsHandedOver(rung_up)) EndCorrections(rung_up);
  SetState(rung_up, v1::RESERVATION_STATE_FULFILLED);
  rung_up.set_till_us(group_.now_us());
  rung_up.set_till_inferred(inferred);
}

void ReservationChange::Deduct(int index) {
  journal::ReservationLine& gone = line(index);
  const bool handed_over = IsHandedOver(gone);
  const int64_t units = handed_over ? EndCorrections(gone) : gone.units();
  const int64_t since_us = handed_over ? gone.api_us() : row().created_us();
  // A LEVEL that fell by as much since is taken to contain it. Otherwise the next will be that much
  // less: the number is made so now, and that LEVEL is then what was expected.
  if (UnexplainedDropSince(group_.Settled(), gone, since_us) < gone.units()) {
    Correct(gone, EventKind::kDeducted, units);
  }
  gone.set_deducted(true);
}

void ReservationChange::Add(absl::string_view cause, absl::string_view author,
                            absl::string_view reason) {
  changed_.set_cause(std::string(cause));
  changed_.set_author(std::string(author));
  changed_.set_reason(std::string(reason));
  journal::Fact fact;
  *fact.mutable_reservation_changed() = std::move(changed_);
  group_.Add(std::move(fact));
}

bool ExpireIfDue(Group& group, const std::string& id) {
  const journal::Reservation* row = group.state().reservations.rows.Find(id);
  if (row == nullptr || row->expires_us() > group.now_us()) return false;
  ReservationChange change(group, *row);
  bool any = false;
  for (int index = 0; index < change.row().lines_size(); ++index) {
    if (!HasState(change.line(index), v1::RESERVATION_STATE_HELD)) continue;
    SetState(change.line(index), v1::RESERVATION_STATE_EXPIRED);
    any = true;
  }
  if (any) change.Add("EXPIRED");
  return any;
}

void ExpireDueOf(Group& group, const std::vector<WantedLine>& lines) {
  const Reservations& reservations = group.state().reservations;
  std::vector<std::string> due;
  reservations.by_expiry.VisitFrom({0, ""}, [&](const auto& key) {
    if (key.first > group.now_us()) return false;
    const journal::Reservation& row = *reservations.rows.Find(key.second);
    const bool claims = std::any_of(
        row.lines().begin(), row.lines().end(), [&](const journal::ReservationLine& line) {
          return std::any_of(lines.begin(), lines.end(),
                             [&](const WantedLine& wanted) { return wanted.item == line.item(); });
        });
    if (claims) due.push_back(key.second);
    return true;
  });
  for (const std::string& id : due) ExpireIfDue(group, id);
}

void AddPlannedLines(const PlannedLine& planned, const WantedLine& wanted, uint32_t basket_line,
                     v1::ReservationState state, journal::Reservation& row) {
  for (const PlannedPart& part : planned.parts) {
    const uint32_t line_id = NextLineId(row);
    journal::ReservationLine& line = *row.add_lines();
    line.set_line_id(line_id);
    line.set_basket_line(basket_line);
    line.set_item(wanted.item);
    line.set_units(part.units);
    line.set_location(part.location);
    line.set_promise(static_cast<uint32_t>(part.promise));
    SetState(line, state);
    line.set_available_from_us(part.available_from_us);
    line.set_location_reason(part.location_reason);
    line.set_location_given(wanted.location != 0);
  }
}

void MoveReservations(Group& group, uint32_t from_item, uint32_t to_item,
                      const std::string& reason) {
  const Reservations& reservations = group.state().reservations;
  std::vector<std::string> ids;
  reservations.by_creation.VisitFrom(
      {std::numeric_limits<int64_t>::min(), ""}, [&](const auto& key) {
        const auto& lines = reservations.rows.Find(key.second)->lines();
        if (std::any_of(lines.begin(), lines.end(), [&](const journal::ReservationLine& line) {
              return line.item() == from_item && (IsOpen(line) || IsHandedOver(line));
            })) {
          ids.push_back(key.second);
        }
        return true;
      });
  for (const std::string& id : ids) {
    ReservationChange change(group, *reservations.rows.Find(id));
    for (int i = 0; i < change.row().lines_size(); ++i) {
      if (change.line(i).item() == from_item) change.line(i).set_item(to_item);
    }
    change.Add("ITEM_MERGED", "", reason);
  }
}

absl::Status NotEnough(const State& state, absl::string_view field, const WantedLine& wanted,
                       const PlannedLine& planned) {
  std::string where;
  if (wanted.location != 0) {
    where =
        absl::StrCat(" at location '", state.locations.Find(wanted.location)->location_id(), "'");
  }
  std::string problem = absl::StrCat("is wanted ", wanted.units, " times", where, "; ",
                                     planned.units, " can be held");
  if (planned.shortfall != "NOT_ENOUGH") absl::StrAppend(&problem, " (", planned.shortfall, ")");
  return Refuse(absl::StatusCode::kFailedPrecondition,
                {.reason = "NOT_ENOUGH",
                 .field = field,
                 .value = wanted.sku,
                 .problem = std::move(problem),
                 .remedy = "ask for less, elsewhere, or with allow_partial"});
}

}  // namespace onhand::ledger
