#include "clients/agent/scaled_clock.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace onhand::agent {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kBegan = 1'700'000'000 * kSecond;

v1::ScaledClock ClockOf(int64_t scale) {
  v1::ScaledClock clock;
  clock.set_scale(scale);
  clock.set_began_at_us(kBegan);
  return clock;
}

TEST(ScaledClockTest, IsAStraightLineThroughTheMomentItBegan) {
  const v1::ScaledClock clock = ClockOf(1800);
  EXPECT_EQ(OnScaledClock(clock, kBegan), kBegan);
  EXPECT_EQ(OnScaledClock(clock, kBegan + 1), kBegan + 1800);
  EXPECT_EQ(OnScaledClock(clock, kBegan + 20 * kSecond), kBegan + 36'000 * kSecond);
  EXPECT_EQ(OnScaledClock(clock, kBegan - 2 * kSecond), kBegan - 3600 * kSecond);
}

TEST(ScaledClockTest, AMomentThatWasNotToldStaysUntold) {
  EXPECT_EQ(OnScaledClock(ClockOf(1800), 0), 0);
  EXPECT_EQ(OnScaledClock(ClockOf(1800), -5), -5);
}

TEST(ScaledClockTest, ATillThatIsYearsOffStaysAMoment) {
  const int64_t year_us = int64_t{365} * 86'400 * kSecond;
  EXPECT_EQ(OnScaledClock(ClockOf(86'400), kBegan - 20 * year_us), 1);
  EXPECT_EQ(OnScaledClock(ClockOf(86'400), kBegan + 8000 * year_us),
            std::numeric_limits<int64_t>::max());
}

TEST(ScaledClockTest, RestampsEveryMomentOfABatchAndNothingElse) {
  const auto fill = [](v1::Batch& batch, int64_t occurred, int64_t as_of, int64_t gone,
                       int64_t known) {
    batch.set_sequence(7);
    batch.set_rolling_hash(99);
    batch.set_input_position("csv:3");
    batch.add_movements()->set_occurred_at_us(occurred);
    batch.mutable_movements(0)->set_quantity(2);
    batch.add_snapshots()->mutable_begin()->set_as_of_us(as_of);
    batch.add_snapshots()->mutable_end()->set_row_count(1);
    batch.add_orders_gone()->set_watermark_us(gone);
    batch.add_orders_gone()->add_order_references("A1");
    batch.add_known_through()->set_at_us(known);
  };
  v1::Batch batch, expected;
  fill(batch, kBegan + 1, kBegan + 2, kBegan + 3, kBegan + 4);
  fill(expected, kBegan + 10, kBegan + 20, kBegan + 30, kBegan + 40);
  Restamp(ClockOf(10), batch);
  EXPECT_EQ(batch.SerializeAsString(), expected.SerializeAsString());
}

TEST(ScaledClockTest, RestampsAHeartbeat) {
  v1::Heartbeat heartbeat;
  heartbeat.add_known_through()->set_at_us(kBegan + 4);
  Restamp(ClockOf(10), heartbeat);
  EXPECT_EQ(heartbeat.known_through(0).at_us(), kBegan + 40);
}

TEST(ScaledClockTest, OnlyThisMachinesOwnAddressesAreLoopback) {
  for (const char* address : {"127.0.0.1:7070", "127.8.9.10:1", "localhost:7070", "[::1]:7070"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"10.0.0.1:7070", "0.0.0.0:7070", "[::]:7070", "hub.example.com:7070",
        "127.0.0.1.example.com:7070", "localhost.example.com:7070", "7070", ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace onhand::agent
