#include "server/rpc/question.h"

#include "server/ledger/validate.h"

namespace onhand::rpc {

absl::StatusOr<uint32_t> ChannelAsked(const ledger::State& state, const std::string& channel_id) {
  if (!channel_id.empty() || state.channel_ids.size() != 1) {
    return ledger::FindChannel(state, "channel_id", channel_id);
  }
  uint32_t only = 0;
  state.channel_ids.ForEach([&only](const std::string&, uint32_t channel) { only = channel; });
  return only;
}

int64_t MomentAsked(const ledger::State& state, hub::Clock& clock) {
  // The leader appends a row every second at least. After three without one, freshness goes by the
  // clock too.
  constexpr int64_t kQuietUs = 3'000'000;
  const int64_t now_us = clock.NowUs();
  return now_us - state.counters.time_us > kQuietUs ? now_us : 0;
}

}  // namespace onhand::rpc
