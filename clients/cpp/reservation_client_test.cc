// That every step is done exactly once, whatever is lost and whoever dies.
#include "clients/cpp/reservation_client.h"

#include <filesystem>
#include <string>
#include <vector>

#include "clients/cpp/file_request_store.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/scripted_hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Accident = ScriptedHub::Accident;

class ReservationClientTest : public ::testing::Test {
 protected:
  ReservationClientTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "onhand-hold-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    Start();
  }
  ~ReservationClientTest() override {
    client_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // The program's start, also after a crash: only the file is left of it.
  void Start() {
    client_.reset();
    store_.reset();
    store_ = *FileRequestStore::Open((folder_ / "requests").string());
    client_ = *ReservationClient::Open(&connection_, store_.get());
  }

  static v1::CreateReservationRequest Wish(const std::string& sku) {
    v1::CreateReservationRequest request;
    v1::BasketLine& line = *request.mutable_basket()->add_lines();
    line.set_sku(sku);
    line.set_units(1);
    return request;
  }
  std::vector<FinishedStep> Finish() {
    std::vector<FinishedStep> finished;
    finish_status_ = client_->Finish([&](const FinishedStep& step) { finished.push_back(step); });
    return finished;
  }

  std::filesystem::path folder_;
  ScriptedHub hub_;
  Connection connection_{hub_.Options()};  // two attempts
  std::unique_ptr<FileRequestStore> store_;
  std::unique_ptr<ReservationClient> client_;
  absl::Status finish_status_;
};

TEST_F(ReservationClientTest, AnAnsweredStepLeavesNothingBehind) {
  const auto created = client_->Create("cart", Wish("shirt"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->reservation().reservation_id(), hub_.done()[0]);
  EXPECT_EQ(client_->unfinished(), 0u);
  Start();
  EXPECT_THAT(Finish(), IsEmpty());
}

TEST_F(ReservationClientTest, AskingAgainAfterALostAnswerIsTheSameStep) {
  hub_.Expect({Accident::kLostAnswer, Accident::kLostRequest});
  EXPECT_TRUE(absl::IsUnavailable(client_->Create("cart", Wish("shirt")).status()));
  EXPECT_EQ(client_->unfinished(), 1u);
  const auto created = client_->Create("cart", Wish("shirt"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_THAT(hub_.done(), ElementsAre(created->reservation().reservation_id()));
  EXPECT_THAT(hub_.steps(), SizeIs(3));
  // Answered, so the next one of that name is another.
  ASSERT_TRUE(client_->Create("cart", Wish("shirt")).ok());
  EXPECT_THAT(hub_.done(), SizeIs(2));
}

TEST_F(ReservationClientTest, ACrashBetweenRequestAndAnswerIsFinishedAfterTheNextStart) {
  hub_.Expect({Accident::kLostAnswer, Accident::kLostAnswer});
  EXPECT_FALSE(client_->Create("cart", Wish("shirt")).ok());
  Start();
  EXPECT_EQ(client_->unfinished(), 1u);
  const std::vector<FinishedStep> finished = Finish();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_TRUE(finish_status_.ok());
  EXPECT_EQ(finished[0].name, "cart");
  EXPECT_TRUE(finished[0].status.ok());
  EXPECT_THAT(hub_.done(), ElementsAre(finished[0].reservation->reservation_id()));
  EXPECT_EQ(client_->unfinished(), 0u);
  Start();
  EXPECT_THAT(Finish(), IsEmpty());
}

TEST_F(ReservationClientTest, WhatTheProgramHasNotHeardIsToldAgain) {
  hub_.Expect({Accident::kLostAnswer, Accident::kLostAnswer});
  EXPECT_FALSE(client_->Create("cart", Wish("shirt")).ok());
  Start();
  const std::string copy = (folder_ / "crashed").string();
  std::ignore = client_->Finish([&](const FinishedStep&) {
    std::filesystem::copy_file(folder_ / "requests", copy);  // as a crash would leave it
  });
  client_.reset();
  store_.reset();
  std::filesystem::rename(copy, folder_ / "requests");
  Start();
  EXPECT_THAT(Finish(), SizeIs(1));
  EXPECT_THAT(hub_.done(), SizeIs(1));
}

TEST_F(ReservationClientTest, ANameWithoutAnAnswerIsNotGivenToAnotherWish) {
  hub_.Expect({Accident::kLostAnswer, Accident::kLostAnswer});
  EXPECT_FALSE(client_->Create("cart", Wish("shirt")).ok());
  const auto other = client_->Create("cart", Wish("shoe"));
  EXPECT_EQ(RefusalOf(other.status()).reason, "UNFINISHED_REQUEST");
  EXPECT_TRUE(client_->Create("another cart", Wish("shirt")).ok());
  EXPECT_THAT(hub_.done(), SizeIs(2));
}

TEST_F(ReservationClientTest, ARefusalIsFinal) {
  hub_.Expect({Accident::kRefused});
  const auto refused = client_->Create("cart", Wish("shirt"));
  EXPECT_EQ(RefusalOf(refused.status()).reason, "NOT_ENOUGH");
  EXPECT_EQ(client_->unfinished(), 0u);
}

TEST_F(ReservationClientTest, AFailureThatIsNoRefusalKeepsTheStep) {
  hub_.Expect({Accident::kBroken, Accident::kBroken});
  EXPECT_FALSE(client_->Create("cart", Wish("shirt")).ok());
  EXPECT_EQ(client_->unfinished(), 1u);
  EXPECT_THAT(Finish(), IsEmpty());
  EXPECT_EQ(finish_status_.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Finish(), SizeIs(1));
  EXPECT_THAT(hub_.done(), SizeIs(1));
}

TEST_F(ReservationClientTest, AFreshIdThatTheHubsClockRefusesIsMadeAnew) {
  hub_.Expect({Accident::kTooOld});
  EXPECT_TRUE(client_->Create("cart", Wish("shirt")).ok());
  ASSERT_THAT(hub_.steps(), SizeIs(2));
  EXPECT_NE(hub_.steps()[0].second, hub_.steps()[1].second);
}

TEST_F(ReservationClientTest, AnIdFromBeforeThatTheHubHasForgottenIsNotMadeAnew) {
  hub_.Expect({Accident::kLostRequest, Accident::kLostRequest});
  EXPECT_FALSE(client_->Create("cart", Wish("shirt")).ok());
  hub_.Expect({Accident::kTooOld});
  const std::vector<FinishedStep> finished = Finish();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_TRUE(IsClockRefusal(finished[0].status));
  EXPECT_THAT(hub_.done(), IsEmpty());
}

// Each step is lost once on either way, and then finished by a program that has started anew.
TEST_F(ReservationClientTest, EveryStepOfAReservationsLifeIsFinished) {
  const std::vector<std::pair<std::string, std::function<absl::Status()>>> steps = {
      {"CreateReservation", [&] { return client_->Create("cart", Wish("shirt")).status(); }},
      {"ExtendReservation", [&] { return client_->Extend({}).status(); }},
      {"CommitReservation", [&] { return client_->Commit({}).status(); }},
      {"PickReservation", [&] { return client_->Pick({}).status(); }},
      {"FulfilReservation", [&] { return client_->Fulfil({}).status(); }},
      {"ReleaseReservation", [&] { return client_->Release({}).status(); }},
      {"ReassignLine", [&] { return client_->Reassign({}).status(); }},
      {"FailPick", [&] { return client_->FailPick({}).status(); }},
  };
  for (const auto& [method, ask] : steps) {
    hub_.Expect({Accident::kLostAnswer, Accident::kLostRequest});
    EXPECT_TRUE(absl::IsUnavailable(ask())) << method;
    EXPECT_EQ(hub_.steps().back().first, method);
  }
  EXPECT_THAT(hub_.done(), SizeIs(steps.size()));
  Start();
  const std::vector<FinishedStep> finished = Finish();
  ASSERT_THAT(finished, SizeIs(steps.size()));
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(finished[i].method, steps[i].first);
    EXPECT_TRUE(finished[i].status.ok()) << finished[i].status;
  }
  EXPECT_THAT(hub_.done(), SizeIs(steps.size()));
}

}  // namespace
}  // namespace onhand::client
