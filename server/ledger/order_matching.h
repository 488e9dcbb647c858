// Matches what sources tell to the orders that the hub promised: sales that hand units over, and
// orders that a source has taken out of its numbers. For each order line and location on hand falls
// by the greater of the units that the API and the till told, in either order of arrival. Lives for
// one decision on a batch or row.
#ifndef ONHAND_SERVER_LEDGER_ORDER_MATCHING_H_
#define ONHAND_SERVER_LEDGER_ORDER_MATCHING_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/report.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

class OrderMatching {
 public:
  // A sale without a name is matched to what the API told within this time.
  static constexpr int64_t kNamelessUs = int64_t{24} * 3600 * 1'000'000;

  // What a source that declares `orders` tells.
  OrderMatching(Group& group, v1::OrdersInNumbers orders) : group_(group), orders_(orders) {}

  // A sale of `units` (more than 0). True if it hands over units of an order. With the order's name
  // first what the API told before, then open lines, also held ones; what is beyond the order is a
  // sale like others. Without a name, and from sources that ring orders up, only a line that the
  // API told and that has exactly its units, the oldest first: nobody who walks in fulfils an order
  // that still waits. A void (units below 0) undoes no hand-over.
  bool TakeSale(uint32_t item, uint32_t location, int64_t units, int64_t occurred_us,
                absl::string_view order_reference);

  // The source has taken orders out of its numbers, by name or all that were placed by a moment.
  // Only from sources that do so when they import them.
  void TakeGone(uint32_t location, const v1::OrdersGone& gone);
  // Units of open lines at a position that TakeGone has heard of: a LEVEL may be that much less
  // without a sale.
  int64_t UnitsGone(uint32_t item, uint32_t location) const;

  // Adds what came of it, behind the fact with the rows.
  void Add();

 private:
  enum class Step : uint8_t { kRungUp, kRungUpUnnamed, kDeducted };
  struct Taken {
    std::string id;
    int index = 0;
    Step step = Step::kRungUp;
  };

  // The row as it is with what was matched so far.
  journal::Reservation& RowOf(const std::string& id);
  void Take(const std::string& id, int index, int32_t units, Step step);
  bool IsTaken(const std::string& id, int index) const;
  int64_t TakeLines(const std::string& id, uint32_t item, uint32_t location, int64_t units,
                    bool handed_over);
  bool TakeNameless(uint32_t item, uint32_t location, int64_t units, int64_t occurred_us);
  void TakeGoneLines(const std::string& id, uint32_t location);

  Group& group_;
  const v1::OrdersInNumbers orders_;
  std::map<std::string, journal::Reservation> rows_;  // lines split, their states as they were
  std::vector<Taken> taken_;
  absl::flat_hash_map<PositionKey, int64_t> gone_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ORDER_MATCHING_H_
