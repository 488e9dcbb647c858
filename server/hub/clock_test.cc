#include "server/hub/clock.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include "gtest/gtest.h"

namespace onhand::hub {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

// Two hands that a test moves.
struct Hands {
  int64_t wall_us = kStart;
  int64_t monotonic_us = 42 * kSecond;

  HubClock::Sources Sources() {
    return {[this] { return wall_us; }, [this] { return monotonic_us; }};
  }
  void Pass(int64_t us) {
    wall_us += us;
    monotonic_us += us;
  }
};

TEST(HubClockTest, StartsAtTheWallClock) {
  Hands hands;
  HubClock clock(1, hands.Sources());
  EXPECT_EQ(clock.NowUs(), kStart);
}

TEST(HubClockTest, FollowsBothHandsWhileTheyAgree) {
  Hands hands;
  HubClock clock(1, hands.Sources());
  for (int i = 1; i <= 100; ++i) {
    hands.Pass(kSecond / 3);
    EXPECT_EQ(clock.NowUs(), hands.wall_us);
  }
}

TEST(HubClockTest, AWallClockThatLeapsForwardIsApproachedByOnePercent) {
  Hands hands;
  HubClock clock(1, hands.Sources());
  hands.Pass(kSecond);
  hands.wall_us += 60 * kSecond;
  const int64_t before = clock.NowUs();
  hands.Pass(10 * kSecond);
  EXPECT_EQ(clock.NowUs() - before, 10 * kSecond + kSecond / 10);
}

TEST(HubClockTest, AWallClockThatLeapsBackSlowsButNeverReverses) {
  Hands hands;
  HubClock clock(1, hands.Sources());
  hands.Pass(kSecond);
  hands.wall_us -= 3600 * kSecond;
  const int64_t before = clock.NowUs();
  hands.Pass(10 * kSecond);
  EXPECT_EQ(clock.NowUs() - before, 10 * kSecond - kSecond / 10);
}

TEST(HubClockTest, ReachesTheWallClockWithoutOvershooting) {
  Hands hands;
  HubClock clock(1, hands.Sources());
  hands.Pass(kSecond);
  hands.wall_us += kSecond;
  clock.NowUs();
  hands.Pass(3600 * kSecond);  // an hour in which nobody asked
  EXPECT_EQ(clock.NowUs(), hands.wall_us);
}

TEST(HubClockTest, AScaledClockRunsFasterFromItsStart) {
  Hands hands;
  HubClock clock(600, hands.Sources());
  EXPECT_EQ(clock.NowUs(), kStart);
  hands.Pass(2 * kSecond);
  EXPECT_EQ(clock.NowUs(), kStart + 1200 * kSecond);
  EXPECT_EQ(clock.scale().factor, 600);
  EXPECT_EQ(clock.scale().began_us, kStart);
}

TEST(HubClockTest, StaysWithinOnePercentWhateverTheWallClockDoes) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Hands hands;
  HubClock clock(1, hands.Sources());
  int64_t last = clock.NowUs();
  for (int i = 0; i < 10'000; ++i) {
    const int64_t passed = static_cast<int64_t>(random() % (2 * kSecond));
    hands.Pass(passed);
    if (random() % 10 == 0)
      hands.wall_us += static_cast<int64_t>(random() % 7'200) * kSecond - 3'600 * kSecond;
    const int64_t now = clock.NowUs();
    // Readings inside one straight line round down at both ends.
    EXPECT_GE(now - last, passed - passed / 100 - 2);
    EXPECT_LE(now - last, passed + passed / 100 + 2);
    last = now;
  }
}

}  // namespace
}  // namespace onhand::hub
