#include "server/rpc/open_hours.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "server/rpc/time_zones.h"

namespace onhand::rpc {
namespace {

using ledger::journal::Location;

constexpr int kDaysAhead = 8;

struct Period {
  absl::Time opens;
  absl::Time closes;
};

uint32_t DayOfWeek(absl::CivilDay day) {
  return static_cast<uint32_t>(absl::GetWeekday(day)) + 1;  // Monday is 0 there
}

class Calendar {
 public:
  Calendar(const Location& location, absl::TimeZone zone) : location_(location), zone_(zone) {}

  // What a local day adds, in the order written down.
  void AddDay(absl::CivilDay day, std::vector<Period>& periods) const {
    const std::string date = absl::FormatCivilTime(day);
    bool excepted = false;
    for (const auto& exception : location_.exceptions()) {
      if (exception.date() != date) continue;
      excepted = true;
      if (!exception.closed()) Add(day, exception, periods);
    }
    if (excepted) return;
    for (const auto& hours : location_.hours()) {
      if (hours.day_of_week() == DayOfWeek(day)) Add(day, hours, periods);
    }
  }

 private:
  void Add(absl::CivilDay day, const auto& hours, std::vector<Period>& periods) const {
    const Period period{
        .opens = MomentOf(day, hours.opens_minute(), &absl::TimeZone::TimeInfo::pre),
        .closes = MomentOf(day, hours.closes_minute(), &absl::TimeZone::TimeInfo::post)};
    if (period.opens < period.closes) periods.push_back(period);
  }
  // `repeated` says which of two moments with the same local time is meant.
  absl::Time MomentOf(absl::CivilDay day, uint32_t minute,
                      absl::Time absl::TimeZone::TimeInfo::*repeated) const {
    const absl::TimeZone::TimeInfo info =
        zone_.At(absl::CivilSecond(absl::CivilMinute(day) + static_cast<int>(minute)));
    return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.*repeated;
  }

  const Location& location_;
  const absl::TimeZone zone_;
};

}  // namespace

OpenHours OpenHoursAt(const Location& location, int64_t now_us) {
  if (location.hours().empty()) return {};
  absl::TimeZone zone = absl::UTCTimeZone();
  if (TimeZoneExists(location.time_zone())) absl::LoadTimeZone(location.time_zone(), &zone);
  const absl::Time now = absl::FromUnixMicros(now_us);
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  const Calendar calendar(location, zone);
  std::vector<Period> periods;
  for (int day = 0; day <= kDaysAhead + 1; ++day) calendar.AddDay(today + day, periods);
  std::sort(periods.begin(), periods.end(),
            [](const Period& a, const Period& b) { return a.opens < b.opens; });

  OpenHours hours{.open_now = false};
  absl::Time changes_at = absl::InfiniteFuture();
  for (const Period& period : periods) {
    if (period.closes <= now) continue;
    if (!*hours.open_now && period.opens > now) {
      changes_at = period.opens;
      break;
    }
    // Hours that follow without a gap, such as those of a new day, go on.
    if (*hours.open_now && period.opens > changes_at) break;
    changes_at = *hours.open_now ? std::max(changes_at, period.closes) : period.closes;
    hours.open_now = true;
  }
  if (changes_at <= now + absl::Hours(24 * kDaysAhead)) {
    hours.changes_at_us = absl::ToUnixMicros(changes_at);
  }
  return hours;
}

}  // namespace onhand::rpc
