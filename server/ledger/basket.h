// A basket as decisions read it: names resolved, every field checked. Pure.
#ifndef ONHAND_SERVER_LEDGER_BASKET_H_
#define ONHAND_SERVER_LEDGER_BASKET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "onhand/v1/reservations.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

inline constexpr int kBasketLinesMax = 100;
inline constexpr int32_t kBasketUnitsMax = 10'000;

struct WantedLine {
  uint32_t item = 0;  // 0: unknown
  std::string sku;    // the item's, or as it was asked
  int32_t units = 0;
  uint32_t location = 0;  // 0: the hub chooses
  // Units of the item that the line already has at another location, and leaves there: the chain
  // has promised them before.
  int64_t leaves = 0;
};

struct WantedBasket {
  uint32_t channel = 0;
  uint32_t group = 0;  // 0: any location of the channel
  std::optional<v1::GeoPoint> near;
  bool allow_split = false;
  bool only_stock = false;  // nothing beyond it
  uint32_t avoid = 0;       // a location that the hub does not choose; 0: none
  std::vector<WantedLine> lines;
};

// Errors: INVALID_BASKET, UNKNOWN_LOCATION, UNKNOWN_GROUP, UNKNOWN_CHANNEL. An unknown SKU is a
// line without an item.
absl::StatusOr<WantedBasket> ReadBasket(const State& state, const v1::Basket& basket);

// The channel of this name, or the chain's only one where it is empty. UNKNOWN_CHANNEL.
absl::StatusOr<uint32_t> ReadChannel(const State& state, absl::string_view field,
                                     absl::string_view channel_id);

// The lines, with `location` for those that name none. `field` is their path.
absl::StatusOr<std::vector<WantedLine>> ReadBasketLines(
    const State& state, absl::string_view field,
    const google::protobuf::RepeatedPtrField<v1::BasketLine>& lines, uint32_t location);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_BASKET_H_
