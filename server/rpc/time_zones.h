// Which time zones exist on this machine. Reads files, so it is asked before a decision and never
// during one. Any thread.
#ifndef ONHAND_SERVER_RPC_TIME_ZONES_H_
#define ONHAND_SERVER_RPC_TIME_ZONES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/ledger/state.h"

namespace onhand::rpc {

// The UTC offsets of a time zone from shortly before a moment until two years after it, `location`
// left out; of UTC if the name is empty or unknown here.
ledger::journal::LocationOffsets OffsetsOf(const std::string& name, int64_t now_us);

// Whether `name` is an IANA time zone, such as Europe/Madrid.
bool TimeZoneExists(absl::string_view name);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TIME_ZONES_H_
