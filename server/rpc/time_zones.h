// Which time zones exist on this machine. Reads files, so it is asked before a decision and never
// during one. Any thread.
#ifndef ONHAND_SERVER_RPC_TIME_ZONES_H_
#define ONHAND_SERVER_RPC_TIME_ZONES_H_

#include "absl/strings/string_view.h"

namespace onhand::rpc {

// Whether `name` is an IANA time zone, such as Europe/Madrid.
bool TimeZoneExists(absl::string_view name);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TIME_ZONES_H_
