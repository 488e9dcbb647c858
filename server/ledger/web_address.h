// Where a webhook is delivered: a URL taken apart, nothing resolved. Pure functions.
#ifndef ONHAND_SERVER_LEDGER_WEB_ADDRESS_H_
#define ONHAND_SERVER_LEDGER_WEB_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::ledger {

inline constexpr size_t kUrlBytesMax = 2'048;

struct WebAddress {
  bool https = true;
  std::string host;  // a name or an address; of IPv6 without brackets
  int port = 443;
  std::string path = "/";  // with the query, without the fragment
};

// INVALID_ARGUMENT (INVALID_URL): not http or https, no host, with a user or password, too long, or
// not plain printable ASCII.
absl::StatusOr<WebAddress> ParseWebAddress(absl::string_view field, absl::string_view url);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_WEB_ADDRESS_H_
