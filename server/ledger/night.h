// What one night learns from all positions, silent ones included: the chain's level, every item's
// rate and weekdays, every location's factor, clock and dead hours, how real demand scatters, and
// where doubt starts. Computed by the leader from the committed state and told as facts; apply only
// installs them. One thread; the learner owns it for as long as a night lasts.
//
// A position's day runs from where its location's last night ended to the location's known_through
// at the start of this one. Sales count in the night after their arrival, so that each counts once
// however late it came.
#ifndef ONHAND_SERVER_LEDGER_NIGHT_H_
#define ONHAND_SERVER_LEDGER_NIGHT_H_

#include <array>
#include <cstdint>
#include <vector>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/demand.h"
#include "server/ledger/learned_rates.h"
#include "server/ledger/state.h"
#include "server/ledger/store_clock.h"

namespace onhand::ledger {

class Night {
 public:
  // `state` is the committed one; `at_us` the ledger's time.
  Night(const State& state, int64_t at_us);

  // Learns from the positions of one item. Each item once. Returns how many positions it has.
  int AddItem(const State& state, uint32_t item);
  // Closes the night when all items were added.
  void Close(const State& state);

  // Items and locations that came after the night began are not part of it.
  uint32_t item_end() const { return item_end_; }
  uint32_t location_end() const { return static_cast<uint32_t>(places_.size()); }

  // What was learned, as facts; after Close.
  journal::LearnedChain Chain() const;
  journal::LearnedLocation Location(uint32_t location) const;
  // Appends the item's row. False, and nothing appended, if there is nothing to say of the item.
  bool AppendItem(const State& state, uint32_t item, journal::LearnedItems& rows) const;

 private:
  // A location's day.
  struct Place {
    int64_t from_s = 0;
    int64_t to_s = 0;  // from_s: it told nothing new
    double rate = 0;   // sum of lambda over its positions, times their share of the day in stock
    std::vector<double> sold_by_hour;  // by hour since from_s
    ClockTally tally;                  // of all nights
    StartDoubt start;
    WeekWeights weights;
    std::vector<int64_t> dead_hours_s;
  };
  // A position's day.
  struct Day {
    uint32_t location = 0;
    const Beside* beside = nullptr;
    double sold = 0;
    // By what all positions taught, while the record said in stock. Not less for doubt: an item
    // that sells more slowly than was thought is doubted everywhere, and would never teach it.
    double expected = 0;
    double whole = 0;  // the same had it been in stock all day
    bool always_there = false;
    Posterior before;  // its rate when the day began ...
    double ratio = 1;  // ... over what all positions taught
  };

  Day DayOf(const State& state, uint32_t item, uint32_t location, const Cell& cell,
            const Beside* beside);
  void TakeSalesAndCounts(const State& state, uint32_t item, uint32_t location,
                          const Beside& beside, Day& day);
  void TakeDay(const State& state, uint32_t item, double mean_ratio, const Day& day);
  void TakeScatter(const State& state, uint32_t item, uint32_t seed, const Day& day);
  void FindDeadHours(Place& place, const StoreClock& clock) const;

  const int64_t at_us_;
  // So long since the last night that movements after it have left the ledger: nothing is learned
  // but where the next night begins.
  const bool forgot_;
  const int64_t last_us_;  // the night before
  const uint32_t item_end_;
  LearnedRates rates_;
  std::vector<Place> places_;  // by location id
  std::array<OverdispersionTally, kScatterHours.size()> scatter_;
  std::array<double, kScatterHours.size()> overdispersion_;
  std::array<std::array<TailCalibration, kScatterAlphas.size()>, kScatterHours.size()> tails_;
  std::vector<Day> days_;    // of the item at hand
  uint32_t sampled_of_ = 1;  // scatter is learned from one position in so many
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_NIGHT_H_
