// Past sales out of the export of any till: the reading of clients/files, and what a file of days
// instead of moments means. Pure but for reading the file.
#ifndef ONHAND_CLIENTS_CLI_SALES_FILE_H_
#define ONHAND_CLIENTS_CLI_SALES_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/files/mapping.h"
#include "clients/files/rows.h"
#include "onhand/v1/insights.pb.h"

namespace onhand::cli {

// Where rows belong, and what their local times mean.
struct FilePlaces {
  std::string location_id;  // of files without a location column
  absl::TimeZone zone;      // of locations without their own
  std::map<std::string, absl::TimeZone> zones;
};

// One export as clients/files reads it, with each row's time in the zone of its own location.
// `mapping.kind` says what the rows are where the file does not.
absl::StatusOr<files::Export> ReadExportOf(const std::string& path, const files::Mapping& mapping,
                                           const FilePlaces& places);

struct SalesFile {
  std::vector<v1::PastSale> sales;
  std::vector<uint64_t> lines;               // of each sale
  std::vector<files::RejectedRow> rejected;  // rows that cannot be read
};

// Rows of other kinds than sales are left out. Rows with a date alone, and files whose every row
// stands at midnight, are sales of whole days.
absl::StatusOr<SalesFile> ReadSales(const std::string& path, files::Mapping mapping,
                                    const FilePlaces& places);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_SALES_FILE_H_
