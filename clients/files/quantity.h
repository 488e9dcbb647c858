// Reads whole units from the ways tills print numbers: 1,250  1.250,00  5-  (5)  +3.
// Pure functions, any thread.
#ifndef ONHAND_CLIENTS_FILES_QUANTITY_H_
#define ONHAND_CLIENTS_FILES_QUANTITY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::files {

// Which character stands before the fraction; the other one groups thousands.
enum class DecimalMark { kDetect, kPoint, kComma };

// Judges a whole column, since 1.250 alone can be one unit and a quarter or 1,250 units. A mark is
// a decimal mark when some number shows it (0.000  12.5  1.250,00), a grouping mark when some
// number shows that (1.250.000) or when numbers without it stand beside (7 and 1.250).
// INVALID_ARGUMENT: every number can be read both ways.
absl::StatusOr<DecimalMark> DetectDecimalMark(const std::vector<absl::string_view>& column);

// INVALID_ARGUMENT: not a number, not whole units, or beyond 1,000,000,000 either way.
absl::StatusOr<int64_t> ParseQuantity(absl::string_view text, DecimalMark mark);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_QUANTITY_H_
