// What one location can promise of one item on a channel: freshness, buffer with doubt, floor, in
// this order. Stops are asked before. Pure; a question makes one judge and asks it for each
// location without allocating anything.
#ifndef ONHAND_SERVER_LEDGER_LOCATION_PART_H_
#define ONHAND_SERVER_LEDGER_LOCATION_PART_H_

#include <algorithm>
#include <cstdint>

#include "onhand/v1/types.pb.h"
#include "server/ledger/demand.h"
#include "server/ledger/forecast.h"
#include "server/ledger/positions.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {

// Rounded up.
int64_t WholeUnits(double units);

// One position as a question meets it.
struct Shelf {
  uint32_t location = 0;
  int64_t available = 0;  // see AvailableUnits; may be negative
  int64_t known_through_us = 0;
  const Estimates& estimates;
  const RuleBook::Place& place;
};

// What became of a shelf's units.
struct LocationNumbers {
  // After the buffer, and after the floor: what the location adds. Both 0 or more.
  int64_t salable = 0;
  int64_t part = 0;
  int64_t withheld = 0;  // by the buffer
  // Included in the channel, and not left out for its age.
  bool counts = false;
  // Told too long ago for its freshness target, with consequences.
  bool stale = false;
  // Because of that its buffer is at least what may have sold since.
  bool grown = false;
  // Its shelf is empty with a greater chance than its buffer's risk accepts: nothing is promised.
  bool doubted = false;
  // It turns stale just after this moment.
  int64_t fresh_until_us = RuleBook::kNever;
};

class LocationJudge {
 public:
  // What holds for every location of a question.
  struct Asked {
    uint32_t channel_kind = 0;  // v1::ChannelKind
    int64_t now_us = 0;
    int32_t cache_s = 0;         // how long a shop keeps the answer
    double hours_beyond = 0;     // since the end of the windows, towards caution
    bool keeps_selling = false;  // ignores buffer, freshness and doubt
  };

  LocationJudge(const ItemForecast& forecast, const Asked& asked)
      : forecast_(forecast), asked_(asked) {}

  // `withholds_own`: the location's own buffer counts; false under POOLED for the chain's number.
  LocationNumbers Judge(const LocationRules& rules, const Shelf& shelf, bool withholds_own) const {
    LocationNumbers numbers;
    numbers.counts = rules.included.value;
    if (!asked_.keeps_selling) {
      if (numbers.counts && rules.freshness_target_s.value.has_value()) {
        JudgeFreshness(rules, shelf, numbers);
      }
      if (withholds_own) {
        const BufferRule& buffer = rules.buffer.value;
        numbers.withheld = buffer.mode == BufferRule::Mode::kUnits
                               ? buffer.Bounded(static_cast<int64_t>(buffer.amount))
                               : OwnBuffer(rules, shelf, numbers);
      }
      if (numbers.grown) GrowBuffer(rules, shelf, numbers);
    }
    numbers.salable = std::max<int64_t>(shelf.available - numbers.withheld, 0);
    const bool reaches_floor = numbers.salable >= rules.location_floor.value;
    numbers.part = numbers.counts && reaches_floor ? numbers.salable : 0;
    return numbers;
  }

  // What may sell there from what it told to the pick of an order that this answer leads to.
  Demand DemandAt(const LocationRules& rules, const Shelf& shelf) const {
    return forecast_.In(shelf.place.window, HoursAhead(rules), shelf.estimates,
                        rules.demand_factor.value);
  }
  double PerDayAt(const LocationRules& rules, const Shelf& shelf) const {
    return forecast_.PerDay(shelf.place.window, shelf.estimates, rules.demand_factor.value);
  }
  // The chance that an order of one unit fails there. `salable` > 0.
  double FailureChanceAt(const LocationRules& rules, const Shelf& shelf, int64_t salable) const;

 private:
  void JudgeFreshness(const LocationRules& rules, const Shelf& shelf,
                      LocationNumbers& numbers) const;
  void GrowBuffer(const LocationRules& rules, const Shelf& shelf, LocationNumbers& numbers) const;
  // For modes other than units.
  int64_t OwnBuffer(const LocationRules& rules, const Shelf& shelf, LocationNumbers& numbers) const;
  Demand WidenedAt(const LocationRules& rules, const Shelf& shelf) const {
    return forecast_.Widened(shelf.place.window, HoursAhead(rules), shelf.estimates,
                             rules.demand_factor.value, rules.buffer.value.tail_share);
  }
  double HoursAhead(const LocationRules& rules) const {
    constexpr double kHoursPerSecond = 1.0 / kSecondsPerHour;
    return asked_.hours_beyond + (asked_.cache_s + rules.pick_latency_s.value) * kHoursPerSecond;
  }

  const ItemForecast& forecast_;
  const Asked asked_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LOCATION_PART_H_
