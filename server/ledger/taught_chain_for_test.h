// A chain for unit tests that has learned how fast things sell, by facts alone. One thread.
#ifndef ONHAND_SERVER_LEDGER_TAUGHT_CHAIN_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_TAUGHT_CHAIN_FOR_TEST_H_

#include <string>
#include <vector>

#include "server/ledger/chain_for_test.h"

namespace onhand::ledger {

class TaughtChain : public ChainForTest {
 public:
  // Units per weighted hour of an item at a location of factor 1.
  void TeachRate(const std::string& sku, double rate, const std::vector<float>& weekdays = {}) {
    Run([&](Group& group) {
      journal::Fact fact;
      journal::LearnedItems& items = *fact.mutable_learned_items();
      items.add_item(ItemId(sku));
      items.add_rate(static_cast<float>(rate));
      items.add_units(0);
      items.add_expected(0);
      for (int day = 0; day < kDaysPerWeek; ++day) {
        items.add_weekday(weekdays.empty() ? 1 : weekdays[day]);
        items.add_weekday_units(0);
        items.add_weekday_expected(0);
      }
      group.Add(std::move(fact));
      return 0;
    });
  }
  // `weights`: of the 168 hours of the week; none: all weigh 1.
  void TeachLocation(const std::string& id, double factor, const std::vector<float>& weights = {}) {
    Run([&](Group& group) {
      journal::Fact fact;
      journal::LearnedLocation& row = *fact.mutable_learned_locations()->add_locations();
      row.set_location(LocationId(id));
      row.set_factor(factor);
      row.mutable_weight()->Assign(weights.begin(), weights.end());
      group.Add(std::move(fact));
      return 0;
    });
  }
  // What a position is believed to be: S, E and p0.
  void TeachPosition(const std::string& sku, const std::string& location, double sold,
                     double exposure, double empty) {
    Run([&](Group& group) {
      journal::Fact fact;
      journal::PositionsTaught& taught = *fact.mutable_positions_taught();
      taught.add_item(ItemId(sku));
      taught.add_location(LocationId(location));
      taught.add_sold(static_cast<float>(sold));
      taught.add_exposure(static_cast<float>(exposure));
      taught.add_at_s(static_cast<uint32_t>(now_us() / kSecond));
      taught.add_empty(static_cast<float>(empty));
      taught.add_run(0);
      taught.add_last_sale_s(0);
      group.Add(std::move(fact));
      return 0;
    });
  }
  // The location has told everything up to so many hours before all forecast windows end.
  void ToldHoursAgo(const std::string& location, int64_t hours) {
    KnownThrough(location, book().windows_until_us() - hours * kHour);
  }
  // Units that should come.
  void Announce(const std::string& sku, const std::string& location, int64_t units, int64_t due_us,
                const std::string& reference) {
    Run([&](Group& group) {
      journal::Fact fact;
      journal::IncomingSet& set = *fact.mutable_incoming_set();
      set.set_reference(reference);
      set.set_item(ItemId(sku));
      set.set_location(LocationId(location));
      set.set_units(units);
      set.set_due_us(due_us);
      group.Add(std::move(fact));
      return 0;
    });
  }
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_TAUGHT_CHAIN_FOR_TEST_H_
