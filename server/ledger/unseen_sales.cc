#include "server/ledger/unseen_sales.h"

#include <algorithm>

#include "server/ledger/demand_factor.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kBookedLate_s = 3'600;

}  // namespace

UnseenSales::UnseenSales(const State& state) : state_(state) {
  const journal::LearnedChain& chain = state.learned().chain;
  constexpr int kAlphas = kScatterAlphas.size();
  for (size_t window = 0; window < kScatterHours.size(); ++window) {
    const int c = static_cast<int>(window);
    overdispersion_[window] = chain.overdispersion_size() > c
                                  ? chain.overdispersion(c)
                                  : DefaultOverdispersion(kScatterHours[window]);
    // Of the rarest risk whose tail was learned: this one is rarer.
    const int tail = c * kAlphas;
    tail_factor_[window] = chain.tail_factor_size() > tail ? chain.tail_factor(tail) : 1;
  }
}

bool UnseenSales::Knows(const ItemLearning& item, const LocationLearning& location) const {
  const journal::LearnedChain& chain = state_.learned().chain;
  if (chain.nights() < kNightsMin || chain.level() <= 0) return false;
  return item.expected / chain.level() >= kItemHoursMin &&
         location.learned.history().expected() >= kLocationUnitsMin;
}

double UnseenSales::AnnouncedFactor(uint32_t item, uint32_t location, int64_t from_us,
                                    int64_t to_us) const {
  return std::max({1.0, DemandFactorAt(state_, item, location, from_us),
                   DemandFactorAt(state_, item, location, from_us + (to_us - from_us) / 2),
                   DemandFactorAt(state_, item, location, to_us)});
}

std::optional<int64_t> UnseenSales::AtMost(uint32_t item, uint32_t location, int64_t from_us,
                                           int64_t to_us) const {
  const ItemLearning& learned = state_.learned().ItemOf(item);
  const LocationLearning& where = state_.learned().LocationOf(location);
  if (!Knows(learned, where)) return std::nullopt;
  const Cell* cell = state_.positions.Find(item, location).cell;
  const Estimates estimates = cell == nullptr ? Estimates{} : cell->estimates;
  const int64_t from_s = from_us / kMicrosPerSecond - kBookedLate_s;
  const int64_t to_s = std::max(from_s, to_us / kMicrosPerSecond);
  const double expected = ExpectedUnits(learned, where, from_s, to_s);
  const double mean =
      RateOf(estimates, 1).rate() * expected * AnnouncedFactor(item, location, from_us, to_us);
  // What is known of the position, and of an item that sold little so far.
  const double unknown = 1 / (kPriorSales + estimates.velocity.sold) + 1 / (1.0 + learned.units);
  // A day that is good for all of them, by weather or a fair nobody announced.
  const double of_day = PooledDemand::kDefaultChainOverdispersion;
  const double hours = where.clock.Exposure(from_s, to_s);
  const Demand demand{
      .mean = mean,
      .variance = mean + mean * mean * (unknown + of_day + BetweenWindows(overdispersion_, hours))};
  return DemandDistribution(Widen(demand, std::max(1.0, BetweenWindows(tail_factor_, hours))))
      .Quantile(kAlpha);
}

}  // namespace onhand::ledger
