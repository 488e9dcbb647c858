// A chain whose hub asks for tokens, with nothing but the three programs.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cpp/request_id.h"
#include "clients/cpp/token_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class TokenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.Start();
    WriteFile(folder_ / "locations.csv",
              "location_id,name,time_zone\nmad,Madrid,Europe/Madrid\nber,Berlin,Europe/Berlin\n");
    WriteFile(folder_ / "items.csv", "sku,name\nracket,Tennis racket\n");
    Expect({"import", "locations", folder_ / "locations.csv"}, 0, "2 new");
    Expect({"import", "items", folder_ / "items.csv"}, 0, "1 new");
    Expect({"channel", "set", "web-ship", "--kind", "ship"}, 0, "");
  }

  void Expect(const std::vector<std::string>& arguments, int exit_code, const std::string& says) {
    const Ended ended = hub_.Onhand(arguments);
    EXPECT_EQ(ended.exit_code, exit_code) << ::testing::PrintToString(arguments) << ended.err;
    EXPECT_THAT(exit_code == 0 ? ended.out : ended.err, HasSubstr(says));
  }
  // Makes one in `file`; its id.
  std::string Create(const std::string& principal, const std::string& role,
                     const std::string& location, const std::string& file) {
    std::vector<std::string> arguments = {"--json", "token", "create", principal,
                                          "--role", role,    "--out",  folder_ / file};
    if (!location.empty()) {
      arguments.push_back("--location");
      arguments.push_back(location);
    }
    const Ended ended = hub_.Onhand(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, Not(HasSubstr("onhand_")));
    return Json::parse(ended.out)["token"]["token_id"];
  }
  // As somebody else, and against the hub's --token-file.
  Ended As(const std::string& file, const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {OnhandPath(), "--hub", hub_.address()};
    if (!file.empty()) {
      all.push_back("--token-file");
      all.push_back(folder_ / file);
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunToEnd(all);
  }
  static std::string NewUuid() {
    absl::BitGen random;
    return client::NewRequestId(absl::Now(), random);
  }
  // An agent of `location` that shows the token in `file`.
  AgentProgram AgentOf(const std::string& location, const std::string& file) {
    const std::string drop = folder_ / location;
    std::filesystem::create_directories(drop);
    WriteFile(drop + "/stock_1.csv", "sku,quantity\nracket,4\n");
    return AgentProgram(hub_.address(),
                        {"--location", location, "--source", "csv:" + drop, "--spool",
                         drop + ".spool", "--token-file", folder_ / file});
  }
  int64_t OnHand(const std::string& location) {
    const Ended ended = hub_.Onhand({"--json", "positions", "--location", location});
    const Json positions = Json::parse(ended.out)["positions"];
    return positions.empty() ? -1 : std::stoll(positions[0]["on_hand"].get<std::string>());
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db"), folder_ / "first.token"};
};

TEST_F(TokenTest, FirstTokenIsMadeOnceAndIsReadByItsOwnerAlone) {
  struct stat file = {};
  ASSERT_EQ(stat((folder_ / "first.token").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  const std::string first = ReadFile(folder_ / "first.token");
  const std::string text(absl::StripSuffix(first, "\n"));
  EXPECT_THAT(hub_.log(), Not(HasSubstr(text)));
  EXPECT_EQ(hub_.Stop(), 0);
  hub_.Start();
  EXPECT_EQ(ReadFile(folder_ / "first.token"), first);
  Expect({"token", "list"}, 0, "first-admin");
}

TEST_F(TokenTest, AgentReportsForItsOwnLocationAlone) {
  Create("agent-mad", "agent", "mad", "mad.token");
  const Ended own = AgentOf("mad", "mad.token").RunOnce();
  EXPECT_EQ(own.exit_code, 0) << own.err;
  EXPECT_EQ(OnHand("mad"), 4);
  AgentProgram other = AgentOf("ber", "mad.token");
  other.Launch();
  EXPECT_TRUE(WaitUntil([&] {
    return other.log().find("locations of this token") != std::string::npos;
  })) << other.log();
  other.Stop();
  EXPECT_EQ(OnHand("ber"), -1);
}

TEST_F(TokenTest, AgentTakesAReplacedTokenWithoutARestart) {
  const std::string before = Create("agent-mad", "agent", "mad", "mad.token");
  AgentProgram agent = AgentOf("mad", "mad.token");
  agent.Launch();
  ASSERT_TRUE(WaitUntil([&] { return OnHand("mad") == 4; })) << agent.log();
  Create("agent-mad", "agent", "mad", "new.token");
  std::filesystem::rename(folder_ / "new.token", folder_ / "mad.token");
  Expect({"token", "revoke", before}, 0, "holds no more");
  WriteFile((folder_ / "mad") + "/stock_2.csv", "sku,quantity\nracket,7\n");
  EXPECT_TRUE(WaitUntil([&] { return OnHand("mad") == 7; })) << agent.log();
  EXPECT_EQ(agent.Stop(), 0);
}

// As an operator replaces it: the new one beside the old, the file, a moment, and the old one ends.
TEST_F(TokenTest, TokensAreReplacedUnderLoadWithoutAFailedCall) {
  std::string id = Create("shop", "site", "", "shop.token");
  client::ConnectionOptions options;
  options.hub = hub_.address();
  options.attempts_max = 1;
  options.token = *client::TokenFile::Open(folder_ / "shop.token");
  client::Connection shop(options);
  std::atomic<bool> stopping{false};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stopping) {
        const auto status =
            shop.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
        ++(status.ok() ? answered : failed);
        absl::SleepFor(absl::Milliseconds(1));
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    const int before = answered;
    const std::string next = Create("shop", "site", "", "next.token");
    std::filesystem::rename(folder_ / "next.token", folder_ / "shop.token");
    ASSERT_TRUE(WaitUntil([&] { return answered > before + 200; }));
    Expect({"token", "revoke", id}, 0, "holds no more");
    id = next;
  }
  const int last = answered;
  EXPECT_TRUE(WaitUntil([&] { return answered > last + 200; }));
  stopping = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(TokenTest, WhoMayNotIsToldWhy) {
  const Ended nobody = As("", {"status"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("--token-file"));
  Create("shop", "site", "", "shop.token");
  EXPECT_EQ(As("shop.token", {"availability", "racket"}).exit_code, 0);
  const Ended rules = As("shop.token", {"token", "list"});
  EXPECT_EQ(rules.exit_code, 1);
  EXPECT_THAT(rules.err, HasSubstr("role"));
  // Its words are not sent where others could hear them.
  const Ended away = RunToEnd({OnhandPath(), "--hub", "hub.example:7070", "--token-file",
                               folder_ / "shop.token", "status"});
  EXPECT_EQ(away.exit_code, 2);
  EXPECT_THAT(away.err, HasSubstr("--tls"));
}

TEST_F(TokenTest, TheAuditKnowsWhoCameByWhichDoor) {
  Create("shop", "site", "", "shop.token");
  Expect({"audit", "--subject", "token"}, 0, "CREATE_TOKEN");
  const std::string token(absl::StripSuffix(ReadFile(folder_ / "first.token"), "\n"));
  const Ended listed = hub_.Onhand({"--json", "audit", "--limit", "1"});
  const Json entry = Json::parse(listed.out)["entries"][0];
  EXPECT_EQ(entry["method"], "onhand.v1.TokenService/CreateToken");
  EXPECT_EQ(entry["port"], "AUDIT_PORT_GRPC");
  EXPECT_THAT(entry["peer"].get<std::string>(), ::testing::StartsWith("127.0.0.1:"));
  // By the file door and by Connect a caller is known by its connection too.
  const std::string item =
      absl::StrCat(R"({"requestId":")", NewUuid(), R"(","items":[{"sku":"ball"}]})");
  const Ended taken = RunToEnd(
      {"/usr/bin/curl", "-sS", "-m", "20", "-H", "Content-Type: application/json", "-H",
       "Authorization: Bearer " + token, "-H", "onhand-http-peer: 10.0.0.1:1", "-d", item,
       absl::StrCat("http://", hub_.http_address(), "/onhand.v1.CatalogService/BatchUpsertItems")});
  EXPECT_THAT(taken.out, HasSubstr("revision")) << taken.out;
  const Ended after = hub_.Onhand({"--json", "audit", "--limit", "1"});
  const Json last = Json::parse(after.out)["entries"][0];
  EXPECT_EQ(last["changes"][0]["subject_id"], "ball");
  EXPECT_EQ(last["port"], "AUDIT_PORT_HTTP");
  EXPECT_THAT(last["peer"].get<std::string>(), ::testing::StartsWith("127.0.0.1:"));
}

TEST_F(TokenTest, HttpAsksForTheSameTokens) {
  const std::string url =
      absl::StrCat("http://", hub_.http_address(), "/onhand.v1.HubService/GetHubStatus");
  const auto ask = [&](const std::vector<std::string>& more) {
    std::vector<std::string> curl = {"/usr/bin/curl",
                                     "-s",
                                     "-m",
                                     "20",
                                     "-o",
                                     "/dev/null",
                                     "-w",
                                     "%{http_code}",
                                     "-H",
                                     "Content-Type: application/json",
                                     "-d",
                                     "{}",
                                     url};
    curl.insert(curl.end(), more.begin(), more.end());
    return RunToEnd(curl).out;
  };
  EXPECT_EQ(ask({}), "401");
  const std::string token(absl::StripSuffix(ReadFile(folder_ / "first.token"), "\n"));
  EXPECT_EQ(ask({"-H", absl::StrCat("Authorization: Bearer ", token)}), "200");
}

}  // namespace
}  // namespace onhand::testing
