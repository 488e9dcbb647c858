// A shop with customers for unit tests: baskets, orders and what becomes of them, each a group of
// its own. One thread.
#ifndef ONHAND_SERVER_LEDGER_BASKET_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_BASKET_FOR_TEST_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/decide_fulfilment.h"
#include "server/ledger/decide_orders.h"
#include "server/ledger/decide_reservation.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/reservations.h"

namespace onhand::ledger {

class ShopForTest : public ChainForTest {
 public:
  using Created = absl::StatusOr<v1::CreateReservationResponse>;

  // A UUIDv7 of the chain's time.
  std::string NewRequestId() {
    const auto ms = static_cast<uint64_t>(now_us() / 1'000);
    return absl::StrFormat("%08x-%04x-7000-8000-%012x", ms >> 16, ms & 0xffff, ++requests_);
  }

  // `text` is the rest of a v1.CreateReservationRequest.
  v1::CreateReservationRequest Basket(const std::string& text) {
    auto request = FromText<v1::CreateReservationRequest>(text);
    request.set_request_id(NewRequestId());
    return request;
  }
  Created Create(const v1::CreateReservationRequest& request) {
    return Run([&](Group& g) { return DecideCreateReservation(g, book(), request); });
  }
  Created Hold(const std::string& text) { return Create(Basket(text)); }
  // So many units of an item, held at a location on a channel; the reservation's id.
  std::string HoldAt(const std::string& sku, const std::string& location, int units,
                     const std::string& rest = "") {
    const Created held = Hold(absl::StrFormat(
        "basket { channel_id: 'ship' location_id: '%s' lines { sku: '%s' units: %d } } %s",
        location, sku, units, rest));
    EXPECT_TRUE(held.ok()) << held.status();
    return held.ok() ? held->reservation().reservation_id() : "";
  }
  // The same, as an order.
  std::string Order(const std::string& order, const std::string& sku, const std::string& location,
                    int units) {
    return HoldAt(sku, location, units,
                  absl::StrFormat("commit: true order_reference: '%s'", order));
  }
  v1::CheckBasketResponse Check(const std::string& basket) {
    auto request = FromText<v1::CheckBasketRequest>("basket { " + basket + " }");
    const auto checked = CheckBasket(state(), book(), request);
    EXPECT_TRUE(checked.ok()) << checked.status();
    return checked.ok() ? *checked : v1::CheckBasketResponse();
  }

  // Steps: `text` is the rest of the request.
  absl::StatusOr<v1::CommitReservationResponse> Commit(const std::string& id,
                                                       const std::string& order) {
    v1::CommitReservationRequest request;
    request.set_reservation_id(id);
    request.set_order_reference(order);
    return Run([&](Group& g) { return DecideCommitReservation(g, book(), request); });
  }
  absl::StatusOr<v1::ExtendReservationResponse> Extend(const std::string& id, int ttl_s) {
    v1::ExtendReservationRequest request;
    request.set_reservation_id(id);
    request.set_ttl_s(ttl_s);
    return Run([&](Group& g) { return DecideExtendReservation(g, request); });
  }
  absl::StatusOr<v1::PickReservationResponse> Pick(const std::string& id,
                                                   const std::string& text = "") {
    auto request = FromText<v1::PickReservationRequest>(text);
    request.set_reservation_id(id);
    return Run([&](Group& g) { return DecidePickReservation(g, request); });
  }
  absl::StatusOr<v1::FulfilReservationResponse> Fulfil(const std::string& id,
                                                       const std::string& text = "") {
    auto request = FromText<v1::FulfilReservationRequest>(text);
    request.set_reservation_id(id);
    return Run([&](Group& g) { return DecideFulfilReservation(g, request); });
  }
  absl::StatusOr<v1::ReleaseReservationResponse> Release(const std::string& id,
                                                         const std::string& text = "") {
    auto request = FromText<v1::ReleaseReservationRequest>(text);
    request.set_reservation_id(id);
    return Run([&](Group& g) { return DecideReleaseReservation(g, request); });
  }
  absl::StatusOr<v1::ReassignLineResponse> Reassign(const std::string& id, uint32_t line,
                                                    const std::string& location = "") {
    v1::ReassignLineRequest request;
    request.set_reservation_id(id);
    request.set_line_id(line);
    request.set_location_id(location);
    return Run([&](Group& g) { return DecideReassignLine(g, book(), request); });
  }
  absl::StatusOr<v1::FailPickResponse> FailPick(const std::string& id, const std::string& text) {
    auto request = FromText<v1::FailPickRequest>(text);
    request.set_reservation_id(id);
    return Run([&](Group& g) { return DecideFailPick(g, book(), request); });
  }
  absl::StatusOr<v1::ImportOrdersResponse> Import(const std::string& text) {
    const auto request = FromText<v1::ImportOrdersRequest>(text);
    return Run([&](Group& g) { return DecideImportOrders(g, request); });
  }
  absl::StatusOr<v1::AdjustResponse> Adjust(const std::string& text) {
    const auto request = FromText<v1::AdjustRequest>(text);
    return Run([&](Group& g) { return DecideAdjust(g, request); });
  }
  int Expire() {
    return Run([](Group& g) { return DecideExpiries(g, 1'000); });
  }

  v1::Position At(const std::string& sku, const std::string& location) const {
    return PositionOf(state(), ItemId(sku), LocationId(location));
  }
  // On hand, held, committed, available.
  std::string Numbers(const std::string& sku, const std::string& location) const {
    const v1::Position at = At(sku, location);
    return absl::StrFormat("%d/%d/%d/%d", at.on_hand(), at.held(), at.committed(), at.available());
  }
  v1::Reservation Get(const std::string& id) const {
    const auto found = FindReservation(state(), id, "");
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? ReservationOf(state(), **found) : v1::Reservation();
  }

 private:
  uint64_t requests_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_BASKET_FOR_TEST_H_
