// What reservations hold, and where each is found: the rows, and beside them sets that are derived
// from the rows, kept up to date by apply and made anew when an image is loaded. All of it has an
// overlay (table.h, ordered_set.h). Held and committed of a position are sums over these rows; they
// are kept in its Beside. Part of State; not thread-safe.
#ifndef ONHAND_SERVER_LEDGER_RESERVATIONS_H_
#define ONHAND_SERVER_LEDGER_RESERVATIONS_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/journal/v1/journal.pb.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/ordered_set.h"
#include "server/ledger/positions.h"
#include "server/ledger/table.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

struct State;

// Units of an item promised beyond stock and still open: they belong to the chain.
struct MarkedUnits {
  int64_t backorder = 0;
  int64_t keep_selling = 0;
  int64_t Sum() const { return backorder + keep_selling; }
};

struct Reservations {
  // A moment, and the reservation's id (16 bytes).
  using ByMoment = OrderedSet<std::pair<int64_t, std::string>>;
  // Location, item, a moment, id.
  using ByPlace = OrderedSet<std::tuple<uint32_t, uint32_t, int64_t, std::string>>;
  // Item, when it was made, id.
  using ByItem = OrderedSet<std::tuple<uint32_t, int64_t, std::string>>;

  Reservations() = default;
  // An overlay over `base`.
  explicit Reservations(const Reservations* base);

  Table<std::string, journal::Reservation> rows;  // by id, 16 bytes

  // Derived.
  Table<std::string, std::string> order_refs;  // order reference -> id
  Table<uint32_t, MarkedUnits> marked_units;   // by item
  ByMoment by_creation;                        // all, the oldest first
  ByMoment by_expiry;                          // those with held lines
  ByMoment by_end;                             // those without an open line
  ByPlace open_lines;   // those with an open line of real stock there, by creation
  ByPlace handed_over;  // those fulfilled there by the API alone, by the moment of that
  ByItem marked_lines;  // those with an open line beyond stock

  // Brings what is derived up to date when a row comes, or before it goes.
  void List(const journal::Reservation& row);
  void Unlist(const journal::Reservation& row);
};

// Whether a line still claims units: HELD, COMMITTED or PICKED.
bool IsOpen(const journal::ReservationLine& line);
// Whether it is of real stock.
bool IsStock(const journal::ReservationLine& line);
// Fulfilled by the API, and neither a till nor the source's numbers have told of it.
bool IsHandedOver(const journal::ReservationLine& line);
// What a line adds to the sums of its position; nothing unless it is open and of real stock.
Reserved ReservedBy(const journal::ReservationLine& line);
// Where the whole stands: its least advanced open line; without one FULFILLED if any unit was,
// then EXPIRED if any line is, then RELEASED.
v1::ReservationState StateOf(const journal::Reservation& reservation);

// The id as text (a UUID) and back; empty if the text is none.
std::string ReservationIdText(absl::string_view id);
std::string ReservationIdOf(absl::string_view text);

// As the API shows it. Pure; any thread that may read the state.
v1::Reservation ReservationOf(const State& state, const journal::Reservation& reservation);

// The reservation with this id (as text), or of this order where the id is empty; valid until the
// state changes. UNKNOWN_RESERVATION names what was asked.
absl::StatusOr<const journal::Reservation*> FindReservation(const State& state,
                                                            absl::string_view reservation_id,
                                                            absl::string_view order_reference);

// Positions where more is promised than is there, at one location or (0) all, in the order of SKU
// and location id, behind (`sku_after`, `location_after`): at most `count`. Committed states only;
// one pass over all positions with open lines.
std::vector<v1::Shortage> ShortagesAfter(const State& state, uint32_t location,
                                         absl::string_view sku_after,
                                         absl::string_view location_after, size_t count);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RESERVATIONS_H_
