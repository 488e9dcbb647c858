// Which column of an export holds what, and what its rows are: from the mapping, the header line
// and the file's name. A plain value; any thread.
#ifndef ONHAND_CLIENTS_FILES_LAYOUT_H_
#define ONHAND_CLIENTS_FILES_LAYOUT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/files/mapping.h"

namespace onhand::files {

struct Layout {
  std::vector<std::string> header;
  // Index into the header of each field that the export has.
  std::map<Field, size_t> columns;
  // Of all rows; rows of an export with a kind column say their own.
  v1::MovementKind kind = v1::MOVEMENT_KIND_UNSPECIFIED;

  bool Has(Field field) const { return columns.count(field) > 0; }
  // A file of LEVELs is one full snapshot a location.
  bool IsSnapshot() const { return kind == v1::MOVEMENT_KIND_LEVEL && !Has(Field::kKind); }
};

// INVALID_ARGUMENT: a column of the mapping is missing, there is neither SKU nor quantity, or the
// kind cannot be told.
absl::StatusOr<Layout> FindLayout(const std::vector<std::string>& header,
                                  absl::string_view file_name, const Mapping& mapping);

// The column that `header` calls by one of the field's common names; nullopt if there is none.
std::optional<size_t> FindCommonColumn(const std::vector<std::string>& header, Field field);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_LAYOUT_H_
