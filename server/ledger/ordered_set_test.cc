// An ordered set and its overlay against a set that is simply copied. ONHAND_TEST_SEED repeats a
// run.
#include "server/ledger/ordered_set.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <vector>

namespace onhand::ledger {
namespace {

std::vector<int> KeysFrom(const OrderedSet<int>& set, int first) {
  std::vector<int> keys;
  set.VisitFrom(first, [&](int key) {
    keys.push_back(key);
    return true;
  });
  return keys;
}

TEST(OrderedSetTest, AnOverlayIsACopyThatItsBaseNeverSees) {
  const char* const given = std::getenv("ONHAND_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "ONHAND_TEST_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  constexpr uint64_t kKeys = 12;
  for (int round = 0; round < 500; ++round) {
    OrderedSet<int> base;
    std::set<int> naive_base;
    for (uint64_t i = 0; i < random() % kKeys; ++i) {
      const auto key = static_cast<int>(random() % kKeys);
      base.Insert(key);
      naive_base.insert(key);
    }
    OrderedSet<int> overlay(&base);
    std::set<int> naive = naive_base;
    for (int step = 0; step < 30; ++step) {
      const auto key = static_cast<int>(random() % kKeys);
      if (random() % 2 == 0) {
        overlay.Insert(key);
        naive.insert(key);
      } else {
        overlay.Erase(key);
        naive.erase(key);
      }
      const auto first = static_cast<int>(random() % kKeys);
      ASSERT_EQ(KeysFrom(overlay, first), std::vector<int>(naive.lower_bound(first), naive.end()));
    }
    ASSERT_EQ(KeysFrom(base, 0), std::vector<int>(naive_base.begin(), naive_base.end()));
  }
}

TEST(OrderedSetTest, AVisitEndsWhenItIsTold) {
  OrderedSet<int> base;
  for (const int key : {1, 3, 5}) base.Insert(key);
  OrderedSet<int> overlay(&base);
  overlay.Insert(2);
  int visited = 0;
  overlay.VisitFrom(1, [&](int key) {
    ++visited;
    return key < 2;
  });
  EXPECT_EQ(visited, 2);
}

}  // namespace
}  // namespace onhand::ledger
