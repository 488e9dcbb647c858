#include "server/ledger/doubt.h"

#include <algorithm>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

constexpr double kSecondsPerDay = 86400;
constexpr float kAfterSale = 0.005F;
constexpr float kAfterFailedPick = 0.99F;

}  // namespace

void Drift(Doubt& doubt, double elapsed_s, const DoubtPolicy& policy) {
  // 1 - 2^(-y) instead of y, so that a year of silence stays a chance.
  const double lost = 1 - Exp(-policy.loss_per_day * elapsed_s / kSecondsPerDay);
  doubt.empty = static_cast<float>(doubt.empty + (1 - doubt.empty) * lost);
}

void ShelfTurnTally::Add(int hour_of_day, bool was_empty, bool is_empty) {
  Hour& hour = hours_[hour_of_day];
  (was_empty ? hour.empty : hour.stocked) += 1;
  if (was_empty && !is_empty) hour.refilled += 1;
  if (!was_empty && is_empty) hour.emptied += 1;
}

ShelfTurn ShelfTurnTally::At(int hour_of_day, double loss_per_day) const {
  constexpr double kLooks = 10;
  Hour day{.stocked = kLooks, .emptied = kLooks * loss_per_day / 24, .empty = kLooks};
  for (const Hour& hour : hours_) {
    day.stocked += hour.stocked;
    day.emptied += hour.emptied;
    day.empty += hour.empty;
    day.refilled += hour.refilled;
  }
  const Hour& hour = hours_[hour_of_day];
  return {.emptied = (hour.emptied + kLooks * day.emptied / day.stocked) / (hour.stocked + kLooks),
          .refilled = (hour.refilled + kLooks * day.refilled / day.empty) / (hour.empty + kLooks)};
}

void Drift(Doubt& doubt, const ShelfTurn& turn) {
  const double p = doubt.empty;
  doubt.empty = static_cast<float>(p * (1 - turn.refilled) + (1 - p) * turn.emptied);
  doubt.run = static_cast<float>(doubt.run * (1 - turn.refilled));
}

void TakeSilence(Doubt& doubt, double expected, const DoubtPolicy& policy) {
  const double k = policy.clumping;
  const double before = doubt.run;
  const double after = before + expected;
  const double likelihood =
      k > 0 ? Exp(-(Log1p(k * after) - Log1p(k * before)) / k) : Exp(-expected);
  const double p = doubt.empty;
  doubt.empty = static_cast<float>(p / (p + (1 - p) * likelihood));
  doubt.run = static_cast<float>(after);
}

void TakeSale(Doubt& doubt) { doubt = {.empty = kAfterSale, .run = 0}; }

void TakeReceipt(Doubt& doubt, int64_t units) {
  if (units <= 0) return;
  doubt.empty = static_cast<float>(doubt.empty / (1.0 + static_cast<double>(units)));
  doubt.run = 0;
}

void TakeCount(Doubt& doubt, int64_t found) {
  doubt = {.empty = found > 0 ? 0.0F : 1.0F, .run = 0};
}

void TakeFailedPick(Doubt& doubt) { doubt.empty = kAfterFailedPick; }

int StartDoubt::BandOf(int64_t recorded) {
  if (recorded <= 2) return recorded <= 1 ? 0 : 1;
  if (recorded <= 5) return 2;
  return recorded <= 10 ? 3 : 4;
}

StartDoubt::StartDoubt(absl::Span<const float> nothing, absl::Span<const float> looked) {
  std::copy_n(nothing.begin(), kBands, nothing_.begin());
  std::copy_n(looked.begin(), kBands, looked_.begin());
}

void StartDoubt::Add(int64_t recorded, bool found_nothing) {
  const int band = BandOf(recorded);
  looked_[band] += 1;
  if (found_nothing) nothing_[band] += 1;
}

double StartDoubt::At(int64_t recorded) const {
  if (recorded <= 0) return 0;
  const int band = BandOf(recorded);
  return nothing_[band] / looked_[band];
}

}  // namespace onhand::ledger
