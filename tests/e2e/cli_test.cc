// The way a new chain goes, with nothing but the three programs and a few files.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// A chain of two stores that sells three items on two channels.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.Start();
    WriteFile(folder_ / "locations.csv",
              "location_id,name,time_zone\nmad,Madrid,Europe/Madrid\nber,Berlin,Europe/Berlin\n");
    WriteFile(folder_ / "items.csv",
              "sku,name,aliases\nracket,Tennis racket,4006381333931\nball,Ball,\nshoe,Shoe,\n");
    Expect({"import", "locations", folder_ / "locations.csv"}, 0, "2 new");
    Expect({"import", "items", folder_ / "items.csv"}, 0, "3 new");
    Expect({"channel", "set", "web-ship", "--kind", "ship"}, 0, "");
  }

  Ended Onhand(const std::vector<std::string>& arguments) { return hub_.Onhand(arguments); }
  void Expect(const std::vector<std::string>& arguments, int exit_code, const std::string& says) {
    const Ended ended = Onhand(arguments);
    EXPECT_EQ(ended.exit_code, exit_code) << ::testing::PrintToString(arguments) << ended.err;
    EXPECT_THAT(exit_code == 0 ? ended.out : ended.err, HasSubstr(says))
        << ::testing::PrintToString(arguments);
  }
  // What a shop is told about an item.
  Json Availability(const std::string& sku, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--json", "availability", sku, "--channel", "web-ship"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = Onhand(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return Json::parse(ended.out)["results"][0]["availability"];
  }
  void ExpectStatus(const std::string& sku, const std::string& status) {
    EXPECT_EQ(Availability(sku)["status"], "AVAILABILITY_STATUS_" + status) << sku;
  }
  // A store drops one export, and its agent tells it.
  void Tell(const std::string& location_id, const std::string& name, const std::string& content) {
    const std::string folder = folder_ / location_id;
    std::filesystem::create_directories(folder);
    WriteFile(folder + "/" + name, content);
    const AgentProgram agent(hub_.address(), {"--location", location_id, "--source",
                                              "csv:" + folder, "--spool", folder + ".spool"});
    const Ended ended = agent.RunOnce();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }

  TempFolder folder_;
  HubProgram hub_{"sqlite:" + (folder_ / "hub.db")};
};

TEST_F(CliTest, WhatAStoreTellsIsWhatTheShopMayPromise) {
  Tell("mad", "stock_1.csv", "sku,quantity\nracket,4\nball,0\n");
  Tell("ber", "stock_1.csv", "Artikelnummer;Bestand\r\nracket;3\r\nshoe;-2\r\n");
  const Json answer = Availability("racket");
  EXPECT_EQ(answer["status"], "AVAILABILITY_STATUS_IN_STOCK");
  EXPECT_EQ(answer["max_quantity"], 7);
  EXPECT_EQ(answer["orderable"], true);
  EXPECT_EQ(Availability("4006381333931")["sku"], "racket");
  EXPECT_EQ(Availability("racket", {"--location", "ber"})["max_quantity"], 3);
  ExpectStatus("ball", "HIDDEN");
  EXPECT_EQ(Availability("shoe")["max_quantity"], 0);
  Expect({"positions", "--location", "ber"}, 0, "-2");
  Tell("mad", "sales_1.csv", "sku,quantity,occurred_at\nracket,1,2026-01-01 10:00:00\n");
  Expect({"movements", "racket", "mad"}, 0, "sale");
}

TEST_F(CliTest, BelowTheFloorAnItemDisappearsUntilTheReshowLevel) {
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--reshow", "8", "--author", "ana"}, 0,
         "hidden below 5 in the chain until 8");
  Tell("mad", "stock.csv", "sku,quantity\nracket,8\n");
  ExpectStatus("racket", "IN_STOCK");
  Expect({"adjust", "racket", "mad", "--adjust", "-3", "--reason", "broken"}, 0, "");
  ExpectStatus("racket", "IN_STOCK");
  Expect({"adjust", "racket", "mad", "--adjust", "-1", "--reason", "broken"}, 0, "");
  ExpectStatus("racket", "HIDDEN");
  Expect({"displayed", "racket"}, 0, "floor, version 1");
  Expect({"adjust", "racket", "mad", "--adjust", "3", "--reason", "found"}, 0, "");
  ExpectStatus("racket", "HIDDEN");
  Expect({"adjust", "racket", "mad", "--adjust", "1", "--reason", "found"}, 0, "");
  ExpectStatus("racket", "IN_STOCK");
}

TEST_F(CliTest, ItemsKeepSellingOrTurnToBackorderAtZero) {
  Expect({"rule", "set", "keep", "--sku", "ball", "--zero", "keep-selling"}, 0, "keep-selling");
  Expect({"rule", "set", "later", "--sku", "shoe", "--zero", "backorder", "--backorder-limit", "10",
          "--lead-days", "5"},
         0, "back-orders come in 5 days");
  Tell("mad", "stock.csv", "sku,quantity\nball,0\nshoe,0\nracket,0\n");
  ExpectStatus("ball", "KEEP_SELLING");
  ExpectStatus("shoe", "BACKORDER");
  EXPECT_FALSE(Availability("shoe")["available_from"].is_null());
  ExpectStatus("racket", "HIDDEN");
  Expect({"rule", "set", "keep", "--sku", "ball", "--zero", "hide"}, 1, "ETAG_MISMATCH");
  Expect({"rule", "delete", "keep", "--yes"}, 0, "ended");
  ExpectStatus("ball", "HIDDEN");
}

TEST_F(CliTest, StopsAndPausesAreInForceWithTheirCommand) {
  Tell("mad", "stock.csv", "sku,quantity\nracket,6\nball,6\n");
  Expect({"stop", "racket", "--reason", "recall"}, 0, "");
  ExpectStatus("racket", "HIDDEN");
  ExpectStatus("ball", "IN_STOCK");
  Expect({"resume", "racket"}, 0, "");
  ExpectStatus("racket", "IN_STOCK");
  Expect({"location", "pause", "mad", "--reason", "stocktake"}, 0, "");
  EXPECT_EQ(Availability("ball")["orderable"], false);
  Expect({"location", "open", "mad"}, 0, "");
  ExpectStatus("ball", "IN_STOCK");
}

TEST_F(CliTest, ASnapshotThatLosesEverythingWaitsForAPerson) {
  std::string items = "sku\n";
  std::string full = "sku,quantity\n";
  std::string empty = full;
  for (int i = 0; i < 30; ++i) {
    const std::string sku = "line" + std::to_string(i);
    items += sku + "\n";
    full += sku + ",5\n";
    empty += sku + ",0\n";
  }
  WriteFile(folder_ / "more.csv", items);
  Expect({"import", "items", folder_ / "more.csv"}, 0, "30 new");
  Tell("mad", "stock_1.csv", full);
  Tell("mad", "stock_2.csv", empty);
  Json entries;
  ASSERT_TRUE(WaitUntil([&] {
    entries = Json::parse(Onhand({"--json", "quarantine", "list"}).out)["entries"];
    return !entries.empty();
  }));
  EXPECT_EQ(entries[0]["reason"], "SNAPSHOT_DROP");
  ExpectStatus("line7", "IN_STOCK");
  Expect({"quarantine", "accept", entries[0]["quarantine_id"].get<std::string>(), "--reason",
          "store cleared"},
         0, "is being taken");
  EXPECT_TRUE(WaitUntil([&] { return Availability("line7")["orderable"] == false; }));
  Expect({"quarantine", "list"}, 0, "Nothing in quarantine");
}

TEST_F(CliTest, StatusShowsTheHubAndItsLocations) {
  Tell("mad", "stock.csv", "sku,quantity\nracket,6\n");
  const Ended ended = Onhand({"--json", "status"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const Json status = Json::parse(ended.out);
  EXPECT_EQ(status["hub"]["store"], "sqlite");
  EXPECT_EQ(status["hub"]["position_count"], "1");
  const Json& locations = status["location_status"]["locations"];
  ASSERT_EQ(locations.size(), 2u);
  EXPECT_EQ(locations[1]["location_id"], "mad");
  EXPECT_EQ(locations[1]["sources"][0]["source_id"], "mad-csv");
  EXPECT_FALSE(locations[1]["known_through"].is_null());
}

TEST_F(CliTest, ErrorsNameFieldValueAndRemedyAndHaveTheirExitCode) {
  Expect({"availability", "unknown", "--channel", "web-ship"}, 1, "unknown");
  Expect({"availability", "racket", "--channel", "fax"}, 1, "UNKNOWN_CHANNEL");
  Expect({"location", "pause", "nowhere", "--reason", "test"}, 1, "nowhere");
  Expect({"rule", "set", "empty"}, 2, "--chain-floor");
  Expect({"frobnicate"}, 2, "");
  WriteFile(folder_ / "bad.csv", "location_id,time_zone\nx,Mars/Olympus\n");
  Expect({"import", "locations", folder_ / "bad.csv"}, 1, "Mars/Olympus");
  Expect({"import", "items", folder_ / "missing.csv"}, 1, "missing.csv");
  hub_.Kill();
  Expect({"status"}, 3, hub_.address());
}

TEST_F(CliTest, RulesGoToAFileAndBack) {
  Expect({"chain", "set", "--time-zone", "Europe/Madrid"}, 0, "Europe/Madrid");
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--reshow", "8", "--zero", "hide"}, 0, "");
  Expect({"rule", "set", "week", "--sku", "racket", "--location", "ber", "--demand-factor", "2.5",
          "--from", "2099-11-27 00:00", "--until", "2099-11-30 08:00", "--author", "Ana"},
         0, "demand x 2.5");
  for (const std::string name : {"rules.yaml", "rules.csv"}) {
    Expect({"rule", "export", folder_ / name}, 0, "2 rules");
    Expect({"rule", "apply", folder_ / name, "--prune"}, 0, "0 changed, 0 ended, 2 unchanged");
  }
  // Berlin's midnight is told as such.
  EXPECT_THAT(ReadFile(folder_ / "rules.yaml"), HasSubstr("from: \"2099-11-27 00:00\""));

  WriteFile(folder_ / "new.yaml",
            "rules:\n  - id: floor\n    chain_floor: 6\n    reshow: 8\n    zero: hide\n");
  Expect({"rule", "apply", folder_ / "new.yaml", "--prune", "--dry-run"}, 0,
         "Dry run, nothing changed. rules: 0 new, 1 changed, 1 ended");
  Expect({"rule", "apply", folder_ / "new.yaml", "--prune", "--reason", "git"}, 0,
         "rules: 0 new, 1 changed, 1 ended, 0 unchanged");
  Expect({"rule", "diff", "floor"}, 0, "chain_floor  5     6");
  Expect({"rule", "rollback", "floor", "1"}, 0, "hidden below 5");
  Expect({"rule", "rollback", "week", "1"}, 0, "demand x 2.5");
  Expect({"rule", "history", "week"}, 0, "ended; said: demand x 2.5");
}

TEST_F(CliTest, ARuleIsPreviewedBeforeItHidesAndExplainedAfterwards) {
  Tell("mad", "stock_1.csv", "sku,quantity\nracket,4\nball,9\n");
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--zero", "hide", "--preview"}, 0,
         "It would hide 50.0 % of what is shown now: making it needs --yes.");
  ExpectStatus("racket", "IN_STOCK");
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--zero", "hide"}, 1,
         "[CONFIRMATION_NEEDED]");
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--zero", "hide", "--yes"}, 0, "floor");
  ExpectStatus("racket", "HIDDEN");
  Expect({"explain", "racket", "--channel", "web-ship"}, 0, "4 left in the chain");
  Expect({"displayed", "racket"}, 0, "4 left in the chain");
}

TEST_F(CliTest, AnItemIsFoundHeldCommittedAndHandedOver) {
  WriteFile(folder_ / "places.csv",
            "location_id,name,time_zone,latitude,longitude,hours\n"
            "mad,Madrid,Europe/Madrid,40.42,-3.70,\n"
            "ber,Berlin,Europe/Berlin,52.52,13.40,\"Mon-Sun 00:00-24:00\"\n");
  Expect({"import", "locations", folder_ / "places.csv"}, 0, "2 changed");
  Tell("mad", "stock_1.csv", "sku,quantity\nracket,1\n");
  Tell("ber", "stock_1.csv", "sku,quantity\nracket,3\nball,2\n");
  Expect({"find", "racket", "--near", "40.4,-3.7"}, 0, "mad       Madrid     2.2  in-stock");
  Expect({"find", "racket", "--near-location", "mad"}, 0, "open");

  Expect({"reservation", "check", "racket=2", "ball"}, 0, "The basket can be held.");
  const Ended held = Onhand({"--json", "reservation", "create", "racket=2", "ball", "--ttl", "1h"});
  ASSERT_EQ(held.exit_code, 0) << held.err;
  const std::string id = Json::parse(held.out)["reservation"]["reservation_id"];
  Expect({"find", "racket", "--near-location", "mad", "--units", "2"}, 0, "No location there");
  Expect({"reservation", "create", "racket=2"}, 1, "NOT_ENOUGH");
  Expect({"reservation", "commit", id, "--order", "web-1"}, 0, "committed");
  Expect({"reservation", "pick", "--order", "web-1"}, 0, "picked");
  Expect({"reservation", "fulfil", "--order", "web-1"}, 0, "fulfilled");
  EXPECT_EQ(Availability("racket", {"--location", "ber"})["max_quantity"], 1);
  Expect({"reservation", "list", "--state", "fulfilled"}, 0, "web-1");
}

TEST_F(CliTest, OpenOrdersAreTakenOverAndShortagesShow) {
  Tell("mad", "stock_1.csv", "sku,quantity\nracket,1\n");
  WriteFile(folder_ / "orders.csv",
            "order_reference,sku,units,location\nold-1,racket,2,mad\nold-2,bat,1,mad\n");
  Expect({"import", "orders", folder_ / "orders.csv"}, 1, "1 order of");
  Expect({"import", "orders", folder_ / "orders.csv", "--json"}, 1, "1 order of");
  EXPECT_THAT(Onhand({"import", "orders", folder_ / "orders.csv"}).out,
              HasSubstr("orders: 0 imported, 1 already there, 1 refused\n  order old-2, line 3: "));
  Expect({"check", "shortages"}, 0, "racket  mad           1");
  Expect({"reservation", "show", "--order", "old-1"}, 0, "old-1 (taken over)");
}

TEST_F(CliTest, FeedsTellWhatEachStoreAndTheChainMayPromise) {
  Tell("mad", "stock.csv", "sku,quantity\nracket,4\nball,0\n");
  Tell("ber", "stock.csv", "sku,quantity\nracket,2\nball,1\n");
  Expect({"rule", "set", "later", "--sku", "ball", "--location", "mad", "--zero", "backorder",
          "--backorder-limit", "10", "--lead-days", "5"},
         0, "");
  const Ended google = Onhand({"export", "--format", "google-local-inventory"});
  ASSERT_EQ(google.exit_code, 0) << google.err;
  EXPECT_EQ(google.out,
            "store_code\tid\tquantity\tavailability\n"
            "ber\tball\t1\tlimited_availability\n"
            "ber\tracket\t2\tlimited_availability\n"
            "mad\tball\t0\tout_of_stock\n"
            "mad\tracket\t4\tin_stock\n");
  const std::string path = folder_ / "feed.csv";
  Expect({"export", "--chain", "--location", "mad", "--channel", "web-ship", "--out", path}, 0,
         "Full feed: 6 lines of the chain and 1 location, in " + path);
  const std::string feed = ReadFile(path);
  EXPECT_THAT(feed, HasSubstr("\nracket,,in-stock,true,6,,20"));
  EXPECT_THAT(feed, HasSubstr("\nracket,mad,in-stock,true,4,,20"));
  EXPECT_THAT(feed, HasSubstr("\nball,mad,backorder,true,10,20"));
  EXPECT_THAT(feed, HasSubstr(",https://schema.org/BackOrder\n"));
  Expect({"export", "--location", "nowhere"}, 1, "UNKNOWN_LOCATION");
}

TEST_F(CliTest, AFeedGoesOnWhereTheLastOneEndedAlsoAfterARestart) {
  Tell("mad", "stock.csv", "sku,quantity\nracket,4\nball,6\n");
  Tell("ber", "stock.csv", "sku,quantity\nracket,2\nball,1\n");
  const std::string path = folder_ / "feed.tsv";
  const auto next = [&](const std::string& says) {
    Expect({"export", "--format", "google-local-inventory", "--since-file", folder_ / "token",
            "--out", path},
           0, says);
    return ReadFile(path);
  };
  next("Full feed: 6 lines of 2 locations");
  EXPECT_EQ(next("Changes since the token: 0 lines"), "store_code\tid\tquantity\tavailability\n");
  Expect({"adjust", "racket", "mad", "--adjust", "-3", "--reason", "sold"}, 0, "");
  Expect({"stop", "ball", "--reason", "recall"}, 0, "");
  EXPECT_EQ(next("Changes since the token: 3 lines"),
            "store_code\tid\tquantity\tavailability\n"
            "ber\tball\t0\tout_of_stock\n"
            "mad\tball\t0\tout_of_stock\n"
            "mad\tracket\t1\tlimited_availability\n");
  hub_.Stop();
  hub_.Start();
  Expect({"adjust", "racket", "ber", "--adjust", "5", "--reason", "found"}, 0, "");
  EXPECT_THAT(next("lines of 2 locations"), HasSubstr("ber\tracket\t7\tin_stock\n"));
}

TEST_F(CliTest, AWebsiteIsComparedWithWhatOnhandWouldSay) {
  Tell("mad", "stock.csv", "sku,quantity\nracket,4\nball,9\nshoe,8\n");
  Expect({"rule", "set", "floor", "--chain-floor", "5", "--zero", "hide", "--yes"}, 0, "");
  const std::string site = folder_ / "site.csv";
  WriteFile(site, "EAN;Stock status\n4006381333931;in stock\nball;sold out\nghost;InStock\n");
  const Ended ended = Onhand({"compare", "--site", site});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("1 item that the site sells and Onhand would not"));
  EXPECT_THAT(ended.out, HasSubstr("4 left in the chain, rule 'floor' needs 5"));
  EXPECT_THAT(ended.out, HasSubstr("In stock: 9 can be sold in the chain."));
  EXPECT_THAT(ended.out, HasSubstr("Same: 0. Different: 4."));
  Expect({"compare", "--site", site, "--fail-on-difference"}, 1, "differ in 4 items");
}

// Sixty days of two stores, of which one item was sold in Madrid for the last time on day 40.
TEST(AssessTest, TwoExportsSayWhatVanished) {
  const TempFolder folder;
  std::string sales = "Tienda;Articulo;Fecha;Hora;Cantidad\n";
  const absl::CivilDay first(2025, 3, 1);
  for (int day = 0; day < 60; ++day) {
    const absl::CivilDay date = first + day;
    for (const char* hour : {"10:05", "13:40", "18:20"}) {
      for (const char* store : {"mad", "bcn"}) {
        for (const char* item : {"racket", "ball"}) {
          const bool vanished = day >= 40 && store == std::string("mad") && item[0] == 'r';
          if (vanished) continue;
          absl::StrAppend(&sales, store, ";", item, ";", date.day(), "/", date.month(), "/",
                          date.year(), ";", hour, ";1\n");
        }
      }
    }
  }
  WriteFile(folder / "ventas.csv", sales);
  WriteFile(folder / "existencias.csv",
            "Tienda;Articulo;Existencias\nmad;racket;3\nmad;ball;2\nbcn;racket;20\nbcn;ball;1\n");
  const Ended ended =
      RunToEnd({OnhandPath(), "assess", folder / "ventas.csv", folder / "existencias.csv",
                "--time-zone", "Europe/Madrid", "--onhandd", HubPath()});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(
      ended.out,
      AllOf(HasSubstr("taken as of 2025-04-29 18:20"), HasSubstr("1 shelf is probably empty"),
            HasSubstr("racket  mad             3"), HasSubstr("last sold on 2025-04-09")));
  EXPECT_THAT(
      ended.out,
      HasSubstr("below 5                                   1             3                 6.0"));
  EXPECT_THAT(ended.out, HasSubstr("4. HOW OFTEN EACH STORE SHOULD EXPORT"));
}

}  // namespace
}  // namespace onhand::testing
