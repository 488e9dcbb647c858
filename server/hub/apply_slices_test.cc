#include "server/hub/apply_slices.h"

#include <gtest/gtest.h>

namespace onhand::hub {
namespace {

namespace journal = ledger::journal;

class ApplySlicesTest : public testing::Test {
 protected:
  ApplySlicesTest() {
    for (uint32_t location = 1; location <= kSlicePositionsMax; ++location) {
      state_.positions.Edit(kEverywhere, location);
    }
    state_.positions.Edit(kInOnePlace, 1);
  }

  journal::Fact& Add() { return *record_.add_facts(); }
  int EndOfFirst() const { return SliceEnd(state_, record_, 0); }

  static constexpr uint32_t kEverywhere = 1;
  static constexpr uint32_t kInOnePlace = 2;
  ledger::State state_{ledger::Settings{}};
  journal::Record record_;
};

TEST_F(ApplySlicesTest, WhatIsLearnedOfAnItemCountsAllItsPositions) {
  Add().mutable_learned_items()->add_item(kEverywhere);
  Add().mutable_tick();
  EXPECT_EQ(EndOfFirst(), 1);
}

TEST_F(ApplySlicesTest, ANightIsInstalledBetweenReaders) {
  Add().mutable_night_installed()->add_item(kEverywhere);
  Add().mutable_night_installed()->add_item(kEverywhere);
  EXPECT_EQ(EndOfFirst(), 1);
  EXPECT_EQ(SliceEnd(state_, record_, 1), 2);
}

TEST_F(ApplySlicesTest, TaughtPositionsCountEach) {
  journal::PositionsTaught& taught = *Add().mutable_positions_taught();
  for (int i = 0; i < kSlicePositionsMax; ++i) taught.add_item(kInOnePlace);
  Add().mutable_tick();
  EXPECT_EQ(EndOfFirst(), 1);
}

TEST_F(ApplySlicesTest, SmallFactsShareASlice) {
  Add().mutable_learned_items()->add_item(kInOnePlace);
  Add().mutable_report()->mutable_rows()->add_item(kInOnePlace);
  Add().mutable_tick();
  EXPECT_EQ(EndOfFirst(), 3);
  for (int i = 0; i < 2 * kSliceFactsMax; ++i) Add().mutable_tick();
  EXPECT_EQ(EndOfFirst(), kSliceFactsMax);
}

TEST_F(ApplySlicesTest, OnlyRowsThatSourcesToldAreMovements) {
  journal::Fact learned;
  learned.mutable_learned_items()->add_item(kEverywhere);
  EXPECT_EQ(MovementsOf(learned), 0);
  journal::Fact report;
  report.mutable_report()->mutable_rows()->add_item(kInOnePlace);
  EXPECT_EQ(MovementsOf(report), 1);
}

}  // namespace
}  // namespace onhand::hub
