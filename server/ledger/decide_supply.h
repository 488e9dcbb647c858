// Decides about supply on its way. Pure functions over a Group; the sequencer's thread.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_SUPPLY_H_
#define ONHAND_SERVER_LEDGER_DECIDE_SUPPLY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "onhand/v1/stock.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// Open announcements of one item, over all locations.
inline constexpr size_t kIncomingMax = 100;
// How late supply may be before it backs no promise.
inline constexpr int64_t kIncomingGraceUs = int64_t{2} * 24 * 3600 * 1'000'000;

// INVALID_ARGUMENT: INVALID_ID, INVALID_TEXT, QUANTITY_OUT_OF_RANGE, INVALID_INCOMING. NOT_FOUND:
// UNKNOWN_ITEM, UNKNOWN_LOCATION. Closing what is not open changes nothing.
absl::StatusOr<v1::SetIncomingResponse> DecideSetIncoming(Group& group,
                                                          const v1::SetIncomingRequest& request);

// What was on its way for an item that became another comes for that one: facts for a merge. Where
// both waited for the same reference at the same location, units add and the later date holds.
void MoveIncoming(Group& group, uint32_t from_item, uint32_t to_item, const std::string& reason);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_SUPPLY_H_
