// Whole commands, from the command line to what they print, against a hub that keeps what it was
// asked.

#include "clients/cli/command_line.h"

#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/rule_sentences.h"
#include "clients/cli/session.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "onhand/v1/rules.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const absl::Time kLedgerTime = absl::FromUnixSeconds(1'750'000'000);  // 2025-06-15 15:06:40 UTC

grpc::Status HubRefusal(grpc::StatusCode code, const std::string& message,
                        const std::string& reason, const std::string& field) {
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(reason);
  (*info.mutable_metadata())["field"] = field;
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(code, message, details.SerializeAsString());
}

class FakeCatalog final : public v1::CatalogService::Service {
 public:
  grpc::Status BatchUpsertItems(grpc::ServerContext*, const v1::BatchUpsertItemsRequest* request,
                                v1::BatchUpsertItemsResponse* response) override {
    for (int i = 0; i < request->items_size(); ++i) {
      if (request->items(i).name() != "refused") continue;
      return HubRefusal(grpc::StatusCode::INVALID_ARGUMENT, "the item is refused", "INVALID_ITEM",
                        absl::StrCat("items[", i, "].name"));
    }
    item_batches.push_back(*request);
    response->set_created_count(request->items_size());
    return grpc::Status::OK;
  }
  grpc::Status BatchUpsertChannels(grpc::ServerContext*,
                                   const v1::BatchUpsertChannelsRequest* request,
                                   v1::BatchUpsertChannelsResponse*) override {
    channels.assign(request->channels().begin(), request->channels().end());
    return grpc::Status::OK;
  }
  grpc::Status StopItem(grpc::ServerContext*, const v1::StopItemRequest* request,
                        v1::StopItemResponse*) override {
    if (request->sku() != "A") {
      return HubRefusal(grpc::StatusCode::NOT_FOUND, "item 'X' is not known; import it first",
                        "UNKNOWN_ITEM", "sku");
    }
    stop = *request;
    return grpc::Status::OK;
  }
  grpc::Status SetLocationState(grpc::ServerContext*, const v1::SetLocationStateRequest* request,
                                v1::SetLocationStateResponse* response) override {
    state = *request;
    response->mutable_location()->set_location_id(request->location_id());
    response->mutable_location()->set_state(request->state());
    return grpc::Status::OK;
  }

  std::vector<v1::BatchUpsertItemsRequest> item_batches;
  std::vector<v1::Channel> channels;
  v1::StopItemRequest stop;
  v1::SetLocationStateRequest state;
};

class FakeStock final : public v1::StockService::Service {
 public:
  // Two pages of one position each.
  grpc::Status ListPositions(grpc::ServerContext*, const v1::ListPositionsRequest* request,
                             v1::ListPositionsResponse* response) override {
    const bool first = request->page_token().empty();
    v1::Position& position = *response->add_positions();
    position.set_sku("A");
    position.set_location_id(first ? "S1" : "S2");
    position.set_on_hand(first ? 7 : -2);
    if (first) {
      *position.mutable_known_through() = ToProto(kLedgerTime - absl::Minutes(3));
      response->set_next_page_token("more");
    }
    return grpc::Status::OK;
  }
  grpc::Status Adjust(grpc::ServerContext*, const v1::AdjustRequest* request,
                      v1::AdjustResponse* response) override {
    adjust = *request;
    response->mutable_position()->set_sku(request->sku());
    return grpc::Status::OK;
  }

  v1::AdjustRequest adjust;
};

class FakeAvailability final : public v1::AvailabilityService::Service {
 public:
  grpc::Status BatchGetAvailability(grpc::ServerContext*,
                                    const v1::BatchGetAvailabilityRequest* request,
                                    v1::BatchGetAvailabilityResponse* response) override {
    channel_id = request->channel_id();
    for (const std::string& sku : request->skus()) Answer(sku, response->add_results());
    return grpc::Status::OK;
  }
  grpc::Status GetAvailability(grpc::ServerContext*, const v1::GetAvailabilityRequest* request,
                               v1::GetAvailabilityResponse* response) override {
    v1::BatchAvailability answer;
    Answer(request->sku(), &answer);
    if (answer.has_unknown()) {
      return HubRefusal(grpc::StatusCode::NOT_FOUND, "unknown", "UNKNOWN_ITEM", "sku");
    }
    *response->mutable_availability() = answer.availability();
    v1::Explanation& explanation = *response->mutable_availability()->mutable_explanation();
    explanation.set_sentence("3 of 5 can be sold.");
    v1::ExplainedStep& step = *explanation.add_steps();
    step.set_step("chain buffer");
    step.set_before(5);
    step.set_after(3);
    step.set_rule_id("keep-2");
    return grpc::Status::OK;
  }

  std::string channel_id;

 private:
  static void Answer(const std::string& sku, v1::BatchAvailability* result) {
    if (sku != "A") {
      result->mutable_unknown()->set_sku(sku);
      return;
    }
    result->mutable_availability()->set_sku(sku);
    result->mutable_availability()->set_status(v1::AVAILABILITY_STATUS_IN_STOCK);
    result->mutable_availability()->set_orderable(true);
    result->mutable_availability()->set_max_quantity(3);
  }
};

class FakeRules final : public v1::RuleService::Service {
 public:
  grpc::Status SetRule(grpc::ServerContext*, const v1::SetRuleRequest* request,
                       v1::SetRuleResponse* response) override {
    set = *request;
    *response->mutable_rule() = request->rule();
    response->mutable_rule()->set_version(1);
    response->mutable_rule()->set_etag("etag-1");
    return grpc::Status::OK;
  }

  v1::SetRuleRequest set;
};

class FakeHub final : public v1::HubService::Service {
 public:
  grpc::Status GetHubStatus(grpc::ServerContext*, const v1::GetHubStatusRequest*,
                            v1::GetHubStatusResponse* response) override {
    response->set_version("0.1.0");
    response->set_revision(42);
    *response->mutable_ledger_time() = ToProto(kLedgerTime);
    return grpc::Status::OK;
  }
  grpc::Status ListLocationStatus(grpc::ServerContext*, const v1::ListLocationStatusRequest*,
                                  v1::ListLocationStatusResponse* response) override {
    v1::LocationStatus& location = *response->add_locations();
    location.set_location_id("S1");
    location.set_name("Sol");
    location.set_state(v1::LOCATION_STATE_OPEN);
    *location.mutable_known_through() = ToProto(kLedgerTime - absl::Hours(2));
    v1::SourceStatus& source = *location.add_sources();
    source.set_source_id("till");
    source.set_connected(true);
    *response->mutable_ledger_time() = ToProto(kLedgerTime);
    return grpc::Status::OK;
  }
};

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&catalog_);
    builder.RegisterService(&stock_);
    builder.RegisterService(&availability_);
    builder.RegisterService(&rules_);
    builder.RegisterService(&hub_);
    server_ = builder.BuildAndStart();
  }
  ~CommandLineTest() override { server_->Shutdown(); }

  // The exit code; what was printed stands in `out_` and `err_`.
  int Onhand(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--hub", absl::StrCat("127.0.0.1:", port_)});
    return OnhandAnywhere(std::move(arguments));
  }
  int OnhandAnywhere(std::vector<std::string> arguments) {
    std::ostringstream out, err;
    const int code = cli::Run(std::move(arguments),
                              {.out = out,
                               .err = err,
                               .out_is_terminal = terminal_,
                               .err_is_terminal = terminal_,
                               .zone = absl::UTCTimeZone(),
                               .wait = [this](absl::Duration) { return --repaints_ > 0; }});
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string WriteFile(const std::string& text) {
    const std::string path =
        absl::StrCat(testing::TempDir(), "/",
                     testing::UnitTest::GetInstance()->current_test_info()->name(), ".csv");
    std::ofstream(path) << text;
    return path;
  }

  FakeCatalog catalog_;
  FakeStock stock_;
  FakeAvailability availability_;
  FakeRules rules_;
  FakeHub hub_;
  bool terminal_ = false;
  int repaints_ = 1;
  std::string out_;
  std::string err_;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(CommandLineTest, PositionsOfAllPagesAreOneTableWithAges) {
  EXPECT_EQ(Onhand({"positions", "--sku", "A"}), 0);
  EXPECT_EQ(out_,
            "SKU  LOCATION  ON HAND  UNAVAILABLE  HELD  COMMITTED  AVAILABLE  CORRECTIONS  SOURCE  "
            "KNOWN THROUGH\n"
            "A    S1              7            0     0          0          0            0  -       "
            "15:03:40 (3 min ago)\n"
            "A    S2             -2            0     0          0          0            0  -       "
            "never told\n");
}

TEST_F(CommandLineTest, JsonIsOneDocumentWithTheContractsNames) {
  EXPECT_EQ(Onhand({"positions", "--sku", "A", "--json"}), 0);
  const nlohmann::json document = nlohmann::json::parse(out_);
  ASSERT_EQ(document["positions"].size(), 2u);
  EXPECT_EQ(document["positions"][1]["on_hand"], "-2");
  EXPECT_EQ(document["positions"][1]["held"], "0");
  EXPECT_EQ(document["next_page_token"], "");
}

TEST_F(CommandLineTest, StatusAsJsonHoldsHubAndLocations) {
  EXPECT_EQ(Onhand({"--json", "status"}), 0);
  const nlohmann::json document = nlohmann::json::parse(out_);
  EXPECT_EQ(document["hub"]["revision"], "42");
  EXPECT_EQ(document["location_status"]["locations"][0]["location_id"], "S1");
}

TEST_F(CommandLineTest, StatusShowsHowOldEachLocationIs) {
  EXPECT_EQ(Onhand({"status"}), 0);
  EXPECT_THAT(out_, HasSubstr("revision 42, ledger time 2025-06-15 15:06:40"));
  EXPECT_THAT(out_, HasSubstr("S1        Sol   open   13:06:40 (2 h ago)"));
  EXPECT_THAT(out_, HasSubstr("till (connected)"));
}

TEST_F(CommandLineTest, WatchRepaintsUntilItIsStopped) {
  terminal_ = true;
  repaints_ = 3;
  EXPECT_EQ(Onhand({"status", "--watch"}), 0);
  int paints = 0;
  for (size_t at = out_.find("\x1b[2J"); at != std::string::npos;
       at = out_.find("\x1b[2J", at + 1)) {
    ++paints;
  }
  EXPECT_EQ(paints, 3);
  EXPECT_EQ(Onhand({"status", "--watch", "--json"}), 2);
}

TEST_F(CommandLineTest, AdjustTakesNegativeUnitsAndMoments) {
  EXPECT_EQ(Onhand({"adjust", "A", "S1", "--adjust", "-2", "--author", "Ana", "--reason", "broken",
                    "--at", "2025-06-15 12:00"}),
            0)
      << err_;
  EXPECT_EQ(stock_.adjust.kind(), v1::MOVEMENT_KIND_ADJUSTMENT);
  EXPECT_EQ(stock_.adjust.quantity(), -2);
  EXPECT_EQ(stock_.adjust.author(), "Ana");
  EXPECT_EQ(stock_.adjust.reason(), "broken");
  EXPECT_EQ(FromProto(stock_.adjust.occurred_at()), absl::FromUnixSeconds(1'749'988'800));
  EXPECT_THAT(stock_.adjust.request_id(), SizeIs(36));
}

TEST_F(CommandLineTest, AdjustTakesExactlyOneKind) {
  EXPECT_EQ(Onhand({"adjust", "A", "S1"}), 2);
  EXPECT_THAT(err_, HasSubstr("exactly one of --adjust, --count, --set-aside and --put-back"));
  EXPECT_EQ(Onhand({"adjust", "A", "S1", "--count", "5", "--set-aside", "1"}), 2);
  EXPECT_EQ(Onhand({"adjust", "A", "S1", "--set-aside", "1", "--includes-picked"}), 2);
  EXPECT_EQ(Onhand({"adjust", "A", "S1", "--count", "5", "--includes-picked"}), 0);
  EXPECT_EQ(stock_.adjust.kind(), v1::MOVEMENT_KIND_COUNT);
  EXPECT_TRUE(stock_.adjust.includes_picked());
}

TEST_F(CommandLineTest, AvailabilityPrintsUnknownSkusAndFails) {
  EXPECT_EQ(Onhand({"availability", "A", "B", "--channel", "web"}), 1);
  EXPECT_EQ(availability_.channel_id, "web");
  EXPECT_THAT(out_, HasSubstr("A    in-stock      yes            3"));
  EXPECT_THAT(out_, HasSubstr("B    unknown item"));
  EXPECT_THAT(err_, HasSubstr("sku 'B' is not known"));
}

TEST_F(CommandLineTest, AvailabilityExplainsEachSku) {
  EXPECT_EQ(Onhand({"availability", "A", "B", "--explain"}), 1);
  EXPECT_THAT(out_, HasSubstr("A: 3 of 5 can be sold."));
  EXPECT_THAT(out_, HasSubstr("chain buffer  chain          5      3  keep-2"));
  EXPECT_EQ(Onhand({"availability", "A", "--explain", "--json"}), 0);
  const nlohmann::json document = nlohmann::json::parse(out_);
  EXPECT_EQ(document["results"][0]["availability"]["explanation"]["steps"][0]["after"], "3");
}

TEST_F(CommandLineTest, RuleOptionsBecomeTheRule) {
  EXPECT_EQ(Onhand({"rule",        "set",
                    "floor",       "--category",
                    "footwear",    "--channel-kind",
                    "SHIP",        "--chain-floor",
                    "5",           "--reshow",
                    "8",           "--dwell",
                    "5m",          "--zero",
                    "hide",        "--exclude",
                    "--freshness", "24h",
                    "--until",     "2h",
                    "--dry-run"}),
            0)
      << err_;
  const v1::Rule& rule = rules_.set.rule();
  EXPECT_TRUE(rules_.set.dry_run());
  EXPECT_EQ(rule.scope().category(), "footwear");
  EXPECT_EQ(rule.scope().channel_kind(), v1::CHANNEL_KIND_SHIP);
  EXPECT_EQ(rule.chain_floor().units(), 5);
  EXPECT_EQ(rule.chain_floor().reshow_units(), 8);
  EXPECT_EQ(rule.chain_floor().dwell_s(), 300);
  EXPECT_EQ(rule.zero_policy(), v1::ZERO_POLICY_HIDE);
  EXPECT_TRUE(rule.has_included());
  EXPECT_FALSE(rule.included());
  EXPECT_EQ(rule.freshness_target_s(), 86400);
  EXPECT_EQ(FromProto(rule.effective_until()), kLedgerTime + absl::Hours(2));
  EXPECT_FALSE(rule.has_buffer());
  EXPECT_THAT(out_, HasSubstr("where:    category footwear, channels of kind ship\n"));
  EXPECT_THAT(out_, HasSubstr("says:     hidden below 5 in the chain until 8, for at least 5m; "
                              "hide at zero; excluded; stale after 1d\n"));
  EXPECT_THAT(out_, HasSubstr("etag:     etag-1\n"));
}

TEST_F(CommandLineTest, RulesOfNoneAndOneReadAsPeopleSayThem) {
  EXPECT_EQ(Onhand({"rule", "set", "r", "--chain-floor", "0", "--chain-buffer-days", "1",
                    "--lead-days", "1"}),
            0)
      << err_;
  EXPECT_THAT(out_, HasSubstr("says:     no floor in the chain; buffer what sells in 1 day in the "
                              "chain; back-orders come in 1 day\n"));
}

TEST_F(CommandLineTest, RulesThatCannotBeAreUsageErrors) {
  EXPECT_EQ(Onhand({"rule", "set", "r"}), 2);
  EXPECT_THAT(err_, HasSubstr("it would say nothing"));
  EXPECT_THAT(err_, HasSubstr("--pooled, --aggregate, --zero"));
  EXPECT_EQ(Onhand({"rule", "set", "r", "--tries", "3"}), 2);
  EXPECT_THAT(err_, HasSubstr("--tries '3' cannot be used: it goes with --risk"));
  EXPECT_EQ(Onhand({"rule", "set", "r", "--dwell", "5m"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "r", "--zero", "perhaps"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "r", "--include", "--exclude"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "r", "--buffer", "many"}), 2);
}

TEST_F(CommandLineTest, ChannelsTakeRepeatedLocationsInAnyPlace) {
  EXPECT_EQ(Onhand({"channel", "set", "--location", "S1", "web", "--kind", "SHIP", "--location",
                    "S2", "--group", "north", "--reservation-ttl", "20m"}),
            0)
      << err_;
  ASSERT_THAT(catalog_.channels, SizeIs(1));
  EXPECT_EQ(catalog_.channels[0].channel_id(), "web");
  EXPECT_EQ(catalog_.channels[0].kind(), v1::CHANNEL_KIND_SHIP);
  EXPECT_THAT(catalog_.channels[0].location_ids(), ElementsAre("S1", "S2"));
  EXPECT_THAT(catalog_.channels[0].group_ids(), ElementsAre("north"));
  EXPECT_EQ(catalog_.channels[0].reservation_ttl_s(), 1200);
}

TEST_F(CommandLineTest, PausesALocationUntilAMomentOfTheHub) {
  EXPECT_EQ(
      Onhand({"location", "pause", "S1", "--channel", "web", "--until", "1d", "--reason", "flood"}),
      0)
      << err_;
  EXPECT_EQ(catalog_.state.state(), v1::LOCATION_STATE_PAUSED);
  EXPECT_THAT(catalog_.state.paused_channel_ids(), ElementsAre("web"));
  EXPECT_EQ(FromProto(catalog_.state.paused_until()), kLedgerTime + absl::Hours(24));
  EXPECT_EQ(Onhand({"location", "close", "S1", "--selling-out", "--reason", "lease"}), 0);
  EXPECT_EQ(catalog_.state.state(), v1::LOCATION_STATE_CLOSING);
}

TEST_F(CommandLineTest, StopNeedsAReason) {
  EXPECT_EQ(Onhand({"stop", "A"}), 2);
  EXPECT_THAT(err_, HasSubstr("--reason"));
  EXPECT_EQ(Onhand({"stop", "A", "--reason", "recall"}), 0);
  EXPECT_TRUE(catalog_.stop.stopped());
  EXPECT_EQ(Onhand({"resume", "A"}), 0);
  EXPECT_FALSE(catalog_.stop.stopped());
}

TEST_F(CommandLineTest, RefusalsAreOneSentenceWithTheirReason) {
  EXPECT_EQ(Onhand({"stop", "X", "--reason", "recall"}), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "onhand: item 'X' is not known; import it first (sku) [UNKNOWN_ITEM].\n");
}

TEST_F(CommandLineTest, HubAwayHasItsOwnExitCode) {
  EXPECT_EQ(OnhandAnywhere({"--hub", "127.0.0.1:1", "status"}), 3);
  EXPECT_THAT(err_, HasSubstr("no hub answers at 127.0.0.1:1"));
  EXPECT_THAT(err_, HasSubstr("start one with `onhandd serve`"));
}

TEST_F(CommandLineTest, UsageErrorsHaveTheirOwnExitCodeAndHelpHasNone) {
  EXPECT_EQ(Onhand({}), 2);
  EXPECT_EQ(Onhand({"fly"}), 2);
  EXPECT_EQ(Onhand({"status", "--colour"}), 2);
  EXPECT_EQ(Onhand({"--timeout", "0", "status"}), 2);
  EXPECT_EQ(Onhand({"rule", "set", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("hide|sold-out|backorder|keep-selling"));
  EXPECT_EQ(Onhand({"--version"}), 0);
}

TEST_F(CommandLineTest, ImportSendsBatchesOfAThousand) {
  std::string csv = "sku\n";
  for (int i = 0; i < 2500; ++i) absl::StrAppend(&csv, "SKU-", i, "\n");
  terminal_ = true;
  EXPECT_EQ(Onhand({"import", "items", WriteFile(csv)}), 0) << err_;
  ASSERT_THAT(catalog_.item_batches, SizeIs(3));
  EXPECT_EQ(catalog_.item_batches[2].items_size(), 500);
  EXPECT_EQ(catalog_.item_batches[2].items(499).sku(), "SKU-2499");
  EXPECT_EQ(out_, "items: 2500 new, 0 changed, 0 unchanged\n");
  EXPECT_THAT(err_, HasSubstr("2500 of 2500\n"));
}

TEST_F(CommandLineTest, ImportKeepsMessagesSmall) {
  std::string csv = "sku,aliases\n";
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&csv, "SKU-", i, ",");
    for (int k = 0; k < 60; ++k) absl::StrAppend(&csv, std::string(50, 'x'), i, "-", k, ";");
    absl::StrAppend(&csv, "\n");
  }
  EXPECT_EQ(Onhand({"import", "items", WriteFile(csv)}), 0) << err_;
  int items = 0;
  for (const auto& batch : catalog_.item_batches) {
    EXPECT_LE(batch.ByteSizeLong(), (1u << 20) + 4096);
    items += batch.items_size();
  }
  EXPECT_EQ(items, 1000);
}

TEST_F(CommandLineTest, ImportOfABrokenFileSendsNothing) {
  std::string csv = "sku,published\nA,yes\n";
  for (int i = 0; i < 25; ++i) absl::StrAppend(&csv, "B", i, ",perhaps\n");
  EXPECT_EQ(Onhand({"import", "items", WriteFile(csv)}), 1);
  EXPECT_THAT(catalog_.item_batches, IsEmpty());
  EXPECT_THAT(err_, HasSubstr("line 3: published 'perhaps': write yes or no"));
  EXPECT_THAT(err_, HasSubstr("and 5 more"));
  EXPECT_EQ(Onhand({"import", "items", "/nowhere/items.csv"}), 1);
  EXPECT_THAT(err_, HasSubstr("file '/nowhere/items.csv' cannot be read"));
}

TEST_F(CommandLineTest, ImportNamesTheLineThatTheHubRefuses) {
  std::string csv = "sku,name\n";
  for (int i = 0; i < 1200; ++i) absl::StrAppend(&csv, "S", i, i == 1100 ? ",refused\n" : ",ok\n");
  EXPECT_EQ(Onhand({"import", "items", WriteFile(csv)}), 1);
  EXPECT_THAT(err_, HasSubstr(".csv line 1102: the item is refused (items[100].name) "
                              "[INVALID_ITEM] (the 1000 rows before it are imported"));
}

TEST_F(CommandLineTest, DryRunReachesTheHubAndSaysSo) {
  EXPECT_EQ(Onhand({"import", "items", WriteFile("sku\nA\n"), "--dry-run"}), 0);
  ASSERT_THAT(catalog_.item_batches, SizeIs(1));
  EXPECT_TRUE(catalog_.item_batches[0].dry_run());
  EXPECT_EQ(out_, "items (dry run, nothing changed): 1 new, 0 changed, 0 unchanged\n");
  EXPECT_THAT(err_, Not(HasSubstr("[")));
}

}  // namespace
}  // namespace onhand::cli
