// The sources: what they tell, where they stand, and what they tell again.
#include "clients/agent/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "clients/agent/csv_source.h"
#include "clients/agent/sql_source.h"
#include "clients/agent/stdin_source.h"
#include "clients/agent/taken_ids.h"
#include "clients/agent/test_folder.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr absl::Duration kPoll = absl::Milliseconds(5);

class CsvSourceTest : public testing::Test {
 protected:
  CsvSourceTest() { spdlog::set_level(spdlog::level::off); }

  std::unique_ptr<CsvSource> Open(const std::string& position = "",
                                  std::vector<std::string> locations = {"S1"}) {
    auto folder = DropFolder::Open({folder_.path().string(), std::move(locations), kPoll});
    EXPECT_TRUE(folder.ok()) << folder.status();
    auto source = std::make_unique<CsvSource>(*std::move(folder), files::Mapping(), kPoll);
    recognized_ = *source->Seek(position);
    return source;
  }
  static Chunk Read(CsvSource& source, int rows_max = 1000) {
    absl::StatusOr<Chunk> chunk = source.Read(rows_max, absl::Seconds(2));
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    return chunk.ok() ? *std::move(chunk) : Chunk();
  }
  static std::vector<std::string> Skus(const Chunk& chunk) {
    std::vector<std::string> skus;
    for (const v1::Movement& movement : chunk.news.movements()) skus.push_back(movement.sku());
    return skus;
  }

  TestFolder folder_;
  bool recognized_ = false;
};

TEST_F(CsvSourceTest, AFileIsTakenOnceItsSizeAndTimeAreStable) {
  auto source = Open();
  folder_.Write("sales.csv", "sku,qty\nA,1\n");
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("A"));
  EXPECT_FALSE(fs::exists(folder_ / "sales.csv"));
}

TEST_F(CsvSourceTest, AFileThatStillGrowsWaits) {
  auto folder = DropFolder::Open({folder_.path().string(), {"S1"}, absl::Seconds(2)});
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  folder_.Write("sales.csv", "sku,qty\nA,1\n");
  EXPECT_FALSE(*(*folder)->Look(now));
  folder_.Write("sales.csv", "sku,qty\nA,1\nB,2\n");
  EXPECT_FALSE(*(*folder)->Look(now + absl::Seconds(3)));
  EXPECT_FALSE(*(*folder)->Look(now + absl::Seconds(4)));
  EXPECT_TRUE(*(*folder)->Look(now + absl::Seconds(5)));
}

TEST_F(CsvSourceTest, ADoneMarkerNeedsNoSecondLookAndUnfinishedNamesAreLeft) {
  folder_.Drop("sales.csv", "sku,qty\nA,1\n");
  folder_.Write("sales2.csv.part", "sku,qty\n");
  auto folder = DropFolder::Open({folder_.path().string(), {"S1"}, absl::Hours(1)});
  EXPECT_TRUE(*(*folder)->Look(absl::Now()));
  EXPECT_THAT(folder_.Names("taking"), SizeIs(1));
  EXPECT_FALSE(fs::exists(folder_ / "sales.csv.done"));
  EXPECT_TRUE(fs::exists(folder_ / "sales2.csv.part"));
}

TEST_F(CsvSourceTest, ItGoesOnBehindThePositionAndReadsDoneFilesAgain) {
  folder_.Drop("sales.csv", "sku,qty\nA,1\nbroken\nB,1\nC,1\n");
  auto source = Open();
  const Chunk first = Read(*source, 2);
  EXPECT_THAT(Skus(first), ElementsAre("A", "B"));
  const Chunk rest = Read(*source, 2);
  EXPECT_THAT(Skus(rest), ElementsAre("C"));
  ASSERT_TRUE(source->Taken().ok());
  EXPECT_THAT(folder_.Names("done"), SizeIs(1));

  EXPECT_THAT(Skus(Read(*Open(first.news.input_position()))), ElementsAre("C"));
  EXPECT_THAT(Skus(Read(*Open())), ElementsAre("A", "B", "C"));
  const Chunk nothing = Read(*Open(rest.news.input_position()));
  EXPECT_THAT(Skus(nothing), IsEmpty());
  EXPECT_TRUE(nothing.nothing_left);
}

TEST_F(CsvSourceTest, TheSameFileUnderTheSameNameIsToldOnce) {
  const std::string csv = "sku,qty,timestamp\nA,1,2026-03-01 10:00\n";
  auto source = Open();
  folder_.Drop("sales.csv", csv);
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("A"));
  folder_.Drop("sales.csv", csv);
  EXPECT_THAT(Skus(Read(*source)), IsEmpty());
  folder_.Drop("sales_other.csv", csv);
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("A"));
}

TEST_F(CsvSourceTest, ABrokenFileIsPutAsideWithItsReasonAndTheNextOneIsRead) {
  folder_.Drop("stock.csv", "sku,qty\nA,1\nB");
  folder_.Drop("zsales.csv", "sku,qty\nC,1\n");
  auto source = Open();
  const Chunk rejected = Read(*source);
  EXPECT_THAT(rejected.rejected, SizeIs(1));
  EXPECT_THAT(folder_.Read("rejected/stock.csv.reason"), HasSubstr("SNAPSHOT_TRUNCATED"));
  EXPECT_THAT(folder_.Read("rejected/stock.csv"), HasSubstr("B"));
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("C"));
}

TEST_F(CsvSourceTest, RejectedRowsAreListedBesideTheOthers) {
  folder_.Drop("sales.csv", "sku,qty\nA,1\nB,x\n");
  auto source = Open();
  const Chunk chunk = Read(*source);
  EXPECT_THAT(Skus(chunk), ElementsAre("A"));
  EXPECT_THAT(chunk.rejected, SizeIs(1));
  EXPECT_THAT(folder_.Read("rejected/sales.csv.rejected.csv"), HasSubstr("sales.csv:3"));
}

TEST_F(CsvSourceTest, EachLocationHasItsFolder) {
  fs::create_directory(folder_ / "S1");
  fs::create_directory(folder_ / "S2");
  folder_.Drop("S2/stock.csv", "sku,qty\nA,1\n");
  auto source = Open("", {});
  const Chunk chunk = Read(*source);
  ASSERT_EQ(chunk.news.snapshots_size(), 1);
  EXPECT_EQ(chunk.news.snapshots(0).location_id(), "S2");
  EXPECT_EQ(chunk.news.snapshots(0).end().row_count(), 1u);
  ASSERT_EQ(chunk.news.known_through_size(), 1);
  EXPECT_EQ(chunk.news.known_through(0).location_id(), "S2");
}

TEST_F(CsvSourceTest, ALocationColumnMakesOneSnapshotALocation) {
  folder_.Drop("stock.csv", "store,sku,qty\nS1,A,1\nS2,A,2\nS1,B,3\n");
  auto source = Open("", {"S1", "S2"});
  const Chunk chunk = Read(*source);
  ASSERT_EQ(chunk.news.snapshots_size(), 2);
  EXPECT_EQ(chunk.news.snapshots(0).location_id(), "S1");
  EXPECT_EQ(chunk.news.snapshots(0).rows_size(), 2);
  EXPECT_EQ(chunk.news.snapshots(1).end().row_count(), 1u);
}

TEST_F(CsvSourceTest, APositionOfOtherFilesIsForeignAndOneOfAnotherSourceIsAnError) {
  folder_.Drop("sales.csv", "sku,qty\nA,1\n");
  { Read(*Open()); }
  Open("csv:1:*:0000000000000001");
  EXPECT_FALSE(recognized_);
  Open("csv:7:*:0000000000000001");
  EXPECT_TRUE(recognized_);
  auto folder = DropFolder::Open({folder_.path().string(), {"S1"}, kPoll});
  CsvSource source(*std::move(folder), files::Mapping(), kPoll);
  EXPECT_THAT(std::string(source.Seek("sql:5:").status().message()), HasSubstr("--source-id"));
}

class StdinSourceTest : public testing::Test {
 protected:
  StdinSourceTest() { EXPECT_EQ(pipe(pipe_), 0); }
  ~StdinSourceTest() override {
    close(pipe_[0]);
    if (pipe_[1] >= 0) close(pipe_[1]);
  }
  void Say(const std::string& text) {
    ASSERT_EQ(write(pipe_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  int pipe_[2] = {-1, -1};
};

TEST_F(StdinSourceTest, EachLineIsAMovement) {
  StdinSource source(pipe_[0], {"S1"}, absl::UTCTimeZone());
  Say("{\"sku\":\"A\",\"kind\":\"SALE\",\"quantity\":2,\"occurred_at\":\"2026-03-01T10:00:00Z\"}\n"
      "{\"sku\":\"B\",\"kind\":\"MOVEMENT_KIND_COUNT\",\"quantity\":\"5\",\"occurredAtUs\":7,"
      "\"countedBy\":\"Ann\"}\n"
      "{\"sku\":");
  const absl::StatusOr<Chunk> chunk = source.Read(10, absl::Milliseconds(50));
  ASSERT_TRUE(chunk.ok());
  ASSERT_EQ(chunk->news.movements_size(), 2);
  EXPECT_EQ(chunk->news.movements(0).location_id(), "S1");
  EXPECT_EQ(chunk->news.movements(0).occurred_at_us(), 1'772'359'200'000'000);
  EXPECT_EQ(chunk->news.movements(1).kind(), v1::MOVEMENT_KIND_COUNT);
  EXPECT_EQ(chunk->news.movements(1).counted_by(), "Ann");
  EXPECT_FALSE(chunk->nothing_left);
  EXPECT_EQ(chunk->news.known_through(0).at_us(), 1'772'359'200'000'000);
}

TEST_F(StdinSourceTest, BadLinesAreRejectedWithTheirReason) {
  StdinSource source(pipe_[0], {"S1"}, absl::UTCTimeZone());
  Say("nonsense\n{\"sku\":\"A\"}\n{\"sku\":\"A\",\"kind\":\"SALE\",\"quantity\":1,\"color\":1}\n"
      "{\"sku\":\"A\",\"kind\":\"COUNT\",\"quantity\":-1}\n"
      "{\"sku\":\"A\",\"kind\":\"SALE\",\"quantity\":1,\"location_id\":\"S9\"}\n"
      "{\"sku\":\"B\",\"kind\":\"SALE\",\"quantity\":1}");
  close(std::exchange(pipe_[1], -1));
  const absl::StatusOr<Chunk> chunk = source.Read(10, absl::Seconds(1));
  ASSERT_TRUE(chunk.ok());
  EXPECT_THAT(chunk->rejected, SizeIs(5));
  EXPECT_EQ(chunk->rejected[0].where, "standard input:1");
  ASSERT_EQ(chunk->news.movements_size(), 1);
  EXPECT_TRUE(chunk->ended);
}

TEST_F(StdinSourceTest, ALineMayTellTheTimeAlone) {
  StdinSource source(pipe_[0], {"S1"}, absl::UTCTimeZone());
  Say("{\"known_through\":\"2026-03-01T10:00:00Z\"}\n");
  const absl::StatusOr<Chunk> chunk = source.Read(10, absl::Milliseconds(20));
  ASSERT_TRUE(chunk.ok());
  EXPECT_FALSE(HasRows(chunk->news));
  ASSERT_EQ(chunk->news.known_through_size(), 1);
}

TEST(TakenIdsTest, APositionKeepsFloorAndGaps) {
  const absl::Time now = absl::FromUnixSeconds(1'000);
  TakenIds taken(10);
  for (const int64_t id : {11, 13, 20}) taken.Take(id, now);
  EXPECT_EQ(taken.floor(), 11);
  const absl::StatusOr<TakenIds> again = TakenIds::FromPosition(taken.Position(), now);
  ASSERT_TRUE(again.ok());
  for (int64_t id = 1; id < 25; ++id) EXPECT_EQ(again->Contains(id), taken.Contains(id)) << id;
  EXPECT_EQ(again->highest(), 20);
  EXPECT_FALSE(TakenIds::FromPosition("csv:1:*:0", now).ok());
}

TEST(TakenIdsTest, ALateIdClosesItsGap) {
  TakenIds taken(0);
  taken.Take(1, absl::Now());
  taken.Take(3, absl::Now());
  EXPECT_FALSE(taken.Contains(2));
  taken.Take(2, absl::Now());
  EXPECT_EQ(taken.floor(), 3);
  EXPECT_FALSE(taken.HasGaps());
}

TEST(TakenIdsTest, ThePositionIsBoundedByItsWindow) {
  TakenIds taken(0);
  // Every third id, as a cluster of three hands them out.
  for (int64_t id = 3; id < 90'000; id += 3) taken.Take(id, absl::Now());
  EXPECT_LE(taken.Position().size(), 1024u);
  EXPECT_GE(taken.floor(), taken.highest() - TakenIds::kWindow);
}

TEST(TakenIdsTest, OldGapsAreGivenUp) {
  const absl::Time start = absl::FromUnixSeconds(1'000);
  TakenIds taken(0);
  taken.Take(5, start);
  taken.Take(9, start + absl::Hours(1));
  taken.GiveUpGaps(start + absl::Minutes(1));
  EXPECT_EQ(taken.floor(), 5);
  EXPECT_FALSE(taken.Contains(7));
  EXPECT_TRUE(taken.Contains(9));
}

TEST(SqlAddressTest, PartsAreReadAndMissingOnesNamed) {
  const auto address = ParseSqlAddress("mysql://till@db:3307/pos?table=sales&key=line&from=now");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->user, "till");
  EXPECT_EQ(address->port, 3307);
  EXPECT_EQ(address->key, "line");
  EXPECT_FALSE(address->from.has_value());
  for (const auto& [url, missing] : std::vector<std::pair<std::string, std::string>>{
           {"mysql://db/pos?table=t", "host"},
           {"mysql://u@db/pos", "table is missing"},
           {"mysql://u@db:x/pos?table=t", "port"},
           {"mysql://u@db/pos?tabel=t", "tabel=t"},
           {"postgres://u@db/pos?table=t", "mysql://"}}) {
    EXPECT_THAT(std::string(ParseSqlAddress(url).status().message()), HasSubstr(missing)) << url;
  }
}

}  // namespace
}  // namespace onhand::agent
