#include "server/ledger/reservations.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/state.h"

namespace onhand::ledger {
namespace {

constexpr size_t kIdBytes = 16;
constexpr int kShortageIdsMax = 100;

uint32_t Number(v1::ReservationState state) { return static_cast<uint32_t>(state); }

// Calls visit(set, key) for every place where the row's lines are found.
template <class Visit>
void ForEachLineKey(const journal::Reservation& row, Reservations& reservations, Visit visit) {
  for (const journal::ReservationLine& line : row.lines()) {
    if (IsHandedOver(line)) {
      visit(reservations.handed_over,
            std::make_tuple(line.location(), line.item(), line.api_us(), row.id()));
    }
    if (!IsOpen(line)) continue;
    if (IsStock(line)) {
      visit(reservations.open_lines,
            std::make_tuple(line.location(), line.item(), row.created_us(), row.id()));
    } else {
      visit(reservations.marked_lines, std::make_tuple(line.item(), row.created_us(), row.id()));
    }
  }
}

bool HasHeldLine(const journal::Reservation& row) {
  return std::any_of(row.lines().begin(), row.lines().end(), [](const auto& line) {
    return line.state() == Number(v1::RESERVATION_STATE_HELD);
  });
}

void Mark(Reservations& reservations, const journal::Reservation& row, int sign) {
  for (const journal::ReservationLine& line : row.lines()) {
    if (!IsOpen(line) || IsStock(line)) continue;
    MarkedUnits& marked = reservations.marked_units.Mutable(line.item());
    const bool backorder = line.promise() == static_cast<uint32_t>(v1::LINE_PROMISE_BACKORDER);
    (backorder ? marked.backorder : marked.keep_selling) += int64_t{sign} * line.units();
    if (marked.Sum() == 0) reservations.marked_units.Erase(line.item());
  }
}

std::string IdOfLocation(const State& state, uint32_t location) {
  const journal::Location* row = state.locations.Find(location);
  return row == nullptr ? std::string() : row->location_id();
}

std::string SkuOf(const State& state, uint32_t item) {
  const journal::Item* row = state.items.Find(item);
  return row == nullptr ? std::string() : row->sku();
}

void ShowLine(const State& state, const journal::ReservationLine& line,
              v1::ReservationLine& shown) {
  shown.set_line_id(line.line_id());
  shown.set_basket_line(line.basket_line());
  shown.set_sku(SkuOf(state, line.item()));
  shown.set_units(line.units());
  if (line.location() != 0) shown.set_location_id(IdOfLocation(state, line.location()));
  shown.set_promise(static_cast<v1::LinePromise>(line.promise()));
  shown.set_state(static_cast<v1::ReservationState>(line.state()));
  if (line.available_from_us() != 0) {
    *shown.mutable_available_from() = TimestampOf(line.available_from_us());
  }
  shown.set_fulfilled_by_api(line.api_us() != 0);
  shown.set_fulfilled_by_till(line.till_us() != 0);
  shown.set_till_inferred(line.till_inferred());
  shown.set_deducted(line.deducted());
  shown.set_location_reason(line.location_reason());
  shown.set_reason(line.reason());
}

}  // namespace

Reservations::Reservations(const Reservations* base)
    : rows(&base->rows),
      order_refs(&base->order_refs),
      marked_units(&base->marked_units),
      by_creation(&base->by_creation),
      by_expiry(&base->by_expiry),
      by_end(&base->by_end),
      open_lines(&base->open_lines),
      handed_over(&base->handed_over),
      marked_lines(&base->marked_lines) {}

void Reservations::List(const journal::Reservation& row) {
  if (!row.order_reference().empty()) order_refs.Mutable(row.order_reference()) = row.id();
  by_creation.Insert({row.created_us(), row.id()});
  if (HasHeldLine(row)) by_expiry.Insert({row.expires_us(), row.id()});
  if (row.ended_us() != 0) by_end.Insert({row.ended_us(), row.id()});
  ForEachLineKey(row, *this, [](auto& set, const auto& key) { set.Insert(key); });
  Mark(*this, row, 1);
}

void Reservations::Unlist(const journal::Reservation& row) {
  if (!row.order_reference().empty()) order_refs.Erase(row.order_reference());
  by_creation.Erase({row.created_us(), row.id()});
  by_expiry.Erase({row.expires_us(), row.id()});
  by_end.Erase({row.ended_us(), row.id()});
  ForEachLineKey(row, *this, [](auto& set, const auto& key) { set.Erase(key); });
  Mark(*this, row, -1);
}

bool IsOpen(const journal::ReservationLine& line) {
  return line.state() == Number(v1::RESERVATION_STATE_HELD) ||
         line.state() == Number(v1::RESERVATION_STATE_COMMITTED) ||
         line.state() == Number(v1::RESERVATION_STATE_PICKED);
}

bool IsStock(const journal::ReservationLine& line) {
  return line.promise() == static_cast<uint32_t>(v1::LINE_PROMISE_STOCK);
}

bool IsHandedOver(const journal::ReservationLine& line) {
  return line.state() == Number(v1::RESERVATION_STATE_FULFILLED) && IsStock(line) &&
         line.api_us() != 0 && line.till_us() == 0 && !line.deducted();
}

Reserved ReservedBy(const journal::ReservationLine& line) {
  Reserved reserved;
  if (!IsOpen(line) || !IsStock(line)) return reserved;
  if (line.state() == Number(v1::RESERVATION_STATE_HELD)) {
    reserved.held = line.units();
    return reserved;
  }
  reserved.committed = line.units();
  if (line.state() == Number(v1::RESERVATION_STATE_PICKED)) reserved.picked = line.units();
  if (line.deducted()) reserved.deducted = line.units();
  return reserved;
}

v1::ReservationState StateOf(const journal::Reservation& reservation) {
  // The least advanced open state has the least number; among ended ones the order is said above.
  uint32_t open = 0;
  bool fulfilled = false;
  bool expired = false;
  for (const journal::ReservationLine& line : reservation.lines()) {
    if (IsOpen(line)) open = open == 0 ? line.state() : std::min(open, line.state());
    fulfilled = fulfilled || line.state() == Number(v1::RESERVATION_STATE_FULFILLED);
    expired = expired || line.state() == Number(v1::RESERVATION_STATE_EXPIRED);
  }
  if (open != 0) return static_cast<v1::ReservationState>(open);
  if (fulfilled) return v1::RESERVATION_STATE_FULFILLED;
  return expired ? v1::RESERVATION_STATE_EXPIRED : v1::RESERVATION_STATE_RELEASED;
}

std::string ReservationIdText(absl::string_view id) {
  const std::string hex = absl::BytesToHexString(id);
  if (id.size() != kIdBytes) return hex;
  const absl::string_view text = hex;
  return absl::StrCat(text.substr(0, 8), "-", text.substr(8, 4), "-", text.substr(12, 4), "-",
                      text.substr(16, 4), "-", text.substr(20));
}

std::string ReservationIdOf(absl::string_view text) {
  const bool shaped =
      text.size() == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  const std::string digits = absl::StrReplaceAll(text, {{"-", ""}});
  const bool hex = std::all_of(digits.begin(), digits.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  return shaped && hex && digits.size() == 2 * kIdBytes ? absl::HexStringToBytes(digits)
                                                        : std::string();
}

v1::Reservation ReservationOf(const State& state, const journal::Reservation& reservation) {
  v1::Reservation shown;
  shown.set_reservation_id(ReservationIdText(reservation.id()));
  if (const journal::Channel* channel = state.channels.Find(reservation.channel())) {
    shown.set_channel_id(channel->channel_id());
  }
  shown.set_order_reference(reservation.order_reference());
  shown.set_state(StateOf(reservation));
  *shown.mutable_created_at() = TimestampOf(reservation.created_us());
  if (shown.state() == v1::RESERVATION_STATE_HELD) {
    *shown.mutable_expires_at() = TimestampOf(reservation.expires_us());
  }
  for (const journal::ReservationLine& line : reservation.lines()) {
    ShowLine(state, line, *shown.add_lines());
  }
  shown.set_revision(reservation.revision());
  shown.set_imported(reservation.imported());
  return shown;
}

absl::StatusOr<const journal::Reservation*> FindReservation(const State& state,
                                                            absl::string_view reservation_id,
                                                            absl::string_view order_reference) {
  std::string id = ReservationIdOf(reservation_id);
  const bool by_order = reservation_id.empty();
  if (by_order) {
    if (const std::string* found = state.reservations.order_refs.Find(order_reference)) id = *found;
  }
  if (const journal::Reservation* row = state.reservations.rows.Find(id)) return row;
  return Refuse(absl::StatusCode::kNotFound,
                {.reason = "UNKNOWN_RESERVATION",
                 .field = by_order ? "order_reference" : "reservation_id",
                 .value = std::string(by_order ? order_reference : reservation_id),
                 .problem = "is no reservation that the hub knows (any more)",
                 .remedy = "use the id that CreateReservation answered, or the order's reference"});
}

std::vector<v1::Shortage> ShortagesAfter(const State& state, uint32_t location,
                                         absl::string_view sku_after,
                                         absl::string_view location_after, size_t count) {
  struct Short {
    std::string sku;
    std::string location_id;
    PositionKey key;
    int64_t units = 0;
  };
  std::vector<Short> found;
  PositionKey last;
  state.reservations.open_lines.VisitFrom({location, 0, 0, ""}, [&](const auto& line) {
    const PositionKey key{std::get<1>(line), std::get<0>(line)};
    if (location != 0 && key.location != location) return false;
    if (key == last) return true;
    last = key;
    const PositionTable::View view = state.positions.Find(key.item, key.location);
    if (view.cell == nullptr) return true;
    const int64_t units = ShortageUnits(*view.cell, view.beside);
    if (units <= 0) return true;
    Short one{SkuOf(state, key.item), IdOfLocation(state, key.location), key, units};
    if (std::tie(one.sku, one.location_id) >
        std::make_tuple(std::string(sku_after), std::string(location_after))) {
      found.push_back(std::move(one));
    }
    return true;
  });
  std::sort(found.begin(), found.end(), [](const Short& a, const Short& b) {
    return std::tie(a.sku, a.location_id) < std::tie(b.sku, b.location_id);
  });
  if (found.size() > count) found.resize(count);
  std::vector<v1::Shortage> shortages;
  for (const Short& one : found) {
    v1::Shortage& shortage = shortages.emplace_back();
    shortage.set_sku(one.sku);
    shortage.set_location_id(one.location_id);
    shortage.set_units(one.units);
    state.reservations.open_lines.VisitFrom(
        {one.key.location, one.key.item, 0, ""}, [&](const auto& line) {
          if (std::get<0>(line) != one.key.location || std::get<1>(line) != one.key.item ||
              shortage.reservation_ids_size() >= kShortageIdsMax) {
            return false;
          }
          shortage.add_reservation_ids(ReservationIdText(std::get<3>(line)));
          return true;
        });
  }
  return shortages;
}

}  // namespace onhand::ledger
