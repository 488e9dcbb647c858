#include "clients/agent/source.h"

namespace onhand::agent {

void AdvanceKnownThrough(v1::Batch& batch, const std::string& location_id, absl::Time at) {
  const int64_t at_us = absl::ToUnixMicros(at);
  for (v1::KnownThrough& known : *batch.mutable_known_through()) {
    if (known.location_id() != location_id) continue;
    if (known.at_us() < at_us) known.set_at_us(at_us);
    return;
  }
  v1::KnownThrough* known = batch.add_known_through();
  known->set_location_id(location_id);
  known->set_at_us(at_us);
}

bool HasRows(const v1::Batch& batch) {
  return batch.movements_size() > 0 || batch.snapshots_size() > 0 || batch.orders_gone_size() > 0;
}

}  // namespace onhand::agent
