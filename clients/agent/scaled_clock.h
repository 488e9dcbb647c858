// Moves what a till said about time onto the clock of a hub that runs faster than the wall clock,
// for demonstrations on one machine (onhandd serve --clock-scale). Pure functions; any thread.
//
// This happens to a batch on its way out, never to what the spool holds. The spool and its rolling
// hash keep the till's own moments, so equal sequences have equal content whatever clock a hub has:
// rows can be spooled before the first hub was met, and a hub that is started anew, whose scaled
// clock begins anew too, still finds the hashes that it knows. What it has stays as it was told;
// what still waited comes out on the new clock.
#ifndef ONHAND_CLIENTS_AGENT_SCALED_CLOCK_H_
#define ONHAND_CLIENTS_AGENT_SCALED_CLOCK_H_

#include <cstdint>
#include <string>

#include "onhand/v1/report.pb.h"

namespace onhand::agent {

// What `clock` shows at a moment of the wall clock, microseconds since 1970; at least 1 and at most
// the last that there is. 0 and below mean that no moment was told, and stay.
int64_t OnScaledClock(const v1::ScaledClock& clock, int64_t wall_us);

// Every moment of the message. The batch keeps its rolling hash.
void Restamp(const v1::ScaledClock& clock, v1::Batch& batch);
void Restamp(const v1::ScaledClock& clock, v1::Heartbeat& heartbeat);

// Whether HOST:PORT is an address of this machine that no other one can reach.
bool IsLoopback(const std::string& address);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SCALED_CLOCK_H_
