#include "server/ledger/decide_orders.h"

#include <xxhash.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/apply_reservation.h"
#include "server/ledger/basket.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservation_steps.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

// A UUIDv7 of the group's time and the order's name: the same wherever it is decided, and another
// one for each order.
std::string MakeId(int64_t now_us, const std::string& reference) {
  const auto milliseconds = static_cast<uint64_t>(std::max<int64_t>(now_us, 0) / 1'000);
  const XXH128_hash_t hash = XXH3_128bits(reference.data(), reference.size());
  std::string id(16, '\0');
  for (size_t i = 0; i < 6; ++i) id[i] = static_cast<char>(milliseconds >> (40 - 8 * i) & 0xff);
  for (size_t i = 6; i < 8; ++i) id[i] = static_cast<char>(hash.low64 >> (8 * (i - 6)) & 0xff);
  for (size_t i = 8; i < 16; ++i) id[i] = static_cast<char>(hash.high64 >> (8 * (i - 8)) & 0xff);
  id[6] = static_cast<char>(0x70 | (id[6] & 0x0f));
  id[8] = static_cast<char>(0x80 | (id[8] & 0x3f));
  return id;
}

absl::StatusOr<journal::Reservation> ReadOrder(const State& state, int64_t now_us,
                                               const v1::ImportedOrder& order) {
  if (absl::Status checked = CheckId("order_reference", order.order_reference()); !checked.ok()) {
    return checked;
  }
  const absl::StatusOr<uint32_t> channel = ReadChannel(state, "channel_id", order.channel_id());
  if (!channel.ok()) return channel.status();
  const absl::StatusOr<std::vector<WantedLine>> lines =
      ReadBasketLines(state, "lines", order.lines(), 0);
  if (!lines.ok()) return lines.status();
  journal::Reservation row;
  row.set_id(MakeId(now_us, order.order_reference()));
  row.set_channel(*channel);
  row.set_order_reference(order.order_reference());
  row.set_created_us(order.has_placed_at() ? std::min(MicrosOf(order.placed_at()), now_us)
                                           : now_us);
  row.set_imported(true);
  for (size_t i = 0; i < lines->size(); ++i) {
    const WantedLine& wanted = (*lines)[i];
    if (wanted.item == 0) {
      return Refuse(absl::StatusCode::kNotFound,
                    {.reason = "UNKNOWN_ITEM",
                     .field = absl::StrCat("lines[", i, "].sku"),
                     .value = wanted.sku,
                     .problem = "is no SKU or alias that the hub knows",
                     .remedy = "import the item first (onhand import items)"});
    }
    const bool waits = wanted.location == 0;
    if (!waits && ReservedAt(state, wanted.item, wanted.location).Promised() > kUnitsMax) {
      return Refuse(absl::StatusCode::kInvalidArgument,
                    {.reason = "QUANTITY_OUT_OF_RANGE",
                     .field = absl::StrCat("lines[", i, "].units"),
                     .value = absl::StrCat(wanted.units),
                     .problem = "would promise more at the location than any position can hold",
                     .remedy = "take over open orders only, or release what is done"});
    }
    PlannedLine planned;
    planned.parts.push_back({.units = wanted.units,
                             .promise = waits ? v1::LINE_PROMISE_BACKORDER : v1::LINE_PROMISE_STOCK,
                             .location = wanted.location});
    AddPlannedLines(
        planned, wanted, static_cast<uint32_t>(i),
        order.picked() && !waits ? v1::RESERVATION_STATE_PICKED : v1::RESERVATION_STATE_COMMITTED,
        row);
  }
  return row;
}

}  // namespace

absl::StatusOr<v1::ImportOrdersResponse> DecideImportOrders(
    Group& group, const v1::ImportOrdersRequest& request) {
  if (request.orders().empty() || request.orders_size() > kImportedOrdersMax) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "BATCH_TOO_LARGE",
                   .field = "orders",
                   .value = absl::StrCat(request.orders_size()),
                   .problem = "orders were sent",
                   .remedy = absl::StrCat("send 1 to ", kImportedOrdersMax)});
  }
  const State& state = group.state();
  v1::ImportOrdersResponse response;
  absl::flat_hash_set<std::string> seen;  // a check adds nothing that would show it
  for (const v1::ImportedOrder& order : request.orders()) {
    v1::ImportedOrderResult& result = *response.add_results();
    result.set_order_reference(order.order_reference());
    absl::StatusOr<journal::Reservation> row = ReadOrder(state, group.now_us(), order);
    if (!row.ok()) {
      result.set_outcome(v1::IMPORT_OUTCOME_REFUSED);
      result.set_reason(ReasonOf(row.status()));
      result.set_message(std::string(row.status().message()));
    } else if (state.reservations.order_refs.Contains(order.order_reference()) ||
               !seen.insert(order.order_reference()).second) {
      result.set_outcome(v1::IMPORT_OUTCOME_ALREADY_THERE);
    } else {
      result.set_outcome(v1::IMPORT_OUTCOME_IMPORTED);
      if (!request.dry_run()) ReservationChange(group, *std::move(row)).Add("IMPORTED");
    }
  }
  response.set_revision(group.revision());
  return response;
}

}  // namespace onhand::ledger
