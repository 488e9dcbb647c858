// Splits delimited text into records the way spreadsheets write it (RFC 4180), and survives what
// tills write. Pure functions, any thread. Records point into the text, which the caller keeps.
#ifndef ONHAND_CLIENTS_FILES_CSV_H_
#define ONHAND_CLIENTS_FILES_CSV_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhand::files {

struct CsvRecord {
  std::vector<std::string> fields;
  // As it stands in the text, without the line end.
  absl::string_view raw;
  // Of its first character, from 1.
  size_t line = 0;
  // A quoted field was opened and never closed; fields is then a best guess over this one line.
  bool unclosed_quote = false;
};

// The one of comma, semicolon, tab and bar that splits the first lines most evenly; comma if none
// does.
char DetectDelimiter(absl::string_view text);

// Empty lines are skipped. A quoted field may contain delimiters, doubled quotes and line ends, up
// to 64 KiB; one that does not close costs its own line only, so a stray quote never swallows the
// rest of a file.
std::vector<CsvRecord> SplitCsv(absl::string_view text, char delimiter);

// One field as it must be written to a comma-separated file.
std::string QuoteCsvField(absl::string_view field);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_CSV_H_
