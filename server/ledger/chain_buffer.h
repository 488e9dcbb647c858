// What is withheld once for the whole chain: from its sum, or from the demand of all locations that
// add to it. One value a question; pure.
#ifndef ONHAND_SERVER_LEDGER_CHAIN_BUFFER_H_
#define ONHAND_SERVER_LEDGER_CHAIN_BUFFER_H_

#include <cstdint>

#include "server/ledger/demand.h"
#include "server/ledger/location_part.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {

class ChainBuffer {
 public:
  ChainBuffer() = default;
  explicit ChainBuffer(const BufferRule& rule) : rule_(rule) {}

  // A location adds to the sum. Only needed where the rule follows demand.
  void Add(const LocationJudge& judge, const LocationRules& rules, const Shelf& shelf) {
    if (rule_.mode == BufferRule::Mode::kRisk) {
      pooled_.Add(judge.DemandAt(rules, shelf));
    } else {
      per_day_ += judge.PerDayAt(rules, shelf);
    }
  }
  // Units to withhold of the sum; `chain_overdispersion` as in PooledDemand.
  int64_t Of(int64_t sum, double chain_overdispersion) const;
  // Units that may sell unheard of; 0 where the rule is no risk.
  double expected() const { return pooled_.Total(0).mean; }

 private:
  BufferRule rule_;
  PooledDemand pooled_;
  double per_day_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_CHAIN_BUFFER_H_
