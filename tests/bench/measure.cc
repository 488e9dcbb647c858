#include "tests/bench/measure.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace onhand::bench {
namespace {

std::atomic<bool> interrupted{false};

}  // namespace

void CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted.store(true, std::memory_order_relaxed); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void ThrowIfInterrupted() {
  if (interrupted.load(std::memory_order_relaxed)) throw Interrupted{};
}

void Must(const absl::Status& status, const std::string& what) {
  if (!status.ok()) throw std::runtime_error(what + ": " + status.ToString());
}

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double Percentile(std::vector<double> samples, double p) {
  const size_t index =
      std::min(samples.size() - 1, static_cast<size_t>(p * static_cast<double>(samples.size())));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(index),
                   samples.end());
  return samples[index];
}

Pair Interleave(int rounds, const std::function<double()>& floor,
                const std::function<double()>& hub) {
  std::vector<double> floors, hubs;
  for (int round = 0; round < rounds; ++round) {
    ThrowIfInterrupted();
    floors.push_back(floor());
    ThrowIfInterrupted();
    hubs.push_back(hub());
  }
  return {Median(std::move(floors)), Median(std::move(hubs))};
}

}  // namespace onhand::bench
