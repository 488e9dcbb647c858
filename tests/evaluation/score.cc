#include "tests/evaluation/score.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/ledger/demand.h"
#include "server/ledger/exact_math.h"
#include "tests/evaluation/random.h"

namespace onhand::evaluation {
namespace {

double LogProbability(double sold, const ledger::Demand& demand) {
  using ledger::Log;
  const double excess = demand.variance - demand.mean;
  if (excess <= 1e-9 * demand.mean) {
    return sold * Log(demand.mean) - demand.mean - ledger::LogGamma(sold + 1);
  }
  const double r = demand.mean * demand.mean / excess;
  return ledger::LogGamma(sold + r) - ledger::LogGamma(r) - ledger::LogGamma(sold + 1) -
         r * ledger::Log1p(demand.mean / r) + sold * Log(demand.mean / (r + demand.mean));
}

}  // namespace

double MomentOverdispersion(absl::Span<const Outcome> outcomes) {
  ledger::OverdispersionTally tally;
  for (const Outcome& o : outcomes) {
    tally.Add(o.sold,
              {.mean = o.mean, .variance = o.mean + o.mean * o.mean * o.parameter_variance});
  }
  return tally.Learned(0, 0);
}

Scores ScoreOf(absl::Span<const Outcome> outcomes, double overdispersion) {
  Scores scores;
  double forecast = 0, sold = 0;
  std::vector<double> pit;
  pit.reserve(outcomes.size());
  Random random(71);
  for (const Outcome& o : outcomes) {
    forecast += o.mean;
    sold += o.sold;
    scores.deviance +=
        2 * ((o.sold > 0 ? o.sold * ledger::Log(o.sold / o.mean) : 0) - (o.sold - o.mean));
    const ledger::Demand demand{
        .mean = o.mean,
        .variance = o.mean + o.mean * o.mean * (o.parameter_variance + overdispersion)};
    scores.log_score -= LogProbability(o.sold, demand);
    const ledger::DemandDistribution distribution(demand);
    const int64_t units = static_cast<int64_t>(o.sold);
    const double above = distribution.ChanceAbove(units),
                 from = distribution.ChanceAbove(units - 1);
    pit.push_back(1 - from + random.Uniform() * (from - above));
  }
  const double n = static_cast<double>(outcomes.size());
  scores.bias = (forecast - sold) / sold;
  scores.deviance /= n;
  scores.log_score /= n;
  std::sort(pit.begin(), pit.end());
  for (size_t i = 0; i < pit.size(); ++i) {
    scores.pit = std::max(
        {scores.pit, static_cast<double>(i + 1) / n - pit[i], pit[i] - static_cast<double>(i) / n});
  }
  return scores;
}

Interval BootstrapRatio(absl::Span<const Share> shares) {
  std::map<std::pair<int, int>, std::pair<double, double>> sums;
  for (const Share& share : shares) {
    auto& [over, under] = sums[{share.store, share.week}];
    over += share.over;
    under += share.under;
  }
  std::vector<std::pair<double, double>> groups;
  groups.reserve(sums.size());
  for (const auto& [key, sum] : sums) groups.push_back(sum);
  if (groups.empty()) return {};
  Random random(9173);
  std::vector<double> ratios;
  for (int round = 0; round < 1000; ++round) {
    double over = 0, under = 0;
    for (size_t i = 0; i < groups.size(); ++i) {
      const auto& group = groups[random.Below(static_cast<int64_t>(groups.size()))];
      over += group.first;
      under += group.second;
    }
    ratios.push_back(under != 0 ? over / under : 0);
  }
  std::sort(ratios.begin(), ratios.end());
  return {.low = ratios[25], .high = ratios[974]};
}

std::string Percent(double value, int digits) {
  return absl::StrFormat("%.*f %%", digits, value * 100);
}
std::string Number(double value, int digits) { return absl::StrFormat("%.*f", digits, value); }
std::string Range(const Interval& interval, int digits, double scale) {
  return absl::StrFormat("[%.*f, %.*f]", digits, interval.low * scale, digits,
                         interval.high * scale);
}

}  // namespace onhand::evaluation
