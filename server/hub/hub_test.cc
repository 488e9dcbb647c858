// The hub on a memory database: what is answered when, and what survives which accident.
#include "server/hub/hub.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/hub/image.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_request.h"
#include "server/ledger/decide_reservation.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/encode.h"
#include "server/ledger/refusal.h"
#include "storage/memory/memory_store.h"

namespace onhand::hub {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

class ManualClock : public Clock {
 public:
  int64_t NowUs() override { return now_us_.load(); }
  void Set(int64_t now_us) { now_us_.store(now_us); }
  void Pass(int64_t us) { now_us_.fetch_add(us); }

 private:
  std::atomic<int64_t> now_us_{kStart};
};

// 16 bytes of a UUIDv7 of the test's time.
std::string RequestId(uint8_t number, int64_t at_us = kStart) {
  std::string id(16, '\0');
  const int64_t milliseconds = at_us / 1'000;
  for (size_t i = 0; i < 6; ++i) id[i] = static_cast<char>(milliseconds >> (40 - 8 * i) & 0xff);
  id[6] = 0x70;
  id[15] = static_cast<char>(number);
  return id;
}

class HubTest : public testing::Test {
 protected:
  HubTest() {
    Open();
    Import("ball");
  }
  ~HubTest() override { Close(); }

  void Open() {
    store_ = storage::NewMemoryStore(database_);
    ASSERT_TRUE(store_->Migrate().ok());
    absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start(store_.get(), &clock_, options_);
    ASSERT_TRUE(hub.ok()) << hub.status();
    hub_ = *std::move(hub);
  }
  void Close() {
    hub_.reset();
    store_.reset();
  }

  absl::StatusOr<std::string> Ask(Write write) {
    std::promise<absl::StatusOr<std::string>> answered;
    write.done = [&](absl::StatusOr<std::string> answer) { answered.set_value(std::move(answer)); };
    hub_->Submit(std::move(write));
    return answered.get_future().get();
  }
  void Import(const std::string& sku) {
    const auto answer = Ask({.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
      v1::BatchUpsertLocationsRequest locations;
      locations.add_locations()->set_location_id("bilbao");
      locations.mutable_locations(0)->set_time_zone("UTC");
      EXPECT_TRUE(ledger::DecideUpsertLocations(group, locations, [](absl::string_view) {
                    return true;
                  }).ok());
      v1::BatchUpsertItemsRequest items;
      items.add_items()->set_sku(sku);
      return ledger::DecideUpsertItems(group, items).ok() ? absl::StatusOr<std::string>("done")
                                                          : absl::InternalError("items");
    }});
    ASSERT_TRUE(answer.ok()) << answer.status();
  }
  // Of the source "till" in Bilbao.
  absl::StatusOr<ledger::OpenedSource> OpenTill() {
    v1::Hello hello;
    hello.set_source_id("till");
    hello.set_spool_id("spool");
    hello.add_location_ids("bilbao");
    std::promise<absl::StatusOr<ledger::OpenedSource>> opened;
    hub_->OpenSource(hello, [&](absl::StatusOr<ledger::OpenedSource> source) {
      opened.set_value(std::move(source));
    });
    return opened.get_future().get();
  }
  static Write Adjust(int64_t quantity, uint8_t number, uint64_t content_hash = 1) {
    v1::AdjustRequest request;
    request.set_sku("ball");
    request.set_location_id("bilbao");
    request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    request.set_quantity(quantity);
    return {.request_id = RequestId(number),
            .content_hash = content_hash,
            .decide = [request](ledger::Group& group) -> absl::StatusOr<std::string> {
              auto response = ledger::DecideAdjust(group, request);
              if (!response.ok()) return response.status();
              return response->SerializeAsString();
            }};
  }
  int64_t OnHand() const {
    return hub_->Read([](const ledger::Ledger& ledger) {
      return ledger::PositionOf(ledger.state(), ledger.state().Resolve("ball", 0)->item,
                                *ledger.state().location_ids.Find("bilbao"))
          .on_hand();
    });
  }
  std::string Encoded() const {
    return hub_->Read(
        [](const ledger::Ledger& ledger) { return ledger::EncodeState(ledger.state()); });
  }
  void StageAccident(storage::MemoryDatabase::Accident accident) {
    absl::MutexLock lock(&database_->mutex);
    database_->next_insert = accident;
  }
  // Waits until `holds`, and fails if it never does.
  template <class Condition>
  void Await(Condition holds) {
    for (int i = 0; i < 5'000 && !holds(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_TRUE(holds());
  }

  std::shared_ptr<storage::MemoryDatabase> database_ = std::make_shared<storage::MemoryDatabase>();
  ManualClock clock_;
  HubOptions options_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Hub> hub_;
};

TEST_F(HubTest, RetriedWriteGetsTheFirstAnswerAlsoAfterARestart) {
  const auto first = Ask(Adjust(5, 1));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*Ask(Adjust(5, 1)), *first);
  Close();
  Open();
  EXPECT_EQ(*Ask(Adjust(5, 1)), *first);
  EXPECT_EQ(OnHand(), 5);
}

TEST_F(HubTest, SameIdWithOtherContentIsADistinctError) {
  ASSERT_TRUE(Ask(Adjust(5, 1)).ok());
  const auto other = Ask(Adjust(6, 1, /*content_hash=*/2));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ledger::ReasonOf(other.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(OnHand(), 5);
}

TEST_F(HubTest, IdsOutsideTheirTimeAreRefused) {
  Write write = Adjust(5, 1);
  write.request_id = RequestId(1, kStart - int64_t{8} * 24 * 3600 * kSecond);
  EXPECT_EQ(ledger::ReasonOf(Ask(std::move(write)).status()), "REQUEST_ID_EXPIRED");
  write = Adjust(5, 1);
  write.request_id = RequestId(1, kStart + int64_t{25} * 3600 * kSecond);
  EXPECT_EQ(ledger::ReasonOf(Ask(std::move(write)).status()), "REQUEST_ID_AHEAD");
  EXPECT_EQ(OnHand(), 0);
}

TEST_F(HubTest, RefusalIsNotKept) {
  EXPECT_FALSE(Ask(Adjust(2'000'000'000, 1)).ok());
  EXPECT_TRUE(Ask(Adjust(2, 1)).ok());
  EXPECT_EQ(OnHand(), 2);
}

TEST_F(HubTest, LostConnectionIsToldAndTheWriteCountsOnce) {
  for (const auto accident : {storage::MemoryDatabase::Accident::kLostBeforeCommit,
                              storage::MemoryDatabase::Accident::kLostAfterCommit}) {
    const int64_t before = OnHand();
    const auto number = static_cast<uint8_t>(10 + static_cast<int>(accident));
    StageAccident(accident);
    const auto answer = Ask(Adjust(3, number));
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ledger::ReasonOf(answer.status()), "OUTCOME_UNKNOWN");
    Await([&] { return OnHand() == before + 3; });
    EXPECT_TRUE(Ask(Adjust(3, number)).ok());
    EXPECT_EQ(OnHand(), before + 3);
  }
  Close();
  Open();
  EXPECT_EQ(OnHand(), 6);
}

TEST_F(HubTest, SecondWriterFencesTheFirst) {
  std::unique_ptr<storage::Store> other_store = storage::NewMemoryStore(database_);
  auto other = Hub::Start(other_store.get(), &clock_, options_);
  ASSERT_TRUE(other.ok()) << other.status();
  const auto answer = Ask(Adjust(5, 1));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  Await([&] { return !hub_->health().ok(); });
  // Reads go on; writes say where to go.
  EXPECT_EQ(OnHand(), 0);
  EXPECT_EQ(ledger::ReasonOf(Ask(Adjust(5, 2)).status()), "NOT_LEADING");
  EXPECT_TRUE((*other)->health().ok());
}

TEST_F(HubTest, StartFromImageAndTailEqualsTheWholeJournal) {
  for (uint8_t i = 1; i <= 20; ++i) ASSERT_TRUE(Ask(Adjust(i, i)).ok());
  hub_->Stop(/*take_image=*/true);
  EXPECT_EQ(hub_->image_revision(), hub_->revision());
  Close();
  Open();
  for (uint8_t i = 21; i <= 30; ++i) ASSERT_TRUE(Ask(Adjust(i, i)).ok());
  EXPECT_EQ(OnHand(), 465);
  hub_->Stop();
  ledger::Ledger replayed(options_.settings);
  storage::JournalHead head;
  auto journal = store_->OpenJournalReader();
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_TRUE(ReplayJournal(**journal, hub_->revision(), head, replayed, nullptr).ok());
  EXPECT_EQ(ledger::EncodeState(replayed.state()), Encoded());
}

TEST_F(HubTest, TimePassesWithoutTraffic) {
  const uint64_t before = hub_->revision();
  clock_.Pass(2 * kSecond);
  Await([&] { return hub_->revision() > before; });
  EXPECT_EQ(
      hub_->Read([](const ledger::Ledger& ledger) { return ledger.state().counters.time_us; }),
      kStart + 2 * kSecond);
}

TEST_F(HubTest, ClockFarFromTheJournalMustBeConfirmed) {
  Close();
  clock_.Pass(-360 * kSecond);
  store_ = storage::NewMemoryStore(database_);
  const auto suspect = Hub::Start(store_.get(), &clock_, options_);
  EXPECT_EQ(ledger::ReasonOf(suspect.status()), "CLOCK_SUSPECT");
  HubOptions confirmed = options_;
  confirmed.confirm_clock = true;
  auto started = Hub::Start(store_.get(), &clock_, confirmed);
  ASSERT_TRUE(started.ok()) << started.status();
  // Ledger time never runs backwards.
  EXPECT_GE((*started)->Read(
                [](const ledger::Ledger& ledger) { return ledger.state().counters.time_us; }),
            kStart);
  hub_ = *std::move(started);
}

TEST_F(HubTest, FullQueueRefusesAtOnce) {
  Close();
  options_.people_queue_max = 2;
  Open();
  std::promise<void> entered;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  Write blocking{.decide = [&](ledger::Group&) -> absl::StatusOr<std::string> {
                   entered.set_value();
                   released.wait();
                   return std::string();
                 },
                 .done = [](absl::StatusOr<std::string>) {}};
  hub_->Submit(std::move(blocking));
  entered.get_future().wait();
  std::vector<std::future<absl::StatusOr<std::string>>> answers;
  std::vector<std::shared_ptr<std::promise<absl::StatusOr<std::string>>>> promises;
  for (uint8_t i = 0; i < 3; ++i) {
    Write write = Adjust(1, static_cast<uint8_t>(40 + i));
    auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
    answers.push_back(promise->get_future());
    write.done = [promise](absl::StatusOr<std::string> answer) {
      promise->set_value(std::move(answer));
    };
    hub_->Submit(std::move(write));
  }
  EXPECT_EQ(ledger::ReasonOf(answers[2].get().status()), "QUEUE_FULL");
  release.set_value();
  EXPECT_TRUE(answers[0].get().ok());
  EXPECT_TRUE(answers[1].get().ok());
}

TEST_F(HubTest, SlowedReportsAreTakenOneByOneAndNoneIsLost) {
  Close();
  std::atomic<bool> slowed{true};
  options_.reports_slowed = [&slowed] { return slowed.load(); };
  Open();
  const absl::StatusOr<ledger::OpenedSource> source = OpenTill();
  ASSERT_TRUE(source.ok()) << source.status();
  std::vector<v1::Batch> batches(6);
  std::atomic<int> done{0};
  const auto started = std::chrono::steady_clock::now();
  for (size_t i = 0; i < batches.size(); ++i) {
    batches[i].set_sequence(i + 1);
    v1::Movement& movement = *batches[i].add_movements();
    movement.set_sku("ball");
    movement.set_kind(v1::MOVEMENT_KIND_RECEIPT);
    movement.set_quantity(1);
    movement.set_occurred_at_us(kStart);
    hub_->SubmitReport({.source = source->source,
                        .spool = source->spool,
                        .batch = &batches[i],
                        .done = [&](absl::StatusOr<ReportResult> result) {
                          EXPECT_TRUE(result.ok());
                          ++done;
                        }});
  }
  Await([&] { return done.load() == 3; });
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(150));
  slowed = false;
  Await([&] { return done.load() == 6; });
  EXPECT_EQ(OnHand(), 6);
  Close();
}

// A person who comes next waits for one report, not for all that wait.
TEST_F(HubTest, BesidePeopleReportsGoOneToAGroup) {
  const absl::StatusOr<ledger::OpenedSource> source = OpenTill();
  ASSERT_TRUE(source.ok()) << source.status();
  std::promise<void> entered;
  std::promise<void> release;
  hub_->Submit({.decide = [&](ledger::Group&) -> absl::StatusOr<std::string> {
                  entered.set_value();
                  release.get_future().wait();
                  return std::string();
                },
                .done = [](absl::StatusOr<std::string>) {}});
  entered.get_future().wait();
  std::vector<v1::Batch> batches(4);
  std::atomic<size_t> done{0};
  std::vector<uint64_t> revisions(batches.size());
  for (size_t i = 0; i < batches.size(); ++i) {
    batches[i].set_sequence(i + 1);
    v1::Movement& movement = *batches[i].add_movements();
    movement.set_sku("ball");
    movement.set_kind(v1::MOVEMENT_KIND_RECEIPT);
    movement.set_quantity(1);
    movement.set_occurred_at_us(kStart);
    hub_->SubmitReport({.source = source->source,
                        .spool = source->spool,
                        .batch = &batches[i],
                        .done = [&, i](absl::StatusOr<ReportResult> result) {
                          EXPECT_TRUE(result.ok());
                          if (result.ok()) revisions[i] = result->revision;
                          ++done;
                        }});
  }
  release.set_value();
  Await([&] { return done.load() == batches.size(); });
  for (size_t i = 1; i < revisions.size(); ++i) EXPECT_LT(revisions[i - 1], revisions[i]);
  Close();
}

// A shop that sells balls, and what becomes of its reservations without anybody asking.
class ReservingHubTest : public HubTest {
 protected:
  ReservingHubTest() {
    v1::BatchUpsertChannelsRequest channels;
    channels.add_channels()->set_channel_id("ship");
    channels.mutable_channels(0)->set_kind(v1::CHANNEL_KIND_SHIP);
    v1::BatchUpsertItemsRequest items;
    items.add_items()->set_sku("ball");
    items.mutable_items(0)->set_published(true);
    const auto made = Ask({.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
      EXPECT_TRUE(ledger::DecideUpsertChannels(group, channels).ok());
      EXPECT_TRUE(ledger::DecideUpsertItems(group, items).ok());
      return std::string();
    }});
    EXPECT_TRUE(made.ok()) << made.status();
  }

  // So many balls for ten seconds.
  static Write Hold(int32_t units, uint8_t number) {
    v1::CreateReservationRequest request;
    request.set_request_id(ledger::ReservationIdText(RequestId(number)));
    request.mutable_basket()->add_lines()->set_sku("ball");
    request.mutable_basket()->mutable_lines(0)->set_units(units);
    request.set_ttl_s(10);
    return {
        .request_id = RequestId(number),
        .content_hash = 1,
        .decide_by_rules = [request](ledger::Group& group,
                                     const ledger::RuleBook& book) -> absl::StatusOr<std::string> {
          auto response = ledger::DecideCreateReservation(group, book, request);
          if (!response.ok()) return response.status();
          return response->SerializeAsString();
        }};
  }
  static Write Buffer(int32_t units) {
    v1::SetRuleRequest request;
    request.mutable_rule()->set_rule_id("buffer");
    request.mutable_rule()->mutable_buffer()->set_units(units);
    request.set_etag("*");
    return {.decide = [request](ledger::Group& group) -> absl::StatusOr<std::string> {
      const auto response = ledger::DecideSetRule(group, request);
      if (!response.ok()) return response.status();
      return std::string();
    }};
  }
  v1::Position Ball() const {
    return hub_->Read([](const ledger::Ledger& ledger) {
      return ledger::PositionOf(ledger.state(), ledger.state().Resolve("ball", 0)->item,
                                *ledger.state().location_ids.Find("bilbao"));
    });
  }
};

TEST_F(ReservingHubTest, AHoldBehindANewRuleIsDecidedByThatRule) {
  ASSERT_TRUE(Ask(Adjust(5, 1)).ok());
  // All of it waits for one group.
  std::promise<void> entered;
  std::promise<void> release;
  hub_->Submit({.decide = [&](ledger::Group&) -> absl::StatusOr<std::string> {
                  entered.set_value();
                  release.get_future().wait();
                  return std::string();
                },
                .done = [](absl::StatusOr<std::string>) {}});
  entered.get_future().wait();
  std::vector<std::future<absl::StatusOr<std::string>>> answers;
  const auto submit = [&](Write write) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
    answers.push_back(promise->get_future());
    write.done = [promise](absl::StatusOr<std::string> answer) {
      promise->set_value(std::move(answer));
    };
    hub_->Submit(std::move(write));
  };
  submit(Hold(3, 2));
  submit(Buffer(2));
  submit(Hold(1, 3));
  submit(Adjust(1, 4));
  submit(Hold(1, 5));
  release.set_value();
  EXPECT_TRUE(answers[0].get().ok());
  EXPECT_TRUE(answers[1].get().ok());
  EXPECT_EQ(ledger::ReasonOf(answers[2].get().status()), "NOT_ENOUGH");
  EXPECT_TRUE(answers[3].get().ok());
  EXPECT_TRUE(answers[4].get().ok());
  EXPECT_EQ(Ball().held(), 4);
}

TEST_F(ReservingHubTest, HoldsEndByThemselvesAndSurviveARestart) {
  ASSERT_TRUE(Ask(Adjust(5, 1)).ok());
  const auto first = Ask(Hold(3, 2));
  ASSERT_TRUE(first.ok()) << first.status();
  hub_->Stop(/*take_image=*/true);
  Close();
  Open();
  EXPECT_EQ(*Ask(Hold(3, 2)), *first);
  EXPECT_EQ(Ball().held(), 3);
  clock_.Pass(10 * kSecond);
  Await([&] { return Ball().held() == 0; });
  EXPECT_EQ(Ball().available(), 5);
}

TEST_F(ReservingHubTest, SupplyThatComesIsGivenToWhoWaitsAlsoAfterARestart) {
  v1::SetRuleRequest rule;
  rule.mutable_rule()->set_rule_id("on");
  rule.mutable_rule()->set_zero_policy(v1::ZERO_POLICY_KEEP_SELLING);
  rule.set_etag("*");
  ASSERT_TRUE(Ask({.decide = [rule](ledger::Group& group) -> absl::StatusOr<std::string> {
                const auto response = ledger::DecideSetRule(group, rule);
                if (!response.ok()) return response.status();
                return std::string();
              }}).ok());
  ASSERT_TRUE(Ask(Hold(3, 2)).ok());
  ASSERT_TRUE(Ask(Adjust(2, 1)).ok());
  Await([&] { return Ball().held() == 2; });
  Close();
  Open();
  ASSERT_TRUE(Ask(Adjust(2, 3)).ok());
  Await([&] { return Ball().held() == 3; });
  EXPECT_EQ(Ball().available(), 1);
}

}  // namespace
}  // namespace onhand::hub
