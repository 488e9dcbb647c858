#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/ledger/doubt.h"
#include "tests/evaluation/chain_replay.h"
#include "tests/evaluation/score.h"
#include "tests/evaluation/tables.h"

namespace onhand::evaluation {
namespace {

// Hours of the day that are judged.
constexpr int kOpens = 6, kCloses = 22;
// Recall is told at the false alarms of the published measurement.
constexpr double kFalseAlarms = 0.155;

// How surely an hour was called out of stock, and whether it was.
struct Call {
  float score = 0;
  bool out = false;
  int store = 0;
  int week = 0;
};
using CallsByHalf = std::array<std::vector<Call>, 2>;

struct Quality {
  double average_precision = 0, auc = 0, recall = 0, base_rate = 0;
};

Quality QualityOf(std::vector<Call> calls) {
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.score > b.score; });
  Quality quality;
  double positives = 0, found = 0, false_alarms = 0;
  for (const Call& call : calls) positives += call.out ? 1 : 0;
  const double negatives = static_cast<double>(calls.size()) - positives;
  // Equal scores are one step, so that their order decides nothing.
  for (size_t from = 0; from < calls.size();) {
    size_t to = from;
    double hits = 0;
    for (; to < calls.size() && calls[to].score == calls[from].score; ++to)
      hits += calls[to].out ? 1 : 0;
    const double misses = static_cast<double>(to - from) - hits;
    quality.auc += misses * (found + hits / 2);
    found += hits;
    false_alarms += misses;
    quality.average_precision += hits / positives * found / (found + false_alarms);
    if (false_alarms <= kFalseAlarms * negatives) quality.recall = found / positives;
    from = to;
  }
  quality.auc /= positives * negatives;
  quality.base_rate = positives / static_cast<double>(calls.size());
  return quality;
}

struct Settings {
  double clumping = 0.15;
  double loss_per_day = 0.0025;
  // By half of the stores that are judged: what the other half's labels taught; null: nothing.
  const std::array<ledger::ShelfTurnTally, 2>* turns = nullptr;
};

// The filter hears sales only: no label, no receipt.
struct Run {
  CallsByHalf by_filter, by_silence;
};

Run Detect(const Dataset& labelled, const Dataset& unlabelled, const Settings& settings) {
  Run run;
  ChainReplay replay(&unlabelled, {});
  const ledger::DoubtPolicy policy{.loss_per_day = settings.loss_per_day,
                                   .clumping = settings.clumping};
  std::vector<ledger::Doubt> doubts(labelled.positions.size());
  std::vector<HourLived> lived(doubts.size());
  std::vector<float> silent_hours(doubts.size(), 0);
  for (int hour = 0; hour < labelled.hours; ++hour) {
    const bool judged = hour / 24 >= kFirstTestDay && hour % 24 >= kOpens && hour % 24 < kCloses;
    for (size_t i = 0; i < doubts.size(); ++i) {
      const int position = static_cast<int>(i);
      const int store = labelled.positions[i].store;
      const int sold = unlabelled.Sold(position, hour);
      lived[i] = {.share = 1.0 - doubts[i].empty, .sold = static_cast<double>(sold)};
      if (settings.turns != nullptr) {
        ledger::Drift(doubts[i], (*settings.turns)[store % 2].At(hour % 24, settings.loss_per_day));
      } else {
        ledger::Drift(doubts[i], 3600, policy);
      }
      if (sold > 0) {
        ledger::TakeSale(doubts[i]);
        silent_hours[i] = 0;
      } else {
        const double expected =
            replay.PosteriorOf(position).rate() * replay.Exposure(position, hour);
        ledger::TakeSilence(doubts[i], expected, policy);
        silent_hours[i] += 1;
      }
      if (!judged) continue;
      const Call call{.out = labelled.Out(position, hour), .store = store, .week = hour / 24 / 7};
      run.by_filter[store % 2].push_back(call);
      run.by_filter[store % 2].back().score = doubts[i].empty;
      run.by_silence[store % 2].push_back(call);
      run.by_silence[store % 2].back().score = silent_hours[i];
    }
    replay.LiveHour(hour, lived);
  }
  return run;
}

// Taught by the stores of the other half, so element h judges half h.
std::array<ledger::ShelfTurnTally, 2> LearnTurns(const Dataset& labelled) {
  std::array<ledger::ShelfTurnTally, 2> turns;
  for (size_t i = 0; i < labelled.positions.size(); ++i) {
    const int position = static_cast<int>(i);
    for (int hour = 1; hour < std::min(labelled.hours, kFirstTestDay * 24); ++hour) {
      turns[1 - labelled.positions[i].store % 2].Add(hour % 24, labelled.Out(position, hour - 1),
                                                     labelled.Out(position, hour));
    }
  }
  return turns;
}

void WriteRow(const std::string& speed, const std::string& method, const CallsByHalf& calls,
              const std::string& chosen, std::ostream& out) {
  std::vector<Call> all = calls[0];
  all.insert(all.end(), calls[1].begin(), calls[1].end());
  const Quality quality = QualityOf(all);
  // By store-week, weighted by the hours out of stock in it.
  std::vector<Share> shares;
  std::sort(all.begin(), all.end(), [](const Call& a, const Call& b) {
    return std::pair(a.store, a.week) < std::pair(b.store, b.week);
  });
  for (size_t from = 0; from < all.size();) {
    size_t to = from;
    std::vector<Call> group;
    double positives = 0;
    for (; to < all.size() && all[to].store == all[from].store && all[to].week == all[from].week;
         ++to) {
      group.push_back(all[to]);
      positives += all[to].out ? 1 : 0;
    }
    if (positives > 0) {
      shares.push_back({all[from].store, all[from].week,
                        QualityOf(group).average_precision * positives, positives});
    }
    from = to;
  }
  out << absl::StrFormat("| %s | %s | %.3f | %s | %.3f | %.1f %% | %s |\n", speed, method,
                         quality.average_precision, Range(BootstrapRatio(shares), 3), quality.auc,
                         quality.recall * 100, chosen);
}

void WriteSpeed(const Speed& speed, std::ostream& out) {
  Dataset unlabelled = speed.data;
  std::fill(unlabelled.out.begin(), unlabelled.out.end(), 0);
  const auto turns = LearnTurns(speed.data);

  const Run plain = Detect(speed.data, unlabelled, {});
  WriteRow(speed.name, "hours since the last sale", plain.by_silence, "", out);
  WriteRow(speed.name, "p0, defaults", plain.by_filter, "", out);
  std::vector<std::pair<double, Run>> candidates;
  for (const double clumping : {0.05, 0.15, 0.3, 0.5}) {
    candidates.push_back(
        {clumping, Detect(speed.data, unlabelled, {.clumping = clumping, .turns = &turns})});
  }
  CallsByHalf calls;
  std::string chosen;
  for (int half = 0; half < 2; ++half) {
    const auto best =
        std::max_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
          return QualityOf(a.second.by_filter[1 - half]).average_precision <
                 QualityOf(b.second.by_filter[1 - half]).average_precision;
        });
    calls[half] = best->second.by_filter[half];
    chosen += absl::StrFormat("%sk %.2f", half == 0 ? "" : " / ", best->first);
  }
  WriteRow(speed.name, "**p0, taught when shelves turn**", calls, chosen, out);
}

}  // namespace

void WriteDetectionTable(const std::vector<Speed>& speeds, std::ostream& out) {
  out << "## C1. Which hours were out of stock\n\n"
         "Every hour from 6 to 22, told from sales alone, against labels. 'Taught' learned by hour "
         "of the\n"
         "day how often shelves empty and fill unseen, from the first 28 days' labels of the other "
         "half\n"
         "of the stores, as a chain learns it from counts, and chose k there; 'defaults' saw no "
         "label.\n"
         "Recall at 15.5 % false alarms. The interval is of the average precision within a "
         "store-week.\n\n"
         "| speed | method | average precision | interval within weeks | AUC | recall | chosen for "
         "even / odd |\n"
         "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Speed& speed : speeds) WriteSpeed(speed, out);
  out << "\n";
}

}  // namespace onhand::evaluation
