#include "server/ledger/row_judge.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/apply_reservation.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();

bool FitsInt32(int64_t value) { return value >= -kInt32Max - 1 && value <= kInt32Max; }

bool MayBeNegative(EventKind kind) {
  return kind == EventKind::kSale || kind == EventKind::kAdjustment || kind == EventKind::kLevel;
}

RowRefusal OutOfRange(int64_t quantity, absl::string_view range) {
  return {"QUANTITY_OUT_OF_RANGE",
          absl::StrCat("quantity ", quantity, " is out of range; send ", range)};
}

v1::OrdersInNumbers DeclaredOrders(const State& state, uint32_t source) {
  const SourceState* row = state.sources.Find(source);
  return row == nullptr ? v1::ORDERS_IN_NUMBERS_NEVER
                        : static_cast<v1::OrdersInNumbers>(row->opened.orders_in_numbers());
}

}  // namespace

namespace {

// Folds what comes before an event, and notes what its source told.
void FoldBefore(const FoldState& before, const EventWindow& window, const Event& event,
                SourceName name, Preview& preview) {
  preview.at = before;
  // Of what was dropped only the newest number's moment is kept: it must have been this source's.
  if (before.level_source() == event.source && before.rare() == nullptr) {
    preview.level_us = before.absolute_us();
  }
  for (const Event& kept : window) {
    if (!Before(kept, event, name)) break;
    preview.at.Advance(kept);
    if (kept.source != event.source) continue;
    if (kept.event_kind() == EventKind::kLevel) preview.level_us = kept.at_us;
    if (kept.inferred != 0 && kept.event_kind() == EventKind::kAdjustment)
      preview.fell_before = true;
  }
}

}  // namespace

bool InfersMovements(const State& state, uint32_t location) {
  const LocationClock* clock = state.clocks.Find(location);
  if (clock == nullptr) return false;
  for (const LocationClock::SourceMoment& moment : clock->sources) {
    const uint32_t declared = state.sources.Find(moment.source)->opened.declared_kinds();
    if (declared == 0 || (declared >> v1::MOVEMENT_KIND_SALE & 1u) != 0) return false;
  }
  return true;
}

int64_t UnexplainedChange(const FoldState& before, uint32_t source, int64_t as_of_us, int64_t level,
                          int64_t units_gone) {
  int64_t expected = 0;
  if (!before.ExpectedLevel(source, &expected) || as_of_us <= before.absolute_us()) return 0;
  int64_t change = level - expected;
  if (change < 0) change = std::min<int64_t>(change + units_gone, 0);
  if (change == 0 || before.rare() == nullptr) return change;
  // The source has taken over what a count or an order had already told.
  for (const Correction& correction : before.rare()->corrections) {
    if (!correction.lasting && correction.amount == change) return 0;
  }
  // More than all orders that it had not deducted: it has deducted all of them, and sold the rest.
  const int64_t corrected = before.UnitsCorrected(/*lasting=*/false);
  return change < -corrected ? change + corrected : change;
}

int64_t CountedOnHand(const State& state, uint32_t item, uint32_t location, int64_t counted,
                      bool includes_picked) {
  const Reserved reserved = ReservedAt(state, item, location);
  return counted + (includes_picked ? 0 : reserved.picked) - reserved.deducted;
}

journal::InferredMovement MovementOf(const State& state, uint32_t item, uint32_t location,
                                     const Preview& before, int64_t as_of_us, int64_t change) {
  journal::InferredMovement movement;
  movement.set_kind(change < 0 ? v1::MOVEMENT_KIND_SALE : v1::MOVEMENT_KIND_RECEIPT);
  movement.set_quantity(std::abs(change));
  if (-change <= kBasketUnits || before.fell_before || before.level_us == FoldState::kNever) {
    return movement;
  }
  const std::optional<int64_t> at_most =
      UnseenSales(state).AtMost(item, location, before.level_us, as_of_us);
  if (!at_most.has_value() || -change <= *at_most) return movement;
  movement.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
  movement.set_quantity(change);
  return movement;
}

Preview PreviewBefore(const State& state, uint32_t item, uint32_t location, const Event& event) {
  Preview preview;
  const PositionTable::View view = state.positions.Find(item, location);
  if (view.cell == nullptr) return preview;
  static const EventWindow kNone;
  FoldBefore(
      view.beside == nullptr ? PlainFold(*view.cell) : view.beside->before,
      view.beside == nullptr ? kNone : view.beside->window, event,
      [&state](uint32_t source) { return state.SourceNameOf(source); }, preview);
  return preview;
}

Preview PreviewEvents(const State& state, uint32_t item, uint32_t location,
                      const std::vector<Event>& events, const Event& last) {
  const PositionTable::View view = state.positions.Find(item, location);
  Beside beside;
  if (view.beside != nullptr) {
    beside = *view.beside;
  } else if (view.cell != nullptr) {
    beside.before = PlainFold(*view.cell);
    beside.now = beside.before;
  }
  const auto name = [&state](uint32_t source) { return state.SourceNameOf(source); };
  for (const Event& event : events) InsertEvent(beside, event, name);
  Preview preview;
  FoldBefore(beside.before, beside.window, last, name, preview);
  InsertEvent(beside, last, name);
  preview.now = std::move(beside.now);
  return preview;
}

RowJudge::RowJudge(Group& group, uint32_t source, uint32_t spool, uint64_t sequence,
                   journal::MovementColumns* columns)
    : group_(group),
      source_(source),
      spool_(spool),
      sequence_(sequence),
      columns_(columns),
      writer_(columns),
      orders_(group, DeclaredOrders(group.state(), source)) {}

RowRefusal RowJudge::CheckShape(const RawRow& raw) const {
  if (raw.kind < v1::MOVEMENT_KIND_SALE || raw.kind > v1::MOVEMENT_KIND_COUNT) {
    return {"INVALID_KIND",
            absl::StrCat("kind ", raw.kind, " is not a movement; send SALE to COUNT (1 to 10)")};
  }
  if (!IsId(raw.sku)) {
    return {
        "INVALID_SKU",
        absl::StrCat("sku '", absl::Utf8SafeCEscape(raw.sku.substr(0, 100)), "' (", raw.sku.size(),
                     " bytes) is not 1 to 64 bytes of UTF-8 without control characters; correct "
                     "it at the source")};
  }
  const auto kind = static_cast<EventKind>(raw.kind);
  if (kind == EventKind::kCount && raw.quantity < 0) {
    return {"NEGATIVE_COUNT",
            absl::StrCat("quantity ", raw.quantity, " of a COUNT is negative; count again")};
  }
  if (raw.quantity < 0 && !MayBeNegative(kind)) return OutOfRange(raw.quantity, "0 to 1000000000");
  if (!IsUnits(raw.quantity)) return OutOfRange(raw.quantity, "-1000000000 to 1000000000");
  if (raw.occurred_us <= 0) {
    return {"INVALID_TIME",
            "occurred_at_us is missing; send when it happened, microseconds since 1970"};
  }
  return {};
}

RowRefusal RowJudge::Take(const RawRow& raw) {
  last_fulfils_ = false;
  if (RowRefusal refusal = CheckShape(raw)) return refusal;
  const CodeTarget* target = group_.state().Resolve(raw.sku, source_);
  if (target == nullptr) {
    return {"UNKNOWN_ITEM",
            absl::StrCat("sku '", raw.sku,
                         "' is no item that the hub knows; import it, or add it as an alias"),
            true};
  }
  const int64_t quantity = raw.quantity * target->pack_factor;
  if (!IsUnits(quantity)) return OutOfRange(quantity, "at most 1000000000 units, packs resolved");
  return IsAbsolute(static_cast<EventKind>(raw.kind)) ? TakeAbsolute(raw, target->item, quantity)
                                                      : TakeDelta(raw, target->item, quantity);
}

RowRefusal RowJudge::TakeDelta(const RawRow& raw, uint32_t item, int64_t quantity) {
  // Nearly always this alone shows that the position stays inside int32, without looking at it.
  const int64_t at_most = group_.state().positions.on_hand_bound() + group_.unsettled_units() +
                          units_moved_ + std::abs(quantity);
  if (at_most > kInt32Max) {
    const Preview preview = PreviewOf(item, raw, EventOf(raw, quantity));
    if (!FitsInt32(preview.now.on_hand())) {
      return OutOfRange(quantity,
                        absl::StrCat("less: the position would hold ", preview.now.on_hand()));
    }
  }
  Add(raw, item, quantity);
  last_fulfils_ =
      static_cast<EventKind>(raw.kind) == EventKind::kSale &&
      orders_.TakeSale(item, raw.location, quantity, raw.occurred_us, raw.order_reference);
  return {};
}

RowRefusal RowJudge::TakeAbsolute(const RawRow& raw, uint32_t item, int64_t quantity) {
  if (static_cast<EventKind>(raw.kind) == EventKind::kCount) {
    quantity = CountedOnHand(group_.state(), item, raw.location, quantity, raw.includes_picked);
  }
  const LocationClock* clock = group_.Settled().clocks.Find(raw.location);
  if (clock != nullptr && raw.occurred_us < clock->dropped_through_us) {
    return {
        "LATE_COUNT",
        absl::StrCat("occurred_at_us ", raw.occurred_us, " is before ", clock->dropped_through_us,
                     ", up to which this location's history is closed; send a fresh number")};
  }
  const Preview preview = PreviewOf(item, raw, EventOf(raw, quantity));
  if (!FitsInt32(preview.now.on_hand())) {
    return OutOfRange(quantity,
                      absl::StrCat("less: the position would hold ", preview.now.on_hand()));
  }
  Add(raw, item, quantity);
  if (static_cast<EventKind>(raw.kind) == EventKind::kLevel) Infer(raw, item, quantity, preview);
  return {};
}

Event RowJudge::EventOf(const RawRow& raw, int64_t quantity) const {
  Event event{};
  event.at_us = raw.occurred_us;
  event.sequence = sequence_;
  event.kind = raw.kind;
  event.source = source_;
  event.row = raw.row;
  event.spool = spool_;
  event.quantity = static_cast<int32_t>(quantity);
  return event;
}

Preview RowJudge::PreviewOf(uint32_t item, const RawRow& raw, const Event& event) {
  const RowReader reader(*columns_);
  if (!own_rows_.has_value()) {
    own_rows_.emplace();
    for (int i = 0; i < reader.size(); ++i)
      (*own_rows_)[{reader.item(i), reader.location(i)}].push_back(i);
  }
  std::vector<Event> events;
  if (const auto found = own_rows_->find(PositionKey{item, raw.location});
      found != own_rows_->end()) {
    for (const int i : found->second)
      events.push_back(reader.event(i, source_, spool_, sequence_, 0));
  }
  return PreviewEvents(group_.Settled(), item, raw.location, events, event);
}

void RowJudge::Infer(const RawRow& raw, uint32_t item, int64_t quantity, const Preview& preview) {
  if (inferring_location_ != raw.location) {
    inferring_location_ = raw.location;
    infers_ = InfersMovements(group_.state(), raw.location);
  }
  if (!infers_) return;
  const int64_t change = UnexplainedChange(preview.at, source_, raw.occurred_us, quantity,
                                           orders_.UnitsGone(item, raw.location));
  if (change == 0) return;
  journal::InferredMovement& inferred = *columns_->add_inferred();
  inferred = MovementOf(group_.Settled(), item, raw.location, preview, raw.occurred_us, change);
  inferred.set_index(static_cast<uint32_t>(last_index_));
}

void RowJudge::Add(const RawRow& raw, uint32_t item, int64_t quantity) {
  last_index_ = writer_.Add(item, raw.location, raw.kind, quantity, raw.occurred_us, raw.row);
  units_moved_ += std::abs(quantity);
  if (own_rows_.has_value()) (*own_rows_)[{item, raw.location}].push_back(last_index_);
}

}  // namespace onhand::ledger
