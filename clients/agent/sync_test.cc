// The agent's promise against a hub that breaks, forgets and is copied: every row counts once.
#include "clients/agent/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/agent/csv_source.h"
#include "clients/agent/fake_hub.h"
#include "clients/agent/stdin_source.h"
#include "clients/agent/test_folder.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr absl::Duration kPatience = absl::Seconds(20);

// One run of the agent over a drop folder, as main wires it.
struct Agent {
  Agent(const FakeHub& hub, const std::string& folder, const std::string& spool_path, bool once,
        int rows = 2)
      : Agent(hub.address(), folder, spool_path, once, rows) {}
  Agent(const std::string& hub, const std::string& folder, const std::string& spool_path,
        bool once = false, int rows = 2) {
    const absl::Duration poll = absl::Milliseconds(20);
    files::Mapping mapping;
    mapping.kind = v1::MOVEMENT_KIND_UNSPECIFIED;
    source = std::make_unique<CsvSource>(*DropFolder::Open({folder, {"S1"}, poll}), mapping, poll);
    Wire(hub, spool_path, once, rows);
  }
  Agent(const FakeHub& hub, int input, const std::string& spool_path, int rows = 2) {
    source =
        std::make_unique<StdinSource>(input, std::vector<std::string>{"S1"}, absl::UTCTimeZone());
    Wire(hub.address(), spool_path, /*once=*/false, rows);
  }
  ~Agent() { StopAndJoin(); }

  void Wire(const std::string& hub, const std::string& spool_path, bool once, int rows) {
    absl::StatusOr<std::unique_ptr<Spool>> opened =
        Spool::Open({.path = spool_path, .source_id = "till"});
    if (!opened.ok()) ADD_FAILURE() << opened.status();
    spool = *std::move(opened);
    intake = std::make_unique<Intake>(
        source.get(), spool.get(), &bell,
        Intake::Options{
            .locations = {"S1"}, .batch_rows_max = rows, .wait = absl::Milliseconds(20)});
    Sync::Options options;
    options.hub = hub;
    options.credentials = grpc::InsecureChannelCredentials();
    options.hello.set_source_id("till");
    options.hello.add_location_ids("S1");
    options.once = once;
    options.heartbeat = absl::Milliseconds(50);
    options.farewell = absl::Seconds(1);
    options.backoff_first = absl::Milliseconds(5);
    options.backoff_max = absl::Milliseconds(50);
    sync = std::make_unique<Sync>(options, source.get(), spool.get(), intake.get(), &bell);
  }

  SyncResult Run() { return sync->Run(); }
  void Start() {
    thread = std::thread([this] { result = sync->Run(); });
  }
  void StopAndJoin() {
    sync->Stop();
    if (thread.joinable()) thread.join();
  }

  Bell bell;
  std::unique_ptr<Source> source;
  std::unique_ptr<Spool> spool;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<Sync> sync;
  std::thread thread;
  SyncResult result;
};

template <typename Predicate>
bool Eventually(Predicate predicate) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!predicate()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

std::string Sales(int from, int to) {
  std::string csv = "sku,quantity,timestamp\n";
  for (int i = from; i < to; ++i) absl::StrAppend(&csv, "K", i, ",1,2026-03-01T10:00:00Z\n");
  return csv;
}

void CopySpool(const std::string& from, const std::string& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::remove(to + "-wal");
  fs::remove(to + "-shm");
}

class SyncTest : public testing::Test {
 protected:
  SyncTest() {
    spdlog::set_level(spdlog::level::off);
    fs::create_directory(folder_ / "drop");
  }

  std::string drop() const { return folder_ / "drop"; }
  std::string spool() const { return folder_ / "spool"; }
  void RunOnce(int rows = 2) {
    Agent agent(hub_, drop(), spool(), /*once=*/true, rows);
    EXPECT_EQ(agent.Run().end, SyncEnd::kDone);
  }
  void ExpectOnce(int from, int to) const {
    for (int i = from; i < to; ++i) EXPECT_EQ(hub_.Units(absl::StrCat("K", i)), 1) << "K" << i;
    EXPECT_THAT(hub_.movements(), SizeIs(to - from));
  }

  TestFolder folder_;
  FakeHub hub_;
};

TEST_F(SyncTest, OnceTellsEveryRowAndTheTimeItIsKnownThrough) {
  folder_.Drop("drop/sales1.csv", Sales(0, 25));
  RunOnce();
  ExpectOnce(0, 25);
  EXPECT_EQ(hub_.KnownThrough("S1"), absl::ToUnixMicros(absl::FromCivil(
                                         absl::CivilSecond(2026, 3, 1, 10), absl::UTCTimeZone())));
  EXPECT_THAT(folder_.Names("drop/done"), SizeIs(1));
  EXPECT_THAT(folder_.Names("drop/taking"), SizeIs(0));
}

TEST_F(SyncTest, ASecondRunTellsOnlyWhatIsNew) {
  folder_.Drop("drop/sales1.csv", Sales(0, 5));
  RunOnce();
  folder_.Drop("drop/sales2.csv", Sales(5, 8));
  RunOnce();
  ExpectOnce(0, 8);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(1));
}

TEST_F(SyncTest, ALostAcknowledgementDoublesNothing) {
  folder_.Drop("drop/sales1.csv", Sales(0, 40));
  hub_.LoseAcks(3);
  RunOnce();
  ExpectOnce(0, 40);
  EXPECT_GE(hub_.hellos(), 4);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(1));
}

TEST_F(SyncTest, AHubThatIsAwayGetsEverythingWhenItIsBack) {
  RunOnce();
  hub_.Stop();
  folder_.Drop("drop/sales1.csv", Sales(0, 30));
  Agent agent(hub_, drop(), spool(), /*once=*/false);
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.spool->state().last_sequence == 15; }));
  EXPECT_THAT(hub_.movements(), SizeIs(0));
  hub_.Start();
  ASSERT_TRUE(Eventually([&] { return agent.spool->state().acked_sequence == 15; }));
  agent.StopAndJoin();
  ExpectOnce(0, 30);
}

TEST_F(SyncTest, AKillBetweenSpoolAndHubLosesNothing) {
  RunOnce();
  {
    // What a killed agent leaves: rows in the spool that were never sent.
    folder_.Drop("drop/sales1.csv", Sales(0, 6));
    Agent agent(hub_, drop(), spool(), /*once=*/false);
    ASSERT_TRUE(agent.source->Seek(agent.spool->state().input_position).ok());
    const absl::StatusOr<Chunk> chunk = agent.source->Read(4, absl::Seconds(1));
    ASSERT_TRUE(chunk.ok());
    ASSERT_TRUE(agent.spool->Append(chunk->news, {}).ok());
  }
  EXPECT_THAT(hub_.movements(), SizeIs(0));
  EXPECT_THAT(folder_.Names("drop/taking"), SizeIs(1));
  RunOnce();
  ExpectOnce(0, 6);
  EXPECT_THAT(folder_.Names("drop/taking"), SizeIs(0));
}

TEST_F(SyncTest, AWipedSpoolContinuesWhereTheHubIs) {
  folder_.Drop("drop/sales1.csv", Sales(0, 7));
  RunOnce();
  fs::remove(spool());
  folder_.Drop("drop/sales2.csv", Sales(7, 10));
  RunOnce();
  ExpectOnce(0, 10);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(2));
}

TEST_F(SyncTest, AWipedSpoolReadsAgainWhatTheHubNeverGot) {
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  RunOnce();
  hub_.Stop();
  folder_.Drop("drop/sales2.csv", Sales(4, 9));
  {
    Agent agent(hub_, drop(), spool(), /*once=*/false);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return folder_.Names("drop/done").size() == 2; }));
  }
  fs::remove(spool());
  hub_.Start();
  RunOnce();
  ExpectOnce(0, 9);
}

TEST_F(SyncTest, ARolledBackSpoolThatReadsTheSameBatchesAgainGoesOn) {
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  RunOnce();
  CopySpool(spool(), folder_ / "backup");
  folder_.Drop("drop/sales2.csv", Sales(4, 8));
  RunOnce();
  CopySpool(folder_ / "backup", spool());
  folder_.Drop("drop/sales3.csv", Sales(8, 11));
  RunOnce();
  ExpectOnce(0, 11);
}

TEST_F(SyncTest, ARolledBackSpoolWithOtherBatchesStartsANewOneAtTheHubsPosition) {
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  RunOnce();
  CopySpool(spool(), folder_ / "backup");
  folder_.Drop("drop/sales2.csv", Sales(4, 9));
  RunOnce();
  CopySpool(folder_ / "backup", spool());
  // The old spool cuts the same rows differently, so equal sequences get other content.
  folder_.Drop("drop/sales3.csv", Sales(9, 14));
  hub_.Stop();
  {
    Agent agent(hub_, drop(), spool(), /*once=*/false, /*rows=*/1);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return agent.spool->state().last_sequence == 12; }));
  }
  hub_.Start();
  RunOnce();
  ExpectOnce(0, 14);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(2));
}

TEST_F(SyncTest, ACopiedSpoolWithFilesOfItsOwnLosesNoneOfThem) {
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  RunOnce();
  fs::copy(drop(), folder_ / "drop2", fs::copy_options::recursive);
  CopySpool(spool(), folder_ / "spool2");
  folder_.Drop("drop/sales2.csv", Sales(4, 6));
  RunOnce();
  // The copy has taken another file under the same number while it was offline.
  folder_.Drop("drop2/sales3.csv", Sales(6, 9));
  hub_.Stop();
  {
    Agent copy(hub_, folder_ / "drop2", folder_ / "spool2", /*once=*/false);
    copy.Start();
    ASSERT_TRUE(Eventually([&] { return folder_.Names("drop2/done").size() == 2; }));
  }
  hub_.Start();
  Agent copy(hub_, folder_ / "drop2", folder_ / "spool2", /*once=*/true);
  EXPECT_EQ(copy.Run().end, SyncEnd::kDone);
  ExpectOnce(0, 9);
}

TEST_F(SyncTest, TheOlderOfTwoAgentsStopsAndStaysStopped) {
  CopySpool(([&] {
              RunOnce();
              return spool();
            })(),
            folder_ / "spool2");
  fs::create_directory(folder_ / "drop2");
  Agent older(hub_, drop(), spool(), /*once=*/false);
  older.Start();
  const int hellos = hub_.hellos();
  ASSERT_TRUE(Eventually([&] { return hub_.hellos() > hellos; }));
  Agent newer(hub_, folder_ / "drop2", folder_ / "spool2", /*once=*/false);
  newer.Start();
  older.thread.join();
  EXPECT_EQ(older.result.end, SyncEnd::kTakenOver);
  EXPECT_FALSE(older.spool->state().stopped.empty());
  older.spool.reset();
  Agent restarted(hub_, drop(), spool(), /*once=*/true);
  EXPECT_EQ(restarted.Run().end, SyncEnd::kTakenOver);
}

TEST_F(SyncTest, ASpoolThatTheHubHasClosedContinuesUnderANewId) {
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  RunOnce();
  CopySpool(spool(), folder_ / "backup");
  fs::remove(spool());
  folder_.Drop("drop/sales2.csv", Sales(4, 6));
  RunOnce();
  CopySpool(folder_ / "backup", spool());
  folder_.Drop("drop/sales3.csv", Sales(6, 9));
  RunOnce();
  ExpectOnce(0, 9);
}

TEST_F(SyncTest, AHubRestoredFromABackupGetsItsLostBatchesAgain) {
  folder_.Drop("drop/sales1.csv", Sales(0, 10));
  RunOnce();
  hub_.ForgetNewest(3);
  RunOnce();
  ExpectOnce(0, 10);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(1));
}

TEST_F(SyncTest, BatchesThatBecameTooLargeAreCut) {
  RunOnce();
  hub_.Stop();
  folder_.Drop("drop/sales1.csv", Sales(0, 20));
  {
    Agent agent(hub_, drop(), spool(), /*once=*/false, /*rows=*/10);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return agent.spool->state().last_sequence == 2; }));
  }
  hub_.set_batch_rows_max(3);
  hub_.Start();
  RunOnce();
  ExpectOnce(0, 20);
}

TEST_F(SyncTest, ADrainIsObeyedAndTheRestFollows) {
  hub_.DrainNext(absl::Milliseconds(30));
  folder_.Drop("drop/sales1.csv", Sales(0, 12));
  RunOnce();
  ExpectOnce(0, 12);
  EXPECT_GE(hub_.hellos(), 2);
}

TEST_F(SyncTest, ASnapshotOverManyBatchesArrivesWhole) {
  folder_.Drop("drop/stock.csv", "sku,on hand\nA,5\nB,-2\nC,0\nD,7\nE,1\n");
  RunOnce();
  EXPECT_EQ(hub_.Snapshot("S1"),
            (std::map<std::string, int64_t>{{"A", 5}, {"B", -2}, {"C", 0}, {"D", 7}, {"E", 1}}));
  EXPECT_TRUE(hub_.snapshot_complete("S1"));
}

TEST_F(SyncTest, ASnapshotCutByAKillIsSentAnew) {
  RunOnce();
  folder_.Drop("drop/stock.csv", "sku,on hand\nA,5\nB,2\nC,3\nD,7\nE,1\n");
  {
    Agent agent(hub_, drop(), spool(), /*once=*/false);
    ASSERT_TRUE(agent.source->Seek(agent.spool->state().input_position).ok());
    const absl::StatusOr<Chunk> chunk = agent.source->Read(2, absl::Seconds(1));
    ASSERT_TRUE(chunk.ok());
    ASSERT_TRUE(agent.spool->Append(chunk->news, {}).ok());
  }
  RunOnce();
  EXPECT_THAT(hub_.Snapshot("S1"), SizeIs(5));
}

// The moment of all Sales().
int64_t SoldAtUs() {
  return absl::ToUnixMicros(
      absl::FromCivil(absl::CivilSecond(2026, 3, 1, 10), absl::UTCTimeZone()));
}

// A clock that began so long before the sales.
v1::ScaledClock ClockBegunBefore(absl::Duration before) {
  v1::ScaledClock clock;
  clock.set_scale(60);
  clock.set_began_at_us(SoldAtUs() - absl::ToInt64Microseconds(before));
  return clock;
}

TEST_F(SyncTest, AHubOnAScaledClockIsToldItsOwnTime) {
  hub_.set_scaled_clock(ClockBegunBefore(absl::Seconds(5)));
  folder_.Drop("drop/sales1.csv", Sales(0, 3));
  Agent agent(hub_, drop(), spool(), /*once=*/false);
  agent.Start();
  const int64_t on_hubs_clock_us = SoldAtUs() + absl::ToInt64Microseconds(absl::Seconds(5) * 59);
  ASSERT_TRUE(Eventually([&] { return hub_.HeartbeatOf("S1") == on_hubs_clock_us; }));
  ExpectOnce(0, 3);
  for (const v1::Movement& movement : hub_.movements()) {
    EXPECT_EQ(movement.occurred_at_us(), on_hubs_clock_us);
  }
  EXPECT_EQ(hub_.KnownThrough("S1"), on_hubs_clock_us);
  const absl::StatusOr<v1::Batch> spooled = agent.spool->Get(1);
  ASSERT_TRUE(spooled.ok()) << spooled.status();
  EXPECT_EQ(spooled->movements(0).occurred_at_us(), SoldAtUs());
}

TEST_F(SyncTest, AHubWhoseScaledClockBeginsAnewStillKnowsTheSpool) {
  hub_.set_scaled_clock(ClockBegunBefore(absl::Seconds(5)));
  folder_.Drop("drop/sales1.csv", Sales(0, 4));
  hub_.LoseAcks(1);
  RunOnce();
  hub_.Stop();
  hub_.set_scaled_clock(ClockBegunBefore(absl::Seconds(2)));
  hub_.Start();
  folder_.Drop("drop/sales2.csv", Sales(4, 5));
  RunOnce();
  ExpectOnce(0, 5);
  EXPECT_THAT(hub_.spool_ids(), SizeIs(1));
  EXPECT_EQ(hub_.movements().back().occurred_at_us(),
            SoldAtUs() + absl::ToInt64Microseconds(absl::Seconds(2) * 59));
}

TEST_F(SyncTest, AScaledClockBeyondThisMachineIsRefused) {
  hub_.set_scaled_clock(ClockBegunBefore(absl::Seconds(5)));
  folder_.Drop("drop/sales1.csv", Sales(0, 3));
  // Leads to the same hub, but says that others could be there too.
  Agent agent(absl::StrReplaceAll(hub_.address(), {{"127.0.0.1", "0.0.0.0"}}), drop(), spool());
  agent.Start();
  ASSERT_TRUE(Eventually(
      [&] { return absl::StrContains(agent.spool->state().last_error, "without --clock-scale"); }));
  EXPECT_THAT(hub_.movements(), SizeIs(0));
}

class StdinSyncTest : public SyncTest {
 protected:
  StdinSyncTest() { EXPECT_EQ(pipe(pipe_), 0); }
  ~StdinSyncTest() override {
    close(pipe_[0]);
    CloseInput();
  }
  void CloseInput() {
    if (pipe_[1] >= 0) close(pipe_[1]);
    pipe_[1] = -1;
  }
  void Sell(int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string line =
          absl::StrCat("{\"sku\":\"K", i, "\",\"kind\":\"SALE\",\"quantity\":1}\n");
      ASSERT_EQ(write(pipe_[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
  }
  // Reads what was sold into the spool while the hub is away.
  void SpoolOffline(const std::string& spool_path, uint64_t last_sequence) {
    hub_.Stop();
    {
      Agent agent(hub_, pipe_[0], spool_path, /*rows=*/1);
      agent.Start();
      ASSERT_TRUE(Eventually([&] { return agent.spool->state().last_sequence == last_sequence; }));
    }
    hub_.Start();
  }
  // Sends what the spool holds, and what is in the pipe up to its end.
  void RunToEnd(const std::string& spool_path) {
    CloseInput();
    Agent agent(hub_, pipe_[0], spool_path, /*rows=*/1);
    EXPECT_EQ(agent.Run().end, SyncEnd::kDone);
    EXPECT_EQ(agent.spool->state().acked_sequence, agent.spool->state().last_sequence);
  }

  int pipe_[2] = {-1, -1};
};

TEST_F(StdinSyncTest, EndOfInputEndsTheAgentWhenAllIsAcknowledged) {
  Sell(0, 9);
  RunToEnd(spool());
  ExpectOnce(0, 9);
}

TEST_F(StdinSyncTest, RowsSpooledOfflineAreSentLater) {
  Sell(0, 5);
  SpoolOffline(spool(), 5);
  RunToEnd(spool());
  ExpectOnce(0, 5);
}

TEST_F(StdinSyncTest, ARolledBackSpoolAsksTheHubWhichOfItsRowsItHas) {
  Sell(0, 3);
  SpoolOffline(spool(), 3);
  CopySpool(spool(), folder_ / "backup");
  // The hub gets all three and two more; then the spool with three unacknowledged rows comes back.
  Sell(3, 5);
  {
    Agent agent(hub_, pipe_[0], spool(), /*rows=*/1);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return hub_.movements().size() == 5; }));
  }
  CopySpool(folder_ / "backup", spool());
  Sell(5, 6);
  RunToEnd(spool());
  ExpectOnce(0, 6);
}

TEST_F(StdinSyncTest, ACopiedSpoolCarriesOverTheRowsThatOnlyItHas) {
  Sell(0, 2);
  SpoolOffline(spool(), 2);
  CopySpool(spool(), folder_ / "spool2");
  // The original sends its two and one more; the copy took two others in the meantime.
  Sell(2, 3);
  {
    Agent agent(hub_, pipe_[0], spool(), /*rows=*/1);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return hub_.movements().size() == 3; }));
  }
  Sell(3, 5);
  SpoolOffline(folder_ / "spool2", 4);
  RunToEnd(folder_ / "spool2");
  ExpectOnce(0, 5);
}

TEST_F(StdinSyncTest, AStopStoresWhatWasRead) {
  Sell(0, 3);
  {
    Agent agent(hub_, pipe_[0], spool(), /*rows=*/1);
    agent.Start();
    ASSERT_TRUE(Eventually([&] { return agent.spool->state().last_sequence >= 1; }));
  }
  RunToEnd(spool());
  ExpectOnce(0, 3);
}

}  // namespace
}  // namespace onhand::agent
