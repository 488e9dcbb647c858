#include "server/ledger/basket.h"

#include <cmath>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/positions.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

absl::Status Invalid(std::string field, std::string value, std::string problem,
                     std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_BASKET",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

absl::Status CheckPoint(const v1::GeoPoint& point) {
  const bool fits = std::isfinite(point.latitude()) && std::isfinite(point.longitude()) &&
                    std::abs(point.latitude()) <= 90 && std::abs(point.longitude()) <= 180;
  if (fits) return absl::OkStatus();
  return Invalid("basket.near", absl::StrCat(point.latitude(), ", ", point.longitude()),
                 "is no point on the earth", "send -90 to 90 degrees north, -180 to 180 east");
}

// A customer who collects, or stands in the store, names the store.
absl::Status CheckPlaces(const State& state, const WantedBasket& wanted) {
  const uint32_t kind = state.channels.Find(wanted.channel)->kind();
  if (kind == static_cast<uint32_t>(v1::CHANNEL_KIND_SHIP)) return absl::OkStatus();
  for (size_t i = 0; i < wanted.lines.size(); ++i) {
    if (wanted.lines[i].location != 0) continue;
    return Invalid(absl::StrCat("basket.lines[", i, "].location_id"), "",
                   "is missing on a channel whose customers come to a location",
                   "name the location, of the line or of the basket");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint32_t> ReadChannel(const State& state, absl::string_view field,
                                     absl::string_view channel_id) {
  if (!channel_id.empty()) return FindChannel(state, field, channel_id);
  uint32_t only = 0;
  int channels = 0;
  state.channels.ForEach([&](uint32_t id, const journal::Channel&) {
    only = id;
    ++channels;
  });
  if (channels == 1) return only;
  return Refuse(absl::StatusCode::kNotFound,
                {.reason = "UNKNOWN_CHANNEL",
                 .field = field,
                 .problem = absl::StrCat("is empty and the chain has ", channels, " channels"),
                 .remedy = "name the channel that sells"});
}

absl::StatusOr<std::vector<WantedLine>> ReadBasketLines(
    const State& state, absl::string_view field,
    const google::protobuf::RepeatedPtrField<v1::BasketLine>& lines, uint32_t location) {
  if (lines.empty() || lines.size() > kBasketLinesMax) {
    return Invalid(std::string(field), absl::StrCat(lines.size()), "lines were sent",
                   absl::StrCat("send 1 to ", kBasketLinesMax));
  }
  std::vector<WantedLine> wanted;
  absl::flat_hash_set<PositionKey> seen;
  for (int i = 0; i < lines.size(); ++i) {
    const v1::BasketLine& line = lines.Get(i);
    const std::string path = absl::StrCat(field, "[", i, "]");
    if (line.units() < 1 || line.units() > kBasketUnitsMax) {
      return Invalid(path + ".units", absl::StrCat(line.units()), "is out of range",
                     absl::StrCat("send 1 to ", kBasketUnitsMax));
    }
    if (!IsId(line.sku())) {
      return Invalid(path + ".sku", line.sku(), "is no SKU", "send 1 to 64 bytes of UTF-8");
    }
    WantedLine& one = wanted.emplace_back();
    one.units = line.units();
    one.sku = line.sku();
    one.location = location;
    if (const CodeTarget* target = state.Resolve(line.sku(), 0)) {
      one.item = target->item;
      one.sku = state.items.Find(target->item)->sku();
    }
    if (!line.location_id().empty()) {
      const absl::StatusOr<uint32_t> named =
          FindLocation(state, path + ".location_id", line.location_id());
      if (!named.ok()) return named.status();
      one.location = *named;
    }
    if (one.item != 0 && !seen.insert({one.item, one.location}).second) {
      return Invalid(path + ".sku", line.sku(), "names an item that an earlier line names",
                     "send one line an item and location, with the sum of its units");
    }
  }
  return wanted;
}

absl::StatusOr<WantedBasket> ReadBasket(const State& state, const v1::Basket& basket) {
  WantedBasket wanted;
  absl::StatusOr<uint32_t> channel = ReadChannel(state, "basket.channel_id", basket.channel_id());
  if (!channel.ok()) return channel.status();
  wanted.channel = *channel;
  uint32_t location = 0;
  if (!basket.location_id().empty()) {
    const absl::StatusOr<uint32_t> named =
        FindLocation(state, "basket.location_id", basket.location_id());
    if (!named.ok()) return named.status();
    location = *named;
  }
  if (!basket.group_id().empty()) {
    const absl::StatusOr<uint32_t> group = FindGroup(state, "basket.group_id", basket.group_id());
    if (!group.ok()) return group.status();
    wanted.group = *group;
  }
  if (basket.has_near()) {
    if (absl::Status checked = CheckPoint(basket.near()); !checked.ok()) return checked;
    wanted.near = basket.near();
  }
  wanted.allow_split = basket.allow_split();
  absl::StatusOr<std::vector<WantedLine>> lines =
      ReadBasketLines(state, "basket.lines", basket.lines(), location);
  if (!lines.ok()) return lines.status();
  wanted.lines = *std::move(lines);
  if (absl::Status checked = CheckPlaces(state, wanted); !checked.ok()) return checked;
  return wanted;
}

}  // namespace onhand::ledger
