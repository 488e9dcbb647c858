#include "clients/cli/moment.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/session.h"

namespace onhand::cli {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

// Absl knows no days because they differ with the zone; here a day is 24 hours.
bool ReadDuration(absl::string_view text, absl::Duration* duration) {
  if (absl::StrContains(text, '-')) return false;  // '1d-2h' would be read as 22 hours
  absl::Duration days;
  const size_t d = text.find('d');
  if (d != absl::string_view::npos) {
    uint32_t count;
    if (!absl::SimpleAtoi(text.substr(0, d), &count)) return false;
    days = kDay * count;
    text.remove_prefix(d + 1);
  }
  absl::Duration rest;
  if (!text.empty() && !absl::ParseDuration(text, &rest)) return false;
  *duration = days + rest;
  const bool whole = absl::Trunc(*duration, absl::Seconds(1)) == *duration;
  return whole && *duration < absl::InfiniteDuration();
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view option, absl::string_view text) {
  absl::Duration duration;
  if (text.empty() || !ReadDuration(text, &duration)) {
    return UsageError(option, text,
                      "give whole seconds, minutes, hours or days, such as 90s, 5m, "
                      "24h or 2d");
  }
  return duration;
}

absl::StatusOr<int32_t> ParseSeconds(absl::string_view option, absl::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(option, text);
  if (!duration.ok()) return duration.status();
  const int64_t seconds = absl::ToInt64Seconds(*duration);
  if (seconds <= std::numeric_limits<int32_t>::max()) return static_cast<int32_t>(seconds);
  return UsageError(option, text, "give a shorter time, such as 15m or 2d");
}

absl::StatusOr<absl::Time> ParseMoment(absl::string_view option, absl::string_view text,
                                       absl::Time now, absl::TimeZone zone) {
  if (text == "now") return now;
  absl::Time moment;
  std::string error;
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%d%t%H:%M", "%Y-%m-%d%t%H:%M:%S", "%Y-%m-%dT%H:%M",
                             "%Y-%m-%dT%H:%M:%S"}) {
    if (absl::ParseTime(format, text, zone, &moment, &error)) return moment;
  }
  if (absl::ParseTime(absl::RFC3339_full, text, &moment, &error)) return moment;
  absl::Duration ahead;
  if (!text.empty() && ReadDuration(text, &ahead)) return now + ahead;
  return UsageError(option, text,
                    "give a local time such as 2025-11-23 or '2025-11-23 14:00', one with its "
                    "offset such as 2025-11-23T14:00:00+01:00, or a duration from now such as 2h");
}

std::string FormatAge(absl::Time moment, absl::Time now) {
  const bool past = moment <= now;
  const absl::Duration distance = past ? now - moment : moment - now;
  if (distance < absl::Seconds(1)) return "now";
  std::string amount;
  if (distance < absl::Minutes(1)) {
    amount = absl::StrCat(absl::ToInt64Seconds(distance), " s");
  } else if (distance < absl::Hours(1)) {
    amount = absl::StrCat(absl::ToInt64Minutes(distance), " min");
  } else if (distance < 2 * kDay) {
    amount = absl::StrCat(absl::ToInt64Hours(distance), " h");
  } else {
    amount = absl::StrCat(absl::ToInt64Hours(distance) / 24, " days");
  }
  return past ? absl::StrCat(amount, " ago") : absl::StrCat("in ", amount);
}

std::string FormatMoment(absl::Time moment, absl::Time now, absl::TimeZone zone) {
  const bool same_day = absl::ToCivilDay(moment, zone) == absl::ToCivilDay(now, zone);
  return absl::StrCat(absl::FormatTime(same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M", moment, zone),
                      " (", FormatAge(moment, now), ")");
}

std::string FormatSeconds(int64_t seconds) {
  std::string text;
  const struct {
    int64_t seconds;
    const char* unit;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  for (const auto& unit : units) {
    if (seconds >= unit.seconds) absl::StrAppend(&text, seconds / unit.seconds, unit.unit);
    seconds %= unit.seconds;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace onhand::cli
