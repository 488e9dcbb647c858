#include <algorithm>
#include <array>
#include <functional>

#include "absl/strings/str_format.h"
#include "server/ledger/exact_math.h"
#include "tests/evaluation/baselines.h"
#include "tests/evaluation/chain_replay.h"
#include "tests/evaluation/score.h"
#include "tests/evaluation/tables.h"

namespace onhand::evaluation {
namespace {

// Forecasts at or below zero have no deviance; a baseline that never saw a sale expects one in a
// hundred days.
constexpr double kForecastMin = 0.01;

// Outcomes by half of the stores.
using ByHalf = std::array<std::vector<Outcome>, 2>;

struct Candidate {
  std::string name;
  ByHalf outcomes;
};

// Learns from one dataset and forecasts another that is `scale` times as fast.
ByHalf ForecastWithEstimator(const Dataset& taught, const Dataset& data, double scale,
                             const ReplaySettings& settings) {
  ByHalf outcomes;
  ChainReplay replay(&taught, settings);
  for (int hour = 0; hour < data.hours; ++hour) {
    const int day = hour / 24;
    for (size_t i = 0; hour % 24 == 0 && day >= kFirstTestDay && i < data.positions.size(); ++i) {
      const int position = static_cast<int>(i);
      double exposure = 0, sold = 0;
      for (int h = hour; h < hour + 24; ++h) {
        if (data.Out(position, h)) continue;
        exposure += replay.Exposure(position, h);
        sold += data.Sold(position, h);
      }
      if (exposure <= 0) continue;
      const ledger::Posterior posterior = replay.PosteriorOf(position);
      const int store = data.positions[i].store;
      outcomes[store % 2].push_back({.store = store,
                                     .week = day / 7,
                                     .sold = sold,
                                     .mean = posterior.rate() * exposure * scale,
                                     .parameter_variance = 1 / posterior.a});
    }
    replay.LiveHour(hour);
  }
  return outcomes;
}

// `scaled`: the day's forecast times the share of its hours in stock between 6 and 22; else as it
// is.
ByHalf ForecastWithBaseline(const Dataset& data, const Baseline& baseline, bool scaled) {
  ByHalf outcomes;
  for (size_t i = 0; i < data.positions.size(); ++i) {
    const int position = static_cast<int>(i);
    const int store = data.positions[i].store;
    BaselineState state(baseline);
    for (int day = 0; day < data.days(); ++day) {
      double all = 0, sold = 0;
      int in_stock = 0, open_in_stock = 0;
      for (int hour = day * 24; hour < day * 24 + 24; ++hour) {
        all += data.Sold(position, hour);
        if (data.Out(position, hour)) continue;
        ++in_stock;
        open_in_stock += hour % 24 >= 6 && hour % 24 < 22 ? 1 : 0;
        sold += data.Sold(position, hour);
      }
      if (day >= kFirstTestDay && in_stock > 0) {
        const double share = scaled ? open_in_stock / 16.0 : 1;
        outcomes[store % 2].push_back({.store = store,
                                       .week = day / 7,
                                       .sold = sold,
                                       .mean = std::max(kForecastMin, state.Forecast() * share)});
      }
      state.Add(all);
    }
  }
  return outcomes;
}

std::vector<Candidate> EstimatorCandidates(const Dataset& data) {
  std::vector<Candidate> candidates;
  const auto add = [&](const std::string& name,
                       const std::function<void(ReplaySettings&)>& change) {
    ReplaySettings settings;
    change(settings);
    candidates.push_back({name, ForecastWithEstimator(data, data, 1, settings)});
  };
  add("defaults", [](ReplaySettings&) {});
  add("H 10 d", [](ReplaySettings& s) { s.half_life_days = 10; });
  add("H 40 d", [](ReplaySettings& s) { s.half_life_days = 40; });
  add("n0 8", [](ReplaySettings& s) { s.prior_sales = 8; });
  add("n0 25", [](ReplaySettings& s) { s.prior_sales = 25; });
  add("item 7 d", [](ReplaySettings& s) { s.learning.item_half_life_days = 7; });
  add("clock prior 30", [](ReplaySettings& s) { s.clock_prior_units = 30; });
  add("all slower", [](ReplaySettings& s) {
    s = {.half_life_days = 40, .prior_sales = 25, .clock_prior_units = 30};
    s.learning.level_half_life_days = 2;
    s.learning.item_half_life_days = 7;
    s.learning.location_half_life_days = 14;
  });
  return candidates;
}

std::vector<Candidate> BaselineCandidates(const Dataset& data, BaselineKind kind) {
  std::vector<Candidate> candidates;
  for (const Baseline& baseline : BaselinesToTry()) {
    if (baseline.kind != kind) continue;
    for (const bool scaled : {false, true}) {
      candidates.push_back({absl::StrFormat("%.2g%s", baseline.parameter, scaled ? " scaled" : ""),
                            ForecastWithBaseline(data, baseline, scaled)});
    }
  }
  return candidates;
}

double Deviance(const Outcome& o) {
  return 2 * ((o.sold > 0 ? o.sold * ledger::Log(o.sold / o.mean) : 0) - (o.sold - o.mean));
}

// Each half with the candidate of least deviance on the other half, whose c it uses too.
void WriteRow(const std::string& speed, const std::string& method,
              const std::vector<Candidate>& candidates, std::ostream& out) {
  std::vector<Outcome> reported;
  std::string chosen;
  double log_score = 0;
  for (int half = 0; half < 2; ++half) {
    const auto best =
        std::min_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
          return ScoreOf(a.outcomes[1 - half], 0.1).deviance <
                 ScoreOf(b.outcomes[1 - half], 0.1).deviance;
        });
    const double c = MomentOverdispersion(best->outcomes[1 - half]);
    const std::vector<Outcome>& test = best->outcomes[half];
    log_score += ScoreOf(test, c).log_score * static_cast<double>(test.size());
    for (Outcome outcome : test) {
      outcome.parameter_variance += c;
      reported.push_back(outcome);
    }
    chosen += (half == 0 ? "" : " / ") + best->name;
  }
  const Scores scores = ScoreOf(reported, 0);
  std::vector<Share> bias, deviance;
  for (const Outcome& o : reported) {
    bias.push_back({o.store, o.week, o.mean - o.sold, o.sold});
    deviance.push_back({o.store, o.week, Deviance(o), 1});
  }
  out << absl::StrFormat("| %s | %s | %.2f %% %s | %.3f %s | %.3f | %.3f | %s |\n", speed, method,
                         scores.bias * 100, Range(BootstrapRatio(bias), 2, 100), scores.deviance,
                         Range(BootstrapRatio(deviance), 3),
                         log_score / static_cast<double>(reported.size()), scores.pit, chosen);
}

}  // namespace

void WriteRateTable(const std::vector<Speed>& speeds, std::ostream& out) {
  out << "## A. Next-day sales over in-stock hours\n\n"
         "Even stores are reported with what had the least deviance on the odd ones, and the other "
         "way round; the last\n"
         "column says what that was. A baseline forecasts daily sales, as they are or scaled by "
         "the share of opening\n"
         "hours in stock, whichever was better. PIT: largest distance from uniform. '(taught by "
         "all units)'\n"
         "learned from the fast chain before it was thinned: about what any estimator could reach, "
         "no rival.\n\n"
         "| speed | method | bias | Poisson deviance | log score | PIT | chosen for even / odd |\n"
         "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Speed& speed : speeds) {
    WriteRow(speed.name, "**this estimator**", EstimatorCandidates(speed.data), out);
    for (const BaselineKind kind :
         {BaselineKind::kMovingAverage, BaselineKind::kSmoothing, BaselineKind::kCroston,
          BaselineKind::kSyntetosBoylan, BaselineKind::kTeunterSyntetosBabai}) {
      WriteRow(speed.name, NameOf(kind), BaselineCandidates(speed.data, kind), out);
    }
    if (speed.keep >= 1) continue;
    const Candidate all_units{"defaults",
                              ForecastWithEstimator(speeds[0].data, speed.data, speed.keep, {})};
    WriteRow(speed.name, "(taught by all units)", {all_units}, out);
  }
  out << "\n";
}

}  // namespace onhand::evaluation
