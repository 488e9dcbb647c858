// What is believed of a position, kept in its cell: how fast it sells and whether its shelf is
// empty (velocity.h, doubt.h). Every event brings it up to date in O(1); so does the nightly
// learning, so that a silent position is never told later than last night. Called by apply: pure,
// deterministic, no branch on a float.
//
// Time here is evidence. Silence counts up to the location's known_through only, so that a till
// that is offline teaches neither slowness nor doubt; a sale counts when it happened.
#ifndef ONHAND_SERVER_LEDGER_ESTIMATES_H_
#define ONHAND_SERVER_LEDGER_ESTIMATES_H_

#include <cstdint>

#include "server/ledger/fold.h"
#include "server/ledger/learned.h"
#include "server/ledger/positions.h"

namespace onhand::ledger {

// The position's own memory and what the chain's rate weighs against it, in sales (ADR 0005).
inline constexpr double kVelocityHalfLife_s = 20 * 86'400.0;
inline constexpr double kPriorSales = 15;

// Where evidence comes from: valid while neither the learned facts nor known_through change.
struct EvidencePlace {
  uint32_t location = 0;
  const LocationLearning* learned = nullptr;
  int64_t known_through_us = 0;  // 0: nobody reports here, so that events count when they occurred
};

// Units expected of an item at a location between two moments by what all positions taught: mu Dx,
// priced by the local day. Negative if the moments are in the other order.
double ExpectedUnits(const ItemLearning& item, const LocationLearning& location, int64_t from_s,
                     int64_t to_s);

// Brings a position to a moment through which its record said that something, or nothing, was
// there: E with the old p, then p with the old rate. Earlier moments change nothing. Precondition:
// the estimates were begun (at_s is not 0).
void AdvanceEstimates(const ItemLearning& item, const EvidencePlace& place, bool was_there,
                      uint32_t at_s, const DoubtPolicy& policy, Estimates& estimates);

// What an event did to the record: units there (on hand less unavailable) before and after it.
struct RecordChange {
  int64_t before = 0;
  int64_t after = 0;
};

// Takes an event as evidence. Sales teach velocity and that somebody held a unit; receipts,
// transfers in and returns that something was put there; a COUNT that somebody looked. A LEVEL is a
// record repeating its own belief and teaches nothing, but for the hours in which the record says
// that nothing is there. `demand_factor`: an announced rise or fall that these sales stand for.
void TakeEvidence(const ItemLearning& item, const EvidencePlace& place, const Event& event,
                  const RecordChange& record, double demand_factor, const DoubtPolicy& policy,
                  Estimates& estimates);

// The doubt policy of the newest learned fact.
DoubtPolicy PolicyOf(const journal::LearnedChain& chain);

// lambda of a position at a location: gamma with the expected rate as prior, units per weighted
// hour of the location's clock on an average weekday. As of the position's last event or last
// night.
inline Posterior RateOf(const Estimates& estimates, double expected_rate) {
  return PosteriorOf(estimates.velocity, kPriorSales, expected_rate);
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ESTIMATES_H_
