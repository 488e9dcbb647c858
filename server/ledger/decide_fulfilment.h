// Decides what becomes of reserved units: picked, handed over, given back, moved to another
// location, or not found. `book`: see decide_reservation.h.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_FULFILMENT_H_
#define ONHAND_SERVER_LEDGER_DECIDE_FULFILMENT_H_

#include "absl/status/statusor.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {

// All: UNKNOWN_RESERVATION, INVALID_STEP (names the line's state), INVALID_LINE, INVALID_TEXT.
absl::StatusOr<v1::PickReservationResponse> DecidePickReservation(
    Group& group, const v1::PickReservationRequest& request);
// Units that a till rang up for the order already are only noted. Lines beyond stock are handed
// over by the supplier: only if they are named, and without an effect on any number.
absl::StatusOr<v1::FulfilReservationResponse> DecideFulfilReservation(
    Group& group, const v1::FulfilReservationRequest& request);
absl::StatusOr<v1::ReleaseReservationResponse> DecideReleaseReservation(
    Group& group, const v1::ReleaseReservationRequest& request);
// Also NOT_ENOUGH, UNKNOWN_LOCATION.
absl::StatusOr<v1::ReassignLineResponse> DecideReassignLine(Group& group, const RuleBook& book,
                                                            const v1::ReassignLineRequest& request);
// Also NOT_ENOUGH, UNKNOWN_LOCATION, INVALID_PICK (the failure is not told, or as many units were
// found as the line asks for).
absl::StatusOr<v1::FailPickResponse> DecideFailPick(Group& group, const RuleBook& book,
                                                    const v1::FailPickRequest& request);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_FULFILMENT_H_
