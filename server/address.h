// HOST:PORT as flags give it. Values; any thread.
#ifndef ONHAND_SERVER_ADDRESS_H_
#define ONHAND_SERVER_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand {

struct Address {
  std::string host;  // without brackets
  int port = 0;      // 0: one that is free

  // HOST:PORT, an IPv6 host in brackets.
  std::string ToString() const;
  // Whether only this machine can reach it.
  bool IsLoopback() const;
};

// INVALID_ARGUMENT names `flag` and shows a right one.
absl::StatusOr<Address> ParseAddress(absl::string_view flag, absl::string_view text);

}  // namespace onhand

#endif  // ONHAND_SERVER_ADDRESS_H_
