// How the bench measures: how long, how often, and what it makes of the samples. An interrupt ends
// every measurement soon, so that children and folders are cleaned up on the ordinary way out.
// Any thread.
#ifndef ONHAND_TESTS_BENCH_MEASURE_H_
#define ONHAND_TESTS_BENCH_MEASURE_H_

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace onhand::bench {

using SteadyClock = std::chrono::steady_clock;

// What the command line asks for.
struct Settings {
  int repeat = 5;        // rounds of floor and hub, one after the other
  bool quick = false;    // small and short: shows that everything runs, not how fast
  double seconds = 2.0;  // one measurement
  double sustained_seconds = 20.0;
  std::string only;              // lines whose name contains this; empty: all
  std::string onhandd;           // the hub's program
  std::string self;              // this program, for the floor's server
  std::filesystem::path folder;  // temporary; stores live in it

  bool Wants(absl::string_view line) const { return absl::StrContains(line, only); }
};

// Thrown after ctrl-C, from whatever is being measured.
struct Interrupted {};
// Sets what ctrl-C and SIGTERM set. Called once by main.
void CatchInterrupts();
void ThrowIfInterrupted();

// The bench cannot go on without what failed: throws std::runtime_error with `what` and the status.
void Must(const absl::Status& status, const std::string& what);
template <class T>
T Must(absl::StatusOr<T> value, const std::string& what) {
  Must(value.status(), what);
  return *std::move(value);
}

double SecondsSince(SteadyClock::time_point start);

// The sample below which the share `p` of all samples lie. Precondition: not empty.
double Percentile(std::vector<double> samples, double p);
inline double Median(std::vector<double> samples) { return Percentile(std::move(samples), 0.5); }

// Floor and hub of one line, measured in turns so that a drifting machine touches both alike.
struct Pair {
  double floor = 0;  // medians
  double hub = 0;
};
Pair Interleave(int rounds, const std::function<double()>& floor,
                const std::function<double()>& hub);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_MEASURE_H_
