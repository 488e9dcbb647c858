#include "clients/files/quantity.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace onhand::files {
namespace {

constexpr int64_t kUnitsMax = 1'000'000'000;

absl::Status NotANumber(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("quantity \"", text, "\" is not a whole number of units"));
}

struct SignedDigits {
  bool negative = false;
  // Digits, points and commas only once it is well-formed.
  std::string digits;
};

// Takes off the sign in any of its places, and the spaces and apostrophes that some locales group
// with.
SignedDigits TakeSign(absl::string_view text) {
  std::string plain = absl::StrReplaceAll(
      text, {{"\xE2\x88\x92", "-"}, {"\xC2\xA0", ""}, {"\xE2\x80\xAF", ""}, {" ", ""}, {"'", ""}});
  absl::string_view rest = plain;
  SignedDigits out;
  out.negative = (absl::ConsumePrefix(&rest, "(") && absl::ConsumeSuffix(&rest, ")")) ||
                 absl::ConsumePrefix(&rest, "-") || absl::ConsumeSuffix(&rest, "-");
  if (!out.negative && !absl::ConsumePrefix(&rest, "+")) absl::ConsumeSuffix(&rest, "+");
  out.digits = std::string(rest);
  return out;
}

// What one number shows about the marks.
struct Evidence {
  std::optional<DecimalMark> certain;
  // The only mark in it, when it could be either; 0 if none.
  char unclear = 0;
};

DecimalMark MarkOf(char c) { return c == ',' ? DecimalMark::kComma : DecimalMark::kPoint; }
DecimalMark OtherThan(char c) { return c == ',' ? DecimalMark::kPoint : DecimalMark::kComma; }

Evidence Judge(const std::string& digits) {
  const size_t last = digits.find_last_of(".,");
  if (last == std::string::npos) return {};
  const size_t first = digits.find_first_of(".,");
  const char mark = digits[last];
  if (first != last) {
    return {.certain = digits[first] == mark ? OtherThan(mark) : MarkOf(mark)};
  }
  const size_t after = digits.size() - last - 1;
  const bool starts_with_zero = digits[0] == '0' || last == 0;
  if (after != 3 || last > 3 || starts_with_zero) return {.certain = MarkOf(mark)};
  return {.unclear = mark};
}

}  // namespace

absl::StatusOr<DecimalMark> DetectDecimalMark(const std::vector<absl::string_view>& column) {
  bool any_plain = false;
  char unclear = 0;
  absl::string_view example;
  for (const absl::string_view text : column) {
    const std::string digits = TakeSign(absl::StripAsciiWhitespace(text)).digits;
    if (digits.empty() || digits.find_first_not_of("0123456789.,") != std::string::npos) continue;
    const Evidence evidence = Judge(digits);
    if (evidence.certain) return *evidence.certain;
    if (evidence.unclear == 0) {
      any_plain = true;
    } else {
      unclear = evidence.unclear;
      example = text;
    }
  }
  if (unclear == 0) return DecimalMark::kPoint;
  if (any_plain) return OtherThan(unclear);
  return absl::InvalidArgumentError(
      absl::StrCat("quantity \"", example,
                   "\" can be read with or without decimals, and so can every other one: set "
                   "\"decimal\" to \".\" or \",\" in the mapping"));
}

absl::StatusOr<int64_t> ParseQuantity(absl::string_view text, DecimalMark mark) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  const SignedDigits number = TakeSign(trimmed);
  const char decimal = mark == DecimalMark::kComma ? ',' : '.';
  const char grouping = mark == DecimalMark::kComma ? '.' : ',';

  const size_t point = number.digits.find(decimal);
  const std::string whole = number.digits.substr(0, point);
  const std::string fraction = point == std::string::npos ? "" : number.digits.substr(point + 1);
  if (fraction.find_first_not_of('0') != std::string::npos) return NotANumber(trimmed);
  if (whole.empty() && fraction.empty()) return NotANumber(trimmed);

  int64_t units = 0;
  size_t since_group = 0;
  bool grouped = false;
  for (const char c : whole) {
    if (c == grouping) {
      // The first group has one to three digits, every later one exactly three.
      if (since_group == 0 || since_group > 3 || (grouped && since_group != 3)) {
        return NotANumber(trimmed);
      }
      grouped = true;
      since_group = 0;
      continue;
    }
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return NotANumber(trimmed);
    ++since_group;
    units = units * 10 + (c - '0');
    if (units > kUnitsMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "quantity \"", trimmed, "\" is beyond 1,000,000,000 units: correct it at the till"));
    }
  }
  if (grouped && since_group != 3) return NotANumber(trimmed);
  return number.negative ? -units : units;
}

}  // namespace onhand::files
