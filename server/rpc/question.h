// What questions about availability have in common: the channel and the moment that they are asked
// for. Pure but for the clock; any thread that may read the state.
#ifndef ONHAND_SERVER_RPC_QUESTION_H_
#define ONHAND_SERVER_RPC_QUESTION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/hub/clock.h"
#include "server/ledger/state.h"

namespace onhand::rpc {

// The channel of that id; the chain's only one if the id is empty. UNKNOWN_CHANNEL.
absl::StatusOr<uint32_t> ChannelAsked(const ledger::State& state, const std::string& channel_id);

// The moment to judge by, as Question::now_us: 0, the ledger's time, or the clock's once no row
// came for a while, so that freshness goes on.
int64_t MomentAsked(const ledger::State& state, hub::Clock& clock);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_QUESTION_H_
