// How much a position may have sold between two numbers of it: what a fall is judged by. A fall
// that sales explain only once in 1,000 times is no sale but a correction of the record. Used by
// decide, which may compare floats; the facts carry what came out. One thread.
//
// Where too little is known of how fast things sell, nothing is judged, and a fall is a sale as if
// there were no velocity: a chain in its first week, an item that was hardly ever in stock, a
// location that was hardly ever told of. Else the first sales of a new thing would be taken for
// corrections, teach nothing, and be taken for corrections for ever.
#ifndef ONHAND_SERVER_LEDGER_UNSEEN_SALES_H_
#define ONHAND_SERVER_LEDGER_UNSEEN_SALES_H_

#include <array>
#include <cstdint>
#include <optional>

#include "server/ledger/demand.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

class UnseenSales {
 public:
  // The chance that more is sold than AtMost says.
  static constexpr double kAlpha = 0.001;
  // What must have taught a rate before it judges: nights of the chain, weighted hours in stock of
  // the item at all its locations, units expected of the location (the latter two discounted).
  static constexpr uint32_t kNightsMin = 7;
  static constexpr double kItemHoursMin = 72;
  static constexpr double kLocationUnitsMin = 20;

  // `state` outlives it and does not change meanwhile.
  explicit UnseenSales(const State& state);

  // The 99.9 % quantile of what the position sells from one moment to the other, announced rises
  // included and falls left out; nullopt if too little is known. A sale may be booked an hour late.
  std::optional<int64_t> AtMost(uint32_t item, uint32_t location, int64_t from_us,
                                int64_t to_us) const;

 private:
  bool Knows(const ItemLearning& item, const LocationLearning& location) const;
  double AnnouncedFactor(uint32_t item, uint32_t location, int64_t from_us, int64_t to_us) const;

  using ByWindow = std::array<double, kScatterHours.size()>;

  const State& state_;
  ByWindow overdispersion_;
  ByWindow tail_factor_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_UNSEEN_SALES_H_
