// The chain at three speeds, and the days on which everything is judged. Owned by main, read-only
// afterwards.
#ifndef ONHAND_TESTS_EVALUATION_SPEEDS_H_
#define ONHAND_TESTS_EVALUATION_SPEEDS_H_

#include <string>
#include <vector>

#include "tests/evaluation/dataset.h"

namespace onhand::evaluation {

// Forecasts are judged from this day on; everything before only teaches.
inline constexpr int kFirstTestDay = 28;

struct Speed {
  std::string name;
  double keep = 1;  // share of units kept
  Dataset data;
};

// Fast (as is), mid (x0.1), slow (x0.02), thinned with fixed seeds.
inline std::vector<Speed> ThreeSpeeds(const Dataset& dataset) {
  return {{"fast", 1, dataset},
          {"mid", 0.1, Thin(dataset, 0.1, 18)},
          {"slow", 0.02, Thin(dataset, 0.02, 19)}};
}

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_SPEEDS_H_
