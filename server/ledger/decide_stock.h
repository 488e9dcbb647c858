// Decides what people record at a position through the API.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_STOCK_H_
#define ONHAND_SERVER_LEDGER_DECIDE_STOCK_H_

#include "absl/status/statusor.h"
#include "onhand/v1/hub.pb.h"
#include "onhand/v1/stock.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// Errors: INVALID_KIND, QUANTITY_OUT_OF_RANGE, UNKNOWN_ITEM, UNKNOWN_LOCATION, LATE_COUNT.
absl::StatusOr<v1::AdjustResponse> DecideAdjust(Group& group, const v1::AdjustRequest& request);
// Errors: UNKNOWN_ITEM, UNKNOWN_LOCATION.
absl::StatusOr<v1::EndCorrectionsResponse> DecideEndCorrections(
    Group& group, const v1::EndCorrectionsRequest& request);
// Errors: UNKNOWN_SOURCE.
absl::StatusOr<v1::RetireSourceResponse> DecideRetireSource(Group& group,
                                                            const v1::RetireSourceRequest& request);

// A position as the API shows it; zeros if it is not known.
v1::Position PositionOf(const State& state, uint32_t item, uint32_t location);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_STOCK_H_
