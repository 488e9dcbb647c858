#include "clients/files/csv.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace onhand::files {
namespace {

constexpr size_t kQuotedBytesMax = 64 << 10;

bool IsLineEnd(char c) { return c == '\n' || c == '\r'; }

// Where the line that contains `at` ends.
size_t LineEnd(absl::string_view text, size_t at) {
  while (at < text.size() && !IsLineEnd(text[at])) ++at;
  return at;
}

// Reads a quoted field whose opening quote is at `at`; moves `at` behind the closing one. False: it
// never closes.
bool ReadQuoted(absl::string_view text, size_t& at, std::string& field) {
  const size_t stop = std::min(text.size(), at + kQuotedBytesMax);
  for (size_t next = at + 1; next < stop; ++next) {
    if (text[next] != '"') {
      field.push_back(text[next]);
    } else if (next + 1 < text.size() && text[next + 1] == '"') {
      field.push_back('"');
      ++next;
    } else {
      at = next + 1;
      return true;
    }
  }
  return false;
}

void SplitLiterally(absl::string_view line, char delimiter, std::vector<std::string>& fields) {
  fields.clear();
  size_t from = 0;
  for (size_t at = 0; at <= line.size(); ++at) {
    if (at < line.size() && line[at] != delimiter) continue;
    fields.emplace_back(line.substr(from, at - from));
    from = at + 1;
  }
}

// Reads one record that starts at `at`; moves `at` to the line end behind it.
CsvRecord ReadRecord(absl::string_view text, size_t& at, char delimiter) {
  const size_t start = at;
  CsvRecord record;
  for (;;) {
    std::string field;
    if (at < text.size() && text[at] == '"' && !ReadQuoted(text, at, field)) {
      at = LineEnd(text, start);
      record.raw = text.substr(start, at - start);
      record.unclosed_quote = true;
      SplitLiterally(record.raw, delimiter, record.fields);
      return record;
    }
    while (at < text.size() && text[at] != delimiter && !IsLineEnd(text[at])) {
      field.push_back(text[at++]);
    }
    record.fields.push_back(std::move(field));
    if (at >= text.size() || IsLineEnd(text[at])) break;
    ++at;
  }
  record.raw = text.substr(start, at - start);
  return record;
}

size_t CountOutsideQuotes(absl::string_view line, char wanted) {
  bool quoted = false;
  size_t count = 0;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == wanted) ++count;
  }
  return count;
}

}  // namespace

char DetectDelimiter(absl::string_view text) {
  constexpr size_t kLines = 20;
  std::vector<absl::string_view> lines;
  for (size_t at = 0; at < text.size() && lines.size() < kLines;) {
    const size_t end = LineEnd(text, at);
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  char best = ',';
  size_t best_lines = 0;
  size_t best_count = 0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    if (lines.empty()) break;
    const size_t count = CountOutsideQuotes(lines.front(), delimiter);
    if (count == 0) continue;
    const auto even =
        static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [&](absl::string_view line) {
          return CountOutsideQuotes(line, delimiter) == count;
        }));
    if (even > best_lines || (even == best_lines && count > best_count)) {
      best = delimiter;
      best_lines = even;
      best_count = count;
    }
  }
  return best;
}

std::vector<CsvRecord> SplitCsv(absl::string_view text, char delimiter) {
  std::vector<CsvRecord> records;
  size_t line = 1;
  for (size_t at = 0; at < text.size();) {
    if (IsLineEnd(text[at])) {
      at += text.substr(at, 2) == "\r\n" ? 2 : 1;
      ++line;
      continue;
    }
    CsvRecord record = ReadRecord(text, at, delimiter);
    record.line = line;
    line += static_cast<size_t>(std::count(record.raw.begin(), record.raw.end(), '\n'));
    records.push_back(std::move(record));
  }
  return records;
}

std::string QuoteCsvField(absl::string_view field) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(field);
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

}  // namespace onhand::files
