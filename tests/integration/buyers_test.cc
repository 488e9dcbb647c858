// 64 buyers at once on the last ten units, half of them over gRPC and half over HTTP, with holds
// that expire and orders that are cancelled in between: never more than ten are committed, and
// never is a unit stuck. A few rounds; ONHAND_BUYER_ROUNDS=1000 for all. The hub's clock runs
// faster, so that holds of whole seconds end soon.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

constexpr int kBuyers = 64;
constexpr int kUnits = 10;
constexpr int kTriesABuyer = 4;
constexpr char kStore[] = "store";
constexpr int64_t kClockScale = 20;
constexpr absl::Duration kHoldsEndWithin = absl::Seconds(20);

using Reservations = v1::ReservationService::Stub;
using nlohmann::json;

int Rounds() {
  const char* given = std::getenv("ONHAND_BUYER_ROUNDS");
  return given == nullptr ? 12 : std::atoi(given);
}

uint64_t Seed() {
  const char* given = std::getenv("ONHAND_TEST_SEED");
  return given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
}

// What came of a write: a reservation, or the reason why not.
struct Outcome {
  std::string reservation_id;
  std::string reason;
  bool ok() const { return reason.empty(); }
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << (outcome.ok() ? outcome.reservation_id : outcome.reason);
}

// A way into the hub; one buyer's.
class Door {
 public:
  virtual ~Door() = default;
  virtual Outcome Create(v1::CreateReservationRequest request) = 0;
  virtual Outcome Commit(v1::CommitReservationRequest request) = 0;
  virtual Outcome Release(v1::ReleaseReservationRequest request) = 0;
};

class GrpcDoor final : public Door {
 public:
  explicit GrpcDoor(client::Connection* connection) : connection_(connection) {}
  Outcome Create(v1::CreateReservationRequest request) override {
    return Of(connection_->Write(&Reservations::CreateReservation, std::move(request)));
  }
  Outcome Commit(v1::CommitReservationRequest request) override {
    return Of(connection_->Write(&Reservations::CommitReservation, std::move(request)));
  }
  Outcome Release(v1::ReleaseReservationRequest request) override {
    return Of(connection_->Write(&Reservations::ReleaseReservation, std::move(request)));
  }

 private:
  template <typename Response>
  static Outcome Of(const absl::StatusOr<Response>& response) {
    if (response.ok()) return {.reservation_id = response->reservation().reservation_id()};
    const std::string reason = client::RefusalOf(response.status()).reason;
    return {.reason = reason.empty() ? response.status().ToString() : reason};
  }

  client::Connection* const connection_;
};

// As a website without gRPC does: JSON by the Connect protocol.
class HttpDoor final : public Door {
 public:
  // `connection` knows the hub's time, for request ids.
  HttpDoor(const std::string& address, client::Connection* connection)
      : http_("http://" + address), connection_(connection) {
    http_.set_keep_alive(true);
    http_.set_tcp_nodelay(true);
    http_.set_read_timeout(std::chrono::seconds(20));
  }
  Outcome Create(v1::CreateReservationRequest request) override {
    return Post("CreateReservation", request);
  }
  Outcome Commit(v1::CommitReservationRequest request) override {
    return Post("CommitReservation", request);
  }
  Outcome Release(v1::ReleaseReservationRequest request) override {
    return Post("ReleaseReservation", request);
  }

 private:
  template <typename Request>
  Outcome Post(const char* method, Request& request) {
    request.set_request_id(connection_->MakeRequestId());
    std::string body;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(request, &body).ok());
    const httplib::Result result = http_.Post(
        absl::StrCat("/onhand.v1.ReservationService/", method), body, "application/json");
    if (!result) return {.reason = "HTTP " + httplib::to_string(result.error())};
    const json answer = json::parse(result->body, nullptr, /*allow_exceptions=*/false);
    if (result->status == 200) {
      return {.reservation_id = answer["reservation"]["reservationId"]};
    }
    if (!answer.contains("details")) return {.reason = result->body};
    return {.reason = answer["details"][0]["debug"]["reason"]};
  }

  httplib::Client http_;
  client::Connection* const connection_;
};

// Units of an item by the states of their lines.
struct Sums {
  std::array<int64_t, v1::ReservationState_ARRAYSIZE> units{};
  int64_t Of(v1::ReservationState state) const { return units[state]; }
};

class BuyersTest : public ::testing::Test {
 protected:
  BuyersTest() : hub_("sqlite:" + (folder_ / "hub.db")) {
    hub_.Start({"--clock-scale", absl::StrCat(kClockScale)});
    connection_.emplace(client::ConnectionOptions{.hub = hub_.address()});
    v1::BatchUpsertLocationsRequest locations;
    v1::Location& location = *locations.add_locations();
    location.set_location_id(kStore);
    location.set_time_zone("UTC");
    Must(connection_->Write(&v1::CatalogService::Stub::BatchUpsertLocations, locations));
    v1::BatchUpsertChannelsRequest channels;
    channels.add_channels()->set_channel_id("web");
    channels.mutable_channels(0)->set_kind(v1::CHANNEL_KIND_SHIP);
    Must(connection_->Write(&v1::CatalogService::Stub::BatchUpsertChannels, channels));
  }

  template <typename Response>
  static Response Must(absl::StatusOr<Response> response) {
    EXPECT_TRUE(response.ok()) << client::Describe(response.status());
    return response.ok() ? *std::move(response) : Response();
  }

  void Stock(const std::string& sku, int64_t units) {
    v1::BatchUpsertItemsRequest items;
    items.add_items()->set_sku(sku);
    items.mutable_items(0)->set_published(true);
    Must(connection_->Write(&v1::CatalogService::Stub::BatchUpsertItems, items));
    v1::AdjustRequest count;
    count.set_sku(sku);
    count.set_location_id(kStore);
    count.set_kind(v1::MOVEMENT_KIND_COUNT);
    count.set_quantity(units);
    Must(connection_->Write(&v1::StockService::Stub::Adjust, count));
  }

  static Outcome Hold(Door& door, const std::string& sku, int units, int32_t ttl_s) {
    v1::CreateReservationRequest request;
    v1::BasketLine& line = *request.mutable_basket()->add_lines();
    line.set_sku(sku);
    line.set_units(units);
    request.set_ttl_s(ttl_s);
    return door.Create(std::move(request));
  }
  static Outcome Commit(Door& door, const std::string& reservation_id) {
    v1::CommitReservationRequest request;
    request.set_reservation_id(reservation_id);
    request.set_order_reference("order " + reservation_id);
    return door.Commit(std::move(request));
  }
  static Outcome Release(Door& door, const std::string& reservation_id) {
    v1::ReleaseReservationRequest request;
    request.set_reservation_id(reservation_id);
    return door.Release(std::move(request));
  }

  v1::Position PositionOf(const std::string& sku) {
    v1::ListPositionsRequest request;
    request.set_sku(sku);
    const auto response = Must(connection_->Call(&v1::StockService::Stub::ListPositions, request));
    EXPECT_EQ(response.positions_size(), 1);
    return response.positions_size() == 1 ? response.positions(0) : v1::Position();
  }
  std::vector<v1::Reservation> All(const std::string& sku) {
    std::vector<v1::Reservation> all;
    v1::ListReservationsRequest request;
    request.set_sku(sku);
    request.set_page_size(100);
    for (;;) {
      const auto page = Must(connection_->Call(&Reservations::ListReservations, request));
      all.insert(all.end(), page.reservations().begin(), page.reservations().end());
      if (page.next_page_token().empty()) return all;
      request.set_page_token(page.next_page_token());
    }
  }
  static Sums SumOf(const std::vector<v1::Reservation>& reservations) {
    Sums sums;
    for (const v1::Reservation& reservation : reservations) {
      for (const v1::ReservationLine& line : reservation.lines()) {
        sums.units[line.state()] += line.units();
      }
    }
    return sums;
  }

  // What one buyer does with a hold.
  static void UseHold(Door& door, const std::string& reservation_id, std::mt19937_64& random) {
    switch (random() % 8) {
      case 0:
      case 1:
        (void)Release(door, reservation_id);
        return;
      case 2:
      case 3:
        return;  // walks away: it expires
      case 4: {
        // Places the order when the hold may be over, and then finds the units gone, or not.
        absl::SleepFor(absl::Milliseconds(random() % 100));
        const Outcome late = Commit(door, reservation_id);
        EXPECT_TRUE(late.ok() || late.reason == "NOT_ENOUGH") << late;
        return;
      }
      case 5: {
        if (Commit(door, reservation_id).ok() && random() % 2 == 0) {
          EXPECT_TRUE(Release(door, reservation_id).ok());  // cancels the order
        }
        return;
      }
      default: {
        const Outcome placed = Commit(door, reservation_id);
        EXPECT_TRUE(placed.ok() || placed.reason == "NOT_ENOUGH") << placed;
      }
    }
  }
  static void Buy(Door& door, const std::string& sku, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < kTriesABuyer; ++i) {
      const int units = random() % 4 == 0 ? 3 : 1;
      const int32_t ttl_s = random() % 3 == 0 ? 900 : 1;
      const Outcome held = Hold(door, sku, units, ttl_s);
      if (held.ok()) {
        UseHold(door, held.reservation_id, random);
      } else {
        EXPECT_EQ(held.reason, "NOT_ENOUGH");
        absl::SleepFor(absl::Milliseconds(random() % 20));
      }
    }
  }

  // Everybody buys; meanwhile no moment shows more promised than there is.
  void BuyAllAtOnce(const std::string& sku, uint64_t seed) {
    std::atomic<bool> buying = true;
    std::thread watcher([&] {
      while (buying) {
        const v1::Position position = PositionOf(sku);
        EXPECT_LE(position.held() + position.committed(), kUnits) << position.ShortDebugString();
        EXPECT_EQ(position.available() + position.held() + position.committed(), kUnits)
            << position.ShortDebugString();
      }
    });
    std::vector<std::thread> buyers;
    for (uint64_t i = 0; i < kBuyers; ++i) {
      buyers.emplace_back([this, &sku, seed, i] {
        if (i % 2 == 0) return Buy(grpc_, sku, seed + i);
        HttpDoor http(hub_.http_address(), &*connection_);
        Buy(http, sku, seed + i);
      });
    }
    for (std::thread& buyer : buyers) buyer.join();
    buying = false;
    watcher.join();
  }

  // The sums over the item's reservations once no short hold is left. The long ones that nobody
  // used are given back.
  Sums Settle(const std::string& sku) {
    const absl::Time give_up = absl::Now() + kHoldsEndWithin;
    for (;;) {
      const std::vector<v1::Reservation> all = All(sku);
      const Sums sums = SumOf(all);
      if (sums.Of(v1::RESERVATION_STATE_HELD) == 0) return sums;
      for (const v1::Reservation& reservation : all) {
        if (reservation.state() != v1::RESERVATION_STATE_HELD) continue;
        (void)Release(grpc_, reservation.reservation_id());
      }
      if (absl::Now() > give_up) {
        ADD_FAILURE() << sums.Of(v1::RESERVATION_STATE_HELD) << " units stay held";
        return sums;
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
  }

  TempFolder folder_;
  HubProgram hub_;
  std::optional<client::Connection> connection_;
  GrpcDoor grpc_{&*connection_};
};

TEST_F(BuyersTest, NobodyGetsAUnitThatIsNotThere) {
  const uint64_t seed = Seed();
  int64_t committed_in_all = 0, expired_in_all = 0, released_in_all = 0;
  for (int round = 0; round < Rounds() && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("ONHAND_TEST_SEED=", seed, ", round ", round));
    const std::string sku = absl::StrCat("last ten ", round);
    Stock(sku, kUnits);
    BuyAllAtOnce(sku, seed + static_cast<uint64_t>(round) * kBuyers);

    // Held and committed are what the reservations say, before and after the last holds are gone.
    const Sums sums = Settle(sku);
    const v1::Position position = PositionOf(sku);
    const int64_t committed = sums.Of(v1::RESERVATION_STATE_COMMITTED);
    EXPECT_LE(committed, kUnits);
    EXPECT_EQ(position.committed(), committed);
    EXPECT_EQ(position.held(), 0);
    EXPECT_EQ(position.on_hand(), kUnits);
    EXPECT_EQ(position.available(), kUnits - committed);
    EXPECT_EQ(position.shortage(), 0);
    committed_in_all += committed;
    expired_in_all += sums.Of(v1::RESERVATION_STATE_EXPIRED);
    released_in_all += sums.Of(v1::RESERVATION_STATE_RELEASED);

    // No unit is stuck: what is left can be had to the last one, and not one more.
    const int left = static_cast<int>(kUnits - committed);
    EXPECT_FALSE(Hold(grpc_, sku, left + 1, 900).ok());
    if (left > 0) {
      const Outcome rest = Hold(grpc_, sku, left, 900);
      ASSERT_TRUE(rest.ok()) << rest;
      EXPECT_EQ(PositionOf(sku).available(), 0);
      EXPECT_EQ(PositionOf(sku).held(), left);
    }
    for (const v1::Reservation& reservation : All(sku)) {
      if (reservation.state() == v1::RESERVATION_STATE_HELD ||
          reservation.state() == v1::RESERVATION_STATE_COMMITTED) {
        EXPECT_TRUE(Release(grpc_, reservation.reservation_id()).ok());
      }
    }
    EXPECT_TRUE(Hold(grpc_, sku, kUnits, 900).ok());
  }
  // A round in which nothing happens proves nothing.
  EXPECT_GT(committed_in_all, 0);
  EXPECT_GT(expired_in_all, 0);
  EXPECT_GT(released_in_all, 0);
  std::printf("%lld units committed, %lld expired, %lld released\n",
              static_cast<long long>(committed_in_all), static_cast<long long>(expired_in_all),
              static_cast<long long>(released_in_all));
}

}  // namespace
}  // namespace onhand::testing
