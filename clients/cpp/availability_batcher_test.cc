// How single questions share calls, and that each caller gets what concerns it.
#include "clients/cpp/availability_batcher.h"

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/scripted_hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(10);

class AvailabilityBatcherTest : public ::testing::Test {
 protected:
  using Answer = absl::StatusOr<v1::Availability>;

  // Asks from a thread of its own; the answer comes to `place`.
  void Ask(const std::string& sku, Answer* place) {
    threads_.emplace_back([this, sku, place] { *place = batcher_->Get(sku, kPatience); });
  }
  // Keeps the batcher busy with a call about `sku` until LetGo.
  void Occupy(const std::string& sku) {
    hub_.HoldBatches(true);
    Ask(sku, &first_);
    while (hub_.batches().empty()) absl::SleepFor(absl::Milliseconds(1));
  }
  // Waits until `count` questions have been asked and lets the calls go.
  void LetGo() {
    // Nothing outside tells that a thread has queued its question; those that come later only make
    // one more call, which the tests that count calls allow for.
    absl::SleepFor(absl::Milliseconds(100));
    hub_.HoldBatches(false);
  }
  void JoinAll() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  ScriptedHub hub_;
  Connection connection_{hub_.Options()};
  std::unique_ptr<AvailabilityBatcher> batcher_ =
      std::make_unique<AvailabilityBatcher>(&connection_, "web");
  std::vector<std::thread> threads_;
  Answer first_ = absl::UnknownError("not answered");
};

TEST_F(AvailabilityBatcherTest, OneQuestionIsOneCall) {
  hub_.SetAnswer(AnswerOf("shirt", 3, 7));
  const Answer answer = batcher_->Get("shirt", kPatience);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->max_quantity(), 3);
  EXPECT_THAT(hub_.batches(), ElementsAre(ElementsAre("shirt")));
}

TEST_F(AvailabilityBatcherTest, WhatGathersDuringACallGoesIntoTheNext) {
  constexpr int kCallers = 50;
  for (int i = 0; i < kCallers; ++i) hub_.SetAnswer(AnswerOf(absl::StrCat("sku-", i), i, 7));
  Occupy("sku-0");
  std::vector<Answer> answers(kCallers, absl::UnknownError("not answered"));
  for (int i = 0; i < kCallers; ++i) Ask(absl::StrCat("sku-", i), &answers[static_cast<size_t>(i)]);
  LetGo();
  JoinAll();
  for (int i = 0; i < kCallers; ++i) {
    ASSERT_TRUE(answers[static_cast<size_t>(i)].ok());
    EXPECT_EQ(answers[static_cast<size_t>(i)]->sku(), absl::StrCat("sku-", i));
    EXPECT_EQ(answers[static_cast<size_t>(i)]->max_quantity(), i);
  }
  EXPECT_LE(hub_.batches().size(), 5u);
}

TEST_F(AvailabilityBatcherTest, ManyWhoWantTheSameAskOnce) {
  hub_.SetAnswer(AnswerOf("shirt", 3, 7));
  Occupy("shirt");
  std::vector<Answer> answers(20, absl::UnknownError("not answered"));
  for (Answer& answer : answers) Ask("shirt", &answer);
  LetGo();
  JoinAll();
  for (const Answer& answer : answers) EXPECT_EQ(answer->max_quantity(), 3);
  for (const auto& batch : hub_.batches()) EXPECT_THAT(batch, ElementsAre("shirt"));
}

TEST_F(AvailabilityBatcherTest, OneCallersBadSkuIsNobodyElses) {
  hub_.SetAnswer(AnswerOf("shirt", 3, 7));
  Occupy("shirt");
  std::vector<Answer> answers(5, absl::UnknownError("not answered"));
  Ask("shirt", &answers[0]);
  Ask("shoe", &answers[1]);
  Ask("", &answers[2]);
  Ask("bad \xFF bytes", &answers[3]);
  Ask(std::string(65, 'x'), &answers[4]);
  LetGo();
  JoinAll();
  EXPECT_TRUE(answers[0].ok()) << answers[0].status();
  EXPECT_EQ(answers[1].status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(RefusalOf(answers[1].status()).reason, "UNKNOWN_ITEM");
  EXPECT_EQ(RefusalOf(answers[1].status()).value, "shoe");
  for (size_t i = 2; i < 5; ++i) EXPECT_EQ(RefusalOf(answers[i].status()).reason, "INVALID_SKU");
}

TEST_F(AvailabilityBatcherTest, ARefusedCallRefusesEverybodyInIt) {
  hub_.FailBatches(HubRefusal(grpc::StatusCode::NOT_FOUND, "UNKNOWN_CHANNEL"));
  EXPECT_EQ(RefusalOf(batcher_->Get("shirt", kPatience).status()).reason, "UNKNOWN_CHANNEL");
  hub_.FailBatches(grpc::Status::OK);
  hub_.SetAnswer(AnswerOf("shirt", 3, 7));
  EXPECT_TRUE(batcher_->Get("shirt", kPatience).ok());
}

TEST_F(AvailabilityBatcherTest, ACallHoldsAThousandSkus) {
  constexpr int kCallers = 1200;
  Occupy("first");
  std::vector<Answer> answers(kCallers, absl::UnknownError("not answered"));
  for (int i = 0; i < kCallers; ++i) Ask(absl::StrCat("sku-", i), &answers[static_cast<size_t>(i)]);
  LetGo();
  JoinAll();
  for (const Answer& answer : answers) EXPECT_TRUE(absl::IsNotFound(answer.status()));
  for (const auto& batch : hub_.batches()) EXPECT_LE(batch.size(), 1000u);
}

TEST_F(AvailabilityBatcherTest, NobodyWaitsLongerThanItWantsTo) {
  Occupy("first");
  const absl::Time start = absl::Now();
  const Answer answer = batcher_->Get("shirt", absl::Milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  LetGo();
  JoinAll();
}

TEST_F(AvailabilityBatcherTest, WhoeverStillWaitsAtTheEndIsTold) {
  Occupy("first");
  Answer late = absl::UnknownError("not answered");
  Ask("shirt", &late);
  std::thread ending([this] { batcher_->Stop(); });
  LetGo();
  ending.join();
  JoinAll();
  EXPECT_TRUE(absl::IsCancelled(late.status()) || absl::IsNotFound(late.status())) << late.status();
}

}  // namespace
}  // namespace onhand::client
