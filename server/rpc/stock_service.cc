#include "server/rpc/stock_service.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "server/insights/belief.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/decide_supply.h"
#include "server/ledger/fold.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

// Items looked at under one lock: a location may hold few of many.
constexpr size_t kItemsALockMax = 2'048;

// An event's place in the fold, as the key of a page.
std::string KeyOf(const ledger::Event& event) {
  std::string key(sizeof(event), '\0');
  std::memcpy(key.data(), &event, sizeof(event));
  return key;
}
std::optional<ledger::Event> EventOf(const std::string& key) {
  ledger::Event event;
  if (key.size() != sizeof(event)) return std::nullopt;
  std::memcpy(&event, key.data(), sizeof(event));
  return event;
}

// The record, and what is believed of it.
void AddPosition(const ledger::State& state, uint32_t item, uint32_t location,
                 v1::ListPositionsResponse* response) {
  v1::Position& position = *response->add_positions();
  position = ledger::PositionOf(state, item, location);
  v1::PositionEstimate estimate;
  if (insights::EstimateOf(state, item, location, &estimate))
    *position.mutable_estimate() = std::move(estimate);
}

v1::RecordedMovement MovementOf(const ledger::State& state, const ledger::Event& event) {
  v1::RecordedMovement movement;
  movement.set_kind(event.event_kind() == ledger::EventKind::kHandOver
                        ? v1::MOVEMENT_KIND_SALE
                        : static_cast<v1::MovementKind>(event.kind));
  movement.set_quantity(event.quantity);
  *movement.mutable_occurred_at() = ledger::TimestampOf(event.at_us);
  movement.set_source_id(std::string(state.SourceNameOf(event.source)));
  movement.set_sequence(event.sequence);
  movement.set_inferred(event.inferred != 0);
  return movement;
}

// Reference, SKU and location: the order of supply on its way. Views into the state.
using SupplyKey = std::tuple<absl::string_view, absl::string_view, absl::string_view>;
// Parts of a page's key. No id has a line break in it.
constexpr char kBetweenParts[] = "\n";

// The first ones behind a key, of one item or (0) of all. One pass that copies nothing.
class FirstSupply {
 public:
  using Element = std::pair<SupplyKey, const ledger::journal::IncomingSet*>;

  FirstSupply(const ledger::State& state, const std::optional<SupplyKey>& after, size_t count)
      : state_(state), after_(after), count_(count) {}

  void Look(uint32_t item, const std::vector<ledger::journal::IncomingSet>& open) {
    const std::string& sku = state_.items.Find(item)->sku();
    for (const ledger::journal::IncomingSet& one : open) {
      const SupplyKey key(one.reference(), sku,
                          state_.locations.Find(one.location())->location_id());
      if (after_.has_value() && key <= *after_) continue;
      if (first_.size() == count_ && key >= first_.front().first) continue;
      first_.emplace_back(key, &one);
      std::push_heap(first_.begin(), first_.end());
      if (first_.size() <= count_) continue;
      std::pop_heap(first_.begin(), first_.end());
      first_.pop_back();
    }
  }
  std::vector<Element> InOrder() && {
    std::sort_heap(first_.begin(), first_.end());
    return std::move(first_);
  }

 private:
  const ledger::State& state_;
  const std::optional<SupplyKey> after_;
  const size_t count_;
  std::vector<Element> first_;  // a heap with the last one in front
};

}  // namespace

void StockService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestListPositions,
             std::bind_front(&StockService::ListPositions, this));
  ServeUnary(queue, &service_, &Service::RequestListMovements,
             std::bind_front(&StockService::ListMovements, this));
  ServeUnary(queue, &service_, &Service::RequestAdjust, WriteOf(hub_, ledger::DecideAdjust),
             Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestEndCorrections,
             WriteOf(hub_, ledger::DecideEndCorrections));
  ServeUnary(queue, &service_, &Service::RequestSetIncoming,
             WriteOf(hub_, ledger::DecideSetIncoming));
  ServeUnary(queue, &service_, &Service::RequestListIncoming,
             std::bind_front(&StockService::ListIncoming, this));
}

absl::Status StockService::ListPositions(const v1::ListPositionsRequest& request,
                                         v1::ListPositionsResponse* response) {
  if (!request.sku().empty()) return ListOfItem(request, response);
  if (!request.location_id().empty()) return ListOfLocation(request, response);
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = "INVALID_FILTER",
                         .field = "sku",
                         .problem = "and location_id are both empty",
                         .remedy = "give an item, a location, or both"});
}

absl::Status StockService::ListOfItem(const v1::ListPositionsRequest& request,
                                      v1::ListPositionsResponse* response) const {
  const std::string list = absl::StrCat("positions\n", request.sku(), "\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    std::vector<std::pair<std::string, uint32_t>> locations;  // in id order, behind the token
    if (!request.location_id().empty()) {
      const absl::StatusOr<uint32_t> only =
          ledger::FindLocation(state, "location_id", request.location_id());
      if (!only.ok()) return only.status();
      if (state.positions.Find(*item, *only).cell != nullptr)
        locations.emplace_back(request.location_id(), *only);
    } else {
      for (const uint32_t location : state.positions.Of(*item).locations) {
        const std::string& id = state.locations.Find(location)->location_id();
        if (id > page->after) locations.emplace_back(id, location);
      }
    }
    const size_t shown = std::min(locations.size(), page->size);
    std::partial_sort(locations.begin(), locations.begin() + static_cast<std::ptrdiff_t>(shown),
                      locations.end());
    for (size_t i = 0; i < shown; ++i) {
      AddPosition(state, *item, locations[i].second, response);
    }
    if (locations.size() > shown)
      response->set_next_page_token(PageToken(list, locations[shown - 1].first));
    response->set_revision(state.counters.revision);
    return absl::OkStatus();
  });
}

absl::Status StockService::ListOfLocation(const v1::ListPositionsRequest& request,
                                          v1::ListPositionsResponse* response) const {
  const std::string list = absl::StrCat("positions\n\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  std::string after = page->after;
  absl::Status status;
  for (bool more = true; more;) {
    more = hub_->Read([&](const ledger::Ledger& ledger) {
      const ledger::State& state = ledger.state();
      const absl::StatusOr<uint32_t> location =
          ledger::FindLocation(state, "location_id", request.location_id());
      if (!location.ok()) {
        status = location.status();
        return false;
      }
      // Every fact up to here is in each part of the page; later parts may show later ones.
      if (response->revision() == 0) response->set_revision(state.counters.revision);
      const auto& order = ledger.sku_order();
      size_t looked_at = 0;
      for (auto at = order.upper_bound(after); at != order.end(); ++at) {
        if (static_cast<size_t>(response->positions_size()) == page->size) {
          response->set_next_page_token(PageToken(list, after));
          return false;
        }
        if (++looked_at > kItemsALockMax) return true;
        after = at->first;
        if (state.positions.Find(at->second, *location).cell == nullptr) continue;
        AddPosition(state, at->second, *location, response);
      }
      return false;
    });
  }
  return status;
}

absl::Status StockService::ListMovements(const v1::ListMovementsRequest& request,
                                         v1::ListMovementsResponse* response) {
  const std::string list = absl::StrCat("movements\n", request.sku(), "\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  const std::optional<ledger::Event> after = EventOf(page->after);
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    const absl::StatusOr<uint32_t> location =
        ledger::FindLocation(state, "location_id", request.location_id());
    if (!location.ok()) return location.status();
    const ledger::Beside* beside = state.positions.Find(*item, *location).beside;
    if (beside == nullptr) return absl::OkStatus();
    const auto name = [&state](uint32_t source) { return state.SourceNameOf(source); };
    const ledger::Event* last = nullptr;
    for (auto event = beside->window.rbegin(); event != beside->window.rend(); ++event) {
      if (event->kind > v1::MOVEMENT_KIND_COUNT &&
          event->event_kind() != ledger::EventKind::kHandOver) {
        continue;  // corrections are no movements
      }
      if (after.has_value() && !ledger::Before(*event, *after, name)) continue;
      if (static_cast<size_t>(response->movements_size()) == page->size) {
        response->set_next_page_token(PageToken(list, KeyOf(*last)));
        break;
      }
      *response->add_movements() = MovementOf(state, *event);
      last = &*event;
    }
    return absl::OkStatus();
  });
}

absl::Status StockService::ListIncoming(const v1::ListIncomingRequest& request,
                                        v1::ListIncomingResponse* response) {
  const std::string list = absl::StrCat("incoming\n", request.sku());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  std::optional<SupplyKey> after;
  if (!page->after.empty()) {
    const std::vector<absl::string_view> parts = absl::StrSplit(page->after, kBetweenParts);
    if (parts.size() != std::tuple_size_v<SupplyKey>) return RefusePageToken(request.page_token());
    after.emplace(parts[0], parts[1], parts[2]);
  }
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    FirstSupply first(state, after, page->size + 1);
    if (request.sku().empty()) {
      state.incoming.ForEach([&](uint32_t item, const auto& open) { first.Look(item, open); });
    } else {
      const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
      if (!item.ok()) return item.status();
      if (const auto* open = state.incoming.Find(*item)) first.Look(*item, *open);
    }
    const std::vector<FirstSupply::Element> found = std::move(first).InOrder();
    for (size_t i = 0; i < std::min(found.size(), page->size); ++i) {
      *response->add_incoming() = ledger::IncomingOf(state, *found[i].second);
    }
    if (found.size() > page->size) {
      const auto& [reference, sku, location] = found[page->size - 1].first;
      response->set_next_page_token(
          PageToken(list, absl::StrJoin({reference, sku, location}, kBetweenParts)));
    }
    return absl::OkStatus();
  });
}

}  // namespace onhand::rpc
