// Opening hours as a manager writes them in a spreadsheet. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_OPENING_HOURS_H_
#define ONHAND_CLIENTS_CLI_OPENING_HOURS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/catalog.pb.h"

namespace onhand::cli {

// Reads 'Mon-Fri 09:00-20:00; Sat 10:00-14:00, 16:00-20:00; Sun closed'. Days are Mon to Sun,
// singly, as a range (which may pass Sunday: Sat-Mon) or as a list (Mon+Wed); 24:00 is the end of a
// day. Overlaps of one day are refused. The error says which part cannot be read and how to write
// it.
absl::StatusOr<std::vector<v1::OpeningHours>> ParseOpeningHours(absl::string_view text);

// Reads '2025-12-24 09:00-14:00; 2025-12-25 closed'.
absl::StatusOr<std::vector<v1::HoursException>> ParseHoursExceptions(absl::string_view text);

// The first form again, with equal days that follow each other as a range.
std::string FormatOpeningHours(const std::vector<v1::OpeningHours>& hours);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_OPENING_HOURS_H_
