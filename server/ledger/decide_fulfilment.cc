#include "server/ledger/decide_fulfilment.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/basket_plan.h"
#include "server/ledger/hold_numbers.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservation_steps.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

bool IsCommitted(const journal::ReservationLine& line) {
  return HasState(line, v1::RESERVATION_STATE_COMMITTED);
}
bool IsPicked(const journal::ReservationLine& line) {
  return HasState(line, v1::RESERVATION_STATE_PICKED);
}
// A till rang it up, and the API has not told of it.
bool IsRungUpOnly(const journal::ReservationLine& line) {
  return HasState(line, v1::RESERVATION_STATE_FULFILLED) && line.till_us() != 0 &&
         line.api_us() == 0;
}

// A copy of the reservation that a request means, with held lines expired whose time is over.
absl::StatusOr<journal::Reservation> Take(Group& group, absl::string_view reservation_id,
                                          absl::string_view order_reference) {
  const absl::StatusOr<const journal::Reservation*> found =
      FindReservation(group.state(), reservation_id, order_reference);
  if (!found.ok()) return found.status();
  const std::string id = (*found)->id();
  ExpireIfDue(group, id);
  return *group.state().reservations.rows.Find(id);
}

absl::Status CheckAuthor(absl::string_view author, absl::string_view reason) {
  if (absl::Status checked = CheckText("author", author, kIdBytesMax); !checked.ok()) {
    return checked;
  }
  return CheckText("reason", reason);
}

template <class Response>
Response AnswerWith(const Group& group, const std::string& id) {
  Response response;
  *response.mutable_reservation() =
      ReservationOf(group.state(), *group.state().reservations.rows.Find(id));
  response.set_revision(group.revision());
  return response;
}

// The index of a line. INVALID_LINE.
absl::StatusOr<int> FindLine(const journal::Reservation& row, uint32_t line_id) {
  for (int i = 0; i < row.lines_size(); ++i) {
    if (row.lines(i).line_id() == line_id) return i;
  }
  return InvalidLine("line_id", absl::StrCat(line_id), "is no line of the reservation",
                     "name a line of it");
}

// Of the units that the API tells of a line, those that a till rang up already are only noted.
// Returns how many.
int32_t NoteByApi(ReservationChange& change, int index, int32_t units, int64_t now_us) {
  int32_t noted = 0;
  const int lines = change.row().lines_size();
  for (int i = 0; i < lines && noted < units; ++i) {
    const journal::ReservationLine& told = change.line(index);
    const journal::ReservationLine& other = change.line(i);
    if (!IsRungUpOnly(other) || other.item() != told.item() ||
        other.location() != told.location()) {
      continue;
    }
    const int32_t part = std::min(units - noted, other.units());
    change.line(SplitOff(change.row(), i, part)).set_api_us(now_us);
    noted += part;
  }
  return noted;
}

// Where units of a line may go instead of where they are.
absl::StatusOr<PlannedPart> PlanElsewhere(Group& group, const RuleBook& book,
                                          const journal::Reservation& row,
                                          const journal::ReservationLine& line, int32_t units,
                                          absl::string_view location_id) {
  WantedBasket wanted;
  wanted.channel = row.channel();
  wanted.group = row.group();
  wanted.only_stock = true;
  wanted.avoid = line.location();
  if (row.has_point()) {
    wanted.near.emplace();
    wanted.near->set_latitude(row.latitude());
    wanted.near->set_longitude(row.longitude());
  }
  WantedLine& one = wanted.lines.emplace_back();
  one.item = line.item();
  one.sku = group.state().items.Find(line.item())->sku();
  one.units = units;
  one.leaves = units;
  if (!location_id.empty()) {
    const absl::StatusOr<uint32_t> location =
        FindLocation(group.state(), "location_id", location_id);
    if (!location.ok()) return location.status();
    if (*location == line.location()) {
      return InvalidLine("location_id", std::string(location_id), "is where the line is already",
                         "name another location, or none for the hub to choose");
    }
    one.location = *location;
  }
  BasketPlan plan = PlanBasket(group.Settled(), book, wanted, group.now_us());
  if (plan.FirstShort() >= 0) {
    ExpireDueOf(group, wanted.lines);
    plan = PlanBasket(group.Settled(), book, wanted, group.now_us());
  }
  if (plan.FirstShort() >= 0) return NotEnough(group.state(), "line_id", one, plan.lines[0]);
  return plan.lines[0].parts[0];
}

void MoveLine(const PlannedPart& to, bool given, journal::ReservationLine& line) {
  line.set_location(to.location);
  line.set_location_reason(to.location_reason);
  line.set_location_given(given);
  line.set_deducted(false);  // that was another location's source
  if (IsPicked(line)) line.set_state(static_cast<uint32_t>(v1::RESERVATION_STATE_COMMITTED));
}

// What the picker's finding says of the position, as the movement that a person would record.
void AddFinding(Group& group, const v1::FailPickRequest& request,
                const journal::ReservationLine& line, int32_t missing) {
  journal::Fact fact;
  journal::MovementByPerson& movement = *fact.mutable_movement_by_person();
  movement.set_item(line.item());
  movement.set_location(line.location());
  movement.set_occurred_us(group.now_us());
  movement.set_ordinal(group.state().counters.person_ordinal + 1);
  movement.set_author(request.author());
  movement.set_reason(request.reason());
  movement.set_failed_pick(true);
  switch (request.failure()) {
    case v1::PICK_FAILURE_MISMATCH:
      movement.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
      movement.set_quantity(-missing);
      break;
    case v1::PICK_FAILURE_DAMAGED:
      movement.set_kind(v1::MOVEMENT_KIND_SET_ASIDE);
      movement.set_quantity(missing);
      break;
    default: {
      // Beside what was found there are only units that lie apart: picked ones of other lines, and
      // those set aside.
      movement.set_kind(v1::MOVEMENT_KIND_COUNT);
      const PositionTable::View view = group.Settled().positions.Find(line.item(), line.location());
      int64_t apart = 0;
      if (view.beside != nullptr) {
        const Reserved& reserved = view.beside->reserved;
        apart = reserved.picked - (IsPicked(line) ? line.units() : 0) - reserved.deducted +
                std::max<int64_t>(view.beside->now.unavailable(), 0);
      }
      movement.set_quantity(std::max<int64_t>(request.found_units() + apart, 0));
      break;
    }
  }
  group.Add(std::move(fact));
}

absl::Status CheckFailure(const v1::FailPickRequest& request, int32_t units) {
  const auto refuse = [](absl::string_view field, int value, std::string problem,
                         std::string remedy) {
    return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_PICK",
                                                       .field = field,
                                                       .value = absl::StrCat(value),
                                                       .problem = std::move(problem),
                                                       .remedy = std::move(remedy)});
  };
  if (request.failure() == v1::PICK_FAILURE_UNSPECIFIED ||
      !v1::PickFailure_IsValid(request.failure())) {
    return refuse("failure", request.failure(), "does not say what was wrong",
                  "send NOT_FOUND, MISMATCH or DAMAGED");
  }
  if (!v1::AfterFailedPick_IsValid(request.then())) {
    return refuse("then", request.then(), "is not known", "send KEEP, REASSIGN or RELEASE");
  }
  if (request.found_units() < 0 || request.found_units() >= units) {
    return refuse("found_units", request.found_units(), "is out of range",
                  absl::StrCat("send 0 to ", units - 1, "; with all found, pick the line"));
  }
  return CheckAuthor(request.author(), request.reason());
}

}  // namespace

absl::StatusOr<v1::PickReservationResponse> DecidePickReservation(
    Group& group, const v1::PickReservationRequest& request) {
  absl::StatusOr<journal::Reservation> row =
      Take(group, request.reservation_id(), request.order_reference());
  if (!row.ok()) return row.status();
  const auto may_be = [](const auto& line) { return IsCommitted(line) && IsStock(line); };
  const absl::StatusOr<std::vector<ChosenUnits>> chosen =
      ChooseLines(*row, request.lines(), "picked", may_be, may_be);
  if (!chosen.ok()) return chosen.status();
  const std::string id = row->id();
  ReservationChange change(group, *std::move(row));
  for (const ChosenUnits& one : *chosen) {
    const int index = SplitOff(change.row(), one.index, one.units);
    change.line(index).set_state(static_cast<uint32_t>(v1::RESERVATION_STATE_PICKED));
  }
  change.Add("PICKED");
  return AnswerWith<v1::PickReservationResponse>(group, id);
}

absl::StatusOr<v1::FulfilReservationResponse> DecideFulfilReservation(
    Group& group, const v1::FulfilReservationRequest& request) {
  absl::StatusOr<journal::Reservation> row =
      Take(group, request.reservation_id(), request.order_reference());
  if (!row.ok()) return row.status();
  const auto may_be = [](const auto& line) {
    return IsCommitted(line) || IsPicked(line) || IsRungUpOnly(line);
  };
  const absl::StatusOr<std::vector<ChosenUnits>> chosen =
      ChooseLines(*row, request.lines(), "handed over", may_be,
                  [&](const auto& line) { return may_be(line) && IsStock(line); });
  if (!chosen.ok()) return chosen.status();
  const std::string id = row->id();
  const bool all = request.lines().empty();
  ReservationChange change(group, *std::move(row));
  for (const ChosenUnits& one : *chosen) {
    if (IsRungUpOnly(change.line(one.index))) {
      const int index = SplitOff(change.row(), one.index, one.units);
      change.line(index).set_api_us(group.now_us());
      continue;
    }
    // Told as all lines, those that a till rang up are among them.
    const int32_t noted = all ? 0 : NoteByApi(change, one.index, one.units, group.now_us());
    if (noted == one.units) continue;
    change.HandOver(SplitOff(change.row(), one.index, one.units - noted));
  }
  change.Add("FULFILLED");
  return AnswerWith<v1::FulfilReservationResponse>(group, id);
}

absl::StatusOr<v1::ReleaseReservationResponse> DecideReleaseReservation(
    Group& group, const v1::ReleaseReservationRequest& request) {
  if (absl::Status checked = CheckAuthor(request.author(), request.reason()); !checked.ok()) {
    return checked;
  }
  absl::StatusOr<journal::Reservation> row =
      Take(group, request.reservation_id(), request.order_reference());
  if (!row.ok()) return row.status();
  const absl::StatusOr<std::vector<ChosenUnits>> chosen =
      ChooseLines(*row, request.lines(), "given back", IsOpen, IsOpen);
  if (!chosen.ok()) return chosen.status();
  const std::string id = row->id();
  ReservationChange change(group, *std::move(row));
  for (const ChosenUnits& one : *chosen) {
    journal::ReservationLine& line = change.line(SplitOff(change.row(), one.index, one.units));
    line.set_state(static_cast<uint32_t>(v1::RESERVATION_STATE_RELEASED));
    line.set_reason(request.reason());
  }
  change.Add("RELEASED", request.author(), request.reason());
  return AnswerWith<v1::ReleaseReservationResponse>(group, id);
}

absl::StatusOr<v1::ReassignLineResponse> DecideReassignLine(
    Group& group, const RuleBook& book, const v1::ReassignLineRequest& request) {
  if (absl::Status checked = CheckAuthor(request.author(), request.reason()); !checked.ok()) {
    return checked;
  }
  absl::StatusOr<journal::Reservation> row = Take(group, request.reservation_id(), "");
  if (!row.ok()) return row.status();
  const absl::StatusOr<int> index = FindLine(*row, request.line_id());
  if (!index.ok()) return index.status();
  const journal::ReservationLine& line = row->lines(*index);
  if (!IsStock(line) || !(IsCommitted(line) || HasState(line, v1::RESERVATION_STATE_HELD))) {
    return InvalidStep("line_id", static_cast<v1::ReservationState>(line.state()),
                       IsStock(line) ? "such a line cannot be moved"
                                     : "a line beyond stock is at no location yet");
  }
  const absl::StatusOr<PlannedPart> to =
      PlanElsewhere(group, book, *row, line, line.units(), request.location_id());
  if (!to.ok()) return to.status();
  const std::string id = row->id();
  ReservationChange change(group, *std::move(row));
  MoveLine(*to, !request.location_id().empty(), change.line(*index));
  change.Add("REASSIGNED", request.author(), request.reason());
  return AnswerWith<v1::ReassignLineResponse>(group, id);
}

absl::StatusOr<v1::FailPickResponse> DecideFailPick(Group& group, const RuleBook& book,
                                                    const v1::FailPickRequest& request) {
  absl::StatusOr<journal::Reservation> row =
      Take(group, request.reservation_id(), request.order_reference());
  if (!row.ok()) return row.status();
  const absl::StatusOr<int> index = FindLine(*row, request.line_id());
  if (!index.ok()) return index.status();
  const journal::ReservationLine& line = row->lines(*index);
  if (!IsStock(line) || !(IsCommitted(line) || IsPicked(line))) {
    return InvalidStep("line_id", static_cast<v1::ReservationState>(line.state()),
                       "such a line is not picked from a shelf");
  }
  if (absl::Status checked = CheckFailure(request, line.units()); !checked.ok()) return checked;
  const int32_t missing = line.units() - request.found_units();
  // All that can be refused comes before the first fact.
  std::optional<PlannedPart> to;
  if (request.then() == v1::AFTER_FAILED_PICK_REASSIGN) {
    absl::StatusOr<PlannedPart> planned =
        PlanElsewhere(group, book, *row, line, missing, request.location_id());
    if (!planned.ok()) return planned.status();
    to = *std::move(planned);
  }
  AddFinding(group, request, line, missing);
  const std::string id = row->id();
  ReservationChange change(group, *std::move(row));
  if (to.has_value()) {
    MoveLine(*to, !request.location_id().empty(),
             change.line(SplitOff(change.row(), *index, missing)));
  } else if (request.then() == v1::AFTER_FAILED_PICK_RELEASE) {
    journal::ReservationLine& released = change.line(SplitOff(change.row(), *index, missing));
    released.set_state(static_cast<uint32_t>(v1::RESERVATION_STATE_RELEASED));
    released.set_reason(request.reason());
  }
  change.Add("PICK_FAILED", request.author(), request.reason());
  return AnswerWith<v1::FailPickResponse>(group, id);
}

}  // namespace onhand::ledger
