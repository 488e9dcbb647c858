// Moments and durations as people write and read them. Pure functions: the present and the time
// zone are arguments.
#ifndef ONHAND_CLIENTS_CLI_MOMENT_H_
#define ONHAND_CLIENTS_CLI_MOMENT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhand::cli {

// Reads '5m', '24h', '1h30m', '2d12h' or '90s': whole seconds, not negative. `option` is named in
// the error.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view option, absl::string_view text);

// The same as a number of seconds for the contract; more than it can say is refused.
absl::StatusOr<int32_t> ParseSeconds(absl::string_view option, absl::string_view text);

// Reads 'now', a local date '2025-11-23', a local time '2025-11-23 14:00' (or with T), a time with
// its own offset '2025-11-23T14:00:00+01:00', or a duration from `now` on, such as '2h'.
absl::StatusOr<absl::Time> ParseMoment(absl::string_view option, absl::string_view text,
                                       absl::Time now, absl::TimeZone zone);

// '3 min ago', '2 days ago', 'in 5 h', 'now'.
std::string FormatAge(absl::Time moment, absl::Time now);

// '14:03:22 (3 min ago)', with the date in front if it is another day in `zone`.
std::string FormatMoment(absl::Time moment, absl::Time now, absl::TimeZone zone);

// '5m', '1d', '1h30m'; '0s' for nothing.
std::string FormatSeconds(int64_t seconds);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_MOMENT_H_
