// Replays a chain's hours through the ledger's own estimators, as the hub would live them:
// per-position recurrences hour by hour, and every night what is learned from the past alone:
// clocks, expected rates, location factors. Owned by one table's computation; one thread.
#ifndef ONHAND_TESTS_EVALUATION_CHAIN_REPLAY_H_
#define ONHAND_TESTS_EVALUATION_CHAIN_REPLAY_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "server/ledger/learned_rates.h"
#include "server/ledger/store_clock.h"
#include "server/ledger/velocity.h"
#include "tests/evaluation/dataset.h"

namespace onhand::evaluation {

struct ReplaySettings {
  double half_life_days = 20;  // H
  double prior_sales = 15;     // n0
  double clock_half_life_days = 20;
  double clock_prior_units = 100;
  ledger::LearningSettings learning;
};

// What a position went through in one hour.
struct HourLived {
  double share = 1;  // of the hour that counts as in stock, times 1 - p0
  double sold = 0;
};

class ChainReplay {
 public:
  // Days of the past whose rates a chain imports before it starts.
  static constexpr int kImportDays = 14;

  // `dataset` must outlive the replay. Learns clocks and rates from its first kImportDays, as an
  // import of past sales would, so that the estimators do not start from nothing.
  ChainReplay(const Dataset* dataset, const ReplaySettings& settings);

  // Lives one hour as the data tells it: labelled hours carry no exposure.
  void LiveHour(int hour);
  // Lives one hour as somebody else tells it, by position.
  void LiveHour(int hour, absl::Span<const HourLived> lived);

  // The exposure of a position in an hour on its store's clock: weighted hours times the item's
  // weekday.
  double Exposure(int position, int hour) const;
  // How much of an average hour's selling this hour holds.
  double HourWeight(int store, int hour) const;
  // As of the end of the last hour lived.
  ledger::Posterior PosteriorOf(int position) const;
  // lambda as of last midnight, units per weighted hour.
  double NightRate(int position) const { return night_rate_[position]; }

 private:
  void Learn(int hours_lived);
  void LearnClocks();
  int Weekday(int hour) const { return hour / 24 % 7; }

  const Dataset& data_;
  ReplaySettings settings_;
  ledger::LearnedRates rates_;
  std::vector<ledger::StoreClock> clocks_;
  std::vector<ledger::ClockTally> tallies_;
  std::vector<ledger::Velocity> velocity_;
  std::vector<double> pending_;  // units expected since the state's moment
  uint32_t now_s_;
  std::vector<double> night_rate_;
  std::vector<ledger::Ratio> today_;  // by position: sold and expected
};

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_CHAIN_REPLAY_H_
