// Random numbers that are the same on every machine: SplitMix64 (Steele, Lea & Flood 2014), whose
// streams are named by what they decide, so that two rules compared meet the same luck. A value
// without owner or threads.
#ifndef ONHAND_TESTS_EVALUATION_RANDOM_H_
#define ONHAND_TESTS_EVALUATION_RANDOM_H_

#include <cstdint>

#include "server/ledger/exact_math.h"

namespace onhand::evaluation {

class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0)
      : state_(seed * 0x9e3779b97f4a7c15ULL + stream * 0xd1342543de82ef95ULL) {
    Next();
  }

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  bool Chance(double probability) { return Uniform() < probability; }
  // 0 to below - 1.
  int64_t Below(int64_t below) {
    return static_cast<int64_t>(Uniform() * static_cast<double>(below));
  }
  int64_t Poisson(double mean) {
    int64_t n = 0;
    for (double p = ledger::Exp(-mean), u = Uniform(); u >= p;
         u -= p, p *= mean / static_cast<double>(n)) {
      if (++n > 1000) break;
    }
    return n;
  }

 private:
  uint64_t state_;
};

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_RANDOM_H_
