// The hub as its operator and a cluster meet it: ports for probes and for a monitoring system, the
// log, a drain, a database that goes away; and the configuration of all three programs.
#include <signal.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/support/mariadb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const std::vector<std::string> kPorts = {"--health", "127.0.0.1:0", "--metrics", "127.0.0.1:0"};

// As a probe asks: plain, on a connection of its own, for a second.
grpc::StatusCode Probe(const std::string& address, const std::string& name,
                       HealthCheckResponse::ServingStatus* status) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  Health::Stub stub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  HealthCheckRequest request;
  request.set_service(name);
  HealthCheckResponse response;
  const grpc::Status answer = stub.Check(&context, request, &response);
  *status = response.status();
  return answer.error_code();
}

bool IsServing(const std::string& address, const std::string& name) {
  HealthCheckResponse::ServingStatus status;
  return Probe(address, name, &status) == grpc::StatusCode::OK &&
         status == HealthCheckResponse::SERVING;
}

std::string Get(const std::string& url, std::vector<std::string> more = {}) {
  std::vector<std::string> command = {"/usr/bin/curl", "-sS", "--max-time", "5"};
  command.insert(command.end(), more.begin(), more.end());
  command.push_back(url);
  return RunToEnd(command).out;
}

class OperationsTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db"), folder_ / "first.token"};
};

TEST_F(OperationsTest, ProbesNeedNoTokenAndGetNothingElse) {
  hub_.Start(kPorts);
  const std::string health = hub_.AddressOf("health");
  EXPECT_TRUE(IsServing(health, "live"));
  EXPECT_TRUE(IsServing(health, "ready"));
  EXPECT_TRUE(IsServing(health, ""));
  HealthCheckResponse::ServingStatus status;
  EXPECT_EQ(Probe(health, "onhand.v1.HubService", &status), grpc::StatusCode::NOT_FOUND);

  v1::HubService::Stub stub(grpc::CreateChannel(health, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::GetHubStatusResponse response;
  EXPECT_EQ(stub.GetHubStatus(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(hub_.Stop(), 0);
}

TEST_F(OperationsTest, AHubThatDrainsIsAliveButNotReady) {
  hub_.Start(kPorts);
  const std::string health = hub_.AddressOf("health");
  // An agent that hangs keeps the hub draining.
  WriteFile(folder_ / "locations.csv", "location_id,name,time_zone\nmad,Madrid,Europe/Madrid\n");
  ASSERT_EQ(hub_.Onhand({"import", "locations", folder_ / "locations.csv"}).exit_code, 0);
  std::filesystem::create_directories(folder_ / "drop");
  Process agent({AgentPath(), "--hub", hub_.address(), "--insecure", "--token-file",
                 folder_ / "first.token", "--location", "mad", "--source",
                 "csv:" + (folder_ / "drop"), "--spool", folder_ / "spool"});
  ASSERT_TRUE(WaitUntil([&] {
    return absl::StrContains(Get("http://" + hub_.AddressOf("metrics") + "/metrics"),
                             "onhand_report_streams 1");
  })) << agent.err();
  agent.Signal(SIGSTOP);
  hub_.Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return !IsServing(health, "ready"); }));
  HealthCheckResponse::ServingStatus status;
  EXPECT_EQ(Probe(health, "ready", &status), grpc::StatusCode::OK);
  EXPECT_EQ(status, HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(IsServing(health, "live"));
  // As soon as it is gone the hub ends, long before its 45 s.
  agent.Kill();
  EXPECT_TRUE(WaitUntil([&] { return !hub_.IsRunning(); }));
  EXPECT_THAT(hub_.log(), HasSubstr("stopped at revision"));
}

TEST_F(OperationsTest, ADrainEndsWhenItsTimeIsUp) {
  std::vector<std::string> flags = kPorts;
  flags.insert(flags.end(), {"--drain-for", "2s"});
  hub_.Start(flags);
  std::filesystem::create_directories(folder_ / "drop");
  Process agent({AgentPath(), "--hub", hub_.address(), "--insecure", "--token-file",
                 folder_ / "first.token", "--location", "mad", "--source",
                 "csv:" + (folder_ / "drop"), "--spool", folder_ / "spool"});
  WriteFile(folder_ / "locations.csv", "location_id,name,time_zone\nmad,Madrid,Europe/Madrid\n");
  ASSERT_EQ(hub_.Onhand({"import", "locations", folder_ / "locations.csv"}).exit_code, 0);
  ASSERT_TRUE(WaitUntil([&] {
    return absl::StrContains(Get("http://" + hub_.AddressOf("metrics") + "/metrics"),
                             "onhand_report_streams 1");
  })) << agent.err();
  agent.Signal(SIGSTOP);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(hub_.Stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST_F(OperationsTest, TheMetricsPortServesMetricsAlone) {
  hub_.Start(kPorts);
  const std::string metrics = "http://" + hub_.AddressOf("metrics");
  EXPECT_EQ(hub_.Onhand({"status"}).exit_code, 0);
  const std::string text = Get(metrics + "/metrics");
  EXPECT_THAT(text, HasSubstr("\nonhand_leading 1\n"));
  EXPECT_THAT(text, HasSubstr("onhand_rpc_duration_seconds_count{method=\"onhand.v1.HubService/"
                              "GetHubStatus\",code=\"OK\"} 1\n"));
  EXPECT_THAT(text, ContainsRegex("onhand_resident_memory_bytes [1-9]"));
  EXPECT_THAT(text, HasSubstr("onhand_reservations{state=\"held\"} 0\n"));
  EXPECT_THAT(Get(metrics + "/onhand.v1.HubService/GetHubStatus", {"-X", "POST"}),
              HasSubstr("UNKNOWN_PATH"));
  // The port for everybody goes on asking for a token.
  EXPECT_THAT(Get("http://" + hub_.AddressOf("http") + "/metrics"), HasSubstr("TOKEN_MISSING"));
  EXPECT_EQ(hub_.Stop(), 0);
}

TEST_F(OperationsTest, MachinesReadTheLogAndFindACallByItsTrace) {
  hub_.Start({"--log-format", "json", "--log-level", "debug"});
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string token = ReadFile(folder_ / "first.token");
  Json http;
  for (absl::string_view line : absl::StrSplit(hub_.log(), '\n', absl::SkipEmpty())) {
    const Json object = Json::parse(line, nullptr, false);
    if (object.value("message", "") == "onhandd ready") http = object["http"];
  }
  ASSERT_TRUE(http.is_string()) << hub_.log();
  const std::string answer =
      Get(absl::StrCat("http://", http.get<std::string>(),
                       "/onhand.v1.CatalogService/BatchUpsertItems"),
          {"-H", "content-type: application/json", "-H", "traceparent: " + trace, "-H",
           "authorization: Bearer " + token.substr(0, token.find('\n')), "-d",
           R"({"requestId":"not one","items":[{"sku":"boot"}]})"});
  EXPECT_THAT(answer, HasSubstr("INVALID_REQUEST_ID"));
  EXPECT_EQ(hub_.Stop(), 0);
  Json call;
  for (absl::string_view line : absl::StrSplit(hub_.log(), '\n', absl::SkipEmpty())) {
    const Json object = Json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    if (object.value("traceparent", "") == trace) call = object;
  }
  ASSERT_TRUE(call.is_object()) << hub_.log();
  EXPECT_EQ(call["message"], "call");
  EXPECT_EQ(call["level"], "debug");
  EXPECT_EQ(call["method"], "onhand.v1.CatalogService/BatchUpsertItems");
  EXPECT_EQ(call["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(call["caller"], "first-admin");
  EXPECT_EQ(call["request_id"], "not one");
  EXPECT_THAT(hub_.log(), Not(HasSubstr(token.substr(0, 20))));
}

// A supervisor that killed a hub whose database is away would lose what it can still answer.
TEST(OperationsOnMariaDb, ADatabaseThatHangsDoesNotKillTheHub) {
  MariaDb& database = MariaDb::Shared();
  const std::string store = database.Url(database.CreateDatabase());
  ASSERT_EQ(RunToEnd({HubPath(), "migrate", "--store", store}).exit_code, 0);
  HubProgram hub(store);
  hub.Start(kPorts);
  WriteFile(std::filesystem::temp_directory_path() / "onhand_operations_items.csv",
            "sku,name\nboot,Boot\n");
  database.Kill();
  EXPECT_NE(hub.Onhand({"--timeout", "2", "import", "items",
                        std::filesystem::temp_directory_path() / "onhand_operations_items.csv"})
                .exit_code,
            0);
  EXPECT_TRUE(IsServing(hub.AddressOf("health"), "live"));
  EXPECT_TRUE(IsServing(hub.AddressOf("health"), "ready"));
  EXPECT_THAT(Get("http://" + hub.AddressOf("metrics") + "/metrics"),
              ContainsRegex("onhand_database_errors_total\\{part=\"journal\"\\} [1-9]"));
  database.Start();
  EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(hub.log(), "the outcome is known now"); }))
      << hub.log();
  EXPECT_EQ(hub.Onhand({"import", "items",
                        std::filesystem::temp_directory_path() / "onhand_operations_items.csv"})
                .exit_code,
            0);
  EXPECT_EQ(hub.Stop(), 0);
}

// The hub, an agent and the command line are configured alike.
struct Program {
  const char* name;
  std::string path;
  std::vector<std::string> command;  // behind the options
  std::string option;                // one that takes text
  std::string variable;
};

class ConfigOf : public ::testing::TestWithParam<int> {
 protected:
  Program program_ = std::vector<Program>{
      {"onhandd", HubPath(), {"serve"}, "first-token-file", "ONHAND_FIRST_TOKEN_FILE"},
      {"onhand-agent", AgentPath(), {}, "mapping", "ONHAND_MAPPING"},
      {"onhand", OnhandPath(), {"status"}, "token-file", "ONHAND_TOKEN_FILE"}}[GetParam()];

  Ended Run(std::vector<std::string> options, std::vector<std::string> environment = {}) {
    std::vector<std::string> arguments = {program_.path};
    arguments.insert(arguments.end(), program_.command.begin(), program_.command.end());
    if (program_.path == HubPath()) {
      for (const char* needed : {"--store=memory:", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0"})
        arguments.push_back(needed);
    }
    arguments.insert(arguments.end(), options.begin(), options.end());
    return RunToEnd(arguments, {.environment = std::move(environment)});
  }

  TempFolder folder_;
  const std::string file_ = folder_ / "onhand.toml";
};

TEST_P(ConfigOf, FlagsCountMoreThanTheEnvironmentAndThatMoreThanTheFile) {
  WriteFile(file_, program_.option + " = \"/of/the/file\"\n");
  const std::string is = program_.option + " = ";
  EXPECT_THAT(Run({"--config", file_, "--print-config"}).out,
              HasSubstr(is + "\"/of/the/file\"  # " + file_ + ":1\n"));
  const std::vector<std::string> environment = {program_.variable + "=/of/the/environment",
                                                "ONHAND_CONFIG=" + file_};
  EXPECT_THAT(Run({"--print-config"}, environment).out,
              HasSubstr(is + "\"/of/the/environment\"  # " + program_.variable + "\n"));
  const Ended flag = Run({"--print-config", "--" + program_.option, "/of/the/line"}, environment);
  EXPECT_THAT(flag.out, HasSubstr(is + "\"/of/the/line\"  # command line\n"));
  EXPECT_EQ(flag.exit_code, 0) << flag.err;
  // What was printed says the same again.
  WriteFile(file_, flag.out);
  EXPECT_THAT(Run({"--config", file_, "--print-config"}).out, HasSubstr(is + "\"/of/the/line\""));
}

TEST_P(ConfigOf, AnUnknownKeyIsRefusedByName) {
  WriteFile(file_, "log-levle = \"info\"\n");
  const Ended ended = Run({"--config", file_});
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.err, HasSubstr(file_ + ":1: 'log-levle' is no option of " + program_.name));
}

INSTANTIATE_TEST_SUITE_P(AllPrograms, ConfigOf, ::testing::Range(0, 3));

TEST(ConfigOfTheHub, IsCheckedAsAWholeBeforeAPortOpens) {
  TempFolder folder;
  WriteFile(folder / "hub.toml",
            "store = \"memory:\"\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n"
            "insecure = true\ncalls-per-second = 0\n");
  const Ended ended = RunToEnd({HubPath(), "serve", "--config", folder / "hub.toml"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("hub.toml:5"));
  EXPECT_THAT(ended.err, Not(HasSubstr("ready")));
  const Ended drain = RunToEnd({HubPath(), "serve", "--store", "memory:", "--grpc", "127.0.0.1:0",
                                "--http", "127.0.0.1:0", "--insecure", "--drain-for", "1h"});
  EXPECT_EQ(drain.exit_code, 2);
  EXPECT_THAT(drain.err, HasSubstr("--drain-for '1h' is not a time of 0s to 10m"));
}

}  // namespace
}  // namespace onhand::testing
