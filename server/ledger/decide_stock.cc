#include "server/ledger/decide_stock.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"
#include "server/ledger/row_judge.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

// A movement that a person records: where, what, when.
struct PersonEvent {
  uint32_t item = 0;
  uint32_t location = 0;
  Event event{};
};

absl::StatusOr<PersonEvent> CheckAdjust(Group& group, const v1::AdjustRequest& request) {
  const int kind = request.kind();
  if (kind != v1::MOVEMENT_KIND_ADJUSTMENT && kind != v1::MOVEMENT_KIND_COUNT &&
      kind != v1::MOVEMENT_KIND_SET_ASIDE && kind != v1::MOVEMENT_KIND_PUT_BACK) {
    return Refuse(
        absl::StatusCode::kInvalidArgument,
        {.reason = "INVALID_KIND",
         .field = "kind",
         .value = v1::MovementKind_IsValid(kind) ? v1::MovementKind_Name(request.kind())
                                                 : absl::StrCat(kind),
         .problem = "is not for people to record",
         .remedy = "send ADJUSTMENT, COUNT, SET_ASIDE or PUT_BACK; tills report the others"});
  }
  const int64_t least = kind == v1::MOVEMENT_KIND_ADJUSTMENT ? -kUnitsMax : 0;
  if (absl::Status checked = CheckUnits("quantity", request.quantity(), least); !checked.ok())
    return checked;
  if (absl::Status checked = CheckText("author", request.author(), kIdBytesMax); !checked.ok())
    return checked;
  if (absl::Status checked = CheckText("reason", request.reason()); !checked.ok()) return checked;
  const absl::StatusOr<uint32_t> item = FindItem(group.state(), "sku", request.sku());
  if (!item.ok()) return item.status();
  const absl::StatusOr<uint32_t> location =
      FindLocation(group.state(), "location_id", request.location_id());
  if (!location.ok()) return location.status();

  PersonEvent made;
  made.item = *item;
  made.location = *location;
  made.event.kind = static_cast<uint64_t>(kind);
  made.event.quantity = static_cast<int32_t>(
      kind == v1::MOVEMENT_KIND_COUNT ? CountedOnHand(group.state(), *item, *location,
                                                      request.quantity(), request.includes_picked())
                                      : request.quantity());
  made.event.sequence = group.state().counters.person_ordinal + 1;
  made.event.at_us = group.now_us();
  if (request.has_occurred_at()) {
    made.event.at_us = std::min(group.now_us(), request.occurred_at().seconds() * 1'000'000 +
                                                    request.occurred_at().nanos() / 1'000);
  }
  return made;
}

absl::Status CheckFold(Group& group, const PersonEvent& made) {
  const LocationClock* clock = group.Settled().clocks.Find(made.location);
  if (IsAbsolute(made.event.event_kind()) && clock != nullptr &&
      made.event.at_us < clock->dropped_through_us) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "LATE_COUNT",
                   .field = "occurred_at",
                   .value = absl::StrCat(made.event.at_us),
                   .problem = absl::StrCat("is before ", clock->dropped_through_us,
                                           " us, up to which this location's history is closed"),
                   .remedy = "count again now"});
  }
  const Preview preview = PreviewEvents(group.Settled(), made.item, made.location, {}, made.event);
  const int64_t on_hand = preview.now.on_hand();
  if (on_hand <= std::numeric_limits<int32_t>::max() &&
      on_hand >= std::numeric_limits<int32_t>::min() &&
      std::abs(preview.now.unavailable()) <= std::numeric_limits<int32_t>::max()) {
    return absl::OkStatus();
  }
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "QUANTITY_OUT_OF_RANGE",
                 .field = "quantity",
                 .value = absl::StrCat(made.event.quantity),
                 .problem = absl::StrCat("would leave the position at ", on_hand),
                 .remedy = "send less"});
}

void SetTime(google::protobuf::Timestamp* timestamp, int64_t at_us) {
  timestamp->set_seconds(at_us / 1'000'000);
  timestamp->set_nanos(static_cast<int32_t>(at_us % 1'000'000) * 1'000);
}

}  // namespace

v1::Position PositionOf(const State& state, uint32_t item, uint32_t location) {
  v1::Position position;
  position.set_sku(state.items.Find(item)->sku());
  position.set_location_id(state.locations.Find(location)->location_id());
  const PositionTable::View view = state.positions.Find(item, location);
  int64_t unavailable = 0;
  if (view.cell != nullptr) {
    position.set_on_hand(view.cell->on_hand);
    position.set_level_source_id(std::string(state.SourceNameOf(view.cell->level_source)));
  }
  if (view.beside != nullptr) {
    unavailable = std::max<int64_t>(0, view.beside->now.unavailable());
    position.set_corrections(view.beside->now.CorrectionSum());
    position.set_held(view.beside->reserved.held);
    position.set_committed(view.beside->reserved.committed);
    position.set_picked(view.beside->reserved.picked);
  }
  position.set_unavailable(unavailable);
  if (view.cell != nullptr) {
    position.set_available(std::max<int64_t>(AvailableUnits(*view.cell, view.beside), 0));
    position.set_shortage(ShortageUnits(*view.cell, view.beside));
  }
  if (const LocationClock* clock = state.clocks.Find(location);
      clock != nullptr && clock->KnownThrough() > 0) {
    SetTime(position.mutable_known_through(), clock->KnownThrough());
  }
  return position;
}

absl::StatusOr<v1::AdjustResponse> DecideAdjust(Group& group, const v1::AdjustRequest& request) {
  const absl::StatusOr<PersonEvent> made = CheckAdjust(group, request);
  if (!made.ok()) return made.status();
  if (absl::Status checked = CheckFold(group, *made); !checked.ok()) return checked;
  journal::Fact fact;
  journal::MovementByPerson& movement = *fact.mutable_movement_by_person();
  movement.set_item(made->item);
  movement.set_location(made->location);
  movement.set_kind(static_cast<uint32_t>(request.kind()));
  movement.set_quantity(made->event.quantity);
  movement.set_occurred_us(made->event.at_us);
  movement.set_ordinal(made->event.sequence);
  movement.set_author(request.author());
  movement.set_reason(request.reason());
  movement.set_includes_picked(request.includes_picked());
  group.Add(std::move(fact));
  v1::AdjustResponse response;
  *response.mutable_position() = PositionOf(group.Settled(), made->item, made->location);
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::EndCorrectionsResponse> DecideEndCorrections(
    Group& group, const v1::EndCorrectionsRequest& request) {
  const absl::StatusOr<uint32_t> item = FindItem(group.state(), "sku", request.sku());
  if (!item.ok()) return item.status();
  const absl::StatusOr<uint32_t> location =
      FindLocation(group.state(), "location_id", request.location_id());
  if (!location.ok()) return location.status();
  if (absl::Status checked = CheckText("author", request.author(), kIdBytesMax); !checked.ok())
    return checked;
  if (absl::Status checked = CheckText("reason", request.reason()); !checked.ok()) return checked;
  const PositionTable::View view = group.Settled().positions.Find(*item, *location);
  if (view.beside != nullptr && view.beside->now.CorrectionSum() != 0) {
    journal::Fact fact;
    journal::CorrectionsEnded& ended = *fact.mutable_corrections_ended();
    ended.set_item(*item);
    ended.set_location(*location);
    ended.set_occurred_us(group.now_us());
    ended.set_ordinal(group.state().counters.person_ordinal + 1);
    ended.set_author(request.author());
    ended.set_reason(request.reason());
    group.Add(std::move(fact));
  }
  v1::EndCorrectionsResponse response;
  *response.mutable_position() = PositionOf(group.Settled(), *item, *location);
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::RetireSourceResponse> DecideRetireSource(
    Group& group, const v1::RetireSourceRequest& request) {
  const uint32_t* source = group.state().source_ids.Find(request.source_id());
  if (source == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_SOURCE",
                                                .field = "source_id",
                                                .value = request.source_id(),
                                                .problem = "is no source that ever reported",
                                                .remedy = "see the sources in `onhand status`"});
  }
  if (absl::Status checked = CheckText("author", request.author(), kIdBytesMax); !checked.ok())
    return checked;
  if (absl::Status checked = CheckText("reason", request.reason()); !checked.ok()) return checked;
  if (!group.state().sources.Find(*source)->retired) {
    journal::Fact fact;
    journal::SourceRetired& retired = *fact.mutable_source_retired();
    retired.set_source(*source);
    retired.set_author(request.author());
    retired.set_reason(request.reason());
    group.Add(std::move(fact));
  }
  v1::RetireSourceResponse response;
  response.set_revision(group.revision());
  return response;
}

}  // namespace onhand::ledger
