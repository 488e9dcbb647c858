// Reservations over a real connection to a real hub.
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Reservations = v1::ReservationService::Stub;

class ReservationServiceTest : public testing::Test {
 protected:
  ReservationServiceTest() {
    served_.MakeChain({"M1", "M2"}, {"ball", "boot"});
    Count("ball", "M1", 4);
    Count("ball", "M2", 3);
    Count("boot", "M2", 2);
  }

  void Count(const std::string& sku, const std::string& location, int64_t units) {
    v1::AdjustRequest request;
    request.set_request_id(MakeRequestId());
    request.set_sku(sku);
    request.set_location_id(location);
    request.set_kind(v1::MOVEMENT_KIND_COUNT);
    request.set_quantity(units);
    v1::AdjustResponse response;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::Adjust, request, &response));
  }
  v1::Position PositionAt(const std::string& sku, const std::string& location) {
    v1::ListPositionsRequest request;
    request.set_sku(sku);
    request.set_location_id(location);
    v1::ListPositionsResponse response;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, request, &response));
    EXPECT_EQ(response.positions_size(), 1);
    return response.positions_size() == 1 ? response.positions(0) : v1::Position();
  }

  // A request for units of items, by the hub's choice of location.
  static v1::CreateReservationRequest Want(const std::vector<std::pair<std::string, int>>& lines) {
    v1::CreateReservationRequest request;
    request.set_request_id(MakeRequestId());
    for (const auto& [sku, units] : lines) {
      v1::BasketLine& line = *request.mutable_basket()->add_lines();
      line.set_sku(sku);
      line.set_units(units);
    }
    return request;
  }
  grpc::Status Create(const v1::CreateReservationRequest& request,
                      v1::CreateReservationResponse* response) {
    return served_.Call(&Reservations::CreateReservation, request, response);
  }
  // The id of a hold that succeeds.
  std::string Held(const std::vector<std::pair<std::string, int>>& lines) {
    v1::CreateReservationResponse response;
    ServedHub::Expect(Create(Want(lines), &response));
    return response.reservation().reservation_id();
  }
  // A step of a reservation that succeeds, as Step<v1::Commit...>(method, id).
  template <typename Request, typename Response>
  v1::Reservation Step(grpc::Status (Reservations::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
                       Request request, const std::string& reservation_id) {
    request.set_request_id(MakeRequestId());
    request.set_reservation_id(reservation_id);
    Response response;
    ServedHub::Expect(served_.Call(method, request, &response));
    EXPECT_GT(response.revision(), 0u);
    return response.reservation();
  }
  std::vector<std::string> Listed(v1::ListReservationsRequest request) {
    std::vector<std::string> ids;
    for (;;) {
      v1::ListReservationsResponse response;
      ServedHub::Expect(served_.Call(&Reservations::ListReservations, request, &response));
      for (const v1::Reservation& one : response.reservations()) {
        ids.push_back(one.reservation_id());
      }
      if (response.next_page_token().empty()) return ids;
      request.set_page_token(response.next_page_token());
    }
  }

  ServedHub served_;
};

TEST_F(ReservationServiceTest, GoesFromTheBasketToTheHandOver) {
  v1::CreateReservationRequest want = Want({{"boot", 2}});
  v1::CreateReservationResponse made;
  ServedHub::Expect(Create(want, &made));
  const std::string id = made.reservation().reservation_id();
  EXPECT_EQ(id, want.request_id());
  ASSERT_EQ(made.reservation().lines_size(), 1);
  EXPECT_EQ(made.reservation().lines(0).location_id(), "M2");
  EXPECT_EQ(made.answers_size(), 1);
  EXPECT_EQ(PositionAt("boot", "M2").held(), 2);
  EXPECT_EQ(PositionAt("boot", "M2").available(), 0);

  Step(&Reservations::ExtendReservation, v1::ExtendReservationRequest(), id);
  v1::CommitReservationRequest commit;
  commit.set_order_reference("o-1");
  EXPECT_EQ(Step(&Reservations::CommitReservation, commit, id).state(),
            v1::RESERVATION_STATE_COMMITTED);
  EXPECT_EQ(PositionAt("boot", "M2").committed(), 2);
  EXPECT_EQ(Step(&Reservations::PickReservation, v1::PickReservationRequest(), id).state(),
            v1::RESERVATION_STATE_PICKED);
  EXPECT_EQ(Step(&Reservations::FulfilReservation, v1::FulfilReservationRequest(), id).state(),
            v1::RESERVATION_STATE_FULFILLED);
  const v1::Position after = PositionAt("boot", "M2");
  EXPECT_EQ(after.on_hand(), 0);
  EXPECT_EQ(after.held() + after.committed(), 0);

  v1::GetReservationRequest get;
  get.set_order_reference("o-1");
  v1::GetReservationResponse got;
  ServedHub::Expect(served_.Call(&Reservations::GetReservation, get, &got));
  EXPECT_EQ(got.reservation().reservation_id(), id);
  EXPECT_EQ(got.reservation().state(), v1::RESERVATION_STATE_FULFILLED);
}

TEST_F(ReservationServiceTest, ARetriedHoldGetsTheFirstAnswer) {
  const v1::CreateReservationRequest request = Want({{"ball", 2}});
  v1::CreateReservationResponse first, second;
  ServedHub::Expect(Create(request, &first));
  ServedHub::Expect(Create(request, &second));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(PositionAt("ball", "M1").held() + PositionAt("ball", "M2").held(), 2);

  v1::CreateReservationRequest other = Want({{"ball", 3}});
  other.set_request_id(request.request_id());
  EXPECT_EQ(ReasonOf(Create(other, &second)), "REQUEST_ID_REUSED");
}

TEST_F(ReservationServiceTest, RetriesOnTheWireAtOnceHoldOnce) {
  for (int round = 0; round < 20; ++round) {
    const v1::CreateReservationRequest request = Want({{"boot", 1}});
    std::vector<std::string> answers(8);
    std::vector<std::thread> tries;
    for (std::string& answer : answers) {
      tries.emplace_back([&] {
        v1::CreateReservationResponse response;
        ServedHub::Expect(Create(request, &response));
        answer = response.SerializeAsString();
      });
    }
    for (std::thread& one : tries) one.join();
    EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()).size(), 1u);
    EXPECT_EQ(PositionAt("boot", "M2").held(), 1);
    Step(&Reservations::ReleaseReservation, v1::ReleaseReservationRequest(), request.request_id());
  }
}

TEST_F(ReservationServiceTest, BasketsThatOverlapNeitherDeadlockNorHalfHold) {
  Count("ball", "M1", 1);
  Count("ball", "M2", 0);
  Count("boot", "M2", 1);
  for (int round = 0; round < 50; ++round) {
    std::vector<v1::CreateReservationRequest> baskets;
    for (int i = 0; i < 8; ++i) {
      baskets.push_back(i % 2 == 0 ? Want({{"ball", 1}, {"boot", 1}})
                                   : Want({{"boot", 1}, {"ball", 1}}));
    }
    std::vector<grpc::Status> statuses(baskets.size());
    std::vector<std::thread> buyers;
    for (size_t i = 0; i < baskets.size(); ++i) {
      buyers.emplace_back([&, i] {
        v1::CreateReservationResponse response;
        statuses[i] = Create(baskets[i], &response);
      });
    }
    for (std::thread& buyer : buyers) buyer.join();
    int won = 0;
    for (size_t i = 0; i < baskets.size(); ++i) {
      if (!statuses[i].ok()) {
        EXPECT_EQ(ReasonOf(statuses[i]), "NOT_ENOUGH") << statuses[i].error_message();
        continue;
      }
      ++won;
      EXPECT_EQ(PositionAt("ball", "M1").held(), 1);
      EXPECT_EQ(PositionAt("boot", "M2").held(), 1);
      Step(&Reservations::ReleaseReservation, v1::ReleaseReservationRequest(),
           baskets[i].request_id());
    }
    EXPECT_EQ(won, 1) << "round " << round;
    EXPECT_EQ(PositionAt("ball", "M1").available(), 1);
    EXPECT_EQ(PositionAt("boot", "M2").available(), 1);
  }
}

TEST_F(ReservationServiceTest, AHoldEndsByItself) {
  v1::CreateReservationRequest want = Want({{"boot", 2}});
  want.set_ttl_s(1);
  v1::CreateReservationResponse made;
  ServedHub::Expect(Create(want, &made));
  const absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (PositionAt("boot", "M2").held() != 0 && absl::Now() < give_up) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_EQ(PositionAt("boot", "M2").available(), 2);
  v1::GetReservationRequest get;
  get.set_reservation_id(want.request_id());
  v1::GetReservationResponse got;
  ServedHub::Expect(served_.Call(&Reservations::GetReservation, get, &got));
  EXPECT_EQ(got.reservation().state(), v1::RESERVATION_STATE_EXPIRED);
}

TEST_F(ReservationServiceTest, SaysWhetherABasketCouldBeHeldAndHoldsNothing) {
  v1::CheckBasketRequest request;
  *request.mutable_basket() = Want({{"ball", 4}, {"bat", 1}}).basket();
  v1::CheckBasketResponse response;
  ServedHub::Expect(served_.Call(&Reservations::CheckBasket, request, &response));
  EXPECT_FALSE(response.can_hold());
  ASSERT_EQ(response.answers_size(), 2);
  EXPECT_EQ(response.answers(0).units(), 4);
  EXPECT_EQ(response.answers(1).shortfall(), "UNKNOWN_ITEM");
  EXPECT_GT(response.revision(), 0u);
  EXPECT_EQ(PositionAt("ball", "M1").held(), 0);

  // A large one is answered as well.
  for (int i = 0; i < 98; ++i) {
    v1::BasketLine& line = *request.mutable_basket()->add_lines();
    line.set_sku(absl::StrCat("bat ", i));
    line.set_units(1);
  }
  ServedHub::Expect(served_.Call(&Reservations::CheckBasket, request, &response));
  EXPECT_EQ(response.answers_size(), 100);
}

TEST_F(ReservationServiceTest, ALineMovesToAnotherLocation) {
  v1::CreateReservationRequest want = Want({{"ball", 3}});
  want.mutable_basket()->set_location_id("M1");
  v1::CreateReservationResponse made;
  ServedHub::Expect(Create(want, &made));
  v1::ReassignLineRequest move;
  move.set_line_id(1);
  move.set_location_id("M2");
  EXPECT_EQ(Step(&Reservations::ReassignLine, move, want.request_id()).lines(0).location_id(),
            "M2");
  EXPECT_EQ(PositionAt("ball", "M1").held(), 0);
  EXPECT_EQ(PositionAt("ball", "M2").held(), 3);
}

TEST_F(ReservationServiceTest, AFailedPickCorrectsTheRecordAndMovesTheLine) {
  v1::CreateReservationRequest want = Want({{"ball", 2}});
  want.mutable_basket()->set_location_id("M1");
  want.set_order_reference("o-1");
  want.set_commit(true);
  v1::CreateReservationResponse made;
  ServedHub::Expect(Create(want, &made));
  v1::FailPickRequest fail;
  fail.set_line_id(1);
  fail.set_failure(v1::PICK_FAILURE_NOT_FOUND);
  fail.set_found_units(0);
  fail.set_then(v1::AFTER_FAILED_PICK_REASSIGN);
  Step(&Reservations::FailPick, fail, want.request_id());
  EXPECT_EQ(PositionAt("ball", "M1").on_hand(), 0);
  EXPECT_EQ(PositionAt("ball", "M1").committed(), 0);
  EXPECT_EQ(PositionAt("ball", "M2").committed(), 2);
}

TEST_F(ReservationServiceTest, ListsByStateItemAndLocationPageByPage) {
  const std::string ball = Held({{"ball", 1}});
  const std::string boot = Held({{"boot", 1}});
  const std::string both = Held({{"ball", 1}, {"boot", 1}});
  v1::CommitReservationRequest commit;
  commit.set_order_reference("o");
  Step(&Reservations::CommitReservation, commit, both);

  v1::ListReservationsRequest all;
  all.set_page_size(1);
  EXPECT_THAT(Listed(all), ElementsAre(ball, boot, both));
  v1::ListReservationsRequest held;
  held.set_state(v1::RESERVATION_STATE_HELD);
  EXPECT_THAT(Listed(held), ElementsAre(ball, boot));
  v1::ListReservationsRequest of_boot;
  of_boot.set_sku("boot");
  of_boot.set_page_size(1);
  EXPECT_THAT(Listed(of_boot), ElementsAre(boot, both));
  // Boots are at M2 alone, and what has both is held where both are.
  of_boot.set_location_id("M1");
  EXPECT_THAT(Listed(of_boot), IsEmpty());
}

TEST_F(ReservationServiceTest, ListsMoreThanIsLookedAtAtOnce) {
  v1::ImportOrdersRequest import;
  std::string first;
  for (int batch = 0; batch < 3; ++batch) {
    import.clear_orders();
    import.set_request_id(MakeRequestId());
    for (int i = 0; i < 1'000; ++i) {
      v1::ImportedOrder& order = *import.add_orders();
      order.set_order_reference(absl::StrCat("o-", batch, "-", i));
      v1::BasketLine& line = *order.add_lines();
      line.set_sku("ball");
      line.set_units(1);
      line.set_location_id("M1");
    }
    v1::ImportOrdersResponse response;
    ServedHub::Expect(served_.Call(&Reservations::ImportOrders, import, &response));
  }
  const std::string last = Held({{"boot", 1}});
  v1::ListReservationsRequest of_boot;
  of_boot.set_sku("boot");
  EXPECT_THAT(Listed(of_boot), ElementsAre(last));
  v1::ListReservationsRequest all;
  all.set_page_size(1'000);
  const std::vector<std::string> ids = Listed(all);
  EXPECT_EQ(ids.size(), 3'001u);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(ReservationServiceTest, OrdersAreTakenOverOnceAndShortagesShow) {
  v1::ImportOrdersRequest request;
  request.set_request_id(MakeRequestId());
  const auto add = [&request](const std::string& order_reference, const std::string& sku, int units,
                              const std::string& location) {
    v1::ImportedOrder& order = *request.add_orders();
    order.set_order_reference(order_reference);
    v1::BasketLine& line = *order.add_lines();
    line.set_sku(sku);
    line.set_units(units);
    line.set_location_id(location);
  };
  add("o-1", "boot", 5, "M2");
  add("o-2", "bat", 1, "M2");
  add("o-3", "ball", 5, "M1");
  v1::ImportOrdersResponse response;
  ServedHub::Expect(served_.Call(&Reservations::ImportOrders, request, &response));
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).outcome(), v1::IMPORT_OUTCOME_IMPORTED);
  EXPECT_EQ(response.results(1).outcome(), v1::IMPORT_OUTCOME_REFUSED);
  EXPECT_EQ(response.results(1).reason(), "UNKNOWN_ITEM");
  request.set_request_id(MakeRequestId());
  ServedHub::Expect(served_.Call(&Reservations::ImportOrders, request, &response));
  EXPECT_EQ(response.results(0).outcome(), v1::IMPORT_OUTCOME_ALREADY_THERE);

  v1::ListShortagesRequest shortages;
  shortages.set_page_size(1);
  v1::ListShortagesResponse first, second;
  ServedHub::Expect(served_.Call(&Reservations::ListShortages, shortages, &first));
  ASSERT_EQ(first.shortages_size(), 1);
  EXPECT_EQ(first.shortages(0).sku(), "ball");
  EXPECT_EQ(first.shortages(0).units(), 1);
  shortages.set_page_token(first.next_page_token());
  ServedHub::Expect(served_.Call(&Reservations::ListShortages, shortages, &second));
  ASSERT_EQ(second.shortages_size(), 1);
  EXPECT_EQ(second.shortages(0).sku(), "boot");
  EXPECT_EQ(second.shortages(0).location_id(), "M2");
  EXPECT_EQ(second.shortages(0).units(), 3);
  EXPECT_EQ(second.shortages(0).reservation_ids_size(), 1);
  EXPECT_TRUE(second.next_page_token().empty());

  shortages.clear_page_token();
  shortages.set_location_id("M1");
  ServedHub::Expect(served_.Call(&Reservations::ListShortages, shortages, &first));
  EXPECT_EQ(first.shortages_size(), 1);
}

TEST_F(ReservationServiceTest, RefusalsNameWhatIsWrong) {
  v1::GetReservationRequest get;
  v1::GetReservationResponse got;
  const auto get_reason = [&] {
    return ReasonOf(served_.Call(&Reservations::GetReservation, get, &got));
  };
  EXPECT_EQ(get_reason(), "INVALID_FILTER");
  get.set_reservation_id(MakeRequestId());
  EXPECT_EQ(get_reason(), "UNKNOWN_RESERVATION");
  get.set_reservation_id("no id");
  EXPECT_EQ(get_reason(), "UNKNOWN_RESERVATION");
  get.set_order_reference("o");
  EXPECT_EQ(get_reason(), "INVALID_FILTER");

  v1::ListReservationsRequest list;
  v1::ListReservationsResponse listed;
  const auto list_reason = [&] {
    return ReasonOf(served_.Call(&Reservations::ListReservations, list, &listed));
  };
  list.set_state(static_cast<v1::ReservationState>(99));
  EXPECT_EQ(list_reason(), "INVALID_FILTER");
  list.clear_state();
  list.set_sku("bat");
  EXPECT_EQ(list_reason(), "UNKNOWN_ITEM");
  list.clear_sku();
  list.set_location_id("M9");
  EXPECT_EQ(list_reason(), "UNKNOWN_LOCATION");
  list.clear_location_id();
  list.set_page_token("what");
  EXPECT_EQ(list_reason(), "INVALID_PAGE_TOKEN");

  v1::ListShortagesRequest shortages;
  shortages.set_location_id("M9");
  v1::ListShortagesResponse none;
  EXPECT_EQ(ReasonOf(served_.Call(&Reservations::ListShortages, shortages, &none)),
            "UNKNOWN_LOCATION");

  v1::CreateReservationRequest want = Want({{"ball", 1}});
  want.set_request_id("no id");
  v1::CreateReservationResponse made;
  EXPECT_EQ(ReasonOf(Create(want, &made)), "INVALID_REQUEST_ID");
  want = Want({{"boot", 3}});
  const grpc::Status not_enough = Create(want, &made);
  EXPECT_EQ(ReasonOf(not_enough), "NOT_ENOUGH");
  EXPECT_EQ(not_enough.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace onhand::rpc
