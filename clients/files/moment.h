// Reads the moments that tills print, mostly local times without a zone. A MomentReader belongs to
// one file or table and one thread: it remembers the row before, which tells the two runs through a
// repeated hour apart.
#ifndef ONHAND_CLIENTS_FILES_MOMENT_H_
#define ONHAND_CLIENTS_FILES_MOMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhand::files {

// What a local time means that the clocks show twice, when summer time ends.
enum class RepeatedTime {
  // The first run, until a row before it was already later than that; then the second.
  kByOrder,
  kFirst,
  kSecond,
};

// What a local time means that the clocks never show, when summer time begins.
enum class MissingTime {
  // Read with the offset in force before the change: 02:30 becomes 03:30.
  kShift,
  kReject,
};

// 03/04/2026 is told apart by looking at the whole column.
enum class DateOrder { kDetect, kDayFirst, kMonthFirst };

struct MomentRules {
  absl::TimeZone zone = absl::UTCTimeZone();
  RepeatedTime repeated = RepeatedTime::kByOrder;
  MissingTime missing = MissingTime::kShift;
  DateOrder date_order = DateOrder::kDetect;
  // strptime(3) format with %z for an offset; empty: the common forms are tried.
  std::string format;
};

// INVALID_ARGUMENT: the column holds dates such as 03/04/2026 and none shows whether the day or the
// month is first.
absl::StatusOr<DateOrder> DetectDateOrder(const std::vector<absl::string_view>& column);

class MomentReader {
 public:
  explicit MomentReader(MomentRules rules) : rules_(std::move(rules)) {}

  // Reads year-first, day-first or month-first dates with or without a time, a fraction, AM/PM and
  // an offset or Z; 8, 12 or 14 digits; Unix seconds, milliseconds and microseconds. A date without
  // a time is the last second of that day. INVALID_ARGUMENT: none of these, or a missing hour that
  // the mapping rejects.
  absl::StatusOr<absl::Time> Read(absl::string_view text);

 private:
  absl::StatusOr<absl::Time> ReadByFormat(absl::string_view text);
  absl::StatusOr<absl::Time> Resolve(absl::CivilSecond local, absl::string_view text);

  MomentRules rules_;
  absl::Time previous_ = absl::InfinitePast();
};

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_MOMENT_H_
