#include "clients/files/moment.h"

#include <time.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhand::files {
namespace {

absl::Status NotAMoment(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("time \"", text, "\" is not understood: set \"time_format\" in the mapping"));
}

// Takes leading digits off `rest`; nullopt if there are none or more than `digits_max`.
std::optional<int64_t> TakeNumber(absl::string_view& rest, size_t digits_max) {
  size_t length = 0;
  while (length < rest.size() && absl::ascii_isdigit(static_cast<unsigned char>(rest[length]))) {
    ++length;
  }
  int64_t number = 0;
  if (length == 0 || length > digits_max || !absl::SimpleAtoi(rest.substr(0, length), &number)) {
    return std::nullopt;
  }
  rest.remove_prefix(length);
  return number;
}

bool IsDateMark(char c) { return c == '-' || c == '/' || c == '.'; }

struct DateParts {
  int64_t parts[3] = {};
  bool year_first = false;
  // Dots mean day first wherever they are used.
  char mark = 0;
};

std::optional<DateParts> TakeDate(absl::string_view& rest) {
  DateParts date;
  const size_t before = rest.size();
  for (int i = 0; i < 3; ++i) {
    if (i > 0) {
      if (rest.empty() || !IsDateMark(rest[0]) || (i == 2 && rest[0] != date.mark)) {
        return std::nullopt;
      }
      date.mark = rest[0];
      rest.remove_prefix(1);
    }
    const std::optional<int64_t> number = TakeNumber(rest, 4);
    if (!number) return std::nullopt;
    date.parts[i] = *number;
    if (i == 0) date.year_first = before - rest.size() == 4;
  }
  return date;
}

int64_t FullYear(int64_t year) { return year < 100 ? 2000 + year : year; }

std::optional<absl::CivilDay> ToDay(const DateParts& date, DateOrder order) {
  int64_t year = date.parts[0], month = date.parts[1], day = date.parts[2];
  if (!date.year_first) {
    const bool day_first = date.mark == '.' || order != DateOrder::kMonthFirst;
    year = FullYear(date.parts[2]);
    month = date.parts[day_first ? 1 : 0];
    day = date.parts[day_first ? 0 : 1];
  }
  if (month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  const absl::CivilDay civil(year, static_cast<int>(month), static_cast<int>(day));
  // 31 April would silently become 1 May.
  if (civil.month() != month || civil.day() != day) return std::nullopt;
  return civil;
}

struct DayTime {
  absl::CivilSecond local;
  absl::Duration fraction;
};

// Takes "H:M[:S[.fff]] [AM|PM]" off `rest`.
std::optional<DayTime> TakeTime(absl::CivilDay day, absl::string_view& rest) {
  const std::optional<int64_t> hour_read = TakeNumber(rest, 2);
  if (!hour_read || !absl::ConsumePrefix(&rest, ":")) return std::nullopt;
  const std::optional<int64_t> minute = TakeNumber(rest, 2);
  if (!minute) return std::nullopt;
  int64_t hour = *hour_read, second = 0;
  absl::Duration fraction;
  if (absl::ConsumePrefix(&rest, ":")) {
    const std::optional<int64_t> read = TakeNumber(rest, 2);
    if (!read) return std::nullopt;
    second = *read;
    if (absl::ConsumePrefix(&rest, ".") || absl::ConsumePrefix(&rest, ",")) {
      const size_t before = rest.size();
      const std::optional<int64_t> digits = TakeNumber(rest, 9);
      if (!digits) return std::nullopt;
      fraction = absl::Seconds(*digits);
      for (size_t i = rest.size(); i < before; ++i) fraction /= 10;
    }
  }
  rest = absl::StripLeadingAsciiWhitespace(rest);
  const std::string half = absl::AsciiStrToUpper(rest.substr(0, 2));
  if (half == "AM" || half == "PM") {
    if (hour < 1 || hour > 12) return std::nullopt;
    hour = hour % 12 + (half == "PM" ? 12 : 0);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(2));
  }
  if (hour > 23 || *minute > 59 || second > 60) return std::nullopt;
  return DayTime{
      absl::CivilSecond(day) + hour * 3600 + *minute * 60 + std::min<int64_t>(second, 59),
      fraction};
}

// "Z", "+02:00", "+0200", "+02"; nullopt: something else.
std::optional<absl::Duration> ReadOffset(absl::string_view rest) {
  if (rest == "Z" || rest == "z" || rest == "UTC") return absl::ZeroDuration();
  const bool west = absl::StartsWith(rest, "-");
  if (!absl::ConsumePrefix(&rest, "+") && !absl::ConsumePrefix(&rest, "-")) return std::nullopt;
  if (rest.size() < 2) return std::nullopt;
  absl::string_view hours_text = rest.substr(0, 2);
  rest.remove_prefix(2);
  absl::ConsumePrefix(&rest, ":");
  const std::optional<int64_t> hours = TakeNumber(hours_text, 2);
  const std::optional<int64_t> minutes = rest.empty() ? 0 : TakeNumber(rest, 2);
  if (!hours || !minutes || !rest.empty()) return std::nullopt;
  const absl::Duration offset = absl::Hours(*hours) + absl::Minutes(*minutes);
  return west ? -offset : offset;
}

// 20260331, 202603311405, 20260331140500, and Unix time in seconds, milliseconds or microseconds by
// their length.
std::optional<absl::Time> ReadUnix(absl::string_view digits) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) return std::nullopt;
  switch (digits.size()) {
    case 10:
      return absl::FromUnixSeconds(number);
    case 13:
      return absl::FromUnixMillis(number);
    case 16:
      return absl::FromUnixMicros(number);
    default:
      return std::nullopt;
  }
}

std::optional<absl::CivilSecond> ReadCompact(absl::string_view digits) {
  if (digits.size() != 8 && digits.size() != 12 && digits.size() != 14) return std::nullopt;
  const auto part = [&](size_t at, size_t length) {
    int64_t number = 0;
    if (at < digits.size()) (void)absl::SimpleAtoi(digits.substr(at, length), &number);
    return number;
  };
  DateParts date{{part(0, 4), part(4, 2), part(6, 2)}, true, '-'};
  const std::optional<absl::CivilDay> day = ToDay(date, DateOrder::kDetect);
  if (!day) return std::nullopt;
  if (digits.size() == 8) return absl::CivilSecond(*day + 1) - 1;
  if (part(8, 2) > 23 || part(10, 2) > 59 || part(12, 2) > 59) return std::nullopt;
  return absl::CivilSecond(*day) + part(8, 2) * 3600 + part(10, 2) * 60 + part(12, 2);
}

}  // namespace

absl::StatusOr<DateOrder> DetectDateOrder(const std::vector<absl::string_view>& column) {
  absl::string_view unclear;
  for (absl::string_view text : column) {
    absl::string_view rest = absl::StripAsciiWhitespace(text);
    const std::optional<DateParts> date = TakeDate(rest);
    if (!date || date->year_first || date->mark == '.') continue;
    if (date->parts[0] > 12) return DateOrder::kDayFirst;
    if (date->parts[1] > 12) return DateOrder::kMonthFirst;
    if (date->parts[0] != date->parts[1]) unclear = text;
  }
  if (unclear.empty()) return DateOrder::kDayFirst;
  return absl::InvalidArgumentError(
      absl::StrCat("time \"", unclear,
                   "\" may begin with the day or with the month, and no other row tells: set "
                   "\"date_order\" to \"day_first\" or \"month_first\" in the mapping"));
}

absl::StatusOr<absl::Time> MomentReader::Read(absl::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  if (!rules_.format.empty()) return ReadByFormat(trimmed);

  if (std::all_of(trimmed.begin(), trimmed.end(), absl::ascii_isdigit)) {
    if (const auto local = ReadCompact(trimmed)) return Resolve(*local, trimmed);
    if (const auto instant = ReadUnix(trimmed)) return *instant;
    return NotAMoment(trimmed);
  }

  absl::string_view rest = trimmed;
  const std::optional<DateParts> date = TakeDate(rest);
  if (!date) return NotAMoment(trimmed);
  const std::optional<absl::CivilDay> day = ToDay(*date, rules_.date_order);
  if (!day) return NotAMoment(trimmed);
  absl::ConsumePrefix(&rest, "T");
  rest = absl::StripLeadingAsciiWhitespace(rest);
  if (rest.empty()) return Resolve(absl::CivilSecond(*day + 1) - 1, trimmed);

  const std::optional<DayTime> time = TakeTime(*day, rest);
  if (!time) return NotAMoment(trimmed);
  if (rest.empty()) {
    absl::StatusOr<absl::Time> instant = Resolve(time->local, trimmed);
    if (!instant.ok()) return instant;
    return *instant + time->fraction;
  }
  const std::optional<absl::Duration> offset = ReadOffset(rest);
  if (!offset) return NotAMoment(trimmed);
  return absl::FromCivil(time->local, absl::UTCTimeZone()) - *offset + time->fraction;
}

absl::StatusOr<absl::Time> MomentReader::ReadByFormat(absl::string_view text) {
  const std::string terminated(text);
  // strptime, since absl::ParseTime reads all digits of 20260301 as a year.
  std::tm parts = {};
  parts.tm_mday = 1;
  const char* const end = strptime(terminated.c_str(), rules_.format.c_str(), &parts);
  if (end == nullptr || *end != '\0') {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" does not fit the format \"", rules_.format, "\""));
  }
  const absl::CivilSecond local(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                parts.tm_hour, parts.tm_min, std::min(parts.tm_sec, 59));
  if (!absl::StrContains(rules_.format, "%z")) return Resolve(local, text);
  return absl::FromCivil(local, absl::UTCTimeZone()) - absl::Seconds(parts.tm_gmtoff);
}

absl::StatusOr<absl::Time> MomentReader::Resolve(absl::CivilSecond local, absl::string_view text) {
  const absl::TimeZone::TimeInfo info = rules_.zone.At(local);
  absl::Time instant = info.pre;
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED && rules_.missing == MissingTime::kReject) {
    return absl::InvalidArgumentError(absl::StrCat("time \"", text, "\" does not exist in ",
                                                   rules_.zone.name(),
                                                   ": the clocks skip it when summer time begins"));
  }
  if (info.kind == absl::TimeZone::TimeInfo::REPEATED) {
    const bool later_row = previous_ > info.pre && previous_ <= info.trans + (info.post - info.pre);
    const bool second = rules_.repeated == RepeatedTime::kSecond ||
                        (rules_.repeated == RepeatedTime::kByOrder && later_row);
    if (second) instant = info.post;
  }
  previous_ = instant;
  return instant;
}

}  // namespace onhand::files
