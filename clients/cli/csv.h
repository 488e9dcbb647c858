// Reads a spreadsheet's CSV (RFC 4180) that people made: UTF-8 with or without byte order mark, a
// title line, fields in double quotes where they hold a delimiter, a quote or a line break. The
// delimiter (, ; or tab) is the one that the title line uses. The whole file is held in memory. One
// thread.
#ifndef ONHAND_CLIENTS_CLI_CSV_H_
#define ONHAND_CLIENTS_CLI_CSV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::cli {

struct CsvRow {
  int line = 0;  // of the file, from 1, where the row starts
  std::vector<std::string> fields;
};

struct CsvFile {
  std::vector<std::string> titles;  // of the columns, without surrounding space
  std::vector<CsvRow> rows;         // without empty lines
};

// The rows of `text`. Errors name the line: an open quote, text behind a closing quote, bytes that
// are no UTF-8, a row with another number of fields than the title line, or no title line.
absl::StatusOr<CsvFile> ParseCsv(absl::string_view text);

// The errors of a file, a line each, as far as a person reads on: 20, and how many more there are.
std::string FirstErrors(const std::vector<std::string>& errors);

// The file's bytes. NOT_FOUND or UNAVAILABLE names the path and what the system said.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_CSV_H_
