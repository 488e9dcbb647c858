#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "clients/cpp/availability_cache.h"
#include "clients/cpp/connection.h"
#include "tests/bench/chain.h"
#include "tests/bench/child.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"

namespace onhand::bench {
namespace {

constexpr char kCacheLine[] = "in-process cache, answers / Redis one by one, as stated";
constexpr char kFillLine[] = "  answers told a second until it is complete";

// HGETALL from 64 connections on the machine of the stated goals. It is not run here: the cache is
// further ahead of it than machines are of each other.
constexpr double kRedisOneByOne = 79'000;

// Answers a second of all threads together, each asking for items at random.
double AskFor(client::AvailabilityCache& cache, const std::vector<std::string>& skus,
              double seconds) {
  constexpr int kAsksALook = 1'000;
  const unsigned thread_count = std::max(std::thread::hardware_concurrency(), 1U);
  std::atomic<bool> over{false};
  std::atomic<int64_t> answers{0};
  std::atomic<int64_t> failures{0};
  std::vector<std::thread> threads;
  const auto start = SteadyClock::now();
  for (unsigned thread = 0; thread < thread_count; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(thread + 1);
      while (!over) {
        for (int i = 0; i < kAsksALook; ++i) {
          if (!cache.Get(skus[random() % skus.size()]).ok()) ++failures;
        }
        answers += kAsksALook;
      }
    });
  }
  while (SecondsSince(start) < seconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  const double took = SecondsSince(start);
  ThrowIfInterrupted();
  if (failures > 0) throw std::runtime_error("the cache could not answer");
  return static_cast<double>(answers) / took;
}

}  // namespace

void MeasureCache(const Settings& settings) {
  if (!settings.Wants(kCacheLine)) return;
  const BigChain& chain = TheBigChain(settings);
  const Child hub(ServeArguments(settings, chain.url));
  AwaitCalm(hub.address());
  client::Connection connection({.hub = hub.address()});
  client::AvailabilityCacheOptions options;
  options.watch.set_channel_id(kChannelId);
  const auto start = SteadyClock::now();
  client::AvailabilityCache cache(&connection, options);
  if (!cache.AwaitComplete(absl::Minutes(2))) throw std::runtime_error("the cache does not fill");
  const double filled_after = SecondsSince(start);
  std::vector<std::string> skus(static_cast<size_t>(chain.items));
  for (size_t item = 0; item < skus.size(); ++item) skus[item] = SkuOf(static_cast<int>(item));
  std::vector<double> samples;
  samples.reserve(static_cast<size_t>(settings.repeat));
  for (int round = 0; round < settings.repeat; ++round) {
    samples.push_back(AskFor(cache, skus, settings.seconds));
  }
  const double rate = Median(samples);
  Table::Print({kCacheLine, Rate(kRedisOneByOne, "answers/s"), Rate(rate, "answers/s"),
                Fixed(rate / kRedisOneByOne, 0), "must 50; 200"});
  Table::Print({kFillLine, "-", Rate(chain.items / filled_after, "answers/s"), "-", "stated"});
}

}  // namespace onhand::bench
