// When and in which portions the hub learns. Once a night, at four in the morning by the chain's
// clock, it walks all positions (night.h) and tells what they taught as facts, a slice a group, so
// that what people and stores bring goes between; it also tells the UTC offsets of locations.
// Owned and called by the sequencer's thread alone.
//
// A night is told first and installed then. The learner itself is derived and never persisted:
// after a restart a night that was read or told begins anew, as nothing of it took effect, and one
// that was being installed goes on where it stood, as the ledger keeps what is left of it. So each
// position's day counts once, however often a hub is restarted. A night that was not begun again
// while events are kept (36 h) learns nothing but where the next one begins.
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
  // Lets the next rows of the told night take effect.
  static void Install(Group& group, const State& state);
  // The first four o'clock after a moment, by the chain's clock.
  int64_t NightAfter(const State& committed, int64_t at_us) const;

  const OffsetsOf offsets_of_;
  bool offsets_due_ = true;
  int64_t offsets_until_us_ = 0;  // when some must be told again
  int64_t first_seen_us_ = 0;     // for a chain that never had a night

  // kInstalling: all is told; once the first rows took effect the ledger knows how far it came.
  enum class Phase { kWaiting, kReading, kTellingLocations, kTellingItems, kInstalling };
  Phase phase_ = Phase::kWaiting;
  std::optional<Night> night_;
  uint32_t next_ = 1;  // item or location, as the phase says
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEARNER_H_
