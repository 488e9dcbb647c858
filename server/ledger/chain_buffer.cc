#include "server/ledger/chain_buffer.h"

namespace onhand::ledger {

int64_t ChainBuffer::Of(int64_t sum, double chain_overdispersion) const {
  switch (rule_.mode) {
    case BufferRule::Mode::kUnits:
      return rule_.Bounded(static_cast<int64_t>(rule_.amount));
    case BufferRule::Mode::kPercent:
      return rule_.Bounded(WholeUnits(static_cast<double>(sum) * rule_.amount / 100));
    case BufferRule::Mode::kDays:
      return rule_.Bounded(WholeUnits(per_day_ * rule_.amount));
    case BufferRule::Mode::kRisk:
      return rule_.Bounded(pooled_.Buffer(rule_.alpha, chain_overdispersion));
  }
  return 0;
}

}  // namespace onhand::ledger
