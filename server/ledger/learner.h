// When and in which portions the hub learns. Once a night, at four in the morning by the chain's
// clock, it walks all positions (night.h) and tells what they taught as facts, a slice a group, so
// that what people and stores bring goes between; it also tells the UTC offsets of locations.
// Derived and never persisted: after a restart a night that was still being read begins anew, and
// one that was being told is left at that until the next. Owned and called by the sequencer's
// thread alone.
#ifndef ONHAND_SERVER_LEDGER_LEARNER_H_
#define ONHAND_SERVER_LEDGER_LEARNER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/group.h"
#include "server/ledger/night.h"

namespace onhand::ledger {

class Learner {
 public:
  // The offsets of a time zone (empty: UTC) around a moment, without a location: for at least a
  // year to come.
  using OffsetsOf =
      std::function<journal::LocationOffsets(const std::string& time_zone, int64_t now_us)>;

  // Without `offsets_of` every place is at UTC.
  explicit Learner(OffsetsOf offsets_of) : offsets_of_(std::move(offsets_of)) {}

  // Says what was just applied: a location or the chain may have another time zone.
  void NoteFact(const journal::Fact& fact);

  // Whether Step has something to do.
  bool HasDue(const State& committed, int64_t now_us);
  // Does the next portion: reads at most about `positions_max` positions, or adds facts that let
  // apply write as many. Reads what is committed.
  void Step(Group& group, int positions_max);

 private:
  void TellOffsets(Group& group);
  void TellLocations(Group& group);
  void TellItems(Group& group, int positions_max);
  // The first four o'clock after a moment, by the chain's clock.
  int64_t NightAfter(const State& committed, int64_t at_us) const;

  const OffsetsOf offsets_of_;
  bool offsets_due_ = true;
  int64_t offsets_until_us_ = 0;  // when some must be told again
  int64_t first_seen_us_ = 0;     // for a chain that never had a night

  enum class Phase { kWaiting, kReading, kTellingLocations, kTellingItems };
  Phase phase_ = Phase::kWaiting;
  std::optional<Night> night_;
  uint32_t next_ = 1;  // item or location, as the phase says
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEARNER_H_
