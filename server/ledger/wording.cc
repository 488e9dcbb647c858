#include "server/ledger/wording.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

// Local time as if it were UTC, for printing.
absl::Time LocalTime(const State& state, uint32_t location, int64_t us) {
  const journal::LocationOffsets& offsets = state.learned().LocationOf(location).offsets;
  int32_t offset_s = 0;
  for (int i = 0; i < offsets.at_s_size(); ++i) {
    if (i == 0 || offsets.at_s(i) <= us / kMicrosPerSecond) offset_s = offsets.offset_s(i);
  }
  return absl::FromUnixMicros(us) + absl::Seconds(offset_s);
}

bool KnowsLocalTime(const State& state, uint32_t location) {
  return state.learned().LocationOf(location).offsets.offset_s_size() > 0;
}

}  // namespace

std::string DayText(const State& state, uint32_t location, int64_t us) {
  return absl::FormatTime("%-e %b %Y", LocalTime(state, location, us), absl::UTCTimeZone());
}

std::string MomentText(const State& state, uint32_t location, int64_t us, int64_t now_us) {
  std::string text = absl::FormatTime("%H:%M", LocalTime(state, location, us), absl::UTCTimeZone());
  if (!KnowsLocalTime(state, location)) text += " UTC";
  const std::string day = DayText(state, location, us);
  return day == DayText(state, location, now_us) ? text : absl::StrCat(day, " ", text);
}

std::string DurationText(int64_t seconds) {
  struct Unit {
    int64_t seconds;
    const char* one;
    const char* many;
  };
  static constexpr std::array<Unit, 3> kUnits = {
      {{86'400, "day", "days"}, {3'600, "h", "h"}, {60, "min", "min"}}};
  for (const Unit& unit : kUnits) {
    if (seconds == 0 || seconds % unit.seconds != 0) continue;
    const int64_t count = seconds / unit.seconds;
    return absl::StrCat(count, " ", count == 1 ? unit.one : unit.many);
  }
  return absl::StrCat(seconds, " s");
}

std::string PlaceText(const State& state, uint32_t location) {
  const journal::Location* row = state.locations.Find(location);
  if (row == nullptr) return absl::StrCat("location ", location);
  return row->name().empty() ? row->location_id() : row->name();
}

std::string RuleText(const State& state, const journal::Rule& rule) {
  std::string text = absl::StrCat("rule '", rule.rule_id(), "' (set");
  if (!rule.author().empty()) absl::StrAppend(&text, " by ", rule.author());
  absl::StrAppend(&text, " on ", DayText(state, 0, rule.changed_us()));
  if (!rule.reason().empty()) absl::StrAppend(&text, ": ", rule.reason());
  return absl::StrCat(text, ")");
}

std::string BufferText(const journal::Buffer& buffer) {
  std::string text;
  if (buffer.has_percent()) {
    text = absl::StrFormat("%g %% of what is there", buffer.percent());
  } else if (buffer.has_days_of_cover()) {
    text = DaysOfCoverText(buffer.days_of_cover());
  } else if (buffer.has_risk_one_in()) {
    text = absl::StrCat("so many that 1 order in ", buffer.risk_one_in(), " may fail");
    if (buffer.tries() != 0) absl::StrAppend(&text, " after ", buffer.tries(), " tries");
  } else {
    text = absl::StrCat(buffer.units(), buffer.units() == 1 ? " unit" : " units");
  }
  if (buffer.has_min_units()) absl::StrAppend(&text, ", at least ", buffer.min_units());
  if (buffer.has_max_units()) absl::StrAppend(&text, ", at most ", buffer.max_units());
  return text;
}

std::string DaysOfCoverText(double days) {
  return absl::StrFormat("what sells in %g %s", days, days == 1 ? "day" : "days");
}

std::string TextOf(v1::AvailabilityStatus status) {
  switch (status) {
    case v1::AVAILABILITY_STATUS_IN_STOCK:
      return "in stock";
    case v1::AVAILABILITY_STATUS_LOW_STOCK:
      return "low stock";
    case v1::AVAILABILITY_STATUS_SOLD_OUT:
      return "sold out";
    case v1::AVAILABILITY_STATUS_BACKORDER:
      return "on back-order";
    case v1::AVAILABILITY_STATUS_KEEP_SELLING:
      return "selling on without stock";
    default:
      return "hidden";
  }
}

}  // namespace onhand::ledger
