// Items that channels still sell and that nobody moves any more. One scan is one answer; its owner
// calls Step under the hub's read lock until it says that all is seen. One thread.
//
// 'No sale for 90 days' needs a hub that has known the item for 90 days. The ledger keeps no birth
// dates, so it must have proof: a movement, a LEVEL or COUNT, or a display that is as old. An item
// without one is not called dead.
#ifndef ONHAND_SERVER_INSIGHTS_DEAD_ITEMS_H_
#define ONHAND_SERVER_INSIGHTS_DEAD_ITEMS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "onhand/v1/insights.pb.h"
#include "server/ledger/ledger.h"

namespace onhand::insights {

struct DeadQuestion {
  int32_t receipt_days = 180;
  int32_t sale_days = 90;
  size_t listed_max = 100;
};

class DeadScan {
 public:
  explicit DeadScan(const DeadQuestion& question) : question_(question) {}

  // Looks at the next slice, in SKU order; true once nothing is left.
  bool Step(const ledger::Ledger& ledger);
  v1::ListDeadItemsResponse Take() { return std::move(response_); }

 private:
  void Look(const ledger::Ledger& ledger, uint32_t item);

  const DeadQuestion question_;
  std::string after_;
  v1::ListDeadItemsResponse response_;
};

}  // namespace onhand::insights

#endif  // ONHAND_SERVER_INSIGHTS_DEAD_ITEMS_H_
