#include "clients/files/check.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace onhand::files {
namespace {

constexpr size_t kRowsShown = 10;

std::string DelimiterName(char delimiter) {
  if (delimiter == '\t') return "tab";
  return std::string(1, delimiter);
}

void PrintLayout(const Export& read, std::ostream& out) {
  const Mapping& mapping = read.mapping;
  const std::string what = read.layout.Has(Field::kKind) ? "as its kind column says"
                           : read.layout.IsSnapshot()    ? "LEVEL (a full snapshot)"
                                                         : KindName(read.layout.kind);
  out << "kind:       " << what << "\n"
      << "encoding:   " << EncodingName(mapping.encoding) << "\n"
      << "delimiter:  " << DelimiterName(mapping.delimiter) << "\n"
      << "decimal:    " << (mapping.decimal == DecimalMark::kComma ? "," : ".") << "\n"
      << "time zone:  " << mapping.moments.zone.name() << "\n"
      << "columns:    "
      << absl::StrJoin(read.layout.columns, ", ",
                       [&](std::string* text, const std::pair<const Field, size_t>& column) {
                         absl::StrAppend(text, FieldName(column.first), " = \"",
                                         read.layout.header[column.second], "\"");
                       })
      << "\n";
  if (read.layout.IsSnapshot()) {
    out << "complete:   "
        << (read.complete ? "yes, items that are missing are at zero"
                          : "no, items that are missing keep their number")
        << "\n";
  }
  for (const auto& [location, at] : read.known_through) {
    out << "known through: " << (location.empty() ? "" : location + " ")
        << absl::FormatTime(absl::RFC3339_sec, at, mapping.moments.zone) << "\n";
  }
}

void PrintRows(const Export& read, std::ostream& out) {
  out << "\n" << read.rows.size() << " rows understood";
  if (read.rows.size() > kRowsShown) out << ", the first " << kRowsShown;
  out << ":\n";
  for (size_t i = 0; i < std::min(kRowsShown, read.rows.size()); ++i) {
    const ReadRow& row = read.rows[i];
    const v1::Movement& movement = row.movement;
    out << absl::StrFormat(
        "  line %-6u %-12s %8d  %-24s %s%s%s\n", row.line, KindName(movement.kind()),
        movement.quantity(), movement.sku(),
        absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(movement.occurred_at_us()),
                         read.mapping.moments.zone),
        movement.location_id().empty() ? "" : "  at ", movement.location_id());
  }
}

}  // namespace

bool CheckExport(const ExportFile& file, const Mapping& mapping, const RowLocations& locations,
                 std::ostream& out) {
  const absl::StatusOr<Export> read = ReadExport(file, mapping, locations);
  if (!read.ok()) {
    out << file.name << " would be rejected\n  " << read.status().message() << "\n";
    return false;
  }
  PrintLayout(*read, out);
  PrintRows(*read, out);
  out << "\n"
      << read->rejected.size() << " rows rejected" << (read->rejected.empty() ? "\n" : ":\n");
  for (const RejectedRow& row : read->rejected) {
    out << "  " << row.where << "  " << row.reason << "\n    " << row.content << "\n";
  }
  return true;
}

}  // namespace onhand::files
