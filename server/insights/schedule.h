// How often each location should report, so that few of the answers that rest on it are wrong. One
// scan is one answer; its owner calls Step under the hub's read lock until it says that all is
// seen, and then Take without it. One thread.
//
// An answer flips when its headroom has sold unseen. Where a location answers for itself (pickup,
// in store) that is what it may sell there down to its floor; where the chain answers (ship) it is
// what the chain may sell down to its own, while all locations sell. Selling rates stand for views.
// Items that keep selling at zero need no report.
#ifndef ONHAND_SERVER_INSIGHTS_SCHEDULE_H_
#define ONHAND_SERVER_INSIGHTS_SCHEDULE_H_

#include <cstdint>
#include <vector>

#include "onhand/v1/insights.pb.h"
#include "server/insights/belief.h"
#include "server/insights/cadence.h"
#include "server/ledger/ledger.h"

namespace onhand::insights {

// What a shop may go on showing after a report came: the usual life of its cache.
inline constexpr double kLatency_s = 30;

class ScheduleScan {
 public:
  // `location` 0: all. `alpha`: 1/N of the accepted risk.
  ScheduleScan(uint32_t location, double alpha) : only_(location), alpha_(alpha) {}

  // Looks at the next slice; true once nothing is left.
  bool Step(const ledger::Ledger& ledger);
  // The advice, in location order; without the lock.
  v1::AdviseScheduleResponse Take();

 private:
  // An answer that asks for an early report.
  struct Hurry {
    double hours = 0;  // until it is no longer safe
    uint32_t item = 0;
    int64_t headroom = 0;
    double units_per_day = 0;
  };
  struct Advice {
    v1::LocationSchedule row;
    Cadence cadence;
    std::vector<Hurry> hurries;  // the most urgent few, one an item
    uint32_t last_item = 0;
  };

  void Begin(const ledger::State& state);
  void Look(const ledger::Ledger& ledger, const Places& places, uint32_t item);
  void Add(const Belief& belief, uint32_t item, int64_t headroom, const ledger::Posterior& rate);
  void Name(const ledger::State& state);
  double SafeSalesOf(int64_t headroom);

  const uint32_t only_;
  const double alpha_;
  bool begun_ = false;
  uint32_t next_item_ = 1;
  std::vector<Advice> advice_;      // by location id
  std::vector<double> safe_sales_;  // by headroom, as far as asked for; 0: not yet
};

}  // namespace onhand::insights

#endif  // ONHAND_SERVER_INSIGHTS_SCHEDULE_H_
