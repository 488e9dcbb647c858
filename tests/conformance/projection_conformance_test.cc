#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/conformance/backend.h"

namespace onhand::storage {
namespace {

class ProjectionConformance : public ConformanceTest {
 protected:
  Projection& projection() { return store_->projection(); }

  static StockRow Stock(const std::string& sku, int32_t on_hand, uint64_t revision) {
    return {sku, "store 1", on_hand, 1, 2, 3, revision};
  }

  static ProjectionBatch StockBatch(uint64_t through_revision, std::vector<StockRow> stock) {
    ProjectionBatch batch;
    batch.through_revision = through_revision;
    batch.stock = std::move(stock);
    return batch;
  }

  void Write(uint64_t epoch, ProjectionBatch batch) {
    const absl::Status status = projection().Write(epoch, std::move(batch));
    ASSERT_TRUE(status.ok()) << status;
  }

  int32_t OnHand(const std::string& sku) {
    for (const StockRow& row : backend_->Stock()) {
      if (row.sku == sku) return row.on_hand;
    }
    return -1;
  }
};

TEST_P(ProjectionConformance, BeginsAtRevisionZero) {
  const auto head = projection().Head();
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->writer_epoch, 0u);
  EXPECT_EQ(head->through_revision, 0u);
  EXPECT_EQ(head->movements_through_revision, 0u);
}

TEST_P(ProjectionConformance, WritesEveryTable) {
  ProjectionBatch batch = StockBatch(7, {Stock("bat", -5, 7)});
  batch.locations.push_back({"s1", "München \"Ost\"; -- \\ '", "Europe/Berlin", "OPEN", {}, 6});
  batch.locations.push_back({"s2", "", "UTC", "CLOSED", 1'700'000'000'000'001, 7});
  batch.items.push_back({"bat", "Bat", "bats", "sport/cricket", "REORDERABLE", true, false, 7});
  batch.rules.push_back({"r1", std::string(100'000, '"'), 3, true, 7});
  batch.reservations.push_back({"r-1", 2, "Nr. 'ü'", "web-ship", "bat", "s1", 3, "STOCK", "HELD", 4,
                                1'700'000'000'000'001, 7});
  batch.reservations.push_back(
      {"r-1", 1, "", "web-ship", "bat", "", 1, "BACKORDER", "COMMITTED", 4, {}, 7});
  batch.display_changes.push_back({7, 0, "bat", "web-ship", "HIDDEN", "r1", -1, 5, 3});
  batch.audits.push_back({7, 1, "STOP", "bat", "Ann", "recall", 5});
  batch.audits.push_back({7, 0, "STOP", "bat", "Ann", "recall", 5});
  Write(3, batch);

  ASSERT_EQ(backend_->Locations().size(), 2u);
  EXPECT_EQ(backend_->Locations()[0].name, batch.locations[0].name);
  EXPECT_EQ(backend_->Locations()[0].known_through_us, std::nullopt);
  EXPECT_EQ(backend_->Locations()[1].known_through_us, 1'700'000'000'000'001);
  ASSERT_EQ(backend_->Rules().size(), 1u);
  EXPECT_TRUE(backend_->Rules()[0].definition_json == batch.rules[0].definition_json);
  EXPECT_TRUE(backend_->Rules()[0].ended);
  ASSERT_EQ(backend_->Stock().size(), 1u);
  EXPECT_EQ(backend_->Stock()[0].location_id, "store 1");
  EXPECT_EQ(backend_->Stock()[0].on_hand, -5);
  EXPECT_EQ(backend_->Stock()[0].committed, 3);
  const std::vector<ReservationRow> reservations = backend_->Reservations();
  ASSERT_EQ(reservations.size(), 2u);
  EXPECT_EQ(reservations[0].promise, "BACKORDER");
  EXPECT_EQ(reservations[0].expires_at_us, std::nullopt);
  EXPECT_EQ(reservations[1].order_reference, "Nr. 'ü'");
  EXPECT_EQ(reservations[1].units, 3);
  EXPECT_EQ(reservations[1].expires_at_us, 1'700'000'000'000'001);
  ASSERT_EQ(backend_->DisplayChanges().size(), 1u);
  EXPECT_EQ(backend_->DisplayChanges()[0].rule_id, "r1");
  EXPECT_EQ(backend_->DisplayChanges()[0].rule_version, 3u);
  EXPECT_EQ(backend_->DisplayChanges()[0].salable, -1);
  EXPECT_EQ(backend_->CountAudits(), 2);
  EXPECT_EQ(projection().Head()->writer_epoch, 3u);
  EXPECT_EQ(projection().Head()->through_revision, 7u);
}

TEST_P(ProjectionConformance, CaseAndTrailingSpaceKeepIdentifiersApart) {
  const std::vector<std::string> skus = {"sku1", "SKU1", "sku1 ", " sku1", "sku1\xC2\xA0",
                                         "0123", "123",  "é",     "e",     "e\xCC\x81"};
  ProjectionBatch batch;
  for (size_t i = 0; i < skus.size(); ++i) {
    batch.stock.push_back(Stock(skus[i], static_cast<int32_t>(i), 1));
  }
  Write(1, batch);
  EXPECT_EQ(backend_->Stock().size(), skus.size());
  for (size_t i = 0; i < skus.size(); ++i) EXPECT_EQ(OnHand(skus[i]), static_cast<int32_t>(i));
}

TEST_P(ProjectionConformance, BytesThatMeanSomethingToADatabaseAreKept) {
  ProjectionBatch batch = StockBatch(1, {});
  const std::vector<std::string> skus = {
      "it's", "''", "\\", "\\'", "a\"b`c", "50%_", "\xC3\xA9t\xC3\xA9", "?", "--", "~"};
  for (size_t i = 0; i < skus.size(); ++i)
    batch.stock.push_back(Stock(skus[i], static_cast<int32_t>(i), 1));
  Write(1, batch);
  EXPECT_EQ(backend_->Stock().size(), skus.size());
  for (size_t i = 0; i < skus.size(); ++i) EXPECT_EQ(OnHand(skus[i]), static_cast<int32_t>(i));
}

TEST_P(ProjectionConformance, RowsOnlyMoveToHigherRevisions) {
  Write(1, StockBatch(5, {Stock("bat", 50, 5)}));
  Write(1, StockBatch(6, {Stock("bat", 40, 4)}));
  EXPECT_EQ(OnHand("bat"), 50);
  Write(1, StockBatch(7, {Stock("bat", 70, 7)}));
  EXPECT_EQ(OnHand("bat"), 70);
  EXPECT_EQ(backend_->Stock()[0].revision, 7u);
}

TEST_P(ProjectionConformance, AReservationsLineMovesWithItsState) {
  ProjectionBatch batch = StockBatch(5, {});
  batch.reservations.push_back({"r-1", 1, "", "web", "bat", "s1", 3, "STOCK", "HELD", 4, 9, 5});
  Write(1, batch);
  batch.through_revision = 6;
  batch.reservations[0].state = "EXPIRED";
  batch.reservations[0].expires_at_us = std::nullopt;
  batch.reservations[0].revision = 6;
  Write(1, batch);
  ASSERT_EQ(backend_->Reservations().size(), 1u);
  EXPECT_EQ(backend_->Reservations()[0].state, "EXPIRED");
  EXPECT_EQ(backend_->Reservations()[0].expires_at_us, std::nullopt);
}

TEST_P(ProjectionConformance, NewestOfTwoRowsInOneBatchWins) {
  Write(1, StockBatch(9, {Stock("bat", 9, 9), Stock("bat", 8, 8)}));
  EXPECT_EQ(OnHand("bat"), 9);
}

TEST_P(ProjectionConformance, RepeatedWriteChangesNothing) {
  ProjectionBatch batch = StockBatch(5, {Stock("bat", 50, 5), Stock("ball", 7, 4)});
  batch.audits.push_back({5, 0, "COUNT", "bat", "Ann", "weekly", 5});
  Write(1, batch);
  Write(1, batch);
  EXPECT_EQ(backend_->Stock().size(), 2u);
  EXPECT_EQ(OnHand("bat"), 50);
  EXPECT_EQ(backend_->CountAudits(), 1);
  EXPECT_EQ(projection().Head()->through_revision, 5u);
}

TEST_P(ProjectionConformance, WriterOfAnEarlierEpochIsFenced) {
  Write(2, StockBatch(5, {Stock("bat", 50, 5)}));
  const absl::Status status = projection().Write(1, StockBatch(6, {Stock("bat", 60, 6)}));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("FENCED"));
  EXPECT_EQ(projection().WriteMovements(1, 6, {}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OnHand("bat"), 50);
  EXPECT_EQ(projection().Head()->through_revision, 5u);
  Write(2, StockBatch(6, {Stock("bat", 61, 6)}));
  EXPECT_EQ(OnHand("bat"), 61);
}

TEST_P(ProjectionConformance, WatermarkNeverFalls) {
  Write(1, StockBatch(9, {}));
  Write(1, StockBatch(5, {}));
  EXPECT_EQ(projection().Head()->through_revision, 9u);
}

TEST_P(ProjectionConformance, LargeBatchIsWrittenWhole) {
  constexpr int kRows = 2'503;
  ProjectionBatch batch;
  batch.through_revision = 3;
  for (int i = 0; i < kRows; ++i) batch.stock.push_back(Stock(std::to_string(i * 7919), i, 3));
  batch.items.push_back({"1", "One", "", "", "ENDED", true, true, 3});
  Write(1, batch);
  EXPECT_EQ(backend_->Stock().size(), static_cast<size_t>(kRows));
  EXPECT_EQ(OnHand(std::to_string(2'502 * 7919)), 2'502);
  EXPECT_EQ(projection().Head()->through_revision, 3u);
}

TEST_P(ProjectionConformance, MovementsHaveTheirOwnWatermark) {
  Write(1, StockBatch(9, {}));
  const std::vector<MovementRow> movements = {
      {4, 1, "bat", "s1", "SALE", "till", -2, 1'700'000'000'000'000, true},
      {4, 0, "bat ", "s1", "RECEIPT", "erp", 1'000'000'000, -1, false}};
  ASSERT_TRUE(projection().WriteMovements(1, 4, movements).ok());
  ASSERT_TRUE(projection().WriteMovements(1, 4, movements).ok());

  const auto rows = backend_->Movements();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].sku, "bat ");
  EXPECT_EQ(rows[0].quantity, 1'000'000'000);
  EXPECT_EQ(rows[0].occurred_at_us, -1);
  EXPECT_EQ(rows[1].kind, "SALE");
  EXPECT_EQ(rows[1].quantity, -2);
  EXPECT_TRUE(rows[1].inferred);
  EXPECT_EQ(projection().Head()->movements_through_revision, 4u);
  EXPECT_EQ(projection().Head()->through_revision, 9u);
}

TEST_P(ProjectionConformance, MovementsMayBeWrittenBesideTheOtherTables) {
  constexpr uint64_t kRevisions = 20;
  std::thread beside([&] {
    for (uint64_t revision = 1; revision <= kRevisions; ++revision) {
      std::vector<MovementRow> movements;
      for (uint32_t ordinal = 0; ordinal < 300; ++ordinal)
        movements.push_back({revision, ordinal, "bat", "s1", "SALE", "till", -1, 0, false});
      const absl::Status status = projection().WriteMovements(1, revision, std::move(movements));
      ASSERT_TRUE(status.ok()) << status;
    }
  });
  for (uint64_t revision = 1; revision <= kRevisions; ++revision) {
    ProjectionBatch batch = StockBatch(revision, {});
    for (int i = 0; i < 300; ++i)
      batch.stock.push_back(Stock(std::to_string(i), static_cast<int32_t>(revision), revision));
    Write(1, std::move(batch));
  }
  beside.join();
  EXPECT_EQ(backend_->Movements().size(), kRevisions * 300);
  EXPECT_EQ(OnHand("299"), static_cast<int32_t>(kRevisions));
  EXPECT_EQ(projection().Head()->through_revision, kRevisions);
  EXPECT_EQ(projection().Head()->movements_through_revision, kRevisions);
}

TEST_P(ProjectionConformance, OldMovementsAreDropped) {
  std::vector<MovementRow> movements;
  for (uint64_t revision = 1; revision <= 3; ++revision) {
    for (uint32_t ordinal = 0; ordinal < 700; ++ordinal) {
      movements.push_back({revision, ordinal, "bat", "s1", "SALE", "till", -1, 0, false});
    }
  }
  ASSERT_TRUE(projection().WriteMovements(1, 3, movements).ok());
  EXPECT_TRUE(projection().MovementTimeUs(3)->has_value());
  EXPECT_FALSE(projection().MovementTimeUs(4)->has_value());
  ASSERT_TRUE(projection().DropMovements(2).ok());
  EXPECT_EQ(backend_->Movements().size(), 700u);
  EXPECT_EQ(backend_->Movements()[0].revision, 3u);
  EXPECT_EQ(projection().Head()->movements_through_revision, 3u);
}

INSTANTIATE_ON_ALL_BACKENDS(ProjectionConformance);

}  // namespace
}  // namespace onhand::storage
