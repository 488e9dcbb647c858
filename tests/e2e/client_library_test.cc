// The client library beside a hub that is killed: the cache comes back equal to what the hub
// serves, and what was reserved meanwhile is reserved exactly once. ONHAND_KILLS sets how often it
// is killed.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/availability_cache.h"
#include "clients/cpp/file_request_store.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/reservation_client.h"
#include "clients/cpp/timestamp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/e2e/questions.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

constexpr int kItems = 60;
constexpr int kStock = 5'000;
constexpr char kStore[] = "store";
constexpr char kChannel[] = "web-ship";

std::string SkuOf(int item) { return absl::StrCat("sku-", item); }

class ClientLibraryTest : public ::testing::Test {
 protected:
  ClientLibraryTest() : hub_("sqlite:" + (folder_ / "hub.db")) {
    hub_.Start();
    patient_ = std::make_unique<client::Connection>(client::ConnectionOptions{
        .hub = hub_.address(), .timeout = absl::Seconds(30), .attempts_max = 1000});
    MakeLocations(*patient_, {kStore});
    v1::BatchUpsertChannelsRequest channels;
    channels.add_channels()->set_channel_id(kChannel);
    channels.mutable_channels(0)->set_kind(v1::CHANNEL_KIND_SHIP);
    EXPECT_TRUE(patient_->Write(&v1::CatalogService::Stub::BatchUpsertChannels, channels).ok());
    v1::BatchUpsertItemsRequest items;
    for (int item = 0; item < kItems; ++item) {
      items.add_items()->set_sku(SkuOf(item));
      items.mutable_items(item)->set_published(true);
    }
    EXPECT_TRUE(patient_->Write(&v1::CatalogService::Stub::BatchUpsertItems, items).ok());
    for (int item = 0; item < kItems; ++item) Count(SkuOf(item), kStock);
    const char* kills = std::getenv("ONHAND_KILLS");
    if (kills != nullptr && !absl::SimpleAtoi(kills, &kills_)) ADD_FAILURE() << "ONHAND_KILLS";
    std::cout << "seed " << seed_ << std::endl;
  }

  void Count(const std::string& sku, int64_t units) {
    v1::AdjustRequest count;
    count.set_sku(sku);
    count.set_location_id(kStore);
    count.set_kind(v1::MOVEMENT_KIND_COUNT);
    count.set_quantity(units);
    count.set_author("test");
    const auto counted = patient_->Write(&v1::StockService::Stub::Adjust, count);
    EXPECT_TRUE(counted.ok()) << client::Describe(counted.status());
  }
  void KillAndStart() {
    hub_.Kill();
    absl::SleepFor(absl::Milliseconds(static_cast<int>(random_() % 300)));
    hub_.Start();
  }

  const uint32_t seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  int kills_ = 4;
  TempFolder folder_;
  HubProgram hub_;
  std::unique_ptr<client::Connection> patient_;  // waits for a hub that is being started again
};

// Only with a hub in another process: within one, its threads would connect for the client.
TEST_F(ClientLibraryTest, AConnectionIsBackAsSoonAsTheHubIs) {
  for (int kill = 0; kill < kills_; ++kill) {
    ASSERT_TRUE(patient_->HubTime().ok());
    hub_.Kill();
    absl::StatusOr<absl::Time> answer = absl::UnknownError("not answered");
    absl::Time answered_at;
    std::thread asking([&] {
      answer = patient_->HubTime();
      answered_at = absl::Now();
    });
    absl::SleepFor(absl::Milliseconds(300));  // attempts fail meanwhile
    hub_.Start();
    const absl::Time back_at = absl::Now();
    asking.join();
    EXPECT_TRUE(answer.ok()) << answer.status();
    // One backoff of gRPC's and one of the connection's, both of less than a second by then.
    EXPECT_LT(answered_at - back_at, absl::Milliseconds(2500));
  }
}

class CacheTest : public ClientLibraryTest {
 protected:
  CacheTest() {
    client::AvailabilityCacheOptions options;
    options.watch.set_channel_id(kChannel);
    cache_ = std::make_unique<client::AvailabilityCache>(patient_.get(), options);
  }

  // What the cache holds of every item, and the first that the hub answers otherwise.
  std::string FirstDifference() {
    v1::BatchGetAvailabilityRequest request;
    request.set_channel_id(kChannel);
    for (int item = 0; item < kItems; ++item) request.add_skus(SkuOf(item));
    const auto served =
        patient_->Call(&v1::AvailabilityService::Stub::BatchGetAvailability, request);
    if (!served.ok()) return client::Describe(served.status());
    for (const v1::BatchAvailability& result : served->results()) {
      const v1::Availability& answer = result.availability();
      const auto held = cache_->Peek(answer.sku());
      if (!held) return absl::StrCat(answer.sku(), " is not held");
      if (held->status != answer.status() || held->orderable != answer.orderable() ||
          held->max_quantity != answer.max_quantity()) {
        return absl::StrCat(answer.sku(), ": ", held->max_quantity, " held, ",
                            answer.ShortDebugString(), " served");
      }
    }
    return "";
  }
  void ExpectEqual(const std::string& when) {
    std::string difference;
    EXPECT_TRUE(WaitUntil([&] { return (difference = FirstDifference()).empty(); }))
        << when << ": " << difference;
  }

  std::unique_ptr<client::AvailabilityCache> cache_;
};

TEST_F(CacheTest, ComesBackEqualToTheHubHoweverOftenThatIsKilled) {
  ASSERT_TRUE(cache_->AwaitComplete(absl::Seconds(20)));
  ExpectEqual("at first");
  std::atomic<bool> over{false};
  std::atomic<int64_t> answers{0};
  std::thread customer([&] {
    for (int item = 0; !over; item = (item + 1) % kItems) {
      const auto answer = cache_->Get(SkuOf(item));
      EXPECT_TRUE(answer.ok()) << answer.status();
      ++answers;
    }
  });
  for (int kill = 1; kill <= kills_; ++kill) {
    const absl::Time before = absl::Now();
    std::thread person([&] {  // goes on while the hub dies, and after
      for (int i = 0; i < 40; ++i) {
        Count(SkuOf(static_cast<int>((kill * 7 + i * 13) % kItems)), kill * 100 + i);
      }
    });
    KillAndStart();
    person.join();
    ExpectEqual(absl::StrCat("after kill ", kill));
    EXPECT_TRUE(WaitUntil([&] { return cache_->Get(SkuOf(0))->as_of > before; }));
    EXPECT_EQ(cache_->watch_state().phase, client::WatchPhase::kLive);
  }
  over = true;
  customer.join();
  EXPECT_GT(answers, 0);
}

TEST_F(CacheTest, TellsWhatItHoldsAndSinceWhenWhileThereIsNoHub) {
  ASSERT_TRUE(cache_->AwaitComplete(absl::Seconds(20)));
  ExpectEqual("at first");
  hub_.Kill();
  ASSERT_TRUE(WaitUntil([&] { return cache_->watch_state().phase == client::WatchPhase::kStale; }));
  const auto answer = cache_->Get(SkuOf(1));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->max_quantity, kStock);
  EXPECT_GT(answer->as_of, absl::Now() - absl::Seconds(30));
  EXPECT_LE(answer->as_of, absl::Now());
}

TEST_F(CacheTest, ManyItemsAreToldToTheEndWhileTheyChange) {
  constexpr int kMore = 3'000;
  v1::BatchUpsertItemsRequest items;
  for (int item = kItems; item < kItems + kMore; ++item) {
    v1::Item& added = *items.add_items();
    added.set_sku(SkuOf(item));
    added.set_published(true);
    if (items.items_size() < 1000) continue;
    ASSERT_TRUE(patient_->Write(&v1::CatalogService::Stub::BatchUpsertItems, items).ok());
    items.clear_items();
  }
  std::atomic<bool> over{false};
  std::thread person([&] {
    for (int i = 0; !over; ++i) Count(SkuOf(i % (kItems + kMore)), i);
  });
  client::AvailabilityCacheOptions options;
  options.watch.set_channel_id(kChannel);
  client::AvailabilityCache another(patient_.get(), options);
  EXPECT_TRUE(another.AwaitComplete(absl::Seconds(20)));
  EXPECT_EQ(another.size(), static_cast<size_t>(kItems + kMore));
  over = true;
  person.join();
}

class ReservingTest : public ClientLibraryTest {
 protected:
  ReservingTest() : impatient_({.hub = hub_.address(), .timeout = absl::Milliseconds(300)}) {
    StartShop();
  }

  // The shop's program begins, also after a crash: only its file is left.
  void StartShop() {
    shop_.reset();
    store_.reset();
    store_ = *client::FileRequestStore::Open(folder_ / "requests");
    shop_ = *client::ReservationClient::Open(&impatient_, store_.get());
  }
  // Everything that the hub has, by id.
  std::map<std::string, v1::Reservation> Reservations() {
    std::map<std::string, v1::Reservation> reservations;
    v1::ListReservationsRequest request;
    request.set_page_size(1000);
    do {
      const auto page = patient_->Call(&v1::ReservationService::Stub::ListReservations, request);
      EXPECT_TRUE(page.ok()) << client::Describe(page.status());
      if (!page.ok()) break;
      for (const v1::Reservation& one : page->reservations()) {
        EXPECT_TRUE(reservations.emplace(one.reservation_id(), one).second);
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return reservations;
  }
  static v1::CreateReservationRequest Cart(int cart) {
    v1::CreateReservationRequest request;
    request.mutable_basket()->set_channel_id(kChannel);
    v1::BasketLine& line = *request.mutable_basket()->add_lines();
    line.set_sku(SkuOf(cart % kItems));
    line.set_units(1);
    request.set_ttl_s(3600);
    return request;
  }

  client::Connection impatient_;  // gives up soon, so that answers stay unknown
  std::unique_ptr<client::FileRequestStore> store_;
  std::unique_ptr<client::ReservationClient> shop_;
};

TEST_F(ReservingTest, WhatIsReservedWhileTheHubIsKilledIsThereExactlyOnce) {
  std::set<std::string> held;      // ids that the shop knows
  std::set<std::string> finished;  // carts whose answer came after a start
  int unknown = 0;
  int carts = 0;
  for (int kill = 0; kill < kills_; ++kill) {
    std::atomic<bool> over{false};
    std::thread customers([&] {
      for (; !over; ++carts) {
        const auto created = shop_->Create(absl::StrCat("cart-", carts), Cart(carts));
        if (created.ok()) {
          held.insert(created->reservation().reservation_id());
        } else {
          EXPECT_TRUE(absl::IsUnavailable(created.status()) ||
                      absl::IsDeadlineExceeded(created.status()))
              << client::Describe(created.status());
          ++unknown;
        }
      }
    });
    absl::SleepFor(absl::Milliseconds(200 + static_cast<int>(random_() % 200)));
    hub_.Kill();
    absl::SleepFor(absl::Milliseconds(500));  // carts whose answers never come
    hub_.Start();
    absl::SleepFor(absl::Milliseconds(200));
    over = true;
    customers.join();
    StartShop();
    const auto told = [&](const client::FinishedStep& step) {
      EXPECT_TRUE(step.status.ok()) << client::Describe(step.status);
      EXPECT_TRUE(finished.insert(step.name).second) << step.name << " was finished twice";
      held.insert(step.request_id);
    };
    absl::Status status;
    EXPECT_TRUE(WaitUntil([&] { return (status = shop_->Finish(told)).ok(); }))
        << client::Describe(status);
    EXPECT_EQ(shop_->unfinished(), 0u);
  }
  std::cout << carts << " carts, " << finished.size() << " finished after a start" << std::endl;
  EXPECT_GT(unknown, 0);
  EXPECT_EQ(static_cast<int>(finished.size()), unknown);
  EXPECT_EQ(static_cast<int>(held.size()), carts);
  const std::map<std::string, v1::Reservation> there = Reservations();
  EXPECT_EQ(there.size(), held.size());
  std::map<std::string, int> units;
  for (const auto& [id, reservation] : there) {
    EXPECT_TRUE(held.contains(id)) << "nobody knows of " << reservation.ShortDebugString();
    EXPECT_EQ(reservation.state(), v1::RESERVATION_STATE_HELD);
    for (const v1::ReservationLine& line : reservation.lines()) units[line.sku()] += line.units();
  }
  v1::GetAvailabilityRequest question;
  question.set_channel_id(kChannel);
  question.set_sku(SkuOf(0));
  const auto left = patient_->Call(&v1::AvailabilityService::Stub::GetAvailability, question);
  ASSERT_TRUE(left.ok()) << client::Describe(left.status());
  EXPECT_EQ(left->availability().max_quantity(), kStock - units[SkuOf(0)]);
}

TEST_F(ReservingTest, AWholeLifeGoesThroughTheLibrary) {
  const auto created = shop_->Create("cart", Cart(1));
  ASSERT_TRUE(created.ok()) << client::Describe(created.status());
  const std::string id = created->reservation().reservation_id();
  const auto check = shop_->Check(Cart(1).basket());
  ASSERT_TRUE(check.ok()) << client::Describe(check.status());
  EXPECT_TRUE(check->can_hold());
  v1::ExtendReservationRequest extend;
  extend.set_reservation_id(id);
  EXPECT_TRUE(shop_->Extend(extend).ok());
  v1::CommitReservationRequest commit;
  commit.set_reservation_id(id);
  commit.set_order_reference("order-1");
  EXPECT_TRUE(shop_->Commit(commit).ok());
  EXPECT_EQ(shop_->FindOrder("order-1")->reservation_id(), id);
  v1::PickReservationRequest pick;
  pick.set_reservation_id(id);
  EXPECT_TRUE(shop_->Pick(pick).ok());
  v1::FulfilReservationRequest fulfil;
  fulfil.set_order_reference("order-1");
  EXPECT_TRUE(shop_->Fulfil(fulfil).ok());
  EXPECT_EQ(shop_->Get(id)->state(), v1::RESERVATION_STATE_FULFILLED);
  v1::ReleaseReservationRequest release;
  release.set_reservation_id(id);
  EXPECT_EQ(client::RefusalOf(shop_->Release(release).status()).reason, "INVALID_STEP");
  EXPECT_EQ(client::RefusalOf(shop_->Get("0191d9a4-0000-7000-8000-000000000000").status()).reason,
            "UNKNOWN_RESERVATION");
  EXPECT_EQ(shop_->unfinished(), 0u);
}

}  // namespace
}  // namespace onhand::testing
