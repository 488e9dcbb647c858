// Checks of shapes and ranges that many decisions share. Each refuses with field, value and remedy.
#ifndef ONHAND_SERVER_LEDGER_VALIDATE_H_
#define ONHAND_SERVER_LEDGER_VALIDATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

inline constexpr size_t kIdBytesMax = 64;
inline constexpr size_t kTextBytesMax = 255;
inline constexpr int64_t kUnitsMax = 1'000'000'000;

// Not by the absolute value: the least int64 has none.
inline bool IsUnits(int64_t quantity) { return quantity >= -kUnitsMax && quantity <= kUnitsMax; }

// Whether text is 1 to 64 bytes of UTF-8 without control characters.
bool IsId(absl::string_view text);
// INVALID_ARGUMENT (INVALID_ID) if not.
absl::Status CheckId(absl::string_view field, absl::string_view value);
// INVALID_ARGUMENT (INVALID_TEXT): over `bytes_max`, not UTF-8, or with control characters. Empty
// is fine.
absl::Status CheckText(absl::string_view field, absl::string_view value,
                       size_t bytes_max = kTextBytesMax);
// INVALID_ARGUMENT (QUANTITY_OUT_OF_RANGE) unless least <= value <= 10^9.
absl::Status CheckUnits(absl::string_view field, int64_t value, int64_t least);

// NOT_FOUND (UNKNOWN_ITEM / UNKNOWN_LOCATION / UNKNOWN_CHANNEL / UNKNOWN_GROUP).
absl::StatusOr<uint32_t> FindItem(const State& state, absl::string_view field,
                                  absl::string_view sku);
absl::StatusOr<uint32_t> FindLocation(const State& state, absl::string_view field,
                                      absl::string_view location_id);
absl::StatusOr<uint32_t> FindChannel(const State& state, absl::string_view field,
                                     absl::string_view channel_id);
absl::StatusOr<uint32_t> FindGroup(const State& state, absl::string_view field,
                                   absl::string_view group_id);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_VALIDATE_H_
