// A table of text with aligned columns, for people. Owned by the command that fills it; one thread.
#ifndef ONHAND_CLIENTS_CLI_TABLE_H_
#define ONHAND_CLIENTS_CLI_TABLE_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhand::cli {

class Table {
 public:
  // A column whose title starts with '>' is aligned to the right, for numbers.
  explicit Table(std::vector<std::string> titles);

  // One cell a column; an empty one prints as '-'. Control characters, which could steer a
  // terminal, print as '?', and a cell with a space at its end is quoted, because that space is
  // part of an identifier.
  void Add(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // Prints titles and rows, or `when_empty` as one line if there are no rows.
  void Print(std::ostream& out, absl::string_view when_empty) const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns that `utf8` takes on a terminal, counting each character as one.
size_t DisplayWidth(absl::string_view utf8);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_TABLE_H_
