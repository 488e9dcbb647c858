// Decides what baskets become: whether they can be held, held units, more time for them, and the
// order that is placed. `book` is that of the committed state: a group that changed it already must
// not decide these (Group::changes_book).
#ifndef ONHAND_SERVER_LEDGER_DECIDE_RESERVATION_H_
#define ONHAND_SERVER_LEDGER_DECIDE_RESERVATION_H_

#include "absl/status/statusor.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {

inline constexpr int32_t kReservationTtlMax_s = 604'800;
// Where neither the request nor the channel says otherwise.
inline constexpr int32_t kReservationTtl_s = 900;

// Whether a basket could be held now. Pure; any thread that may read the state. Holds whose time is
// over but whose end is not recorded yet still count. Errors: INVALID_BASKET, UNKNOWN_LOCATION,
// UNKNOWN_GROUP, UNKNOWN_CHANNEL.
absl::StatusOr<v1::CheckBasketResponse> CheckBasket(const State& state, const RuleBook& book,
                                                    const v1::CheckBasketRequest& request);

// Errors: NOT_ENOUGH, INVALID_BASKET, INVALID_TTL, UNKNOWN_ITEM, UNKNOWN_LOCATION, UNKNOWN_GROUP,
// UNKNOWN_CHANNEL, ORDER_REFERENCE_TAKEN, INVALID_REQUEST_ID, REQUEST_ID_REUSED.
absl::StatusOr<v1::CreateReservationResponse> DecideCreateReservation(
    Group& group, const RuleBook& book, const v1::CreateReservationRequest& request);
// Errors: UNKNOWN_RESERVATION, INVALID_STEP, INVALID_TTL.
absl::StatusOr<v1::ExtendReservationResponse> DecideExtendReservation(
    Group& group, const v1::ExtendReservationRequest& request);
// Errors: UNKNOWN_RESERVATION, NOT_ENOUGH, INVALID_STEP, ORDER_REFERENCE_TAKEN.
absl::StatusOr<v1::CommitReservationResponse> DecideCommitReservation(
    Group& group, const RuleBook& book, const v1::CommitReservationRequest& request);

// Records that the time of held lines is over, the longest over first, at most `reservations_max`.
// Returns how many.
int DecideExpiries(Group& group, int reservations_max);
// Whether there is one.
bool HasDueHold(const State& state, int64_t now_us);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_RESERVATION_H_
