// The chance that a shelf is empty although the record says otherwise: two numbers of four bytes a
// position, O(1) an event. Silence counts by the sales that it should have held, never by the
// calendar. A LEVEL (the till repeating its own belief) is no event here. Values without owners or
// threads.
//
// Sources: DeHoratius, Mersereau & Schrage 2008 (Bayesian inventory records); Kang & Gershwin 2005
// (undetected loss).
#ifndef ONHAND_SERVER_LEDGER_DOUBT_H_
#define ONHAND_SERVER_LEDGER_DOUBT_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace onhand::ledger {

// p and x of one position.
struct Doubt {
  float empty = 0.02F;  // p0: chance that nothing is there
  float run = 0;        // x: sales expected since the last one
  friend bool operator==(const Doubt&, const Doubt&) = default;
};

struct DoubtPolicy {
  double loss_per_day =
      0.0025;             // h: share of shelves that empty unseen each day; learned from counts
  double clumping = 0.1;  // k: how unevenly sales come; 0 would take every lull for an empty shelf
};

// p <- p + (1-p) h Dt. `elapsed_s` >= 0.
void Drift(Doubt& doubt, double elapsed_s, const DoubtPolicy& policy);

// What happens to a shelf unseen during one hour.
struct ShelfTurn {
  double emptied = 0;   // chance that a stocked one empties
  double refilled = 0;  // chance that an empty one is filled, without a receipt in the record
};

// When shelves empty and fill unseen, by hour of the local day; learned per location from what
// people found in consecutive looks. Until then one share a day (DoubtPolicy) stands in.
class ShelfTurnTally {
 public:
  // What was so an hour ago, and what is now.
  void Add(int hour_of_day, bool was_empty, bool is_empty);
  // Each hour leans on the day's mean by ten looks; without any look, on `loss_per_day` and no
  // refills.
  ShelfTurn At(int hour_of_day, double loss_per_day) const;

 private:
  struct Hour {
    double stocked = 0, emptied = 0, empty = 0, refilled = 0;
  };
  std::array<Hour, 24> hours_{};
};

// p <- p (1-refilled) + (1-p) emptied, x <- x (1-refilled): one hour of a hidden Markov chain.
void Drift(Doubt& doubt, const ShelfTurn& turn);

// Nothing was sold where `expected` = lambda Dx sales were expected: x' = x + expected,
// L = ((1 + k x')/(1 + k x))^(-1/k), p <- p / (p + (1-p) L): the gamma-mixed chance of a silence
// that long.
void TakeSilence(Doubt& doubt, double expected, const DoubtPolicy& policy);

// A sale or a fulfilled pick: somebody held a unit. p <- 0.005, x <- 0.
void TakeSale(Doubt& doubt);
// A receipt of n units, inferred ones too: p <- p/(1+n), x <- 0.
void TakeReceipt(Doubt& doubt, int64_t units);
// A person counted: p <- 0 or 1, x <- 0.
void TakeCount(Doubt& doubt, int64_t found);
// A pick found nothing: p <- 0.99.
void TakeFailedPick(Doubt& doubt);

// Where doubt starts when a position is first heard of: found nothing / looked, by what the record
// said; learned per location. It answers 'can anyone find those last two units'.
class StartDoubt {
 public:
  static constexpr int kBands = 5;  // recorded 1, 2, 3-5, 6-10, more
  static int BandOf(int64_t recorded);

  StartDoubt() = default;
  // As it was learned; each has kBands numbers.
  StartDoubt(absl::Span<const float> nothing, absl::Span<const float> looked);

  void Add(int64_t recorded, bool found_nothing);
  // Nothing was recorded, so nothing can be doubted: 0.
  double At(int64_t recorded) const;
  const std::array<float, kBands>& nothing() const { return nothing_; }
  const std::array<float, kBands>& looked() const { return looked_; }

 private:
  // The start: small numbers are wrong more often (65 % of 370,000 records were wrong; DeHoratius &
  // Raman 2008).
  std::array<float, kBands> nothing_ = {1.2F, 0.8F, 0.4F, 0.2F, 0.1F};
  std::array<float, kBands> looked_ = {10, 10, 10, 10, 10};
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DOUBT_H_
