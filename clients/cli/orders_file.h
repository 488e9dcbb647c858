// The columns of `onhand import orders`: rows become open orders of the contract, one order from
// all rows that name it. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_ORDERS_FILE_H_
#define ONHAND_CLIENTS_CLI_ORDERS_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhand/v1/reservations.pb.h"

namespace onhand::cli {

// What --help says about the columns.
extern const char kOrderColumns[];

// An order with the lines of the file that it stands in, or why it cannot be sent.
struct FileOrder {
  v1::ImportedOrder order;
  std::vector<int> lines;
  std::string error;  // names the line; empty: none
};

// The orders in the order of their first rows. Moments without an offset are in `zone`. An order
// with a bad row is not sent at all, and holds up no other. INVALID_ARGUMENT for a file that is no
// table, or whose columns are not those.
absl::StatusOr<std::vector<FileOrder>> ReadOrders(absl::string_view csv, absl::Time now,
                                                  absl::TimeZone zone);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_ORDERS_FILE_H_
