// From the fields of one row to one movement, and from one exported file to its movements or its
// snapshots. A RowReader belongs to one file or table and one thread; ReadExport is a pure
// function.
#ifndef ONHAND_CLIENTS_FILES_ROWS_H_
#define ONHAND_CLIENTS_FILES_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/files/layout.h"
#include "clients/files/mapping.h"
#include "onhand/v1/report.pb.h"

namespace onhand::files {

// INVALID_ARGUMENT: empty, longer than 64 bytes, not UTF-8 or with control characters; `field` is
// named.
absl::Status CheckIdentifier(absl::string_view field, absl::string_view value);

// Which location rows belong to, and which are allowed.
struct RowLocations {
  // Where rows without a location column belong; empty if there must be such a column.
  std::string folder;
  // Empty: any.
  std::vector<std::string> allowed;
};

class RowReader {
 public:
  // `mapping` has its decimal mark and date order decided. Rows without a time happened at
  // `default_moment`.
  RowReader(Layout layout, Mapping mapping, RowLocations locations, absl::Time default_moment);

  // INVALID_ARGUMENT names the field, its value and the remedy.
  absl::StatusOr<v1::Movement> Read(const std::vector<std::string>& fields);

 private:
  std::string Value(const std::vector<std::string>& fields, Field field) const;
  absl::Status ReadSku(const std::vector<std::string>& fields, v1::Movement& row) const;
  absl::Status ReadKindAndQuantity(const std::vector<std::string>& fields, v1::Movement& row) const;
  absl::Status ReadMoment(const std::vector<std::string>& fields, v1::Movement& row);
  absl::Status ReadLocation(const std::vector<std::string>& fields, v1::Movement& row) const;

  Layout layout_;
  Mapping mapping_;
  RowLocations locations_;
  absl::Time default_moment_;
  MomentReader moments_;
};

// A file as it was found.
struct ExportFile {
  std::string name;
  std::string bytes;
  absl::Time modified;
};

struct ReadRow {
  // How many records of the file are taken with this row, from 1; rejected records count.
  uint64_t record = 0;
  // From 1, the header line included.
  uint64_t line = 0;
  v1::Movement movement;
};

// A row that was kept out: it never blocks the rest, and a person finds it listed with its reason.
struct RejectedRow {
  // File and line, table and key, or line of standard input.
  std::string where;
  std::string content;
  std::string reason;
};

// What a file says.
struct Export {
  Layout layout;
  // Encoding, delimiter, decimal mark and date order are what was found.
  Mapping mapping;
  std::vector<ReadRow> rows;
  std::vector<RejectedRow> rejected;
  uint64_t records = 0;
  // Snapshots: a location each.
  std::map<std::string, absl::Time> as_of;
  // Snapshots: false when rows were rejected, since a rejected item is not an absent one.
  bool complete = true;
  std::map<std::string, absl::Time> known_through;
};

// INVALID_ARGUMENT rejects the file as a whole; its message begins with a stable reason:
// BAD_ENCODING, FILE_EMPTY, UNKNOWN_COLUMNS, UNKNOWN_KIND, AMBIGUOUS_QUANTITY, AMBIGUOUS_DATE,
// SNAPSHOT_TRUNCATED, SNAPSHOT_EMPTY, REPEATED_SKU, BAD_FILE_NAME.
absl::StatusOr<Export> ReadExport(const ExportFile& file, const Mapping& mapping,
                                  const RowLocations& locations);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_ROWS_H_
