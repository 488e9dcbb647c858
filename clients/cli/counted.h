// Numbers of things as people say them: `1 position`, `2 positions`. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_COUNTED_H_
#define ONHAND_CLIENTS_CLI_COUNTED_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhand::cli {

// `count` and what is counted. `one` is its singular, whose plural ends in a further 's'.
template <typename Number>
std::string Counted(Number count, absl::string_view one) {
  return absl::StrCat(count, " ", one, count == 1 ? "" : "s");
}

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_COUNTED_H_
