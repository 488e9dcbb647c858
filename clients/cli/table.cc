#include "clients/cli/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhand::cli {
namespace {

constexpr char kGap[] = "  ";

std::string Cell(std::string text) {
  if (text.empty()) return "-";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.front() == ' ' || text.back() == ' ') return absl::StrCat("'", text, "'");
  return text;
}

}  // namespace

size_t DisplayWidth(absl::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {
  for (std::string& title : titles_) {
    right_.push_back(title.front() == '>');
    if (right_.back()) title.erase(0, 1);
  }
}

void Table::Add(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  for (std::string& cell : cells) cell = Cell(std::move(cell));
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out, absl::string_view when_empty) const {
  if (rows_.empty()) {
    out << when_empty << "\n";
    return;
  }
  std::vector<size_t> widths;
  for (const std::string& title : titles_) widths.push_back(DisplayWidth(title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  const auto print_row = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string fill(widths[i] - DisplayWidth(row[i]), ' ');
      const bool last = i + 1 == row.size();
      out << (i == 0 ? "" : kGap);
      if (right_[i]) {
        out << fill << row[i];
      } else {
        out << row[i] << (last ? "" : fill);
      }
    }
    out << "\n";
  };
  print_row(titles_);
  for (const auto& row : rows_) print_row(row);
}

}  // namespace onhand::cli
