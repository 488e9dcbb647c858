// What decisions about reservations share: finding the lines a request means, splitting them,
// what handing units over does to on hand, and the fact that tells the outcome.
#ifndef ONHAND_SERVER_LEDGER_RESERVATION_STEPS_H_
#define ONHAND_SERVER_LEDGER_RESERVATION_STEPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/basket_plan.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

bool HasState(const journal::ReservationLine& line, v1::ReservationState state);
// `field`: how the request names the reservation; `problem`: what does not go.
absl::Status InvalidStep(absl::string_view field, v1::ReservationState state, std::string problem);
absl::Status InvalidLine(absl::string_view field, std::string value, std::string problem,
                         std::string remedy);

// Line ids are given upwards, and lines are kept in their order.
uint32_t NextLineId(const journal::Reservation& row);
// Makes `units` of a line one of its own, behind the others, unless they are all of it. Returns the
// index of the line that has exactly those.
int SplitOff(journal::Reservation& row, int index, int32_t units);

// Some units of a line, by index.
struct ChosenUnits {
  int index = 0;
  int32_t units = 0;
};
// The lines that a request names, or all that `by_itself` holds for where it names none. `allowed`:
// the step goes from the line's state. INVALID_LINE, INVALID_STEP.
absl::StatusOr<std::vector<ChosenUnits>> ChooseLines(
    const journal::Reservation& row, const google::protobuf::RepeatedPtrField<v1::LineUnits>& named,
    absl::string_view step, absl::FunctionRef<bool(const journal::ReservationLine&)> allowed,
    absl::FunctionRef<bool(const journal::ReservationLine&)> by_itself);

// How the numbers of a position hear of the hub's orders: as the source says whose LEVEL they stand
// on, else the location's first one.
v1::OrdersInNumbers OrdersAt(const State& state, uint32_t item, uint32_t location);

// One change of a reservation on its way to its fact. Reads what the group settled; the row is a
// copy, which nothing but Add lets out.
class ReservationChange {
 public:
  ReservationChange(Group& group, journal::Reservation row);

  journal::Reservation& row() { return *changed_.mutable_reservation(); }
  journal::ReservationLine& line(int index) { return *row().mutable_lines(index); }

  // Units of a line left with the customer, as the API tells: on hand falls unless the source's
  // numbers contain it already.
  void HandOver(int index);
  // A till rang up what the API told before: the sale has lowered on hand, so that the correction
  // of the API ends.
  void NoteTill(int index, bool inferred);
  // The source has taken a line's units out of its numbers.
  void Deduct(int index);

  void Add(absl::string_view cause, absl::string_view author = "", absl::string_view reason = "");

 private:
  void Correct(const journal::ReservationLine& line, EventKind kind, int64_t quantity);
  // Ends the corrections that were made for `line`, as far as they still stand beyond those of
  // other lines: a LEVEL may have ended them already.
  int64_t EndCorrections(const journal::ReservationLine& line);

  Group& group_;
  journal::ReservationChanged changed_;
  // Units whose corrections this change has looked at: the group does not know yet.
  absl::flat_hash_map<PositionKey, int64_t> looked_at_;
};

// Records that the time of a reservation's held lines is over. Returns whether it was.
bool ExpireIfDue(Group& group, const std::string& id);
// The same for all whose held lines claim units of these items.
void ExpireDueOf(Group& group, const std::vector<WantedLine>& lines);

// Appends lines for what was planned of a line of the basket.
void AddPlannedLines(const PlannedLine& planned, const WantedLine& wanted, uint32_t basket_line,
                     v1::ReservationState state, journal::Reservation& row);

// Lines of an item that became another are that one's from now on.
void MoveReservations(Group& group, uint32_t from_item, uint32_t to_item,
                      const std::string& reason);

// NOT_ENOUGH names the line, what is wanted and what is there.
absl::Status NotEnough(const State& state, absl::string_view field, const WantedLine& wanted,
                       const PlannedLine& planned);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RESERVATION_STEPS_H_
