#include "server/hub/answers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <utility>
#include <vector>

namespace onhand::hub {
namespace {

std::vector<Answers::Finish> One(Answers::Finish finish) {
  std::vector<Answers::Finish> finishes;
  finishes.push_back(std::move(finish));
  return finishes;
}

TEST(Answers, AreGivenOnceEachInTheOrderOfTheirGroups) {
  std::vector<int> given;  // by the answering thread, until Stop has returned
  {
    Answers answers;
    for (int group = 0; group < 100; ++group) {
      answers.Hand({[&, group](const absl::Status&) { given.push_back(2 * group); },
                    [&, group](const absl::Status&) { given.push_back(2 * group + 1); }},
                   absl::OkStatus());
    }
    answers.Stop();
  }
  ASSERT_EQ(given.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(given[static_cast<size_t>(i)], i);
}

TEST(Answers, SayWhatBecameOfTheGroup) {
  Answers answers;
  std::promise<absl::Status> told;
  answers.Hand(One([&](const absl::Status& outcome) { told.set_value(outcome); }),
               absl::UnavailableError("fenced"));
  EXPECT_EQ(told.get_future().get(), absl::UnavailableError("fenced"));
}

// The groups behind one that is slow to answer are decided and committed all the same.
TEST(Answers, HandingOverDoesNotWaitForTheGroupBefore) {
  Answers answers;
  std::promise<void> may_go;
  std::future<void> gone = may_go.get_future();
  answers.Hand(One([&](const absl::Status&) { gone.wait(); }), absl::OkStatus());
  std::promise<void> second;
  answers.Hand(One([&](const absl::Status&) { second.set_value(); }), absl::OkStatus());
  may_go.set_value();
  second.get_future().wait();
}

TEST(Answers, GivingWaitsForWhatWasHandedOverBefore) {
  Answers answers;
  std::promise<void> may_go;
  std::shared_future<void> gone = may_go.get_future().share();
  bool first_given = false;
  answers.Hand(One([&](const absl::Status&) {
                 gone.wait();
                 first_given = true;
               }),
               absl::OkStatus());
  const std::future<void> giving = std::async(std::launch::async, [&] {
    answers.Give(One([&](const absl::Status&) { EXPECT_TRUE(first_given); }), absl::OkStatus());
  });
  EXPECT_EQ(giving.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  may_go.set_value();
  giving.wait();
  EXPECT_TRUE(first_given);
}

}  // namespace
}  // namespace onhand::hub
