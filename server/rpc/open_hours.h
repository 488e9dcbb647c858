// Whether a location is open to customers, and until when: its hours are wall-clock times, so this
// asks the machine's time zones. Reads files, so it is asked outside of locks and decisions. Any
// thread.
#ifndef ONHAND_SERVER_RPC_OPEN_HOURS_H_
#define ONHAND_SERVER_RPC_OPEN_HOURS_H_

#include <cstdint>
#include <optional>

#include "server/ledger/state.h"

namespace onhand::rpc {

struct OpenHours {
  std::optional<bool> open_now;  // none: its hours are not known
  int64_t changes_at_us = 0;     // when that ends; 0: not within 8 days
};

// By the week and the exceptions; a day with an exception has no other hours. Where clocks go back
// over an opening time, the first such moment opens; over a closing time, the second one closes.
// Where they jump over a time, the jump is that time.
OpenHours OpenHoursAt(const ledger::journal::Location& location, int64_t now_us);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_OPEN_HOURS_H_
