// On hand as a pure fold over a position's accepted events, in the order of (corrected time,
// source, spool, sequence, row). The same events give the same number in whatever order they
// arrive. Values without owners or threads.
#ifndef ONHAND_SERVER_LEDGER_FOLD_H_
#define ONHAND_SERVER_LEDGER_FOLD_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace onhand::ledger {

// What an event does to the fold. The first ten are onhand.v1.MovementKind, number by number.
enum class EventKind : uint8_t {
  kSale = 1,
  kReturn = 2,
  kReceipt = 3,
  kTransferOut = 4,
  kTransferIn = 5,
  kAdjustment = 6,
  kSetAside = 7,
  kPutBack = 8,
  kLevel = 9,
  kCount = 10,
  // Units fulfilled through the hub that the source has not deducted from its LEVELs yet ...
  kCorrection = 11,
  // ... and those that it never will.
  kLastingCorrection = 12,
  // A person ends all corrections.
  kEndCorrections = 13,
  // Units of kCorrection, or of kLastingCorrection, that the source's own numbers contain by now.
  // They make the number that much greater, up to those that still stand.
  kCorrectionEnded = 14,
  kLastingCorrectionEnded = 15,
  // Units of orders that the source has taken out of its numbers: a delta of the source.
  kDeducted = 16,
  // A sale that hands over units of an order of the hub: to the fold a sale like others, but no
  // demand at the shelf.
  kHandOver = 17,
};

constexpr bool IsAbsolute(EventKind kind) {
  return kind == EventKind::kLevel || kind == EventKind::kCount;
}

// One accepted event of one position, 32 bytes. Times are microseconds since the epoch.
struct Event {
  static constexpr uint32_t kRowMax = (1u << 14) - 1;
  static constexpr uint32_t kSpoolMax = (1u << 18) - 1;

  int64_t at_us;           // corrected time
  uint64_t sequence : 56;  // the source's batch; a person's ordinal
  uint64_t kind : 7;       // EventKind
  uint64_t inferred : 1;   // only for people to read: the fold ignores it
  uint32_t source;         // dense id; 0: a person
  uint32_t row : 14;
  uint32_t spool : 18;
  int32_t quantity;    // as in the movement kind
  uint32_t arrived_s;  // ledger time of its commit, seconds

  EventKind event_kind() const { return static_cast<EventKind>(kind); }
};
static_assert(sizeof(Event) == 32);

// Gives a source's id as text: ties between sources are broken by its bytes, never by the order of
// their arrival.
using SourceName = absl::FunctionRef<absl::string_view(uint32_t source)>;

// The part of Before that decides between events of the same moment.
bool BeforeAtOneMoment(const Event& a, const Event& b, SourceName name);

// Whether a comes before b. Total over distinct events of one position.
inline bool Before(const Event& a, const Event& b, SourceName name) {
  return a.at_us != b.at_us ? a.at_us < b.at_us : BeforeAtOneMoment(a, b, name);
}

// Whether an event only adds: such events may be folded in any order among themselves.
inline bool OnlyAdds(const Event& event) {
  return event.inferred || event.event_kind() <= EventKind::kPutBack;
}

// What on hand contains beyond the source's LEVEL.
struct Correction {
  int64_t amount = 0;
  bool lasting = false;  // never ended by a LEVEL
};

// The state of the fold after some events.
class FoldState {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  FoldState() = default;
  FoldState(const FoldState& other);
  FoldState& operator=(const FoldState& other);
  FoldState(FoldState&&) = default;
  FoldState& operator=(FoldState&&) = default;

  // Takes the next event in order.
  //  - A delta adds to the number.
  //  - LEVEL: the source's unexplained change is LEVEL - (its previous LEVEL + deltas since). If
  //  that equals a
  //    correction which is not lasting, the oldest such one ends. Then the number is the LEVEL plus
  //    corrections.
  //  - COUNT before any LEVEL sets the number; later it adds a correction so that the number is
  //  what was counted.
  void Advance(const Event& event);

  int64_t on_hand() const { return base_ + CorrectionSum(); }
  int64_t unavailable() const { return unavailable_; }
  int64_t CorrectionSum() const;
  // Units that corrections of orders, lasting ones or the others, make the number smaller by.
  int64_t UnitsCorrected(bool lasting) const;
  // The source whose LEVEL the number stands on; 0 before the first LEVEL.
  uint32_t level_source() const { return level_source_; }
  // When the newest LEVEL or COUNT was true; kNever before the first.
  int64_t absolute_us() const { return absolute_us_; }
  // What `source` is expected to say in its next LEVEL; false if it never sent one.
  bool ExpectedLevel(uint32_t source, int64_t* level) const;

  // True if four plain numbers say all: then a position needs nothing beside its cell.
  bool IsPlain() const { return unavailable_ == 0 && rare_ == nullptr; }
  static FoldState Plain(int64_t on_hand, uint32_t level_source, int64_t absolute_us);

  // What only few positions have.
  struct OtherSource {
    uint32_t source = 0;
    int64_t offset = 0;  // its expected level less base_
  };
  struct Rare {
    std::vector<OtherSource> others;      // sources with an older LEVEL, by source id
    std::vector<Correction> corrections;  // oldest first
  };
  const Rare* rare() const { return rare_.get(); }
  // For decoding an image.
  static FoldState Restore(int64_t base, int64_t unavailable, int64_t absolute_us,
                           uint32_t level_source, Rare rare);
  int64_t base() const { return base_; }

 private:
  void TakeLevel(const Event& event);
  void EndCorrections(int64_t units, bool lasting);
  Rare& MutableRare();
  void DropEmptyRare();

  int64_t base_ = 0;  // the newest LEVEL (or first COUNT) plus deltas since
  int64_t unavailable_ = 0;
  int64_t absolute_us_ = kNever;
  uint32_t level_source_ = 0;
  std::unique_ptr<Rare> rare_;
};

// The signed change that a delta makes to on hand; 0 for absolutes, set-asides and corrections.
int64_t OnHandChange(EventKind kind, int64_t quantity);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_FOLD_H_
