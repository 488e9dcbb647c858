// A backup that is taken while stores report, restored elsewhere: what was acknowledged before it
// began is there, and what a hub makes of it is one chain, on SQLite and on a MySQL-protocol
// database alike.
#include <signal.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/e2e/questions.h"
#include "tests/e2e/steady_writers.h"
#include "tests/support/mariadb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::HasSubstr;

class BackupProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.Start();
    client::Connection connection = hub_.Connect();
    MakeLocations(connection, {"store"});
    for (int i = 0; i < 3; ++i) {
      senders_.push_back(
          StartSender(hub_.address(), "store", absl::StrCat("sender", i), absl::StrCat("item", i)));
    }
    ASSERT_TRUE(WaitUntil([&] { return senders_[0]->acknowledged() > 100; }));
  }
  std::vector<uint64_t> Acknowledged() const {
    std::vector<uint64_t> acknowledged;
    for (const auto& sender : senders_) acknowledged.push_back(sender->acknowledged());
    return acknowledged;
  }
  static Ended Run(const std::string& command, const std::string& store,
                   std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {HubPath(), command, "--store", store};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunToEnd(arguments);
  }
  static void Expect(const Ended& ended, const std::string& says) {
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(says));
  }
  static std::string JournalId(client::Connection& hub) {
    const absl::StatusOr<v1::GetHubStatusResponse> status =
        hub.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? status->journal_id() : "";
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db")};
  std::vector<std::unique_ptr<SteadyWriter>> senders_;
};

TEST_F(BackupProgramTest, WhatWasAcknowledgedBeforeItIsInABackupUnderLoad) {
  const std::vector<uint64_t> before = Acknowledged();
  Expect(Run("backup", hub_.store(), {"--to", folder_ / "live.backup"}), "holds journal");
  const std::vector<uint64_t> after = Acknowledged();
  EXPECT_GT(after[0], before[0]) << "nothing waits for a backup";

  MariaDb& database = MariaDb::Shared();
  const std::string elsewhere = database.Url(database.CreateDatabase());
  Expect(Run("restore", elsewhere, {"--from", folder_ / "live.backup"}), "restored up to revision");
  Expect(Run("verify", elsewhere), "");
  HubProgram other(elsewhere);
  other.Start();
  client::Connection connection = other.Connect();
  const std::map<std::string, uint64_t> sequences = DurableSequences(connection);
  const std::map<std::string, int64_t> units = OnHand(connection, "store");
  for (size_t i = 0; i < senders_.size(); ++i) {
    const uint64_t sequence = sequences.at(absl::StrCat("sender", i));
    EXPECT_GE(sequence, before[i]);
    EXPECT_EQ(units.at(absl::StrCat("item", i)), static_cast<int64_t>(sequence));
  }
  client::Connection first = hub_.Connect();
  EXPECT_NE(JournalId(connection), JournalId(first));
  EXPECT_EQ(other.Stop(), 0);
  Expect(Run("verify", elsewhere), "byte for byte");

  // And back, from there to a file.
  Expect(Run("backup", elsewhere, {"--to", folder_ / "back.backup"}), "holds journal");
  const std::string back = "sqlite:" + (folder_ / "back.db");
  Expect(Run("restore", back, {"--from", folder_ / "back.backup"}), "restored up to revision");
  HubProgram third(back);
  third.Start();
  client::Connection third_connection = third.Connect();
  EXPECT_EQ(OnHand(third_connection, "store"), units);
  EXPECT_EQ(DurableSequences(third_connection), sequences);
  EXPECT_EQ(third.Stop(), 0);
  Expect(Run("verify", back), "byte for byte");
}

TEST_F(BackupProgramTest, ARestoreThatWasBrokenOffIsNoStore) {
  senders_.clear();
  EXPECT_EQ(hub_.Stop(), 0);
  Expect(Run("backup", hub_.store(), {"--to", folder_ / "a.backup"}), "");
  int broken_off = 0;
  for (int attempt = 0; attempt < 30; ++attempt) {
    const std::string path = folder_ / absl::StrCat("half", attempt, ".db");
    Process restore(
        {HubPath(), "restore", "--store", "sqlite:" + path, "--from", folder_ / "a.backup"});
    WaitUntil([&] { return std::filesystem::exists(path); });
    absl::SleepFor(absl::Milliseconds(attempt * 3));
    restore.Kill();
    const Ended served = RunToEnd({HubPath(), "compact", "--store", "sqlite:" + path});
    if (served.exit_code == 0) continue;  // it was whole, or had not begun
    EXPECT_THAT(served.err, ::testing::AnyOf(HasSubstr("a restore into it was broken off"),
                                             HasSubstr("onhandd migrate")));
    if (served.err.find("broken off") != std::string::npos) ++broken_off;
  }
  EXPECT_GT(broken_off, 0) << "no restore was caught half-way";
}

TEST_F(BackupProgramTest, WhatWouldLoseSomethingIsRefused) {
  Expect(Run("backup", hub_.store(), {"--to", folder_ / "a.backup"}), "");
  const Ended again = Run("backup", hub_.store(), {"--to", folder_ / "a.backup"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  // While a hub serves it.
  EXPECT_THAT(Run("restore", hub_.store(), {"--from", folder_ / "a.backup"}).err,
              HasSubstr("hub.db"));
  EXPECT_THAT(Run("compact", hub_.store()).err, HasSubstr("hub.db"));
  senders_.clear();
  EXPECT_EQ(hub_.Stop(), 0);
  const Ended full = Run("restore", hub_.store(), {"--from", folder_ / "a.backup"});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("restore into an empty database or a new file"));
  hub_.Start();
}

TEST_F(BackupProgramTest, CompactingDropsRowsAndNothingElse) {
  std::vector<uint64_t> sent;
  for (auto& sender : senders_) sent.push_back(sender->Finish());
  senders_.clear();
  EXPECT_EQ(hub_.Stop(), 0);
  const auto bytes = std::filesystem::file_size(folder_ / "hub.db");
  const Ended compacted = Run("compact", hub_.store());
  Expect(compacted, "the journal had ");
  EXPECT_LT(std::filesystem::file_size(folder_ / "hub.db"), bytes);
  Expect(Run("verify", hub_.store()), "byte for byte");
  hub_.Start();
  client::Connection connection = hub_.Connect();
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(OnHand(connection, "store")[absl::StrCat("item", i)], static_cast<int64_t>(sent[i]));
  }
}

}  // namespace
}  // namespace onhand::testing
