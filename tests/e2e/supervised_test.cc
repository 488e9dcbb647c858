// What watches the programs from outside: systemd's notifications, and a real Prometheus.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/mariadb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using Json = nlohmann::json;

// As systemd listens to a service of Type=notify.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : path_(path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~NotifySocket() { close(socket_); }
  std::string variable() const { return "NOTIFY_SOCKET=" + path_; }
  std::string Hear() const {
    char bytes[256];
    const ssize_t got = recv(socket_, bytes, sizeof(bytes), 0);
    return got < 0 ? "nothing" : std::string(bytes, static_cast<size_t>(got));
  }

 private:
  const std::string path_;
  const int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST(SystemdTest, HearsWhenTheHubIsReadyAndWhenItStops) {
  TempFolder folder;
  const NotifySocket systemd(folder / "notify");
  Process hub({HubPath(), "serve", "--store", "memory:", "--insecure", "--grpc", "127.0.0.1:0",
               "--http", "127.0.0.1:0"},
              {.environment = {systemd.variable()}});
  EXPECT_EQ(systemd.Hear(), "READY=1");
  EXPECT_THAT(hub.err(), HasSubstr("onhandd ready"));
  hub.Signal(SIGTERM);
  EXPECT_EQ(systemd.Hear(), "STOPPING=1");
  EXPECT_EQ(hub.Wait(), 0);
}

TEST(SystemdTest, HearsWhenAnAgentIsReadyThoughNoHubIsThere) {
  TempFolder folder;
  const NotifySocket systemd(folder / "notify");
  std::filesystem::create_directories(folder / "drop");
  Process agent({AgentPath(), "--hub", "127.0.0.1:1", "--insecure", "--location", "mad", "--source",
                 "csv:" + (folder / "drop"), "--spool", folder / "spool"},
                {.environment = {systemd.variable()}});
  EXPECT_EQ(systemd.Hear(), "READY=1");
  agent.Signal(SIGTERM);
  EXPECT_EQ(systemd.Hear(), "STOPPING=1");
  EXPECT_EQ(agent.Wait(), 0);
}

TEST(PrometheusTest, ScrapesTheHub) {
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start({"--metrics", "127.0.0.1:0"});
  WriteFile(folder / "items.csv", "sku,name\nracket,Tennis racket\n");
  ASSERT_EQ(hub.Onhand({"import", "items", folder / "items.csv"}).exit_code, 0);
  WriteFile(folder / "prometheus.yml",
            absl::StrCat("scrape_configs:\n  - job_name: onhand\n    scrape_interval: 1s\n"
                         "    static_configs: [{targets: ['",
                         hub.AddressOf("metrics"), "']}]\n"));
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  Process prometheus({"/usr/bin/prometheus", "--config.file", folder / "prometheus.yml",
                      "--storage.tsdb.path", folder / "data", "--web.listen-address", address,
                      "--log.level", "error"});
  const auto ask = [&](const std::string& path) {
    const Ended ended = RunToEnd(
        {"/usr/bin/curl", "-sS", "-g", "--max-time", "5", "http://" + address + "/api/v1/" + path});
    return Json::parse(ended.out, nullptr, false);
  };
  const auto value = [&](const std::string& expression) -> std::string {
    const Json answer = ask("query?query=" + expression);
    if (!answer.is_object() || answer["data"]["result"].empty()) return "";
    return answer["data"]["result"][0]["value"][1];
  };
  ASSERT_TRUE(WaitUntil([&] { return value("up") == "1" && value("onhand_items") == "1"; },
                        absl::Seconds(60)))
      << prometheus.err();
  EXPECT_EQ(value("onhand_leading"), "1");
  EXPECT_EQ(value("onhand_rpc_duration_seconds_count{method=\"onhand.v1.CatalogService/"
                  "BatchUpsertItems\",code=\"OK\"}"),
            "1");
  const Json listed = ask("label/__name__/values");
  const std::set<std::string> names = listed["data"].get<std::set<std::string>>();
  EXPECT_THAT(
      names,
      IsSupersetOf({"onhand_build_info", "onhand_calls_in_flight", "onhand_database_errors_total",
                    "onhand_database_retries_total", "onhand_doubted_positions",
                    "onhand_group_commands_bucket", "onhand_group_commit_duration_seconds_bucket",
                    "onhand_movements_total", "onhand_oldest_report_age_seconds",
                    "onhand_positions", "onhand_projection_lag_seconds",
                    "onhand_quarantine_entries", "onhand_refused_calls_total",
                    "onhand_reports_total", "onhand_reservations", "onhand_resident_memory_bytes",
                    "onhand_revision", "onhand_rpc_duration_seconds_bucket", "onhand_watchers"}));
  // What it made of the text is what Prometheus takes it for.
  const Json types = ask("metadata");
  EXPECT_EQ(types["data"]["onhand_rpc_duration_seconds"][0]["type"], "histogram");
  EXPECT_EQ(types["data"]["onhand_reports_total"][0]["type"], "counter");
  EXPECT_EQ(types["data"]["onhand_positions"][0]["type"], "gauge");
  // Neither items nor locations are told apart.
  for (const char* label : {"sku", "location", "location_id", "item"}) {
    EXPECT_TRUE(ask(absl::StrCat("label/", label, "/values"))["data"].empty()) << label;
  }
  EXPECT_EQ(hub.Stop(), 0);
}

}  // namespace
}  // namespace onhand::testing
