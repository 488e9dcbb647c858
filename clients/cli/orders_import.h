// `onhand import orders FILE`: takes over open orders that were placed before the hub knew of them.
#ifndef ONHAND_CLIENTS_CLI_ORDERS_IMPORT_H_
#define ONHAND_CLIENTS_CLI_ORDERS_IMPORT_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/orders_file.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct OrdersImportOptions {
  std::string path;
  bool dry_run = false;
};
// INVALID_ARGUMENT at the end if some order was refused; the others are taken. The JSON document is
// an ImportOrdersResponse with a result for each order of the file.
absl::Status ImportOrders(Session& session, const OrdersImportOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_ORDERS_IMPORT_H_
