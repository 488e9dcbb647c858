// `onhand import sales FILE`: teaches velocity, store clocks and priors from past sales. On hand
// does not move.
#ifndef ONHAND_CLIENTS_CLI_SALES_IMPORT_H_
#define ONHAND_CLIENTS_CLI_SALES_IMPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/sales_file.h"
#include "clients/cli/session.h"
#include "onhand/v1/insights.pb.h"

namespace onhand::cli {

// What --help says about the columns.
extern const char kSalesColumns[];

struct SalesImportOptions {
  std::string path;
  std::string location_id;   // of files without a location column
  std::string mapping_path;  // as for the agent; empty: columns by their common names
  std::string author;
  bool dry_run = false;
};
absl::Status ImportSales(Session& session, const SalesImportOptions& options);

// What became of an import.
struct TaughtSales {
  v1::FinishSalesImportResponse taught;
  // Rows that cannot be used, by the file's lines: those that cannot be read, and those that the
  // hub refused.
  std::vector<std::string> refused;
};

// Sends a file's sales and lets the hub learn from them.
absl::StatusOr<TaughtSales> TeachSales(Session& session, const SalesFile& file,
                                       const std::string& author, bool dry_run);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_SALES_IMPORT_H_
