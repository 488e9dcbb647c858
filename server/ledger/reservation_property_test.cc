// Random customers, pickers and tills against a naive shop that keeps every number by hand.
// ONHAND_TEST_SEED repeats a run, ONHAND_RESERVATION_ROUNDS sizes it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/basket_for_test.h"
#include "server/ledger/encode.h"
#include "server/ledger/report_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int kItems = 3;
constexpr int kBuffer = 1;

using Request = std::function<std::string(Group&)>;

uint64_t Seed() {
  const char* const given = std::getenv("ONHAND_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "ONHAND_TEST_SEED=" << seed << std::endl;
  return seed;
}

int Rounds() {
  const char* const given = std::getenv("ONHAND_RESERVATION_ROUNDS");
  return given != nullptr ? std::atoi(given) : 60;
}

template <class Response>
std::string Shown(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return std::string(response.status().message());
  // Revisions depend on how requests were batched, and nothing else may.
  static const std::regex kRevision("revision: [0-9]+");
  return std::regex_replace(response->ShortDebugString(), kRevision, "");
}

std::string SkuOf(uint64_t i) { return absl::StrCat("sku-", i % kItems); }
std::string PlaceOf(uint64_t i) { return std::string(1, "ABC"[i % 3]); }
std::string OrderOf(uint64_t i) { return absl::StrCat("order-", i % 12); }

// Three stores: the till of A never hears of orders, that of B rings them up, C has none.
struct Shop {
  Shop() {
    for (const char* store : {"A", "B", "C"}) chain.Location(store);
    chain.Channel("channel_id: 'ship' kind: CHANNEL_KIND_SHIP reservation_ttl_s: 40");
    for (int i = 0; i < kItems; ++i) chain.Item(SkuOf(static_cast<uint64_t>(i)));
    chain.Rule(absl::StrFormat("rule_id: 'buffer' scope {} buffer { units: %d }", kBuffer));
    chain.Rule(
        "rule_id: 'late' scope { sku: 'sku-2' } zero_policy: ZERO_POLICY_BACKORDER "
        "backorder_limit: 6");
    for (const char* store : {"A", "B"}) {
      SourceForTest till(&chain, absl::StrCat("till-", store), {store});
      till.hello().set_orders_in_numbers(*store == 'A' ? v1::ORDERS_IN_NUMBERS_NEVER
                                                       : v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP);
      EXPECT_TRUE(till.Open().ok());
      for (int i = 0; i < kItems; ++i) {
        EXPECT_EQ(till.Tell(SkuOf(static_cast<uint64_t>(i)), v1::MOVEMENT_KIND_LEVEL, 6 + i,
                            chain.now_us()),
                  "");
      }
    }
    for (int i = 0; i < kItems; ++i) chain.Stock(SkuOf(static_cast<uint64_t>(i)), "C", 4);
  }
  std::string Run(const std::vector<Request>& requests, std::vector<std::string>* answers) {
    return chain.Run([&](Group& group) {
      for (const Request& request : requests) answers->push_back(request(group));
      return std::string();
    });
  }
  ShopForTest chain;
};

// Makes requests whose content depends on the seed alone.
class RequestMaker {
 public:
  RequestMaker(uint64_t seed, ShopForTest* chain) : random_(seed), chain_(chain) {}

  Request Next() {
    switch (random_() % 14) {
      case 0:
      case 1:
      case 2:
        return Create();
      case 3:
        return Commit();
      case 4:
        return Pick();
      case 5:
      case 6:
        return Fulfil();
      case 7:
        return Release();
      case 8:
        return Move();
      case 9:
        return Fail();
      case 10:
        return Count();
      case 11:
        return Import();
      case 12:
        return random_() % 2 == 0 ? Extend() : [](Group& group) {
          return absl::StrCat(DecideExpiries(group, 100));
        };
      default:
        return Report();
    }
  }
  const std::vector<std::string>& ids() const { return ids_; }
  // Units that a till sold in the name of an order.
  const std::map<std::tuple<std::string, std::string, std::string>, int64_t>& named() const {
    return named_;
  }
  // What the naive shop takes from the last requests: units sold and received, by position.
  std::map<std::pair<std::string, std::string>, int64_t> TakeDeltas() { return std::move(deltas_); }
  // And what was counted, without picked units, if the last request was a count.
  std::map<std::pair<std::string, std::string>, int64_t> TakeCounts() { return std::move(counts_); }

 private:
  std::string AnyId() { return ids_.empty() ? "none" : ids_[random_() % ids_.size()]; }
  template <class R>
  void AnyLines(R& request) {
    if (random_() % 2 == 0) return;
    v1::LineUnits& units = *request.add_lines();
    units.set_line_id(static_cast<uint32_t>(1 + random_() % 3));
    units.set_units(static_cast<int32_t>(random_() % 3));
  }

  Request Create() {
    v1::CreateReservationRequest request;
    request.set_request_id(chain_->NewRequestId());
    ids_.push_back(request.request_id());
    v1::Basket& basket = *request.mutable_basket();
    const uint64_t first = random_();
    for (uint64_t i = 0; i < 1 + random_() % 2; ++i) {
      v1::BasketLine& line = *basket.add_lines();
      line.set_sku(SkuOf(first + i));
      line.set_units(static_cast<int32_t>(1 + random_() % 5));
      if (random_() % 2 == 0) line.set_location_id(PlaceOf(random_()));
    }
    basket.set_allow_split(random_() % 2 == 0);
    request.set_allow_partial(random_() % 3 == 0);
    request.set_commit(random_() % 3 == 0);
    if (request.commit() || random_() % 3 == 0) request.set_order_reference(OrderOf(random_()));
    return [this, request](Group& group) {
      return Shown(DecideCreateReservation(group, chain_->book(), request));
    };
  }
  Request Commit() {
    v1::CommitReservationRequest request;
    request.set_reservation_id(AnyId());
    request.set_order_reference(OrderOf(random_()));
    return [this, request](Group& group) {
      return Shown(DecideCommitReservation(group, chain_->book(), request));
    };
  }
  Request Extend() {
    v1::ExtendReservationRequest request;
    request.set_reservation_id(AnyId());
    return [request](Group& group) { return Shown(DecideExtendReservation(group, request)); };
  }
  Request Pick() {
    v1::PickReservationRequest request;
    request.set_reservation_id(AnyId());
    AnyLines(request);
    return [request](Group& group) { return Shown(DecidePickReservation(group, request)); };
  }
  Request Fulfil() {
    v1::FulfilReservationRequest request;
    request.set_reservation_id(AnyId());
    AnyLines(request);
    return [request](Group& group) { return Shown(DecideFulfilReservation(group, request)); };
  }
  Request Release() {
    v1::ReleaseReservationRequest request;
    request.set_reservation_id(AnyId());
    AnyLines(request);
    return [request](Group& group) { return Shown(DecideReleaseReservation(group, request)); };
  }
  Request Move() {
    v1::ReassignLineRequest request;
    request.set_reservation_id(AnyId());
    request.set_line_id(static_cast<uint32_t>(1 + random_() % 3));
    if (random_() % 2 == 0) request.set_location_id(PlaceOf(random_()));
    return [this, request](Group& group) {
      return Shown(DecideReassignLine(group, chain_->book(), request));
    };
  }
  // Only such failures as leave on hand to the naive shop: the others are tested by themselves.
  Request Fail() {
    v1::FailPickRequest request;
    request.set_reservation_id(AnyId());
    request.set_line_id(static_cast<uint32_t>(1 + random_() % 3));
    request.set_failure(v1::PICK_FAILURE_DAMAGED);
    request.set_found_units(static_cast<int32_t>(random_() % 2));
    request.set_then(static_cast<v1::AfterFailedPick>(random_() % 4));
    return [this, request](Group& group) {
      return Shown(DecideFailPick(group, chain_->book(), request));
    };
  }
  Request Count() {
    v1::AdjustRequest request;
    request.set_kind(v1::MOVEMENT_KIND_COUNT);
    request.set_sku(SkuOf(random_()));
    request.set_location_id(PlaceOf(random_()));
    request.set_quantity(static_cast<int64_t>(random_() % 8));
    counts_[{request.sku(), request.location_id()}] = request.quantity();
    return [request](Group& group) { return Shown(DecideAdjust(group, request)); };
  }
  Request Import() {
    v1::ImportOrdersRequest request;
    v1::ImportedOrder& order = *request.add_orders();
    order.set_order_reference(OrderOf(random_()));
    order.set_picked(random_() % 2 == 0);
    v1::BasketLine& line = *order.add_lines();
    line.set_sku(SkuOf(random_()));
    line.set_units(static_cast<int32_t>(1 + random_() % 3));
    if (random_() % 4 != 0) line.set_location_id(PlaceOf(random_()));
    return [request](Group& group) { return Shown(DecideImportOrders(group, request)); };
  }
  Request Report() {
    const std::string place = random_() % 3 == 0 ? "A" : "B";
    v1::Batch batch;
    batch.set_sequence(++sequences_[place] + kItems);
    batch.set_rolling_hash(random_() | 1);
    for (uint64_t i = 0; i < 1 + random_() % 3; ++i) {
      v1::Movement& row = *batch.add_movements();
      row.set_sku(SkuOf(random_()));
      row.set_quantity(static_cast<int64_t>(1 + random_() % 3));
      row.set_occurred_at_us(chain_->now_us());
      const bool sale = random_() % 3 != 0;
      row.set_kind(sale ? v1::MOVEMENT_KIND_SALE : v1::MOVEMENT_KIND_RECEIPT);
      deltas_[{row.sku(), place}] += sale ? -row.quantity() : row.quantity();
      if (!sale || random_() % 4 == 0) continue;
      row.set_order_reference(OrderOf(random_()));
      named_[{row.order_reference(), row.sku(), place}] += row.quantity();
    }
    return [place, batch](Group& group) -> std::string {
      const uint32_t source = *group.state().source_ids.Find(absl::StrCat("till-", place));
      const auto decision = DecideReport(group, source, 1, 0, batch);
      EXPECT_TRUE(decision.ok() && decision->problems.empty());
      return absl::StrCat(decision->durable_sequence);
    };
  }

  std::mt19937_64 random_;
  ShopForTest* chain_;
  std::vector<std::string> ids_;
  std::map<std::string, uint64_t> sequences_;
  std::map<std::tuple<std::string, std::string, std::string>, int64_t> named_;
  std::map<std::pair<std::string, std::string>, int64_t> deltas_;
  std::map<std::pair<std::string, std::string>, int64_t> counts_;
};

// Every number of a position, summed by hand over all reservations.
struct Sums {
  int64_t held = 0, committed = 0, picked = 0;
  int64_t by_api = 0, by_both = 0;
};
using PositionName = std::pair<std::string, std::string>;

std::map<PositionName, Sums> SumsOf(const State& state) {
  std::map<PositionName, Sums> sums;
  for (int i = 0; i < kItems; ++i) {
    for (uint64_t place = 0; place < 3; ++place)
      sums[{SkuOf(static_cast<uint64_t>(i)), PlaceOf(place)}];
  }
  state.reservations.rows.ForEach([&](const std::string&, const journal::Reservation& row) {
    const v1::Reservation shown = ReservationOf(state, row);
    for (const v1::ReservationLine& line : shown.lines()) {
      if (line.promise() != v1::LINE_PROMISE_STOCK) continue;
      Sums& at = sums[{line.sku(), line.location_id()}];
      const auto in = [&](v1::ReservationState one) { return line.state() == one; };
      if (in(v1::RESERVATION_STATE_HELD)) at.held += line.units();
      if (in(v1::RESERVATION_STATE_COMMITTED)) at.committed += line.units();
      if (in(v1::RESERVATION_STATE_PICKED)) at.committed += line.units();
      if (in(v1::RESERVATION_STATE_PICKED)) at.picked += line.units();
      if (line.fulfilled_by_api()) at.by_api += line.units();
      if (line.fulfilled_by_api() && line.fulfilled_by_till()) at.by_both += line.units();
    }
  });
  return sums;
}

// What the numbers say must be what the rows say.
void ExpectSums(const ShopForTest& chain) {
  for (const auto& [name, sums] : SumsOf(chain.state())) {
    const v1::Position at = chain.At(name.first, name.second);
    ASSERT_EQ(at.held(), sums.held) << name.first << name.second;
    ASSERT_EQ(at.committed(), sums.committed) << name.first << name.second;
    ASSERT_EQ(at.picked(), sums.picked) << name.first << name.second;
    const int64_t there = std::max<int64_t>(at.on_hand() - at.unavailable(), 0);
    ASSERT_EQ(at.available(), std::max<int64_t>(there - sums.held - sums.committed, 0));
    ASSERT_EQ(at.shortage(), std::max<int64_t>(sums.held + sums.committed - there, 0));
  }
}

// Units that may be promised at each position, due holds taken for free.
std::map<PositionName, int64_t> SalableOf(const ShopForTest& chain) {
  std::map<PositionName, int64_t> salable;
  std::map<PositionName, int64_t> due;
  chain.state().reservations.rows.ForEach([&](const std::string&, const journal::Reservation& row) {
    if (row.expires_us() > chain.now_us()) return;
    const v1::Reservation shown = ReservationOf(chain.state(), row);
    for (const v1::ReservationLine& line : shown.lines()) {
      if (line.state() == v1::RESERVATION_STATE_HELD && line.promise() == v1::LINE_PROMISE_STOCK) {
        due[{line.sku(), line.location_id()}] += line.units();
      }
    }
  });
  for (const auto& [name, sums] : SumsOf(chain.state())) {
    const v1::Position at = chain.At(name.first, name.second);
    const int64_t there = std::max<int64_t>(at.on_hand() - at.unavailable(), 0);
    salable[name] = std::max<int64_t>(there - sums.held - sums.committed + due[name] - kBuffer, 0);
  }
  return salable;
}

// Of each order what the API and the till told is the same as far as it can be.
void ExpectGreaterOfTheTwo(const ShopForTest& chain, const RequestMaker& maker) {
  for (const auto& [key, sold] : maker.named()) {
    const auto& [order, sku, place] = key;
    const auto found = FindReservation(chain.state(), "", order);
    if (!found.ok()) continue;
    int64_t api = 0, both = 0, till = 0;
    const v1::Reservation shown = ReservationOf(chain.state(), **found);
    for (const v1::ReservationLine& line : shown.lines()) {
      if (line.sku() != sku || line.location_id() != place || line.till_inferred()) continue;
      if (line.fulfilled_by_api()) api += line.units();
      if (line.fulfilled_by_till()) till += line.units();
      if (line.fulfilled_by_api() && line.fulfilled_by_till()) both += line.units();
    }
    ASSERT_LE(till, sold) << order << " " << sku << " " << place << " " << shown.DebugString();
    ASSERT_EQ(both, std::min(api, till)) << order << " " << sku << " " << place;
  }
}

void ExpectSameAfterAnImage(const State& state) {
  Ledger read(Settings{});
  ASSERT_TRUE(DecodeTables(EncodeTables(state), read.mutable_state()).ok());
  for (uint32_t i = 0; i < SegmentCount(state); ++i) {
    ASSERT_TRUE(DecodeSegment(EncodeSegment(state, i), read.mutable_state()).ok());
  }
  ASSERT_EQ(EncodeState(read.state()), EncodeState(state));
  ASSERT_EQ(read.state().reservations.open_lines.size(), state.reservations.open_lines.size());
  ASSERT_EQ(read.state().reservations.handed_over.size(), state.reservations.handed_over.size());
  ASSERT_EQ(read.state().reservations.marked_lines.size(), state.reservations.marked_lines.size());
  ASSERT_EQ(read.state().reservations.by_expiry.size(), state.reservations.by_expiry.size());
}

std::string RowsOf(const State& state) {
  std::string text;
  for (const std::string& id : state.reservations.rows.SortedKeys()) {
    journal::Reservation row = *state.reservations.rows.Find(id);
    row.clear_revision();
    absl::StrAppend(&text, row.ShortDebugString(), "\n");
  }
  for (const auto& [name, sums] : SumsOf(state)) absl::StrAppend(&text, sums.held, " ");
  return text;
}

// Whatever happened: what is given back or over claims nothing.
void ExpectNothingStuck(ShopForTest& chain, const RequestMaker& maker) {
  chain.Wait(1'000'000 * kSecond);
  chain.Expire();
  std::vector<std::string> ids = maker.ids();
  chain.state().reservations.rows.ForEach([&](const std::string& id, const journal::Reservation&) {
    ids.push_back(ReservationIdText(id));
  });
  for (const std::string& id : ids) (void)chain.Release(id).ok();
  for (const auto& [name, sums] : SumsOf(chain.state())) {
    ASSERT_EQ(chain.At(name.first, name.second).held(), 0);
    ASSERT_EQ(chain.At(name.first, name.second).committed(), 0);
  }
  ASSERT_EQ(chain.state().reservations.marked_units.size(), 0u);
  ASSERT_EQ(chain.state().reservations.open_lines.size(), 0u);
  ASSERT_EQ(chain.state().reservations.by_expiry.size(), 0u);
}

TEST(ReservationPropertyTest, NumbersAreWhatANaiveShopKeepsByHand) {
  const uint64_t seed = Seed();
  for (int round = 0; round < Rounds(); ++round) {
    Shop shop;
    ShopForTest& chain = shop.chain;
    RequestMaker maker(seed + static_cast<uint64_t>(round), &chain);
    std::map<PositionName, int64_t> on_hand;
    for (const auto& [name, sums] : SumsOf(chain.state())) {
      on_hand[name] = chain.At(name.first, name.second).on_hand();
    }
    for (int step = 0; step < 120; ++step) {
      chain.Wait((1 + step % 7) * kSecond);
      const std::map<PositionName, Sums> before = SumsOf(chain.state());
      const std::map<PositionName, int64_t> salable = SalableOf(chain);
      const size_t rows_before = chain.state().reservations.rows.size();
      std::vector<std::string> answers;
      shop.Run({maker.Next()}, &answers);
      SCOPED_TRACE(absl::StrCat("round ", round, ", step ", step, ": ", answers[0]));
      ExpectSums(chain);
      const std::map<PositionName, Sums> after = SumsOf(chain.state());
      for (const auto& [name, units] : maker.TakeDeltas()) on_hand[name] += units;
      for (auto& [name, units] : on_hand) {
        units -= after.at(name).by_api - before.at(name).by_api;
        units += after.at(name).by_both - before.at(name).by_both;
      }
      for (const auto& [name, units] : maker.TakeCounts()) {
        on_hand[name] = units + before.at(name).picked;
      }
      for (const auto& [name, units] : on_hand) {
        ASSERT_EQ(chain.At(name.first, name.second).on_hand(), units) << name.first << name.second;
      }
      // A new reservation took no more than was salable; what was imported was not asked.
      const bool created = chain.state().reservations.rows.size() > rows_before &&
                           answers[0].find("answers {") != std::string::npos;
      if (created) {
        for (const auto& [name, sums] : after) {
          const int64_t now = sums.held + sums.committed;
          const int64_t then = before.at(name).held + before.at(name).committed;
          ASSERT_LE(now - then, salable.at(name)) << name.first << name.second;
        }
      }
      ExpectGreaterOfTheTwo(chain, maker);
      if (step % 10 == 0) ExpectSameAfterAnImage(chain.state());
      if (testing::Test::HasFatalFailure()) return;
    }
    ExpectNothingStuck(chain, maker);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(ReservationPropertyTest, OneBatchOfManyEqualsManyBatchesOfOne) {
  const uint64_t seed = Seed();
  for (int round = 0; round < Rounds(); ++round) {
    Shop one;
    Shop many;
    RequestMaker maker(seed + static_cast<uint64_t>(round), &one.chain);
    std::mt19937_64 random(seed * 31 + static_cast<uint64_t>(round));
    for (int step = 0; step < 25; ++step) {
      const auto wait_us = static_cast<int64_t>(random() % 12) * kSecond;
      one.chain.Wait(wait_us);
      many.chain.Wait(wait_us);
      std::vector<Request> requests;
      for (uint64_t i = 0; i < 1 + random() % 8; ++i) requests.push_back(maker.Next());
      std::vector<std::string> of_one;
      std::vector<std::string> of_many;
      one.Run(requests, &of_one);
      for (const Request& request : requests) many.Run({request}, &of_many);
      ASSERT_EQ(of_one, of_many) << "round " << round << ", step " << step;
      ASSERT_EQ(RowsOf(one.chain.state()), RowsOf(many.chain.state()));
      for (uint32_t i = 0; i < SegmentCount(one.chain.state()); ++i) {
        ASSERT_EQ(EncodeSegment(one.chain.state(), i), EncodeSegment(many.chain.state(), i))
            << "round " << round << ", step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace onhand::ledger
