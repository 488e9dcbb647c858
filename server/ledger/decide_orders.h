// Takes over orders that were placed before the hub knew of them.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_ORDERS_H_
#define ONHAND_SERVER_LEDGER_DECIDE_ORDERS_H_

#include "absl/status/statusor.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

inline constexpr int kImportedOrdersMax = 1'000;

// One COMMITTED (or PICKED) reservation an order, whether there is enough or not. Errors:
// BATCH_TOO_LARGE; what is wrong with a single order is its result.
absl::StatusOr<v1::ImportOrdersResponse> DecideImportOrders(Group& group,
                                                            const v1::ImportOrdersRequest& request);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_ORDERS_H_
