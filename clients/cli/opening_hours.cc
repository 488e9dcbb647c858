#include "clients/cli/opening_hours.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"

namespace onhand::cli {
namespace {

constexpr std::array<const char*, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr char kRemedy[] = "write such as 'Mon-Fri 09:00-20:00; Sat 10:00-14:00; Sun closed'";

absl::Status CannotRead(absl::string_view part, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("opening hours '", part, "': ", why, "; ", kRemedy));
}

// 1 Monday to 7 Sunday.
std::optional<int> Day(absl::string_view name) {
  for (size_t i = 0; i < kDays.size(); ++i) {
    if (absl::EqualsIgnoreCase(name, kDays[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

std::optional<std::vector<int>> Days(absl::string_view text) {
  std::vector<int> days;
  for (absl::string_view part : absl::StrSplit(text, '+')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    const std::optional<int> first = Day(ends.front());
    const std::optional<int> last = Day(ends.back());
    if (ends.size() > 2 || !first || !last) return std::nullopt;
    for (int day = *first;; day = day % 7 + 1) {
      days.push_back(day);
      if (day == *last) break;
    }
  }
  return days;
}

std::optional<uint32_t> Minute(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  uint32_t hour, minute;
  if (parts.size() != 2 || parts[1].size() != 2 || !absl::SimpleAtoi(parts[0], &hour) ||
      !absl::SimpleAtoi(parts[1], &minute) || minute > 59 || hour * 60 + minute > 1440) {
    return std::nullopt;
  }
  return hour * 60 + minute;
}

using Span = std::pair<uint32_t, uint32_t>;  // opens, closes

std::optional<Span> ParseSpan(absl::string_view text) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, '-');
  if (ends.size() != 2) return std::nullopt;
  const std::optional<uint32_t> opens = Minute(absl::StripAsciiWhitespace(ends[0]));
  const std::optional<uint32_t> closes = Minute(absl::StripAsciiWhitespace(ends[1]));
  if (!opens || !closes || *opens >= *closes) return std::nullopt;
  return Span(*opens, *closes);
}

bool OverlapsAny(const std::vector<v1::OpeningHours>& hours, int day, const Span& span) {
  return std::any_of(hours.begin(), hours.end(), [&](const v1::OpeningHours& other) {
    return other.day_of_week() == static_cast<uint32_t>(day) &&
           other.opens_minute() < span.second && span.first < other.closes_minute();
  });
}

// Splits 'WHEN REST' at its first space.
std::pair<absl::string_view, absl::string_view> WhenAndRest(absl::string_view part) {
  const size_t space = std::min(part.find(' '), part.size());
  return {part.substr(0, space), absl::StripAsciiWhitespace(part.substr(space))};
}

std::string ClockTime(uint32_t minute) {
  return absl::StrFormat("%02d:%02d", minute / 60, minute % 60);
}

}  // namespace

absl::StatusOr<std::vector<v1::OpeningHours>> ParseOpeningHours(absl::string_view text) {
  std::vector<v1::OpeningHours> hours;
  for (absl::string_view part : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    part = absl::StripAsciiWhitespace(part);
    const auto [when, rest] = WhenAndRest(part);
    const std::optional<std::vector<int>> days = Days(when);
    if (!days) return CannotRead(part, absl::StrCat("'", when, "' is no day"));
    if (absl::EqualsIgnoreCase(rest, "closed")) continue;
    for (absl::string_view span_text : absl::StrSplit(rest, ',')) {
      const std::optional<Span> span = ParseSpan(span_text);
      if (!span) {
        return CannotRead(part, absl::StrCat("'", absl::StripAsciiWhitespace(span_text),
                                             "' is no span from an earlier to a later time"));
      }
      for (const int day : *days) {
        if (OverlapsAny(hours, day, *span)) {
          return CannotRead(part, absl::StrCat(kDays[day - 1], " is given twice for one time"));
        }
        v1::OpeningHours& opening = hours.emplace_back();
        opening.set_day_of_week(day);
        opening.set_opens_minute(span->first);
        opening.set_closes_minute(span->second);
      }
    }
  }
  std::sort(hours.begin(), hours.end(), [](const auto& a, const auto& b) {
    return std::pair(a.day_of_week(), a.opens_minute()) <
           std::pair(b.day_of_week(), b.opens_minute());
  });
  return hours;
}

absl::StatusOr<std::vector<v1::HoursException>> ParseHoursExceptions(absl::string_view text) {
  std::vector<v1::HoursException> exceptions;
  for (absl::string_view part : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    part = absl::StripAsciiWhitespace(part);
    const auto [when, rest] = WhenAndRest(part);
    absl::CivilDay day;
    const bool closed = absl::EqualsIgnoreCase(rest, "closed");
    const std::optional<Span> span = closed ? Span(0, 0) : ParseSpan(rest);
    if (!absl::ParseCivilTime(when, &day) || !span) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dated hours '", part,
          "' cannot be read; write such as '2025-12-24 09:00-14:00; 2025-12-25 closed'"));
    }
    v1::HoursException& exception = exceptions.emplace_back();
    exception.set_date(absl::FormatCivilTime(day));
    exception.set_closed(closed);
    exception.set_opens_minute(span->first);
    exception.set_closes_minute(span->second);
  }
  return exceptions;
}

std::string FormatOpeningHours(const std::vector<v1::OpeningHours>& hours) {
  std::array<std::vector<std::string>, 7> spans;
  for (const v1::OpeningHours& opening : hours) {
    if (opening.day_of_week() < 1 || opening.day_of_week() > 7) continue;
    spans[opening.day_of_week() - 1].push_back(
        absl::StrCat(ClockTime(opening.opens_minute()), "-", ClockTime(opening.closes_minute())));
  }
  std::vector<std::string> parts;
  for (size_t first = 0; first < 7;) {
    size_t last = first;
    while (last + 1 < 7 && spans[last + 1] == spans[first]) ++last;
    if (!spans[first].empty()) {
      const std::string days =
          first == last ? std::string(kDays[first]) : absl::StrCat(kDays[first], "-", kDays[last]);
      parts.push_back(absl::StrCat(days, " ", absl::StrJoin(spans[first], ", ")));
    }
    first = last + 1;
  }
  return absl::StrJoin(parts, "; ");
}

}  // namespace onhand::cli
