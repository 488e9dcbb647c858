// Decides what becomes of rows and snapshots that were not taken.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_QUARANTINE_H_
#define ONHAND_SERVER_LEDGER_DECIDE_QUARANTINE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/quarantine.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// Errors: UNKNOWN_ENTRY, NOT_A_SNAPSHOT, SNAPSHOT_TOO_OLD (events newer than its as_of have left
// the window).
absl::Status DecideAcceptQuarantined(Group& group, const v1::AcceptQuarantinedRequest& request);
// Errors: UNKNOWN_ENTRY, NOT_A_ROW, and the row's own reason if it still cannot be taken.
absl::Status DecideRetryQuarantined(Group& group, const v1::RetryQuarantinedRequest& request);
// Errors: UNKNOWN_ENTRY.
absl::Status DecideDropQuarantined(Group& group, const v1::DropQuarantinedRequest& request);

// After `code` began to lead to an item: takes the rows that were held for it, with their old
// times.
void TakeHeldRows(Group& group, absl::string_view code);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_QUARANTINE_H_
