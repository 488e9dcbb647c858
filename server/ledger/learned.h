// What all positions taught together, as the newest learned facts say it: the chain's part, and one
// part for each item and location. Part of the State; apply installs it, the recurrences of
// positions and every read use it, and nothing here is computed anew by apply. An overlay reads the
// committed one.
#ifndef ONHAND_SERVER_LEDGER_LEARNED_H_
#define ONHAND_SERVER_LEDGER_LEARNED_H_

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/doubt.h"
#include "server/ledger/learned_rates.h"
#include "server/ledger/store_clock.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

// An item's part, as journal::LearnedItems has it by column. Kept in images as it is in memory.
struct ItemLearning {
  using Week = std::array<float, kDaysPerWeek>;

  float rate =
      1e-3F;  // units per weighted hour at a location of factor 1; a guess until the first night
  float units = 0;  // what taught it, discounted
  float expected = 0;
  Week weekday = {1, 1, 1, 1, 1, 1, 1};  // Monday first
  Week weekday_units{};
  Week weekday_expected{};
};
static_assert(sizeof(ItemLearning) == 96 && std::is_trivially_copyable_v<ItemLearning>);

// A location's part. `clock` and `start` are made of the facts' rows and follow them.
struct LocationLearning {
  journal::LearnedLocation learned;
  journal::LocationOffsets offsets;
  double factor = 1;
  StoreClock clock;
  StartDoubt start;

  // Makes the derived parts anew; needed after a row changed.
  void Derive();
};

class Learned {
 public:
  // What is known of an item, or what holds for one that is not known yet. Valid until the next
  // change.
  const ItemLearning& ItemOf(uint32_t item) const {
    return item < items.size() ? items[item] : unknown_item_;
  }
  // Of a location; location 0 has the chain's offsets.
  const LocationLearning& LocationOf(uint32_t location) const {
    return location < locations.size() ? locations[location] : unknown_location_;
  }
  ItemLearning& MutableItem(uint32_t item);
  LocationLearning& MutableLocation(uint32_t location);

  journal::LearnedChain chain;
  std::vector<ItemLearning> items;          // by item id
  std::vector<LocationLearning> locations;  // by location id

 private:
  ItemLearning unknown_item_;
  LocationLearning unknown_location_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEARNED_H_
