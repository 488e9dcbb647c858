#include <array>
#include <functional>

#include "absl/strings/str_format.h"
#include "server/ledger/demand.h"
#include "tests/evaluation/chain_replay.h"
#include "tests/evaluation/score.h"
#include "tests/evaluation/tables.h"

namespace onhand::evaluation {
namespace {

constexpr std::array<int, 4> kWindows = {2, 4, 8, 24};
constexpr std::array<double, 2> kAlphas = {0.01, 0.05};
// Windows are told to the learners from here on.
constexpr int kFirstLearningDay = ChainReplay::kImportDays;
constexpr int kOpens = 6, kCloses = 22;

// How often demand exceeded a quantile that allows alpha.
struct Exceedance {
  double exceeded =
      0;  // demand at the boundary counts by the share that makes the allowance exactly alpha
  double allowed = 0;
  double plainly = 0;  // demand above the buffer, boundary or not
  std::vector<Share> shares;

  void Add(const Position& at, int week, double part, bool above, double alpha) {
    exceeded += part;
    allowed += alpha;
    plainly += above ? 1 : 0;
    shares.push_back({at.store, week, part, alpha});
  }
};

// Counts are whole, so P(N > k) jumps past alpha: demand equal to k exceeds with the chance that
// makes up for it.
double PartExceeded(const ledger::DemandDistribution& distribution, int64_t buffer, double sold,
                    double alpha) {
  if (sold > static_cast<double>(buffer)) return 1;
  if (sold < static_cast<double>(buffer)) return 0;
  const double above = distribution.ChanceAbove(buffer);
  const double at = distribution.ChanceAbove(buffer - 1) - above;
  return at > 0 ? std::min(1.0, std::max(0.0, (alpha - above) / at)) : 0;
}

// One length of window: what is learned about it, and how it fared.
struct Window {
  int hours = 0;
  ledger::OverdispersionTally tally, chain_tally;
  double c = 0, chain_c = ledger::PooledDemand::kDefaultChainOverdispersion;
  std::array<ledger::TailCalibration, 2> tails, chain_tails;
  std::array<Exceedance, 2> fared, poisson_fared, chain_fared;
  std::array<double, 2> summed{}, pooled{};
};

class CalibrationRun {
 public:
  explicit CalibrationRun(const Dataset& data) : data_(data), replay_(&data, {}) {
    for (size_t i = 0; i < kWindows.size(); ++i) {
      windows_[i].hours = kWindows[i];
      windows_[i].c = ledger::DefaultOverdispersion(kWindows[i]);
    }
    for (int hour = 0; hour < data_.hours; ++hour) {
      const int of_day = hour % 24;
      for (Window& window : windows_) {
        if (of_day == 0) Learn(window);
        const bool starts = window.hours == 24 ? of_day == 0
                                               : of_day >= kOpens && of_day < kCloses &&
                                                     (of_day - kOpens) % window.hours == 0;
        if (starts && hour / 24 >= kFirstLearningDay && hour + window.hours <= data_.hours)
          Judge(window, hour);
      }
      replay_.LiveHour(hour);
    }
  }

  const std::array<Window, 4>& windows() const { return windows_; }

 private:
  // At midnight, so that no window of the day before is still open.
  static void Learn(Window& window) {
    window.c = window.tally.Learned(ledger::DefaultOverdispersion(window.hours), 1);
    window.chain_c =
        window.chain_tally.Learned(ledger::PooledDemand::kDefaultChainOverdispersion, 1);
    for (ledger::TailCalibration& tail : window.tails) tail.CloseDay();
    for (ledger::TailCalibration& tail : window.chain_tails) tail.CloseDay();
  }

  void Judge(Window& window, int start) {
    const int week = start / 24 / 7;
    const bool counts = start / 24 >= kFirstTestDay;
    std::vector<ledger::PooledDemand> chain(data_.skus.size());
    std::vector<double> chain_sold(data_.skus.size(), 0);
    std::vector<std::array<int64_t, 2>> summed(data_.skus.size());
    for (size_t i = 0; i < data_.positions.size(); ++i) {
      const int position = static_cast<int>(i);
      const Position& at = data_.positions[i];
      double exposure = 0, sold = 0;
      for (int hour = start; hour < start + window.hours; ++hour) {
        if (data_.Out(position, hour)) continue;
        exposure += replay_.Exposure(position, hour);
        sold += data_.Sold(position, hour);
      }
      if (exposure <= 0) continue;
      const ledger::Posterior posterior = replay_.PosteriorOf(position);
      window.tally.Add(sold, ledger::Predict(posterior, exposure, 0));
      const ledger::Demand demand = ledger::Predict(posterior, exposure, window.c);
      chain[at.sku].Add(demand);
      chain_sold[at.sku] += sold;
      for (size_t a = 0; a < kAlphas.size(); ++a) {
        const ledger::DemandDistribution distribution(
            ledger::Widen(demand, window.tails[a].factor()));
        const int64_t buffer = distribution.Quantile(kAlphas[a]);
        const double part = PartExceeded(distribution, buffer, sold, kAlphas[a]);
        window.tails[a].Add(part, kAlphas[a]);
        summed[at.sku][a] += buffer;
        if (!counts) continue;
        window.fared[a].Add(at, week, part, sold > static_cast<double>(buffer), kAlphas[a]);
        const ledger::DemandDistribution poisson({.mean = demand.mean, .variance = demand.mean});
        const int64_t thin = poisson.Quantile(kAlphas[a]);
        window.poisson_fared[a].Add(at, week, PartExceeded(poisson, thin, sold, kAlphas[a]),
                                    sold > static_cast<double>(thin), kAlphas[a]);
      }
    }
    JudgeChain(window, chain, chain_sold, summed, week, counts);
  }

  void JudgeChain(Window& window, const std::vector<ledger::PooledDemand>& chain,
                  const std::vector<double>& sold,
                  const std::vector<std::array<int64_t, 2>>& summed, int week, bool counts) {
    for (size_t sku = 0; sku < chain.size(); ++sku) {
      const ledger::Demand demand = chain[sku].Total(window.chain_c);
      if (demand.mean <= 0) continue;
      window.chain_tally.Add(sold[sku], chain[sku].Total(0));
      for (size_t a = 0; a < kAlphas.size(); ++a) {
        const ledger::DemandDistribution distribution(
            ledger::Widen(demand, window.chain_tails[a].factor()));
        const int64_t buffer = distribution.Quantile(kAlphas[a]);
        const double part = PartExceeded(distribution, buffer, sold[sku], kAlphas[a]);
        window.chain_tails[a].Add(part, kAlphas[a]);
        if (!counts) continue;
        window.chain_fared[a].Add({.store = static_cast<int>(sku)}, week, part,
                                  sold[sku] > static_cast<double>(buffer), kAlphas[a]);
        window.summed[a] += static_cast<double>(summed[sku][a]);
        window.pooled[a] += static_cast<double>(buffer);
      }
    }
  }

  const Dataset& data_;
  ChainReplay replay_;
  std::array<Window, 4> windows_;
};

}  // namespace

void WriteCalibrationTable(const std::vector<Speed>& speeds, std::ostream& out) {
  out << "## B1. Exceedance: observed over allowed\n\n"
         "1.00 is exact. Demand equal to the buffer counts by the share that makes the allowance "
         "exactly alpha, because\n"
         "counts are whole; 'plainly' is demand above the buffer over alpha, which whole buffers "
         "keep below 1. c and the\n"
         "tail factor are learned nightly from the past of all stores; nothing is chosen on the "
         "judged days.\n\n"
         "| speed | window | c | 1 %: negative binomial | plainly | Poisson | 5 %: negative "
         "binomial | plainly | "
         "Poisson |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  std::string pooled;
  for (const Speed& speed : speeds) {
    const CalibrationRun run(speed.data);
    for (const Window& window : run.windows()) {
      out << absl::StrFormat("| %s | %d h | %.3f ", speed.name, window.hours, window.c);
      for (size_t a = 0; a < kAlphas.size(); ++a) {
        const Exceedance& fared = window.fared[a];
        out << absl::StrFormat("| %.2f %s | %.2f | %.2f ", fared.exceeded / fared.allowed,
                               Range(BootstrapRatio(fared.shares), 2),
                               fared.plainly / fared.allowed,
                               window.poisson_fared[a].exceeded / window.poisson_fared[a].allowed);
        const Exceedance& chain = window.chain_fared[a];
        pooled += absl::StrFormat(
            "| %s | %d h | %.0f %% | %.3f | %.2fx | %.2f %s |\n", speed.name, window.hours,
            kAlphas[a] * 100, window.chain_c, window.summed[a] / window.pooled[a],
            chain.exceeded / chain.allowed, Range(BootstrapRatio(chain.shares), 2));
      }
      out << "|\n";
    }
  }
  out << "\n## B2. One pooled buffer for the chain against the sum of its stores' "
         "buffers\n\nIntervals by SKU-week.\n\n"
         "| speed | window | alpha | c of the chain | summed / pooled | pooled: observed over "
         "allowed |\n"
         "| --- | --- | --- | --- | --- | --- |\n"
      << pooled << "\n";
}

}  // namespace onhand::evaluation
