// Exports as tills really write them, through the agent to a real hub: what can be understood is
// taken, the rest is kept aside with its reason, and the next file is read.
#include <filesystem>
#include <string>

#include "tests/integration/hub_fixture.h"
#include "tests/support/process.h"

namespace onhand::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExportTest : public HubFixture {
 protected:
  void SetUp() override {
    HubFixture::SetUp();
    Tell("stock_0.csv", "sku,quantity\na,10\nb,20\n");
    AwaitOnHand({{"a", 10}, {"b", 20}});
  }

  std::string Drop() const {
    std::filesystem::create_directories(folder_ / "drop");
    return folder_ / "drop";
  }
  void Tell(const std::string& name, const std::string& content) {
    WriteFile(Drop() + "/" + name, content);
    const AgentProgram agent(hub().address(), {"--location", location_id(), "--source",
                                               "csv:" + Drop(), "--spool", folder_ / "spool"});
    const Ended ended = agent.RunOnce();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
  void AwaitOnHand(const std::vector<std::pair<std::string, int64_t>>& numbers) {
    WaitUntil([&] { return OnHand() == numbers; }, absl::Seconds(5));
    EXPECT_EQ(OnHand(), numbers);
  }
  std::string Rejected(const std::string& name) const {
    return ReadFile(Drop() + "/rejected/" + name);
  }
  // A bad file must not stand in the next one's way.
  void ExpectTheNextFileIsTaken() {
    Tell("stock_9.csv", "sku,quantity\na,11\nb,21\n");
    AwaitOnHand({{"a", 11}, {"b", 21}});
  }

 private:
  TempFolder folder_;
};

TEST_F(ExportTest, BrokenLinesAreListedAndTheOthersTaken) {
  Tell("sales_1.csv",
       "sku,quantity,occurred_at\na,1,2026-01-02 10:00:00\nb,many,2026-01-02 10:00:00\n"
       ",1,2026-01-02 10:00:00\nb,1,not a time\nb,1\n\"b,1,2026-01-02 10:00:00\n");
  const std::string rejected = Rejected("sales_1.csv.rejected.csv");
  EXPECT_THAT(rejected, AllOf(HasSubstr("sales_1.csv:3"), HasSubstr("many"),
                              HasSubstr("not a time"), HasSubstr("quote")));
  Tell("sales_2.csv", "sku,quantity\na,2\n");
  AwaitOnHand({{"a", 8}, {"b", 20}});
  ExpectTheNextFileIsTaken();
}

TEST_F(ExportTest, Windows1252IsUnderstood) {
  Tell("Bestand_1.csv", "Artikel;Bestand\r\na;12\r\nb;22\r\nM\xfctze;5\r\n");
  AwaitOnHand({{"M\xc3\xbctze", 5}, {"a", 12}, {"b", 22}});
}

TEST_F(ExportTest, TwoRowsOfASkuRejectTheSnapshotByName) {
  Tell("stock_1.csv", "sku,quantity\na,5\nb,6\na,7\n");
  EXPECT_THAT(Rejected("stock_1.csv.reason"),
              AllOf(HasSubstr("REPEATED_SKU"), HasSubstr("line 2"), HasSubstr("line 4")));
  AwaitOnHand({{"a", 10}, {"b", 20}});
  ExpectTheNextFileIsTaken();
}

TEST_F(ExportTest, ATruncatedSnapshotIsRejectedAsAWhole) {
  Tell("stock_1.csv", "sku,name,quantity\na,Ball,5\nb,Rack");
  EXPECT_THAT(Rejected("stock_1.csv.reason"), HasSubstr("SNAPSHOT_TRUNCATED"));
  AwaitOnHand({{"a", 10}, {"b", 20}});
  ExpectTheNextFileIsTaken();
}

TEST_F(ExportTest, ASnapshotWithoutOneRowIsRejected) {
  Tell("stock_1.csv", "sku,quantity\n");
  EXPECT_THAT(Rejected("stock_1.csv.reason"), HasSubstr("SNAPSHOT_EMPTY"));
  Tell("stock_2.csv", "");
  EXPECT_THAT(Rejected("stock_2.csv.reason"), HasSubstr("FILE_EMPTY"));
  AwaitOnHand({{"a", 10}, {"b", 20}});
  ExpectTheNextFileIsTaken();
}

TEST_F(ExportTest, ColumnsThatNobodyKnowsRejectTheFile) {
  Tell("stock_1.csv", "colour,mood\nred,good\n");
  EXPECT_THAT(Rejected("stock_1.csv.reason"),
              AllOf(HasSubstr("UNKNOWN_COLUMNS"), HasSubstr("colour")));
  ExpectTheNextFileIsTaken();
}

TEST_F(ExportTest, WhatOnlyTheHubCanSeeIsInItsQuarantine) {
  // Within what a row may say, beyond what a position holds.
  Tell("receipts_1.csv", "sku,quantity\na,1000000000\na,1000000000\na,1000000000\nb,1\n");
  EXPECT_THAT(Quarantined(), ElementsAre(HasReason("QUANTITY_OUT_OF_RANGE")));
  AwaitOnHand({{"a", 2'000'000'010}, {"b", 21}});
}

}  // namespace
}  // namespace onhand::testing
