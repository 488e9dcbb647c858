// What can happen to a store's computer: its spool is wiped, rolled back to an old copy, or copied
// to a second machine. The agent and a real hub find out, and neither double nor lose a sale.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/questions.h"
#include "tests/e2e/till.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

namespace fs = std::filesystem;

class SpoolAccidentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.Start();
    MakeLocations(connection_, {"store"});
    for (int i = 0; i < 5; ++i) till_.DropSales(30);
    TellAll();
  }

  std::string Drop() {
    fs::create_directories(folder_ / "drop");
    return folder_ / "drop";
  }
  AgentProgram Agent(const std::string& drop, const std::string& spool) const {
    return AgentProgram(hub_.address(), {"--location", "store", "--source", "csv:" + drop,
                                         "--spool", spool, "--batch-rows", "10"});
  }
  void TellAll() {
    const Ended ended = Agent(Drop(), folder_ / "spool").RunOnce();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
  // The hub decides a snapshot after its END was acknowledged.
  void ExpectAllCountedOnce() {
    WaitUntil([&] { return OnHand(connection_, "store") == till_.Expected(); }, absl::Seconds(5));
    EXPECT_EQ(OnHand(connection_, "store"), till_.Expected());
    EXPECT_TRUE(Quarantined(connection_).empty());
  }
  // The spool with everything that SQLite keeps beside it.
  void CopySpool(const std::string& from, const std::string& to) {
    for (const char* ending : {"", "-wal", "-shm"}) {
      fs::remove(to + ending);
      if (fs::exists(from + ending)) fs::copy_file(from + ending, to + ending);
    }
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db")};
  client::Connection connection_ = hub_.Connect();
  Till till_{"store", Drop(), 20, 11};
};

TEST_F(SpoolAccidentTest, AWipedSpoolContinuesWhereTheHubIs) {
  ExpectAllCountedOnce();
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(folder_ / "spool" + ending);
  till_.DropSales(45);
  TellAll();
  ExpectAllCountedOnce();
}

TEST_F(SpoolAccidentTest, ARolledBackSpoolContinuesWhereTheHubIs) {
  CopySpool(folder_ / "spool", folder_ / "backup");
  for (int i = 0; i < 3; ++i) till_.DropSales(25);
  TellAll();
  ExpectAllCountedOnce();
  CopySpool(folder_ / "backup", folder_ / "spool");
  till_.DropSales(35);
  TellAll();
  ExpectAllCountedOnce();
}

TEST_F(SpoolAccidentTest, ARolledBackSpoolAndFolderTellWhatIsNew) {
  CopySpool(folder_ / "spool", folder_ / "backup");
  fs::copy(Drop(), folder_ / "drop-backup", fs::copy_options::recursive);
  till_.DropSales(25);
  TellAll();
  ExpectAllCountedOnce();
  CopySpool(folder_ / "backup", folder_ / "spool");
  fs::remove_all(Drop());
  fs::copy(folder_ / "drop-backup", Drop(), fs::copy_options::recursive);
  till_.DropSales(35);
  TellAll();
  ExpectAllCountedOnce();
}

TEST_F(SpoolAccidentTest, AClonedSpoolIsToldApartAndBothMachinesCount) {
  fs::create_directories(folder_ / "drop2");
  CopySpool(folder_ / "spool", folder_ / "clone");
  till_.DropSales(25);
  TellAll();
  // The clone's machine has its own folder, and sales that the first one does not know.
  const fs::path sales = folder_.path() / "drop2" / "sales_of_clone.csv";
  WriteFile(sales, "sku,qty,occurred_at\nclone-item,3,2026-01-01 10:00:00\n");
  const Ended clone = Agent(folder_ / "drop2", folder_ / "clone").RunOnce();
  EXPECT_EQ(clone.exit_code, 0) << clone.err;
  till_.DropSales(35);
  TellAll();
  Numbers expected = till_.Expected();
  expected["clone-item"] = -3;
  WaitUntil([&] { return OnHand(connection_, "store") == expected; }, absl::Seconds(5));
  EXPECT_EQ(OnHand(connection_, "store"), expected);
}

TEST_F(SpoolAccidentTest, ASecondAgentOfASourceStopsTheFirstUntilAPersonLooks) {
  AgentProgram first = Agent(Drop(), folder_ / "spool");
  first.Launch();
  ASSERT_TRUE(WaitUntil([&] { return first.log().find("connected to hub") != std::string::npos; }));
  fs::create_directories(folder_ / "drop2");
  CopySpool(folder_ / "spool", folder_ / "clone");
  AgentProgram second = Agent(folder_ / "drop2", folder_ / "clone");
  second.Launch();
  EXPECT_EQ(first.Wait(), 4) << first.log();
  EXPECT_EQ(Agent(Drop(), folder_ / "spool").RunOnce().exit_code, 4);
  EXPECT_EQ(second.Stop(), 0) << second.log();
  till_.DropSales(5);
  EXPECT_EQ(Agent(Drop(), folder_ / "spool").RunOnce({"--take-over"}).exit_code, 0);
  ExpectAllCountedOnce();
}

}  // namespace
}  // namespace onhand::testing
