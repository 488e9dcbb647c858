// Snapshots that cannot be right, through gRPC to a real hub: each waits as a whole for a person or
// for the next good one, while the old numbers stand and later reports go on.
#include <string>

#include "tests/integration/hub_fixture.h"

namespace onhand::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class SnapshotTest : public HubFixture {
 protected:
  // The hub decides a snapshot after its END was acknowledged.
  void AwaitQuarantined(const std::string& reason) {
    EXPECT_TRUE(WaitUntil([&] {
      const auto entries = Quarantined();
      return entries.size() == 1 && entries[0].reason() == reason;
    })) << "no "
        << reason;
  }
  void AwaitOnHand(const std::vector<std::pair<std::string, int64_t>>& numbers) {
    WaitUntil([&] { return OnHand() == numbers; });
    EXPECT_EQ(OnHand(), numbers);
  }
};

TEST_F(SnapshotTest, ATruncatedOneWaitsAndTheNextGoodOneEndsIt) {
  Reporter till = NewReporter();
  ASSERT_TRUE(till.Send(Snapshot({{"a", 1}, {"b", 2}}, true)).ok());
  AwaitOnHand({{"a", 1}, {"b", 2}});

  ASSERT_TRUE(till.Send(Snapshot({{"a", 10}}, true, absl::Now(), /*row_count=*/2)).ok());
  AwaitQuarantined("SNAPSHOT_TRUNCATED");
  EXPECT_THAT(OnHand(), ElementsAre(Pair("a", 1), Pair("b", 2)));
  v1::AcceptQuarantinedRequest accept;
  accept.set_quarantine_id(Quarantined()[0].quarantine_id());
  accept.set_author("manager");
  ExpectRefusal(connection().Write(&v1::QuarantineService::Stub::AcceptQuarantined, accept),
                absl::StatusCode::kFailedPrecondition, "SNAPSHOT_BROKEN", "quarantine_id",
                std::to_string(accept.quarantine_id()));

  ASSERT_TRUE(till.Send(BatchOf({Row("a", v1::MOVEMENT_KIND_SALE, 1)})).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("a", 0), Pair("b", 2)));
  ASSERT_TRUE(till.Send(Snapshot({{"a", 20}, {"b", 30}}, true)).ok());
  AwaitOnHand({{"a", 20}, {"b", 30}});
  EXPECT_THAT(Quarantined(), IsEmpty());
}

TEST_F(SnapshotTest, ARepeatedItemIsQuarantinedAndNoneOfItsRowsWins) {
  Reporter till = NewReporter();
  ASSERT_TRUE(till.Send(Snapshot({{"a", 1}, {"b", 2}}, true)).ok());
  AwaitOnHand({{"a", 1}, {"b", 2}});
  ASSERT_TRUE(till.Send(Snapshot({{"a", 5}, {"b", 6}, {"a", 7}}, true)).ok());
  AwaitQuarantined("SNAPSHOT_REPEATED_ITEM");
  EXPECT_THAT(OnHand(), ElementsAre(Pair("a", 1), Pair("b", 2)));
}

TEST_F(SnapshotTest, RowsWithoutABeginAreQuarantined) {
  Reporter till = NewReporter();
  v1::Batch batch = Snapshot({{"a", 5}}, true);
  batch.mutable_snapshots(0)->clear_begin();
  *batch.add_movements() = Row("b", v1::MOVEMENT_KIND_LEVEL, 2);
  const auto response = till.Send(batch);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->ack().problems(), ElementsAre(HasReason("SNAPSHOT_NOT_OPEN")));
  EXPECT_THAT(OnHand(), ElementsAre(Pair("b", 2)));
}

TEST_F(SnapshotTest, ABadRowIsKeptOutAndTheOthersAreTaken) {
  Reporter till = NewReporter();
  const auto response = till.Send(
      Snapshot({{"a", 5}, {std::string(65, 'x'), 6}, {"c", int64_t{1} << 40}, {"d", -8}}, false));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->ack().problems_size(), 2);
  EXPECT_EQ(response->ack().problems(0).reason(), "INVALID_SKU");
  EXPECT_EQ(response->ack().problems(0).row(), 1u);
  EXPECT_TRUE(response->ack().problems(0).in_snapshot());
  EXPECT_EQ(response->ack().problems(1).reason(), "QUANTITY_OUT_OF_RANGE");
  AwaitOnHand({{"a", 5}, {"d", -8}});
}

// A complete snapshot without rows, where 25 items were: a till that lost its database.
class EmptySnapshotTest : public SnapshotTest {
 protected:
  void SetUp() override {
    SnapshotTest::SetUp();
    for (int i = 10; i < 35; ++i) full_.emplace_back("item" + std::to_string(i), 4);
    ASSERT_TRUE(till().Send(Snapshot(full_, true)).ok());
    AwaitOnHand(full_);
    ASSERT_TRUE(till().Send(Snapshot({}, true)).ok());
    AwaitQuarantined("SNAPSHOT_DROP");
  }
  Reporter& till() {
    if (till_ == nullptr) till_ = std::make_unique<Reporter>(NewReporter());
    return *till_;
  }

  std::vector<std::pair<std::string, int64_t>> full_;

 private:
  std::unique_ptr<Reporter> till_;
};

TEST_F(EmptySnapshotTest, LeavesTheOldNumbersAndLaterReportsGoOn) {
  EXPECT_EQ(OnHand(), full_);
  const v1::QuarantineEntry entry = Quarantined()[0];
  EXPECT_TRUE(entry.is_snapshot());
  EXPECT_EQ(entry.snapshot_rows(), 0u);
  EXPECT_EQ(entry.snapshot_lost_positions(), 25u);
  EXPECT_EQ(entry.snapshot_known_positions(), 25u);
  EXPECT_EQ(entry.location_id(), location_id());

  ASSERT_TRUE(till().Send(BatchOf({Row("item10", v1::MOVEMENT_KIND_SALE, 1)})).ok());
  full_[0].second = 3;
  EXPECT_EQ(OnHand(), full_);
}

TEST_F(EmptySnapshotTest, IsTakenWhenAPersonAcceptsIt) {
  v1::AcceptQuarantinedRequest accept;
  accept.set_quarantine_id(Quarantined()[0].quarantine_id());
  accept.set_author("manager");
  accept.set_reason("the store was cleared");
  const auto accepted = connection().Write(&v1::QuarantineService::Stub::AcceptQuarantined, accept);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_TRUE(WaitUntil([&] { return OnHand().front().second == 0; }));
  EXPECT_THAT(OnHand(), SizeIs(25));
  EXPECT_THAT(OnHand(), Each(::testing::Field(&std::pair<std::string, int64_t>::second, 0)));
  EXPECT_THAT(Quarantined(), IsEmpty());
}

TEST_F(EmptySnapshotTest, IsForgottenWhenAPersonDropsIt) {
  v1::DropQuarantinedRequest drop;
  drop.set_quarantine_id(Quarantined()[0].quarantine_id());
  drop.set_author("manager");
  ASSERT_TRUE(connection().Write(&v1::QuarantineService::Stub::DropQuarantined, drop).ok());
  EXPECT_THAT(Quarantined(), IsEmpty());
  EXPECT_EQ(OnHand(), full_);
}

TEST_F(EmptySnapshotTest, EndsWithTheNextGoodOne) {
  for (auto& [sku, on_hand] : full_) on_hand = 6;
  ASSERT_TRUE(till().Send(Snapshot(full_, true)).ok());
  AwaitOnHand(full_);
  EXPECT_THAT(Quarantined(), IsEmpty());
}

// An agent that was offline for days tells several snapshots in a row; the last one counts.
TEST_F(SnapshotTest, SeveralInARowEndAtTheLast) {
  Reporter till = NewReporter();
  std::vector<std::pair<std::string, int64_t>> rows;
  for (int i = 1000; i < 6000; ++i) rows.emplace_back("many" + std::to_string(i), 1);
  for (int day = 1; day <= 4; ++day) {
    for (auto& [sku, on_hand] : rows) on_hand = day;
    const auto sent = till.Send(Snapshot(rows, true, absl::Now()));
    ASSERT_TRUE(sent.ok()) << sent.status();
    EXPECT_THAT(sent->ack().problems(), IsEmpty());
  }
  EXPECT_TRUE(WaitUntil([&] { return OnHand().front().second == 4; }));
  EXPECT_THAT(Quarantined(), IsEmpty());
}

}  // namespace
}  // namespace onhand::testing
