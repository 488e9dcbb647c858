// A simulated chain around real demand: deliveries in cycles that run short, units that vanish,
// records that go wrong, counts, reports every four hours, web orders. What the hub shows is
// decided by a rule; everything random is drawn from streams named by seed and position, so that
// two rules meet the same luck. One world, one thread.
#ifndef ONHAND_TESTS_EVALUATION_STOCK_WORLD_H_
#define ONHAND_TESTS_EVALUATION_STOCK_WORLD_H_

#include <cstdint>
#include <vector>

#include "server/ledger/demand.h"
#include "server/ledger/doubt.h"
#include "server/ledger/velocity.h"
#include "tests/evaluation/dataset.h"

namespace onhand::evaluation {

// What the estimators knew of the demand every midnight, the same for every rule.
struct DemandKnown {
  int positions = 0;
  std::vector<ledger::Posterior> posteriors;  // day * positions + position
  std::vector<float> exposure;                // hour * positions + position: weighted hours
  std::vector<std::vector<int>> of_sku;       // positions by sku
};
DemandKnown LearnDemand(const Dataset& data);

// How the hub decides whether to show a SKU.
struct DisplayRule {
  enum class Kind { kFixed, kFillability };
  Kind kind = Kind::kFixed;
  double limit = 5;        // units in the chain, or alpha
  bool with_doubt = true;  // false: p0 and record errors are taken as none
};

// One order's fate.
struct OrderFate {
  int sku = 0;
  int week = 0;
  bool cancelled = false;         // shown, but none of the locations tried had a unit
  bool hidden_but_there = false;  // refused, though a location had one
};

// The world's constants, stated in the table.
inline constexpr int kTries = 3;
inline constexpr int kReportEvery_h = 4;
inline constexpr double kWebShare = 0.5;         // web orders a till sale
inline constexpr double kVanishPerDay = 0.0025;  // a shelf empties unseen
inline constexpr double kLossPerDay = 0.005;     // one unit goes missing
inline constexpr double kCountPerDay = 1.0 / 60;
inline constexpr double kShortDelivery = 0.02;  // one unit fewer than recorded

// Lives all hours; the fates of orders from kFirstTestDay on.
std::vector<OrderFate> LiveWorld(const Dataset& data, const DemandKnown& known,
                                 const DisplayRule& rule, uint64_t seed);

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_STOCK_WORLD_H_
