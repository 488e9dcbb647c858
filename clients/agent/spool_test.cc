// The spool keeps what it was given, in order, within its bound.
#include "clients/agent/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "clients/agent/status.h"
#include "clients/agent/test_folder.h"

namespace onhand::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::Batch Sales(int rows, const std::string& position) {
  v1::Batch batch;
  for (int i = 0; i < rows; ++i) {
    v1::Movement* movement = batch.add_movements();
    movement->set_sku("K" + std::to_string(i));
    movement->set_kind(v1::MOVEMENT_KIND_SALE);
    movement->set_quantity(1);
  }
  batch.set_input_position(position);
  return batch;
}

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> Open(int64_t bytes_max = 1 << 20) {
    absl::StatusOr<std::unique_ptr<Spool>> spool = Spool::Open(
        {.path = folder_ / "spool", .source_id = "till", .bytes_max = bytes_max, .clock = [this] {
           return now_;
         }});
    EXPECT_TRUE(spool.ok()) << spool.status();
    return spool.ok() ? *std::move(spool) : nullptr;
  }

  TestFolder folder_;
  absl::Time now_ = absl::FromUnixSeconds(1'780'000'000);
};

TEST_F(SpoolTest, WhatWasAppendedIsThereAfterReopening) {
  std::string spool_id;
  uint64_t hash = 0;
  {
    auto spool = Open();
    ASSERT_TRUE(spool->Append(Sales(2, "p1"), {}).ok());
    ASSERT_TRUE(spool->Append(Sales(3, "p2"), {}).ok());
    spool_id = spool->state().spool_id;
    hash = **spool->HashAt(2);
  }
  auto spool = Open();
  EXPECT_EQ(spool->state().spool_id, spool_id);
  EXPECT_EQ(spool->state().last_sequence, 2u);
  EXPECT_EQ(spool->state().input_position, "p2");
  EXPECT_EQ(**spool->HashAt(2), hash);
  const absl::StatusOr<v1::Batch> batch = spool->Get(2);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->sequence(), 2u);
  EXPECT_EQ(batch->rolling_hash(), hash);
  EXPECT_EQ(batch->movements_size(), 3);
}

TEST_F(SpoolTest, TheHashCoversAllContentBeforeIt) {
  auto first = Open();
  ASSERT_TRUE(first->Append(Sales(1, "a"), {}).ok());
  ASSERT_TRUE(first->Append(Sales(1, "c"), {}).ok());
  const uint64_t hash = **first->HashAt(2);
  ASSERT_TRUE(first->Renew("", std::nullopt, 100).ok());
  ASSERT_TRUE(first->Append(Sales(1, "b"), {}).ok());
  ASSERT_TRUE(first->Append(Sales(1, "c"), {}).ok());
  EXPECT_NE(**first->HashAt(2), hash);
}

TEST_F(SpoolTest, ASecondAgentAndAnotherSourceAreRefused) {
  auto spool = Open();
  const auto second = Spool::Open({.path = folder_ / "spool", .source_id = "till"});
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another agent"));
  spool.reset();
  const auto other = Spool::Open({.path = folder_ / "spool", .source_id = "other"});
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("belongs to source \"till\""));
}

TEST_F(SpoolTest, AtTheBoundThereIsNoRoomUntilSomethingIsAcknowledged) {
  auto spool = Open(/*bytes_max=*/1000);
  uint64_t appended = 0;
  while (spool->HasRoom()) {
    ASSERT_TRUE(spool->Append(Sales(5, "p"), {}).ok());
    ++appended;
  }
  EXPECT_GT(appended, 3u);
  for (uint64_t sequence = 1; sequence <= appended; ++sequence) {
    EXPECT_TRUE(spool->Get(sequence).ok()) << "nothing unacknowledged is ever dropped";
  }
  ASSERT_TRUE(spool->Acknowledge(appended - 1).ok());
  EXPECT_TRUE(spool->HasRoom());
  EXPECT_TRUE(spool->Get(appended).ok());
}

TEST_F(SpoolTest, AcknowledgedBatchesAreKeptADayAndTheLastOneForGood) {
  auto spool = Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(spool->Append(Sales(1, "p"), {}).ok());
  ASSERT_TRUE(spool->Acknowledge(2).ok());
  now_ += absl::Hours(23);
  ASSERT_TRUE(spool->SaveAcknowledged().ok());
  EXPECT_TRUE(spool->Get(1).ok());
  now_ += absl::Hours(2);
  ASSERT_TRUE(spool->SaveAcknowledged().ok());
  EXPECT_TRUE(absl::IsNotFound(spool->Get(1).status()));
  EXPECT_TRUE(spool->HashAt(2)->has_value());
  EXPECT_TRUE(spool->Get(3).ok());
}

TEST_F(SpoolTest, RenewingCarriesOverCutBatchesUnderANewId) {
  auto spool = Open();
  const std::string old_id = spool->state().spool_id;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(spool->Append(Sales(5, "p"), {}).ok());
  ASSERT_TRUE(spool->Renew("hub", 2, /*rows_max=*/3).ok());
  const SpoolState state = spool->state();
  EXPECT_NE(state.spool_id, old_id);
  EXPECT_EQ(state.last_sequence, 4u);
  EXPECT_EQ(state.acked_sequence, 0u);
  EXPECT_EQ(state.input_position, "p");
  EXPECT_EQ(state.base_position, "hub");
  EXPECT_EQ(spool->Get(1)->movements_size(), 3);
  EXPECT_EQ(spool->Get(1)->input_position(), "hub");
  EXPECT_EQ(spool->Get(2)->movements_size(), 2);
  EXPECT_EQ(spool->Get(2)->input_position(), "p");
}

TEST_F(SpoolTest, CutSnapshotsKeepBeginRowsAndEnd) {
  v1::Batch batch;
  v1::SnapshotPart* part = batch.add_snapshots();
  part->set_location_id("S1");
  part->mutable_begin()->set_label("x");
  for (int i = 0; i < 5; ++i) part->add_rows()->set_sku(std::to_string(i));
  part->mutable_end()->set_row_count(5);
  const std::vector<v1::Batch> cut = CutBatch(batch, 2);
  ASSERT_THAT(cut, SizeIs(3));
  EXPECT_TRUE(cut[0].snapshots(0).has_begin());
  EXPECT_FALSE(cut[1].snapshots(0).has_begin());
  EXPECT_TRUE(cut[2].snapshots(0).has_end());
  EXPECT_EQ(cut[2].snapshots(0).rows_size(), 1);
}

TEST_F(SpoolTest, StatusShowsWhatWaits) {
  auto spool = Open();
  ASSERT_TRUE(spool->Append(Sales(3, "p"), {{"sales.csv:4", "x", "quantity"}}).ok());
  ASSERT_TRUE(spool->NoteError("hub is away").ok());
  std::ostringstream text;
  ASSERT_TRUE(PrintStatus(folder_ / "spool", now_ + absl::Seconds(90), false, text).ok());
  EXPECT_THAT(text.str(), HasSubstr("waiting_rows: 3"));
  EXPECT_THAT(text.str(), HasSubstr("lag_seconds: 90"));
  EXPECT_THAT(text.str(), HasSubstr("last_error: hub is away"));
  EXPECT_THAT(text.str(), HasSubstr("newest_rejected: sales.csv:4: quantity"));
  EXPECT_TRUE(absl::IsNotFound(PrintStatus(folder_ / "none", now_, false, text)));
}

}  // namespace
}  // namespace onhand::agent
