// Moments, places, rules and numbers as people read them, for every text that explains an answer.
// Pure functions; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_WORDING_H_
#define ONHAND_SERVER_LEDGER_WORDING_H_

#include <cstdint>
#include <string>

#include "onhand/v1/types.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// `3 May 2026`, by the clock of a location (0: the chain) as far as its offsets are known, else
// UTC.
std::string DayText(const State& state, uint32_t location, int64_t us);
// `14:05`, with the day before it unless that is today's, and `UTC` behind it where no local clock
// is known.
std::string MomentText(const State& state, uint32_t location, int64_t us, int64_t now_us);
// `30 s`, `6 h`, `2 days`: the largest unit that says it without a rest.
std::string DurationText(int64_t seconds);

// A location's name, or its id where it has none.
std::string PlaceText(const State& state, uint32_t location);
// `rule 'below-5' (set by Ana on 3 May 2026: summer sale)`.
std::string RuleText(const State& state, const journal::Rule& rule);
// `3 units`; `10 % of what is there, at least 1, at most 5`.
std::string BufferText(const journal::Buffer& buffer);
// `what sells in 2 days`.
std::string DaysOfCoverText(double days);
// Such as `sold out`.
std::string TextOf(v1::AvailabilityStatus status);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_WORDING_H_
