// The hub is killed while its writers wait for the journal: between append and apply, or in the
// middle of either. What stands in the journal is what the hub shows after its next start: no batch
// that was acknowledged is missing, and each sequence brought its unit exactly once.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/e2e/questions.h"
#include "tests/e2e/steady_writers.h"
#include "tests/e2e/till.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

constexpr int kSenders = 6;

int KillsFromEnvironment() {
  const char* text = std::getenv("ONHAND_KILLS");
  int kills = 0;
  return text != nullptr && absl::SimpleAtoi(text, &kills) ? kills : 12;
}

TEST(JournalKillTest, WhatTheJournalKeptIsWhatTheNextStartShows) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start();
  client::Connection connection = hub.Connect();
  MakeLocations(connection, {"store"});
  std::vector<std::unique_ptr<SteadyWriter>> senders;
  senders.reserve(kSenders);
  for (int i = 0; i < kSenders; ++i) {
    senders.push_back(
        StartSender(hub.address(), "store", absl::StrCat("sender", i), absl::StrCat("item", i)));
  }
  const int kills = KillsFromEnvironment();
  for (int kill = 0; kill < kills && !::testing::Test::HasFailure(); ++kill) {
    const uint64_t before = senders[0]->acknowledged();
    ASSERT_TRUE(WaitUntil([&] { return senders[0]->acknowledged() > before; }));
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(0, 150)(random)));
    EXPECT_TRUE(hub.IsRunning()) << hub.log();
    hub.Kill();
    std::vector<uint64_t> acknowledged;
    acknowledged.reserve(senders.size());
    for (const auto& sender : senders) acknowledged.push_back(sender->acknowledged());
    // Every fourth time against a replay of the journal from its first row on.
    if (kill % 4 == 0) {
      const Ended verified = hub.Verify();
      EXPECT_EQ(verified.exit_code, 0) << verified.err;
    }
    hub.Start();
    // The senders go on meanwhile, so the units, asked for later, may only be more.
    const std::map<std::string, uint64_t> sequences = DurableSequences(connection);
    const Numbers units = OnHand(connection, "store");
    for (int i = 0; i < kSenders; ++i) {
      const uint64_t sequence = sequences.at(absl::StrCat("sender", i));
      EXPECT_GE(sequence, acknowledged[static_cast<size_t>(i)]) << "an acknowledged batch is lost";
      EXPECT_GE(units.at(absl::StrCat("item", i)), static_cast<int64_t>(sequence));
    }
  }
  for (int i = 0; i < kSenders; ++i) {
    const uint64_t sent = senders[static_cast<size_t>(i)]->Finish();
    EXPECT_EQ(OnHand(connection, "store")[absl::StrCat("item", i)], static_cast<int64_t>(sent));
  }
  EXPECT_EQ(hub.Stop(), 0) << hub.log();
  const Ended verified = hub.Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace onhand::testing
