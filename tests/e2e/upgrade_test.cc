// A store that the first version of this program kept, as it left it (fixtures/version-1): two
// images of the first format, a journal that goes on behind them, a schema of three steps, and a
// hub that was killed. Today's programs take it as their own.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class UpgradeTest : public ::testing::Test {
 protected:
  UpgradeTest() {
    for (const char* file : {"hub.db", "hub.db-tables"}) {
      std::filesystem::copy_file(std::filesystem::path(ONHAND_FIXTURES) / "version-1" / file,
                                 folder_ / file);
    }
  }
  Json Asked(std::vector<std::string> question) const {
    question.insert(question.begin(), "--json");
    const Ended ended = hub_.Onhand(question);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return Json::parse(ended.out, nullptr, false);
  }
  void ExpectWhatTheFirstVersionKnew() {
    std::map<std::string, std::string> on_hand;
    const Json positions = Asked({"positions", "--location", "madrid"});
    for (const Json& position : positions["positions"]) {
      on_hand[position["sku"]] = position["on_hand"];
    }
    EXPECT_EQ(on_hand, (std::map<std::string, std::string>{
                           {"SHOE-42", "18"}, {"TENT-2P", "4"}, {"LAMP-1", "7"}}));
    EXPECT_THAT(hub_.Onhand({"availability", "TENT-2P"}).out, HasSubstr("hidden"));
    EXPECT_THAT(hub_.Onhand({"availability", "SHOE-42"}).out, HasSubstr("in-stock"));
    // By the code on its label, at the time of the first version's import.
    EXPECT_THAT(hub_.Onhand({"item", "show", "8400000000017"}).out, HasSubstr("SHOE-42"));
    EXPECT_THAT(hub_.Onhand({"status"}).out, HasSubstr("madrid-csv"));
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db")};
};

TEST_F(UpgradeTest, StartsMigratesAndKnowsWhatTheFirstVersionKnew) {
  hub_.Start({"--confirm-clock"});
  EXPECT_THAT(hub_.log(),
              HasSubstr("migrated: 0004_display_rule_version, 0005_reservation, 0006_audit"));
  ExpectWhatTheFirstVersionKnew();
  // And goes on with it.
  const Ended adjusted = hub_.Onhand(
      {"adjust", "SHOE-42", "madrid", "--adjust", "2", "--author", "ana", "--reason", "found"});
  EXPECT_EQ(adjusted.exit_code, 0) << adjusted.err;
  EXPECT_EQ(hub_.Onhand({"adjust", "SHOE-42", "madrid", "--adjust", "-2", "--author", "ana",
                         "--reason", "lost"})
                .exit_code,
            0);
  EXPECT_EQ(hub_.Stop(), 0);
  const Ended verified = hub_.Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  hub_.Start({"--confirm-clock"});
  ExpectWhatTheFirstVersionKnew();
  EXPECT_EQ(hub_.Stop(), 0);
  // With both images of today's format, byte for byte.
  EXPECT_THAT(hub_.Verify().err, HasSubstr("byte for byte"));
}

TEST_F(UpgradeTest, IsBackedUpAndRestoredAsItWas) {
  ASSERT_EQ(RunToEnd({HubPath(), "migrate", "--store", hub_.store()}).exit_code, 0);
  const Ended backup =
      RunToEnd({HubPath(), "backup", "--store", hub_.store(), "--to", folder_ / "a.backup"});
  EXPECT_EQ(backup.exit_code, 0) << backup.err;
  HubProgram other("sqlite:" + (folder_ / "other.db"));
  const Ended restored =
      RunToEnd({HubPath(), "restore", "--store", other.store(), "--from", folder_ / "a.backup"});
  EXPECT_EQ(restored.exit_code, 0) << restored.err;
  hub_.Start({"--confirm-clock"});
  other.Start({"--confirm-clock"});
  EXPECT_EQ(other.Onhand({"--json", "positions", "--location", "madrid"}).out,
            hub_.Onhand({"--json", "positions", "--location", "madrid"}).out);
  EXPECT_EQ(other.Stop(), 0);
  EXPECT_EQ(hub_.Stop(), 0);
}

}  // namespace
}  // namespace onhand::testing
