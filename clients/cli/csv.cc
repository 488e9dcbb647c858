#include "clients/cli/csv.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhand::cli {
namespace {

constexpr size_t kErrorsShownMax = 20;

absl::Status LineError(int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

// Length of the UTF-8 character that `text` starts with; 0 if it is none (overlong forms and
// surrogates are none).
size_t Utf8Length(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool outside = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

// The line with the first byte that is no UTF-8.
std::optional<int> BrokenUtf8Line(absl::string_view text) {
  int line = 1;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return line;
    if (text[0] == '\n') ++line;
    text.remove_prefix(length);
  }
  return std::nullopt;
}

char Delimiter(absl::string_view text) {
  const absl::string_view titles = text.substr(0, text.find('\n'));
  if (absl::StrContains(titles, ',')) return ',';
  if (absl::StrContains(titles, ';')) return ';';
  return absl::StrContains(titles, '\t') ? '\t' : ',';
}

// Takes rows off the front of a text.
class Reader {
 public:
  explicit Reader(absl::string_view text) : rest_(text), delimiter_(Delimiter(text)) {}

  bool AtEnd() const { return rest_.empty(); }

  absl::StatusOr<CsvRow> Next() {
    CsvRow row;
    row.line = line_;
    for (;;) {
      std::string field;
      if (absl::Status status = TakeField(&field); !status.ok()) return status;
      row.fields.push_back(std::move(field));
      if (rest_.empty()) return row;
      const char end = Take();
      if (end == '\n') return row;
    }
  }

 private:
  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }

  bool AtFieldEnd() const {
    return rest_.empty() || rest_.front() == delimiter_ || rest_.front() == '\n' ||
           absl::StartsWith(rest_, "\r\n") || rest_ == "\r";
  }

  // Leaves the delimiter or the line's end in place, a carriage return before it aside.
  absl::Status TakeField(std::string* field) {
    if (!rest_.empty() && rest_.front() == '"') {
      if (absl::Status status = TakeQuoted(field); !status.ok()) return status;
    } else {
      while (!AtFieldEnd()) field->push_back(Take());
    }
    if (!AtFieldEnd()) {
      return LineError(line_,
                       "text stands behind a closing quote; write a quote inside quotes "
                       "twice");
    }
    if (!rest_.empty() && rest_.front() == '\r') Take();
    return absl::OkStatus();
  }

  absl::Status TakeQuoted(std::string* field) {
    const int first_line = line_;
    Take();
    for (;;) {
      if (rest_.empty()) return LineError(first_line, "a quote is never closed; close it");
      const char c = Take();
      if (c != '"') {
        field->push_back(c);
      } else if (!rest_.empty() && rest_.front() == '"') {
        field->push_back(Take());
      } else {
        return absl::OkStatus();
      }
    }
  }

  absl::string_view rest_;
  const char delimiter_;
  int line_ = 1;
};

bool IsEmptyLine(const CsvRow& row) { return row.fields.size() == 1 && row.fields[0].empty(); }

}  // namespace

absl::StatusOr<CsvFile> ParseCsv(absl::string_view text) {
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::optional<int> line = BrokenUtf8Line(text)) {
    return LineError(*line, "the text is not UTF-8; save the file as 'CSV UTF-8'");
  }
  Reader reader(text);
  CsvFile file;
  while (!reader.AtEnd()) {
    absl::StatusOr<CsvRow> row = reader.Next();
    if (!row.ok()) return row.status();
    if (IsEmptyLine(*row)) continue;
    if (file.titles.empty()) {
      for (const std::string& title : row->fields) {
        file.titles.emplace_back(absl::StripAsciiWhitespace(title));
      }
      continue;
    }
    if (row->fields.size() != file.titles.size()) {
      return LineError(
          row->line,
          absl::StrCat(row->fields.size(), " fields, but the title line has ", file.titles.size(),
                       "; quote fields that hold the delimiter, and fill up short "
                       "lines"));
    }
    file.rows.push_back(*std::move(row));
  }
  if (file.titles.empty()) {
    return LineError(1, "the file is empty; its first line must hold the column titles");
  }
  return file;
}

std::string FirstErrors(const std::vector<std::string>& errors) {
  const size_t shown = std::min(errors.size(), kErrorsShownMax);
  std::string text = absl::StrJoin(errors.begin(), errors.begin() + shown, "\n  ");
  if (shown < errors.size()) {
    absl::StrAppend(&text, "\n  and ", errors.size() - shown, " more");
  }
  return text;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.is_open() && file.peek() == std::ifstream::traits_type::eof() && file.eof()) return "";
  if (!file.is_open() || !(text << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat(
        "file '", path, "' cannot be read; check that it exists and that you may read it"));
  }
  return text.str();
}

}  // namespace onhand::cli
