// How a hub begins and ends: what it refuses to start with, how it says goodbye, and what it does
// while its database is away.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/e2e/questions.h"
#include "tests/e2e/till.h"
#include "tests/support/mariadb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Ended Serve(const std::string& store, const std::string& grpc,
            const std::vector<std::string>& more = {"--insecure"}) {
  std::vector<std::string> arguments = {HubPath(), "serve",       "--grpc",  grpc,
                                        "--http",  "127.0.0.1:0", "--store", store};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunToEnd(arguments);
}

TEST(StartTest, InsecureIsRefusedWhereOtherMachinesCanReachIt) {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:0", "[::]:0"}) {
    const Ended ended = Serve("memory:", address);
    EXPECT_EQ(ended.exit_code, 2) << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("--insecure"), HasSubstr("127.0.0.1")));
    const Ended scaled = Serve("memory:", address, {"--insecure", "--clock-scale", "60"});
    EXPECT_EQ(scaled.exit_code, 2) << scaled.err;
    EXPECT_THAT(scaled.err, AllOf(HasSubstr("--clock-scale"), HasSubstr("127.0.0.1")));
  }
}

TEST(StartTest, WrongFlagsAreUsageErrorsThatNameTheRemedy) {
  EXPECT_EQ(Serve("memory:", "0.0.0.0:0", {}).exit_code, 2);  // tokens without TLS
  EXPECT_EQ(Serve("memory:", "127.0.0.1").exit_code, 2);
  const Ended store = Serve("oracle:thing", "127.0.0.1:0");
  EXPECT_EQ(store.exit_code, 2);
  EXPECT_THAT(store.err, AllOf(HasSubstr("oracle:thing"), HasSubstr("sqlite:")));
  const Ended password = Serve("mysql://a@127.0.0.1:1/b", "127.0.0.1:0",
                               {"--insecure", "--store-password-file", "/no/such/file"});
  EXPECT_EQ(password.exit_code, 2);
  EXPECT_THAT(password.err, HasSubstr("/no/such/file"));
}

TEST(StartTest, ASecondHubOnOneFileIsRefused) {
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start();
  const Ended second = Serve(hub.store(), "127.0.0.1:0");
  EXPECT_NE(second.exit_code, 0);
  EXPECT_THAT(second.err, HasSubstr("another process uses this store"));
  client::Connection connection = hub.Connect();
  MakeLocations(connection, {"still-works"});
  hub.Kill();
  // The lock dies with its process.
  hub.Start();
}

TEST(StartTest, AClockFarFromTheJournalNeedsAPerson) {
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start({"--clock-scale", "100000"});
  client::Connection connection = hub.Connect();
  MakeLocations(connection, {"store"});
  const absl::Time start = absl::Now();
  ASSERT_TRUE(WaitUntil([&] { return *connection.HubTime() > start + absl::Hours(1); }));
  EXPECT_EQ(hub.Stop(), 0) << hub.log();

  const Ended refused = Serve(hub.store(), "127.0.0.1:0");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--confirm-clock"));
  hub.Start({"--confirm-clock"});
}

TEST(StartTest, AMysqlStoreWithoutItsTablesNamesMigrate) {
  MariaDb& database = MariaDb::Shared();
  const std::string store = database.Url(database.CreateDatabase());
  const Ended refused = Serve(store, "127.0.0.1:0");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("onhandd migrate"));
  EXPECT_EQ(RunToEnd({HubPath(), "migrate", "--store", store}).exit_code, 0);
  HubProgram hub(store);
  hub.Start();
  EXPECT_EQ(hub.Stop(), 0) << hub.log();
}

TEST(DrainTest, SigtermEndsWithZeroAndAgentsComeBackToTheNextHub) {
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start();
  client::Connection connection = hub.Connect();
  MakeLocations(connection, {"store"});
  std::filesystem::create_directory(folder / "drop");
  Till till("store", folder / "drop", 30, 7);
  AgentProgram agent(hub.address(), {"--location", "store", "--source", "csv:" + (folder / "drop"),
                                     "--spool", folder / "spool"});
  agent.Launch();
  for (int turn = 0; turn < 3; ++turn) {
    for (int i = 0; i < 5; ++i) till.DropSales(400);
    ASSERT_TRUE(WaitUntil([&] { return !OnHand(connection, "store").empty(); }));
    EXPECT_EQ(hub.Stop(), 0) << hub.log();
    EXPECT_TRUE(agent.IsRunning());
    hub.Start();
  }
  WaitUntil([&] { return OnHand(connection, "store") == till.Expected(); });
  EXPECT_EQ(OnHand(connection, "store"), till.Expected()) << hub.log() << agent.log();
  EXPECT_EQ(agent.Stop(), 0) << agent.log();
}

v1::AdjustRequest OneFound() {
  v1::AdjustRequest request;
  request.set_sku("item");
  request.set_location_id("store");
  request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
  request.set_quantity(1);
  request.set_author("the test");
  return request;
}

TEST(DatabaseAwayTest, ReadsGoOnWritesAreUnavailableAndItRecovers) {
  MariaDb& database = MariaDb::Shared();
  const std::string store = database.Url(database.CreateDatabase());
  ASSERT_EQ(RunToEnd({HubPath(), "migrate", "--store", store}).exit_code, 0);
  HubProgram hub(store);
  hub.Start();
  client::ConnectionOptions options;
  options.hub = hub.address();
  options.attempts_max = 1;
  client::Connection connection(options);
  MakeLocations(connection, {"store"});
  MakeItem(connection, "item");
  ASSERT_TRUE(connection.Write(&v1::StockService::Stub::Adjust, OneFound()).ok());

  database.Kill();
  const auto refused = connection.Write(&v1::StockService::Stub::Adjust, OneFound());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
  EXPECT_THAT(client::RefusalOf(refused.status()).reason,
              ::testing::AnyOf("OUTCOME_UNKNOWN", "DATABASE_AWAY"));
  EXPECT_EQ(OnHand(connection, "store"), (Numbers{{"item", 1}}));
  EXPECT_TRUE(hub.IsRunning());

  database.Start();
  int64_t acknowledged = 1;
  ASSERT_TRUE(WaitUntil([&] {
    const bool done = connection.Write(&v1::StockService::Stub::Adjust, OneFound()).ok();
    acknowledged += done ? 1 : 0;
    return done;
  })) << hub.log();
  // What was answered OUTCOME_UNKNOWN may have been kept; nobody asked again under its id.
  const int64_t on_hand = OnHand(connection, "store")["item"];
  EXPECT_GE(on_hand, acknowledged);
  EXPECT_LE(on_hand, acknowledged + 1);
  EXPECT_EQ(hub.Stop(), 0) << hub.log();
}

}  // namespace
}  // namespace onhand::testing
