#include "server/ledger/decide_reservation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/basket.h"
#include "server/ledger/basket_plan.h"
#include "server/ledger/decide_request.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservation_steps.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

// For how long, in microseconds. INVALID_TTL.
absl::StatusOr<int64_t> TtlOf(const State& state, uint32_t channel, int32_t ttl_s) {
  if (ttl_s < 0 || ttl_s > kReservationTtlMax_s) {
    return Refuse(
        absl::StatusCode::kInvalidArgument,
        {.reason = "INVALID_TTL",
         .field = "ttl_s",
         .value = absl::StrCat(ttl_s),
         .problem = "is out of range",
         .remedy = absl::StrCat("send 1 to ", kReservationTtlMax_s, ", or 0 for the channel's")});
  }
  if (ttl_s == 0) ttl_s = state.channels.Find(channel)->reservation_ttl_s();
  if (ttl_s == 0) ttl_s = kReservationTtl_s;
  return ttl_s * kMicrosPerSecond;
}

// An order's reference that no other known reservation has. Empty is fine unless `needed`.
absl::Status CheckOrder(const State& state, const std::string& reference, bool needed,
                        absl::string_view own_id) {
  if (reference.empty() && !needed) return absl::OkStatus();
  if (absl::Status checked = CheckId("order_reference", reference); !checked.ok()) return checked;
  const std::string* taken = state.reservations.order_refs.Find(reference);
  if (taken == nullptr || *taken == own_id) return absl::OkStatus();
  return Refuse(absl::StatusCode::kAlreadyExists,
                {.reason = "ORDER_REFERENCE_TAKEN",
                 .field = "order_reference",
                 .value = reference,
                 .problem = absl::StrCat("is the order of reservation ", ReservationIdText(*taken)),
                 .remedy = "read that one, or send the reference of another order"});
}

// A reservation may be given another order's name until units of it were sold in the first one's.
absl::Status CheckRename(const journal::Reservation& row, const std::string& reference) {
  if (row.order_reference().empty() || row.order_reference() == reference) return absl::OkStatus();
  const bool is_used =
      std::any_of(row.lines().begin(), row.lines().end(), [](const journal::ReservationLine& line) {
        return HasState(line, v1::RESERVATION_STATE_COMMITTED) ||
               HasState(line, v1::RESERVATION_STATE_PICKED) ||
               HasState(line, v1::RESERVATION_STATE_FULFILLED);
      });
  if (!is_used) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition,
                {.reason = "ORDER_REFERENCE_DIFFERS",
                 .field = "order_reference",
                 .value = reference,
                 .problem = absl::StrCat("is not the order that units of it were sold in, '",
                                         row.order_reference(), "'"),
                 .remedy = "leave it empty, or send that one"});
}

absl::Status CheckItems(const WantedBasket& wanted) {
  for (size_t i = 0; i < wanted.lines.size(); ++i) {
    if (wanted.lines[i].item != 0) continue;
    return Refuse(absl::StatusCode::kNotFound,
                  {.reason = "UNKNOWN_ITEM",
                   .field = absl::StrCat("basket.lines[", i, "].sku"),
                   .value = wanted.lines[i].sku,
                   .problem = "is no SKU or alias that the hub knows",
                   .remedy = "import the item first (onhand import items)"});
  }
  return absl::OkStatus();
}

// Plans on what the group settled; where that is too little, the units of holds whose time is over
// are free first.
BasketPlan PlanSettled(Group& group, const RuleBook& book, const WantedBasket& wanted) {
  BasketPlan plan = PlanBasket(group.Settled(), book, wanted, group.now_us());
  if (plan.FirstShort() < 0) return plan;
  const int facts_before = group.fact_count();
  ExpireDueOf(group, wanted.lines);
  if (group.fact_count() == facts_before) return plan;
  return PlanBasket(group.Settled(), book, wanted, group.now_us());
}

// What the hub chose by when the reservation was made.
WantedBasket WantedAnew(const journal::Reservation& row) {
  WantedBasket wanted;
  wanted.channel = row.channel();
  wanted.group = row.group();
  wanted.allow_split = row.allow_split();
  if (row.has_point()) {
    wanted.near.emplace();
    wanted.near->set_latitude(row.latitude());
    wanted.near->set_longitude(row.longitude());
  }
  return wanted;
}

void KeepChoice(const v1::Basket& basket, const WantedBasket& wanted, journal::Reservation& row) {
  row.set_channel(wanted.channel);
  row.set_group(wanted.group);
  row.set_allow_split(wanted.allow_split);
  if (!basket.has_near()) return;
  row.set_has_point(true);
  row.set_latitude(basket.near().latitude());
  row.set_longitude(basket.near().longitude());
}

// The reservation's id is its request's. REQUEST_ID_REUSED where another reservation has it, which
// its kept answer does not tell any more.
absl::StatusOr<std::string> NewId(const State& state, const std::string& request_id) {
  absl::StatusOr<std::string> id = ParseRequestId(request_id);
  if (!id.ok() || !state.reservations.rows.Contains(*id)) return id;
  return Refuse(absl::StatusCode::kAlreadyExists, {.reason = "REQUEST_ID_REUSED",
                                                   .field = "request_id",
                                                   .value = request_id,
                                                   .problem = "is the id of a reservation",
                                                   .remedy = "make a new id for each new request"});
}

// Lines whose time was over, planned anew into `row`; all or none.
absl::Status HoldAnew(Group& group, const RuleBook& book, journal::Reservation& row) {
  WantedBasket wanted = WantedAnew(row);
  std::vector<int> indexes;
  for (int i = 0; i < row.lines_size(); ++i) {
    const journal::ReservationLine& line = row.lines(i);
    if (!HasState(line, v1::RESERVATION_STATE_EXPIRED)) continue;
    indexes.push_back(i);
    wanted.lines.push_back({.item = line.item(),
                            .sku = group.state().items.Find(line.item())->sku(),
                            .units = line.units(),
                            .location = line.location_given() ? line.location() : 0});
  }
  if (indexes.empty()) return absl::OkStatus();
  const BasketPlan plan = PlanSettled(group, book, wanted);
  if (const int first = plan.FirstShort(); first >= 0) {
    const auto i = static_cast<size_t>(first);
    return NotEnough(group.state(), absl::StrCat("lines[", indexes[i], "]"), wanted.lines[i],
                     plan.lines[i]);
  }
  for (size_t n = 0; n < indexes.size(); ++n) {
    journal::Reservation planned;
    AddPlannedLines(plan.lines[n], wanted.lines[n], row.lines(indexes[n]).basket_line(),
                    v1::RESERVATION_STATE_HELD, planned);
    // The first part keeps the line's id.
    for (int part = 0; part < planned.lines_size(); ++part) {
      journal::ReservationLine& line = *planned.mutable_lines(part);
      line.set_line_id(part == 0 ? row.lines(indexes[n]).line_id() : NextLineId(row));
      (part == 0 ? *row.mutable_lines(indexes[n]) : *row.add_lines()) = line;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CheckBasketResponse> CheckBasket(const State& state, const RuleBook& book,
                                                    const v1::CheckBasketRequest& request) {
  const absl::StatusOr<WantedBasket> wanted = ReadBasket(state, request.basket());
  if (!wanted.ok()) return wanted.status();
  const BasketPlan plan = PlanBasket(state, book, *wanted, state.counters.time_us);
  v1::CheckBasketResponse response;
  response.set_can_hold(plan.FirstShort() < 0);
  for (size_t i = 0; i < plan.lines.size(); ++i) {
    *response.add_answers() = AnswerOf(state, wanted->lines[i], plan.lines[i]);
  }
  response.set_revision(state.counters.revision);
  return response;
}

absl::StatusOr<v1::CreateReservationResponse> DecideCreateReservation(
    Group& group, const RuleBook& book, const v1::CreateReservationRequest& request) {
  const State& state = group.state();
  const absl::StatusOr<std::string> id = NewId(state, request.request_id());
  if (!id.ok()) return id.status();
  const absl::StatusOr<WantedBasket> wanted = ReadBasket(state, request.basket());
  if (!wanted.ok()) return wanted.status();
  if (absl::Status checked = CheckItems(*wanted); !checked.ok()) return checked;
  const absl::StatusOr<int64_t> ttl_us = TtlOf(state, wanted->channel, request.ttl_s());
  if (!ttl_us.ok()) return ttl_us.status();
  if (absl::Status checked = CheckOrder(state, request.order_reference(), request.commit(), "");
      !checked.ok()) {
    return checked;
  }
  const BasketPlan plan = PlanSettled(group, book, *wanted);
  if (const int first = plan.FirstShort();
      first >= 0 && (!request.allow_partial() || plan.IsEmpty())) {
    const auto i = static_cast<size_t>(first);
    return NotEnough(state, absl::StrCat("basket.lines[", i, "]"), wanted->lines[i], plan.lines[i]);
  }
  journal::Reservation row;
  row.set_id(*id);
  KeepChoice(request.basket(), *wanted, row);
  row.set_order_reference(request.order_reference());
  row.set_created_us(group.now_us());
  if (!request.commit()) row.set_expires_us(group.now_us() + *ttl_us);
  const v1::ReservationState line_state =
      request.commit() ? v1::RESERVATION_STATE_COMMITTED : v1::RESERVATION_STATE_HELD;
  v1::CreateReservationResponse response;
  for (size_t i = 0; i < plan.lines.size(); ++i) {
    AddPlannedLines(plan.lines[i], wanted->lines[i], static_cast<uint32_t>(i), line_state, row);
    *response.add_answers() = AnswerOf(state, wanted->lines[i], plan.lines[i]);
  }
  ReservationChange(group, std::move(row)).Add("CREATED");
  *response.mutable_reservation() = ReservationOf(state, *state.reservations.rows.Find(*id));
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::ExtendReservationResponse> DecideExtendReservation(
    Group& group, const v1::ExtendReservationRequest& request) {
  const State& state = group.state();
  absl::StatusOr<const journal::Reservation*> found =
      FindReservation(state, request.reservation_id(), "");
  if (!found.ok()) return found.status();
  const std::string id = (*found)->id();
  const absl::StatusOr<int64_t> ttl_us = TtlOf(state, (*found)->channel(), request.ttl_s());
  if (!ttl_us.ok()) return ttl_us.status();
  ExpireIfDue(group, id);
  ReservationChange change(group, *state.reservations.rows.Find(id));
  const auto& lines = change.row().lines();
  if (std::none_of(lines.begin(), lines.end(),
                   [](const auto& line) { return HasState(line, v1::RESERVATION_STATE_HELD); })) {
    return InvalidStep("reservation_id", StateOf(change.row()),
                       "no line of it is held, so that none can be held longer");
  }
  change.row().set_expires_us(group.now_us() + *ttl_us);
  change.Add("EXTENDED");
  v1::ExtendReservationResponse response;
  *response.mutable_reservation() = ReservationOf(state, *state.reservations.rows.Find(id));
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::CommitReservationResponse> DecideCommitReservation(
    Group& group, const RuleBook& book, const v1::CommitReservationRequest& request) {
  const State& state = group.state();
  absl::StatusOr<const journal::Reservation*> found =
      FindReservation(state, request.reservation_id(), "");
  if (!found.ok()) return found.status();
  const std::string id = (*found)->id();
  const std::string reference =
      request.order_reference().empty() ? (*found)->order_reference() : request.order_reference();
  if (absl::Status checked = CheckOrder(state, reference, /*needed=*/true, id); !checked.ok()) {
    return checked;
  }
  if (absl::Status checked = CheckRename(**found, reference); !checked.ok()) return checked;
  ExpireIfDue(group, id);
  ReservationChange change(group, *state.reservations.rows.Find(id));
  const v1::ReservationState before = StateOf(change.row());
  if (absl::Status held = HoldAnew(group, book, change.row()); !held.ok()) return held;
  bool any = false;
  for (int i = 0; i < change.row().lines_size(); ++i) {
    if (!HasState(change.line(i), v1::RESERVATION_STATE_HELD)) continue;
    change.line(i).set_state(static_cast<uint32_t>(v1::RESERVATION_STATE_COMMITTED));
    any = true;
  }
  if (!any) {
    return InvalidStep("reservation_id", before, "no line of it is held or has expired");
  }
  change.row().set_order_reference(reference);
  change.row().set_expires_us(0);
  change.Add("COMMITTED");
  v1::CommitReservationResponse response;
  *response.mutable_reservation() = ReservationOf(state, *state.reservations.rows.Find(id));
  response.set_revision(group.revision());
  return response;
}

int DecideExpiries(Group& group, int reservations_max) {
  std::vector<std::string> due;
  group.state().reservations.by_expiry.VisitFrom({0, ""}, [&](const auto& key) {
    if (key.first > group.now_us() || static_cast<int>(due.size()) >= reservations_max) {
      return false;
    }
    due.push_back(key.second);
    return true;
  });
  for (const std::string& id : due) ExpireIfDue(group, id);
  return static_cast<int>(due.size());
}

bool HasDueHold(const State& state, int64_t now_us) {
  bool due = false;
  state.reservations.by_expiry.VisitFrom({0, ""}, [&](const auto& key) {
    due = key.first <= now_us;
    return false;
  });
  return due;
}

}  // namespace onhand::ledger
