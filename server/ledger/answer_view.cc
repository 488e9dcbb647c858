#include "server/ledger/answer_view.h"

namespace onhand::ledger {
namespace {

void SetTime(int64_t us, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(us / 1'000'000);
  timestamp->set_nanos(static_cast<int32_t>(us % 1'000'000) * 1'000);
}

}  // namespace

void FillAnswer(const State& state, uint32_t item, const Promise& promise,
                v1::Availability* answer) {
  answer->set_sku(state.items.Find(item)->sku());
  answer->set_status(promise.status);
  answer->set_orderable(promise.orderable);
  answer->set_max_quantity(promise.max_quantity);
  if (promise.available_from_us != 0)
    SetTime(promise.available_from_us, answer->mutable_available_from());
  if (promise.known_through_us != 0)
    SetTime(promise.known_through_us, answer->mutable_known_through());
  if (promise.cache_until_us != 0) SetTime(promise.cache_until_us, answer->mutable_cache_until());
  answer->set_revision(state.counters.revision);
}

}  // namespace onhand::ledger
