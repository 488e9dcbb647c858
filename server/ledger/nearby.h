// Where an item can be had, the nearest location first. One walk over the item's positions sieves
// out the locations that cannot promise it; only those that are told are asked themselves, so that
// each is told what asking for it alone would tell. Owned and used by one call; the state and its
// book may move on between two calls of it.
#ifndef ONHAND_SERVER_LEDGER_NEARBY_H_
#define ONHAND_SERVER_LEDGER_NEARBY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/ledger/availability.h"
#include "server/ledger/distance.h"
#include "server/ledger/ledger.h"

namespace onhand::ledger {

struct NearbyQuestion {
  uint32_t channel = 0;
  int64_t now_us = 0;  // as in Question
  EarthPoint near;
  uint32_t left_out = 0;    // a location that is not told; 0: none
  double within_km = 0;     // 0: however far
  bool with_empty = false;  // also locations that can promise nothing now
  int32_t units = 1;        // least that a location must be able to promise of an item
  size_t limit = 10;        // locations
};

class NearbySearch {
 public:
  // What a location has of an item.
  struct Offer {
    std::string sku;
    v1::AvailabilityStatus status = v1::AVAILABILITY_STATUS_HIDDEN;
    int32_t max_quantity = 0;
  };
  struct Place {
    uint32_t location = 0;
    std::optional<double> distance_km;  // none: it has no coordinates
    std::vector<Offer> offers;          // in the order in which the items were taken
  };

  // Looks at the locations of the channel that trade, or will again. Those without coordinates come
  // last, and not at all within a distance.
  NearbySearch(const Ledger& ledger, const NearbyQuestion& question);

  // Looks where an item is. Committed states only.
  void TakeItem(const Ledger& ledger, uint32_t item);

  // The locations to tell, at most `limit`: the nearest first, equally near ones by location id.
  std::vector<Place> Found() &&;

 private:
  // By place: whether it may be able to promise the item, seen from one walk over its positions.
  std::vector<bool> Sieve(const Ledger& ledger, uint32_t item) const;
  // Whether the rules promise anything where nothing was ever reported.
  bool PromisesWithoutStock(const RuleBook& book, const RuleBook::Candidates& candidates,
                            uint32_t location) const;

  const NearbyQuestion question_;
  std::vector<Place> places_;       // in the order told
  std::vector<uint32_t> place_of_;  // by location: its index in places_ and one; 0: none
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_NEARBY_H_
