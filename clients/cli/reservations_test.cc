// Reservations from the command line to what is printed, against a hub that keeps what it was
// asked.
#include "clients/cli/reservations.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "clients/cli/fake_services.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/reservations.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::HasSubstr;

v1::Reservation Held() {
  v1::Reservation reservation;
  reservation.set_reservation_id("0197-r");
  reservation.set_channel_id("web");
  reservation.set_state(v1::RESERVATION_STATE_HELD);
  *reservation.mutable_created_at() = ToProto(kFakeNow);
  *reservation.mutable_expires_at() = ToProto(kFakeNow + absl::Minutes(15));
  v1::ReservationLine& line = *reservation.add_lines();
  line.set_line_id(1);
  line.set_sku("A");
  line.set_units(2);
  line.set_location_id("mad");
  line.set_promise(v1::LINE_PROMISE_STOCK);
  line.set_state(v1::RESERVATION_STATE_HELD);
  line.set_location_reason("has all 2 lines");
  return reservation;
}

// Keeps the newest request of each kind as text.
class FakeReservations final : public v1::ReservationService::Service {
 public:
  using Context = grpc::ServerContext;

  grpc::Status CreateReservation(Context*, const v1::CreateReservationRequest* request,
                                 v1::CreateReservationResponse* response) override {
    create = *request;
    if (request->basket().lines(0).sku() == "gone") {
      return FakeRefusal(grpc::StatusCode::FAILED_PRECONDITION,
                         "basket.lines[0] 'gone': 2 are wanted and 1 is there", "NOT_ENOUGH",
                         "basket.lines[0]");
    }
    *response->mutable_reservation() = Held();
    v1::BasketAnswer& answer = *response->add_answers();
    answer.set_sku("A");
    answer.set_wanted(request->basket().lines(0).units());
    answer.set_units(2);
    if (answer.wanted() > 2) answer.set_shortfall("NOT_ENOUGH");
    return grpc::Status::OK;
  }
  grpc::Status CheckBasket(Context*, const v1::CheckBasketRequest* request,
                           v1::CheckBasketResponse* response) override {
    check = *request;
    v1::BasketAnswer& split = *response->add_answers();
    split.set_sku("A");
    split.set_wanted(3);
    split.set_units(3);
    v1::BasketPart& stock = *split.add_parts();
    stock.set_units(2);
    stock.set_promise(v1::LINE_PROMISE_STOCK);
    stock.set_location_id("mad");
    stock.set_location_reason("3.2 km away");
    v1::BasketPart& later = *split.add_parts();
    later.set_units(1);
    later.set_promise(v1::LINE_PROMISE_BACKORDER);
    *later.mutable_available_from() = ToProto(kFakeNow + absl::Hours(48));
    v1::BasketAnswer& unknown = *response->add_answers();
    unknown.set_sku("X");
    unknown.set_wanted(1);
    unknown.set_shortfall("UNKNOWN_ITEM");
    return grpc::Status::OK;
  }
  grpc::Status ExtendReservation(Context*, const v1::ExtendReservationRequest* request,
                                 v1::ExtendReservationResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status CommitReservation(Context*, const v1::CommitReservationRequest* request,
                                 v1::CommitReservationResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status PickReservation(Context*, const v1::PickReservationRequest* request,
                               v1::PickReservationResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status FulfilReservation(Context*, const v1::FulfilReservationRequest* request,
                                 v1::FulfilReservationResponse* response) override {
    Keep(*request, response);
    v1::ReservationLine& line = *response->mutable_reservation()->mutable_lines(0);
    line.set_state(v1::RESERVATION_STATE_FULFILLED);
    line.set_fulfilled_by_till(true);
    line.set_till_inferred(true);
    return grpc::Status::OK;
  }
  grpc::Status ReleaseReservation(Context*, const v1::ReleaseReservationRequest* request,
                                  v1::ReleaseReservationResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status ReassignLine(Context*, const v1::ReassignLineRequest* request,
                            v1::ReassignLineResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status FailPick(Context*, const v1::FailPickRequest* request,
                        v1::FailPickResponse* response) override {
    return Keep(*request, response);
  }
  grpc::Status GetReservation(Context*, const v1::GetReservationRequest* request,
                              v1::GetReservationResponse* response) override {
    asked = request->ShortDebugString();
    if (request->order_reference() == "gone") {
      return FakeRefusal(grpc::StatusCode::NOT_FOUND, "order_reference 'gone' is no order",
                         "UNKNOWN_RESERVATION", "order_reference");
    }
    *response->mutable_reservation() = Held();
    return grpc::Status::OK;
  }
  // Two pages of one each.
  grpc::Status ListReservations(Context*, const v1::ListReservationsRequest* request,
                                v1::ListReservationsResponse* response) override {
    list = *request;
    *response->add_reservations() = Held();
    if (request->page_token().empty()) response->set_next_page_token("more");
    return grpc::Status::OK;
  }
  grpc::Status ListShortages(Context*, const v1::ListShortagesRequest* request,
                             v1::ListShortagesResponse* response) override {
    asked = request->ShortDebugString();
    if (request->location_id() == "lis") return grpc::Status::OK;
    v1::Shortage& shortage = *response->add_shortages();
    shortage.set_sku("A");
    shortage.set_location_id("mad");
    shortage.set_units(4);
    for (const char* id : {"r1", "r2", "r3", "r4", "r5"}) shortage.add_reservation_ids(id);
    return grpc::Status::OK;
  }

  v1::CreateReservationRequest create;
  v1::CheckBasketRequest check;
  v1::ListReservationsRequest list;
  std::string asked;  // without its request id

 private:
  template <typename Request, typename Response>
  grpc::Status Keep(Request request, Response* response) {
    EXPECT_FALSE(request.request_id().empty());
    request.clear_request_id();
    asked = request.ShortDebugString();
    *response->mutable_reservation() = Held();
    return grpc::Status::OK;
  }
};

class ReservationsTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&hub_}; }

  // What the hub is asked by a command that succeeds.
  std::string Asked(std::vector<std::string> arguments) {
    EXPECT_EQ(Onhand(std::move(arguments)), 0) << err_;
    return hub_.asked;
  }

  FakeReservations hub_;
};

TEST(BasketLineTest, TakesSkusThatLookLikeMore) {
  const auto text = [](const std::string& line) {
    const auto parsed = ParseBasketLine(line);
    return parsed.ok() ? parsed->ShortDebugString() : std::string(parsed.status().message());
  };
  EXPECT_EQ(text("A"), "sku: \"A\" units: 1");
  EXPECT_EQ(text("A=12"), "sku: \"A\" units: 12");
  EXPECT_EQ(text("A=12@mad"), "sku: \"A\" units: 12 location_id: \"mad\"");
  EXPECT_EQ(text("A=b=2"), "sku: \"A=b\" units: 2");
  EXPECT_EQ(text("A@b"), "sku: \"A@b\" units: 1");
  EXPECT_EQ(text("A=2x"), "sku: \"A=2x\" units: 1");
  EXPECT_THAT(text("A=0"), HasSubstr("give 1 to 10,000 units"));
  EXPECT_THAT(text("A=99999999999"), HasSubstr("give 1 to 10,000 units"));
  EXPECT_THAT(text("=2"), HasSubstr("SKU=UNITS"));
  EXPECT_THAT(text(""), HasSubstr("SKU=UNITS"));
}

TEST_F(ReservationsTest, HoldsABasket) {
  ASSERT_EQ(Onhand({"reservation", "create", "A=2@mad", "B", "--channel", "web", "--group", "north",
                    "--near", "40.5,-3.25", "--split", "--ttl", "20m", "--partial", "--order",
                    "o-1", "--commit"}),
            0)
      << err_;
  EXPECT_FALSE(hub_.create.request_id().empty());
  EXPECT_EQ(hub_.create.basket().ShortDebugString(),
            "lines { sku: \"A\" units: 2 location_id: \"mad\" } lines { sku: \"B\" units: 1 } "
            "channel_id: \"web\" group_id: \"north\" near { latitude: 40.5 longitude: -3.25 } "
            "allow_split: true");
  EXPECT_EQ(hub_.create.ttl_s(), 1200);
  EXPECT_TRUE(hub_.create.allow_partial());
  EXPECT_EQ(hub_.create.order_reference(), "o-1");
  EXPECT_TRUE(hub_.create.commit());
  EXPECT_EQ(out_,
            "reservation: 0197-r\n"
            "order:       none yet\n"
            "channel:     web\n"
            "state:       held until 15:21:40 (in 15 min)\n"
            "made:        15:06:40 (now)\n"
            "LINE  SKU  UNITS  STATE  LOCATION  PROMISE  NOTE\n"
            "   1  A        2  held   mad       stock    has all 2 lines\n");
}

TEST_F(ReservationsTest, SaysWhatIsNotHeld) {
  ASSERT_EQ(Onhand({"reservation", "create", "A=5", "--partial"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("Of A only 2 of 5 are held: NOT_ENOUGH.\n"));
  EXPECT_EQ(Onhand({"reservation", "create", "gone=2"}), kExitRefused);
  EXPECT_THAT(err_, HasSubstr("2 are wanted and 1 is there"));
  EXPECT_THAT(err_, HasSubstr("NOT_ENOUGH"));
}

TEST_F(ReservationsTest, SaysWhetherABasketCouldBeHeld) {
  ASSERT_EQ(Onhand({"reservation", "check", "A=3", "X", "--location", "mad"}), 0) << err_;
  EXPECT_EQ(hub_.check.basket().location_id(), "mad");
  EXPECT_EQ(out_,
            "SKU  WANTED  CAN HOLD  FROM                                                 "
            "WHY NOT ALL\n"
            "A         3         3  2 at mad (3.2 km away), 1 backorder from 2025-06-17  -\n"
            "X         1         0  -                                                    "
            "UNKNOWN_ITEM\n"
            "The basket cannot be held whole.\n");
}

TEST_F(ReservationsTest, StepsNameTheReservationOrItsOrder) {
  EXPECT_EQ(Asked({"reservation", "extend", "r", "--ttl", "1h"}),
            "reservation_id: \"r\" ttl_s: 3600");
  EXPECT_EQ(Asked({"reservation", "commit", "r", "--order", "o"}),
            "reservation_id: \"r\" order_reference: \"o\"");
  EXPECT_EQ(Asked({"reservation", "pick", "r", "--line", "1", "--line", "2=3"}),
            "reservation_id: \"r\" lines { line_id: 1 } lines { line_id: 2 units: 3 }");
  EXPECT_EQ(Asked({"reservation", "fulfil", "--order", "o"}), "order_reference: \"o\"");
  EXPECT_THAT(out_, HasSubstr("rung up, matched by units"));
  EXPECT_EQ(Asked({"reservation", "release", "r", "--reason", "changed mind", "--author", "Ana"}),
            "reservation_id: \"r\" author: \"Ana\" reason: \"changed mind\"");
  EXPECT_EQ(Asked({"reservation", "reassign", "r", "2", "--location", "lis", "--author", "Ana"}),
            "reservation_id: \"r\" line_id: 2 location_id: \"lis\" author: \"Ana\"");
  EXPECT_EQ(Asked({"reservation", "fail-pick", "--order", "o", "--line", "1", "--failure",
                   "not-found", "--found", "1", "--then", "reassign", "--author", "Ana"}),
            "order_reference: \"o\" line_id: 1 failure: PICK_FAILURE_NOT_FOUND found_units: 1 "
            "then: AFTER_FAILED_PICK_REASSIGN author: \"Ana\"");
  EXPECT_EQ(Asked({"reservation", "show", "--order", "o"}), "order_reference: \"o\"");
}

TEST_F(ReservationsTest, WhatCannotBeMeantIsAUsageError) {
  const std::vector<std::vector<std::string>> wrong = {
      {"reservation", "create"},
      {"reservation", "create", "A=0"},
      {"reservation", "create", "A", "--commit"},
      {"reservation", "create", "A", "--ttl", "soon"},
      {"reservation", "create", "A", "--near", "north"},
      {"reservation", "extend"},
      {"reservation", "commit", "--order", "o"},
      {"reservation", "pick"},
      {"reservation", "pick", "r", "--order", "o"},
      {"reservation", "pick", "r", "--line", "x"},
      {"reservation", "pick", "r", "--line", "1=0"},
      {"reservation", "reassign", "r"},
      {"reservation", "fail-pick", "r", "--line", "1", "--failure", "lost"},
      {"reservation", "fail-pick", "r", "--line", "1"},
      {"reservation", "fail-pick", "r", "--line", "1", "--failure", "damaged", "--location", "lis"},
      {"reservation", "list", "--state", "lost"},
      {"reservation", "show"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    EXPECT_EQ(Onhand(arguments), kExitUsage) << absl::StrJoin(arguments, " ") << "\n" << err_;
  }
}

TEST_F(ReservationsTest, ARefusalNamesTheOption) {
  EXPECT_EQ(Onhand({"reservation", "show", "--order", "gone"}), kExitRefused);
  EXPECT_EQ(err_, "onhand: --order 'gone' is no order [UNKNOWN_RESERVATION].\n");
}

TEST_F(ReservationsTest, ListsAllPages) {
  ASSERT_EQ(Onhand({"reservation", "list", "--state", "held", "--sku", "A", "--location", "mad"}),
            0)
      << err_;
  EXPECT_EQ(hub_.list.state(), v1::RESERVATION_STATE_HELD);
  EXPECT_EQ(hub_.list.sku(), "A");
  EXPECT_EQ(hub_.list.location_id(), "mad");
  EXPECT_EQ(out_,
            "RESERVATION  ORDER  CHANNEL  STATE  LINES  UNITS  MADE            UNTIL\n"
            "0197-r       -      web      held       1      2  15:06:40 (now)  "
            "15:21:40 (in 15 min)\n"
            "0197-r       -      web      held       1      2  15:06:40 (now)  "
            "15:21:40 (in 15 min)\n");
  ASSERT_EQ(Onhand({"reservation", "list", "--json"}), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_)["reservations"].size(), 2u);
}

TEST_F(ReservationsTest, ShortagesSayWhoWaits) {
  ASSERT_EQ(Onhand({"check", "shortages", "--location", "mad"}), 0) << err_;
  EXPECT_THAT(hub_.asked, HasSubstr("location_id: \"mad\""));
  EXPECT_EQ(out_,
            "SKU  LOCATION  SHORT  WHO WAITS, THE OLDEST FIRST\n"
            "A    mad           4  r1, r2, r3 and 2 more\n");
  ASSERT_EQ(Onhand({"check", "shortages", "--location", "lis"}), 0) << err_;
  EXPECT_EQ(out_, "Nowhere is more promised than there is.\n");
}

}  // namespace
}  // namespace onhand::cli
