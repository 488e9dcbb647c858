// A till that writes this machine's time, its agent, and a hub whose clock runs faster.
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/e2e/questions.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kScale = 3600;

absl::Time TimeOf(const google::protobuf::Timestamp& moment) {
  return absl::FromUnixSeconds(moment.seconds()) + absl::Nanoseconds(moment.nanos());
}

class ScaledClockTest : public ::testing::Test {
 protected:
  ScaledClockTest() {
    hub_.Start({"--clock-scale", absl::StrCat(kScale)});
    ready_ = absl::Now();
    MakeLocations(connection_, {"store"});
    std::filesystem::create_directory(folder_ / "drop");
  }

  // Drops what was sold of `sku`, one unit at each moment.
  void Sell(const std::string& sku, const std::vector<absl::Time>& moments) {
    std::string csv = "sku,quantity,timestamp\n";
    for (const absl::Time moment : moments) {
      absl::StrAppend(&csv, sku, ",1,",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", moment, absl::UTCTimeZone()), "\n");
    }
    WriteFile(folder_ / absl::StrCat("drop/sales_", sku, ".csv"), csv);
  }
  void RunAgentOnce() {
    const AgentProgram agent(
        hub_.address(), {"--location", "store", "--source", "csv:" + (folder_ / "drop"), "--spool",
                         folder_ / "spool"});
    const Ended ended = agent.RunOnce();
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
  }
  // When the hub says that units of `sku` were sold, newest first.
  std::vector<absl::Time> SoldAt(const std::string& sku) {
    v1::ListMovementsRequest request;
    request.set_sku(sku);
    request.set_location_id("store");
    const auto response = connection_.Call(&v1::StockService::Stub::ListMovements, request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<absl::Time> moments;
    if (!response.ok()) return moments;
    for (const v1::RecordedMovement& movement : response->movements()) {
      moments.push_back(TimeOf(movement.occurred_at()));
    }
    return moments;
  }
  absl::Time KnownThrough() {
    const auto response = connection_.Call(&v1::HubService::Stub::ListLocationStatus,
                                           v1::ListLocationStatusRequest());
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? TimeOf(response->locations(0).known_through()) : absl::InfinitePast();
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db")};
  const absl::Time launched_ = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  absl::Time ready_;
  client::Connection connection_ = hub_.Connect();
};

TEST_F(ScaledClockTest, TheTillsTimeComesOutOnTheHubsClockWhicheverAgentTellsIt) {
  // Three seconds of this machine, so that all sales below are in the hub's past.
  ASSERT_TRUE(WaitUntil([&] { return *connection_.HubTime() > ready_ + 3 * absl::Hours(1); }));
  const absl::Time first = absl::FromUnixMicros(absl::ToUnixMicros(ready_));
  const absl::Time second = first + absl::Seconds(1);
  Sell("early", {first, second});
  RunAgentOnce();
  const std::vector<absl::Time> early = SoldAt("early");
  ASSERT_EQ(early.size(), 2u);
  EXPECT_EQ(early[0] - early[1], kScale * absl::Seconds(1));
  EXPECT_EQ(KnownThrough(), early[0]);
  const absl::Time began = first - (early[1] - first) / (kScale - 1);
  EXPECT_GE(began, launched_);
  EXPECT_LE(began, ready_);

  // Another process, which must find the same clock.
  Sell("late", {second + absl::Milliseconds(500)});
  RunAgentOnce();
  EXPECT_THAT(SoldAt("late"), ElementsAre(early[0] + kScale * absl::Milliseconds(500)));
}

}  // namespace
}  // namespace onhand::testing
