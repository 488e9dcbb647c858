#include "server/ledger/forecast.h"

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

}  // namespace

ForecastWindow WindowOf(const LocationLearning& location, int64_t told_through_us, int64_t now_us,
                        int64_t until_us) {
  const StoreClock& clock = location.clock;
  const int64_t now_s = now_us / kMicrosPerSecond;
  const int hour = clock.HourOfWeek(now_s);
  const double hours = told_through_us == 0 ? 0
                                            : clock.Exposure(told_through_us / kMicrosPerSecond,
                                                             until_us / kMicrosPerSecond);
  return {.hours = static_cast<float>(std::max(0.0, hours)),
          .weight_now = std::max(clock.weight(hour), clock.weight((hour + 1) % kHoursPerWeek)),
          .factor = static_cast<float>(location.factor),
          .weekday = static_cast<uint8_t>(hour / kHoursPerDay)};
}

Scatter::Scatter(const journal::LearnedChain& chain)
    : chain_overdispersion_(chain.chain_overdispersion() > 0
                                ? chain.chain_overdispersion()
                                : PooledDemand::kDefaultChainOverdispersion) {
  constexpr int kWindows = kScatterHours.size();
  constexpr int kAlphas = kScatterAlphas.size();
  static_assert(kAlphas == 2, "a row has c and two factors");
  std::array<double, kWindows> c;
  std::array<double, kWindows> tails[kAlphas];
  const bool knows_c = chain.overdispersion_size() == kWindows;
  const bool knows_tails = chain.tail_factor_size() == kWindows * kAlphas;
  for (int i = 0; i < kWindows; ++i) {
    c[i] = knows_c ? chain.overdispersion(i) : DefaultOverdispersion(kScatterHours[i]);
    for (int alpha = 0; alpha < kAlphas; ++alpha) {
      tails[alpha][i] = knows_tails ? chain.tail_factor(i * kAlphas + alpha) : 1;
    }
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    const double hours = static_cast<double>(row) / kRowsPerHour;
    rows_[row] = {static_cast<float>(BetweenWindows(c, hours)),
                  static_cast<float>(BetweenWindows(tails[0], hours)),
                  static_cast<float>(BetweenWindows(tails[1], hours))};
  }
}

double TailShareOf(double alpha) {
  constexpr auto kLow = kScatterAlphas[0];
  return std::clamp(Log(alpha / kLow) / Log(kScatterAlphas[1] / kLow), 0.0, 1.0);
}

}  // namespace onhand::ledger
