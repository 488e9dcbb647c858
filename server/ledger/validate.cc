#include "server/ledger/validate.h"

#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

bool IsControl(unsigned char c) { return c < 0x20 || c == 0x7f; }

// Whether text is UTF-8 without control characters (C0, DEL, C1). Identifiers are short and nearly
// always ASCII.
bool IsPrintableUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      if (IsControl(lead)) return false;
      ++i;
      continue;
    }
    const int more = lead >= 0xc2 && lead < 0xe0   ? 1
                     : lead >= 0xe0 && lead < 0xf0 ? 2
                     : lead >= 0xf0 && lead < 0xf5 ? 3
                                                   : 0;
    if (more == 0 || i + static_cast<size_t>(more) >= text.size()) return false;
    uint32_t code = lead & (0x3fu >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<size_t>(k)]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = code << 6 | (next & 0x3fu);
    }
    const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code < 0xa0)
      return false;
    i += static_cast<size_t>(more) + 1;
  }
  return true;
}

absl::Status Unknown(absl::string_view reason, absl::string_view field, absl::string_view value,
                     absl::string_view what, absl::string_view remedy) {
  return Refuse(absl::StatusCode::kNotFound,
                {.reason = reason,
                 .field = field,
                 .value = std::string(value),
                 .problem = absl::StrCat("is no ", what, " that the hub knows"),
                 .remedy = std::string(remedy)});
}

}  // namespace

bool IsId(absl::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax && IsPrintableUtf8(text);
}

absl::Status CheckId(absl::string_view field, absl::string_view value) {
  if (IsId(value)) return absl::OkStatus();
  const std::string problem = value.empty() ? "is empty"
                              : value.size() > kIdBytesMax
                                  ? absl::StrCat("has ", value.size(), " bytes")
                                  : "is not UTF-8 or has control characters";
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "INVALID_ID",
                 .field = field,
                 .value = std::string(value),
                 .problem = problem,
                 .remedy = "send 1 to 64 bytes of UTF-8 without control characters"});
}

absl::Status CheckText(absl::string_view field, absl::string_view value, size_t bytes_max) {
  if (value.size() <= bytes_max && IsPrintableUtf8(value)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "INVALID_TEXT",
                 .field = field,
                 .value = std::string(value),
                 .problem = value.size() > bytes_max ? absl::StrCat("has ", value.size(), " bytes")
                                                     : "is not UTF-8 or has control characters",
                 .remedy = absl::StrCat("send at most ", bytes_max,
                                        " bytes of UTF-8 without control characters")});
}

absl::Status CheckUnits(absl::string_view field, int64_t value, int64_t least) {
  if (value >= least && value <= kUnitsMax) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "QUANTITY_OUT_OF_RANGE",
                 .field = field,
                 .value = absl::StrCat(value),
                 .problem = "is out of range",
                 .remedy = absl::StrCat("send ", least, " to ", kUnitsMax)});
}

absl::StatusOr<uint32_t> FindItem(const State& state, absl::string_view field,
                                  absl::string_view sku) {
  if (const CodeTarget* target = state.Resolve(sku, 0)) return target->item;
  return Unknown("UNKNOWN_ITEM", field, sku, "SKU or alias",
                 "import the item first (onhand import items)");
}

absl::StatusOr<uint32_t> FindLocation(const State& state, absl::string_view field,
                                      absl::string_view location_id) {
  if (const uint32_t* location = state.location_ids.Find(location_id)) return *location;
  return Unknown("UNKNOWN_LOCATION", field, location_id, "location",
                 "import the location first (onhand import locations)");
}

absl::StatusOr<uint32_t> FindChannel(const State& state, absl::string_view field,
                                     absl::string_view channel_id) {
  if (const uint32_t* channel = state.channel_ids.Find(channel_id)) return *channel;
  return Unknown("UNKNOWN_CHANNEL", field, channel_id, "channel",
                 "make the channel first (onhand channel set)");
}

absl::StatusOr<uint32_t> FindGroup(const State& state, absl::string_view field,
                                   absl::string_view group_id) {
  if (const uint32_t* group = state.group_ids.Find(group_id)) return *group;
  return Unknown("UNKNOWN_GROUP", field, group_id, "location group",
                 "make the group first (onhand group set)");
}

}  // namespace onhand::ledger
