// What to count first. Two lists: shelves that are probably empty although the record says
// otherwise, and records that are probably wrong in number. One scan is one answer; its owner calls
// Step under the hub's read lock until it says that all is seen. One thread.
//
// Value of a count = unit value x units that would sell until somebody notices x the chance that
// counting changes something, less the cost of a count. The chance is p0 where the shelf is on
// sale, because the loss is that of an empty shelf; 1 - p0 where doubt alone hides it, because the
// loss is that of units nobody may order. Without a list a shelf is looked at once in 7 days.
#ifndef ONHAND_SERVER_INSIGHTS_DOUBTS_H_
#define ONHAND_SERVER_INSIGHTS_DOUBTS_H_

#include <cstdint>
#include <deque>

#include "onhand/v1/insights.pb.h"
#include "server/insights/belief.h"
#include "server/ledger/ledger.h"

namespace onhand::insights {

inline constexpr double kNoticedAfterDays = 7;
// In the unit of Item.unit_value, where a plain lost sale is 1.
inline constexpr double kCountCost = 0.05;
// Fewer expected sales than this tell nothing, however long the silence (SCIENCE part C: a run
// needs 7 to 10), and nobody waits longer than so many days.
inline constexpr double kTellingSales = 7;
inline constexpr double kTellingDays = 90;

struct DoubtQuestion {
  uint32_t location = 0;  // 0: all
  double chance_min = 0.5;
  size_t listed_max = 100;
  v1::DoubtList list = v1::DOUBT_LIST_OUT_OF_STOCK;
};

class DoubtScan {
 public:
  explicit DoubtScan(const DoubtQuestion& question) : question_(question) {}

  // Looks at the next slice; true once nothing is left. Items that come meanwhile may be missing.
  bool Step(const ledger::Ledger& ledger);
  // The answer so far.
  v1::ListDoubtsResponse Take();

 private:
  struct Candidate {
    uint32_t item = 0;
    uint32_t location = 0;
    double chance = 0;
    double at_stake = 0;  // unit value x units that would sell
    double value_max = 0;
    friend bool operator<(const Candidate& a, const Candidate& b) {
      return a.value_max < b.value_max;
    }
  };

  void Look(const ledger::State& state, const Places& places, uint32_t item);
  void Judge(const ledger::State& state, uint32_t item, const Belief& belief);
  bool List(const ledger::Ledger& ledger);
  void Describe(const ledger::Ledger& ledger, const Candidate& candidate);

  const DoubtQuestion question_;
  uint32_t next_item_ = 1;
  bool all_seen_ = false;
  std::deque<Candidate> candidates_;  // a heap; never moved as a whole, which would take long
  v1::ListDoubtsResponse response_;
};

}  // namespace onhand::insights

#endif  // ONHAND_SERVER_INSIGHTS_DOUBTS_H_
