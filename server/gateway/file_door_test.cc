// Exports sent by PUT, against a hub.
#include "server/gateway/file_door.h"

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/gateway/gateway_for_test.h"
#include "server/gateway/gzip.h"

namespace onhand::gateway {
namespace {

using testing::HasSubstr;

constexpr char kFiles[] = "/v1/locations/store/files/";

class FileDoorTest : public testing::Test {
 protected:
  FileDoorTest() {
    std::vector<std::string> skus = {"boot", "hat"};
    for (int i = 0; i < 30; ++i) skus.push_back(absl::StrCat("sku-", i));
    http_.hub.MakeChain({"store", "other"}, skus);
  }

  httplib::Result Put(const std::string& name, const std::string& content,
                      const httplib::Headers& headers = {}) {
    return http_.client->Put(absl::StrCat(kFiles, name), headers, content, "text/csv");
  }
  json Take(const std::string& name, const std::string& content, int status = 200) {
    const auto answer = Put(name, content);
    EXPECT_TRUE(answer);
    if (!answer) return {};
    EXPECT_EQ(answer->status, status) << answer->body;
    return json::parse(answer->body, nullptr, false);
  }
  int OnHand(const std::string& sku) {
    const auto answer = http_.Post("/onhand.v1.AvailabilityService/GetAvailability",
                                   json{{"sku", sku}, {"locationId", "store"}}.dump());
    return json::parse(answer->body)["availability"].value("maxQuantity", 0);
  }
  // A snapshot's rows come in slices after its verdict.
  bool BecomesOnHand(const std::string& sku, int quantity) {
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (absl::Now() < deadline) {
      if (OnHand(sku) == quantity) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }
  const ledger::SourceState Source() {
    return http_.hub.hub().Read([](const ledger::Ledger& ledger) {
      return *ledger.state().sources.Find(*ledger.state().source_ids.Find("files@store"));
    });
  }
  static std::string Thirty(int quantity) {
    std::string stock = "sku,quantity\n";
    for (int i = 0; i < 30; ++i) absl::StrAppend(&stock, "sku-", i, ",", quantity, "\n");
    return stock;
  }

  ServedGateway http_;
};

TEST_F(FileDoorTest, AStockFileBecomesWhatIsOnHand) {
  const json answer = Take("stock.csv", "sku;quantity\nboot;5\nhat;3\n");
  EXPECT_EQ(answer["kind"], "LEVEL");
  EXPECT_EQ(answer["locationId"], "store");
  EXPECT_EQ(answer["rowsTaken"], 2);
  EXPECT_EQ(answer["rowsRejected"], 0);
  EXPECT_FALSE(answer["alreadyTaken"]);
  EXPECT_EQ(answer["snapshot"]["state"], "ACCEPTED");
  EXPECT_TRUE(answer.contains("knownThrough"));
  EXPECT_TRUE(BecomesOnHand("boot", 5));
  EXPECT_TRUE(BecomesOnHand("hat", 3));
}

TEST_F(FileDoorTest, TheSameFileIsTakenOnce) {
  Take("stock.csv", "sku,quantity\nboot,50\n");
  ASSERT_TRUE(BecomesOnHand("boot", 50));
  // Sold before the stock was counted would change nothing.
  const std::string sold_at =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  const std::string now = absl::StrCat("sku,quantity,sold_at\nboot,2,", sold_at, "\n");
  const json first = Take("sales.csv", now);
  EXPECT_EQ(first["kind"], "SALE");
  EXPECT_TRUE(BecomesOnHand("boot", 48));
  const json again = Take("sales.csv", now);
  json same = first;
  same["alreadyTaken"] = true;
  EXPECT_EQ(again, same);
  EXPECT_EQ(OnHand("boot"), 48);
  // As another file it is another sale.
  Take("sales2.csv", now);
  EXPECT_TRUE(BecomesOnHand("boot", 46));
  EXPECT_TRUE(Take("sales.csv", now)["alreadyTaken"]);
}

TEST_F(FileDoorTest, AFileIsRememberedWhenManyOthersHaveCome) {
  Take("stock.csv", "sku,quantity\nboot,500\n");
  const auto sales = [](int i) {
    return absl::StrCat("sku,quantity,sold_at\nboot,1,",
                        absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone()),
                        "\nhat,", i, ",2026-01-05\n");
  };
  const std::string first = sales(0);
  Take("sales-0.csv", first);
  for (int i = 1; i < 40; ++i) Take(absl::StrCat("sales-", i, ".csv"), sales(i));
  EXPECT_TRUE(Take("sales-0.csv", first)["alreadyTaken"]);
}

TEST_F(FileDoorTest, RowsThatCannotBeReadAreToldAndBlockNothing) {
  std::string stock = "sku,quantity\nboot,many\nhat,3\n";
  const json answer = Take("stock.csv", stock);
  EXPECT_EQ(answer["rowsTaken"], 1);
  EXPECT_EQ(answer["rowsRejected"], 1);
  const json rejected = answer["rejected"][0];
  EXPECT_EQ(rejected["line"], 2);
  EXPECT_EQ(rejected["field"], "quantity");
  EXPECT_EQ(rejected["value"], "many");
  EXPECT_EQ(rejected["row"], "boot,many");
  EXPECT_FALSE(rejected["remedy"].get<std::string>().empty());
  // A rejected item is not an absent one.
  EXPECT_FALSE(answer["snapshot"]["complete"]);

  std::string many = "sku,quantity\nhat,1\n";
  for (int i = 0; i < 150; ++i) absl::StrAppend(&many, "boot-", i, ",x\n");
  const json long_list = Take("stock2.csv", many);
  EXPECT_EQ(long_list["rowsRejected"], 150);
  EXPECT_EQ(long_list["rejected"].size(), 100);
}

TEST_F(FileDoorTest, RowsThatTheHubDoesNotTakeAreToldWithTheirLine) {
  const json answer = Take("stock.csv", "sku,quantity\nboot,5\nhat,999999999999\n");
  EXPECT_EQ(answer["rowsTaken"], 1) << answer.dump(2);
  EXPECT_EQ(answer["rowsRejected"], 1);
  EXPECT_EQ(answer["rejected"][0]["line"], 3);
  EXPECT_THAT(answer["rejected"][0].dump(), HasSubstr("999999999999"));
}

TEST_F(FileDoorTest, ASnapshotThatTakesTooMuchAwayWaitsForAPerson) {
  Take("stock.csv", Thirty(9));
  ASSERT_TRUE(BecomesOnHand("sku-7", 9));
  const json answer = Take("stock.csv", Thirty(0), 202);
  EXPECT_EQ(answer["snapshot"]["state"], "QUARANTINED");
  EXPECT_EQ(answer["snapshot"]["reason"], "SNAPSHOT_DROP");
  EXPECT_GT(answer["snapshot"]["quarantineId"], 0);
  EXPECT_EQ(OnHand("sku-7"), 9);
  const json again = Take("stock.csv", Thirty(0), 202);
  EXPECT_TRUE(again["alreadyTaken"]);
  EXPECT_EQ(again["snapshot"], answer["snapshot"]);
}

TEST_F(FileDoorTest, AFileThatBrokeOffGoesOnWhereItWas) {
  Take("stock.csv", "sku,quantity\nboot,100000\n");
  ASSERT_TRUE(BecomesOnHand("boot", 100'000));
  std::string sales = "sku,quantity,sold_at\n";
  const std::string later =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  for (int i = 0; i < 12'000; ++i) absl::StrAppend(&sales, "boot,1,", later, "\n");
  EXPECT_EQ(Take("sales.csv", sales)["rowsTaken"], 12'000);
  ASSERT_TRUE(BecomesOnHand("boot", 88'000));

  // As if the hub had been killed after the first of three batches.
  const ledger::SourceState source = Source();
  TakenFiles memory = TakenFiles::Parse(source.input_position);
  const auto sales_hash = [&] {
    // The newest file is the first that the position tells.
    uint64_t content = 0;
    for (size_t i = 0; i < 8; ++i) {
      content |= static_cast<uint64_t>(static_cast<uint8_t>(source.input_position[7 + i]))
                 << (8 * i);
    }
    return content;
  }();
  TakenFile half = *memory.Find(sales_hash);
  half.records_told = 5'000;
  memory.Put(half);
  v1::Hello hello;
  hello.set_source_id("files@store");
  hello.set_spool_id("door");
  hello.add_location_ids("store");
  v1::Batch batch;
  batch.set_sequence(source.durable_sequence + 1);
  batch.set_input_position(memory.ToPosition());
  absl::Notification told;
  http_.hub.hub().OpenSource(hello, [&](absl::StatusOr<ledger::OpenedSource> opened) {
    http_.hub.hub().SubmitReport({.source = opened->source,
                                  .spool = opened->spool,
                                  .batch = &batch,
                                  .done = [&](absl::StatusOr<hub::ReportResult> result) {
                                    EXPECT_TRUE(result.ok()) << result.status();
                                    told.Notify();
                                  }});
  });
  told.WaitForNotification();
  EXPECT_FALSE(Take("sales.csv", sales)["alreadyTaken"]);
  EXPECT_TRUE(BecomesOnHand("boot", 81'000)) << OnHand("boot");
  EXPECT_TRUE(Take("sales.csv", sales)["alreadyTaken"]);
}

TEST_F(FileDoorTest, TheSourceDeclaresWhatItWasEverSent) {
  Take("stock.csv", "sku,quantity\nboot,5\n");
  EXPECT_EQ(Source().opened.declared_kinds(), 1u << v1::MOVEMENT_KIND_LEVEL);
  Take("sales.csv", "sku,quantity,sold_at\nboot,1,2026-01-05T10:00:00Z\n");
  const uint32_t both =
      1u << v1::MOVEMENT_KIND_LEVEL | 1u << v1::MOVEMENT_KIND_SALE | 1u << v1::MOVEMENT_KIND_RETURN;
  EXPECT_EQ(Source().opened.declared_kinds(), both);
  Take("stock.csv", "sku,quantity\nboot,4\n");
  EXPECT_EQ(Source().opened.declared_kinds(), both);
}

TEST_F(FileDoorTest, TheQuerySaysHowAFileIsRead) {
  const json answer = Take(
      "EXPORT.TXT?kind=LEVEL&delimiter=%7C&columns.sku=ARTNR&columns.quantity=BESTAND"
      "&repeated_sku=sum&modified=2026-01-05T20:00:00%2B01:00",
      "ARTNR|BESTAND\nboot|2\nboot|3\n");
  EXPECT_EQ(answer["snapshot"]["asOf"], "2026-01-05T19:00:00Z") << answer.dump(2);
  EXPECT_TRUE(BecomesOnHand("boot", 5));
}

TEST_F(FileDoorTest, WhatIsWrongAsAWholeIsRefusedWithItsReason) {
  const std::vector<std::pair<std::pair<std::string, std::string>, std::string>> wrong = {
      {{"stock.csv", "a,b\n1,2\n"}, "UNKNOWN_COLUMNS"},
      {{"stock.csv", ""}, "FILE_EMPTY"},
      {{"stock.csv", "sku,quantity\nboot,5\nha"}, "SNAPSHOT_TRUNCATED"},
      {{"stock.csv", "sku,quantity\nboot,5\nboot,6\n"}, "REPEATED_SKU"},
      {{"stock.csv?decimel=,", "sku,quantity\nboot,5\n"}, "INVALID_MAPPING"},
      {{"stock.csv?columns=sku&columns.sku=x", "sku,quantity\nboot,5\n"}, "INVALID_MAPPING"},
      {{"stock.csv?modified=yesterday", "sku,quantity\nboot,5\n"}, "INVALID_TIME"},
  };
  for (const auto& [file, reason] : wrong) {
    const auto answer = Put(file.first, file.second);
    ASSERT_TRUE(answer) << file.first;
    EXPECT_EQ(answer->status, 400) << file.first;
    EXPECT_EQ(ReasonOf(answer->body), reason) << answer->body;
  }
  EXPECT_EQ(OnHand("boot"), 0);
  const auto nowhere =
      http_.client->Put("/v1/locations/nowhere/files/stock.csv", "sku,quantity\n", "text/csv");
  EXPECT_EQ(nowhere->status, 404);
  EXPECT_EQ(ReasonOf(nowhere->body), "UNKNOWN_LOCATION");
  EXPECT_EQ(http_.client->Get(absl::StrCat(kFiles, "stock.csv"))->status, 405);
  EXPECT_EQ(Put("stock.csv", std::string((4 << 20) + 1, ' '))->status, 413);
}

TEST_F(FileDoorTest, RowsOfAnotherLocationAreNotTaken) {
  const json answer = Take("stock.csv", "sku,quantity,location\nboot,5,store\nhat,3,other\n");
  EXPECT_EQ(answer["rowsTaken"], 1);
  EXPECT_EQ(answer["rejected"][0]["field"], "location");
}

TEST_F(FileDoorTest, AFileMayBeGzip) {
  const auto answer =
      Put("stock.csv", Gzip("sku,quantity\nboot,5\n"), {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_TRUE(BecomesOnHand("boot", 5));
}

}  // namespace
}  // namespace onhand::gateway
