#include "server/ledger/estimates.h"

#include <algorithm>

#include "server/ledger/velocity.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
// Longer silences are priced at the average weekday: nights keep them short.
constexpr int kDaysPricedMax = 8;

double MeanOf(const ItemLearning::Week& week) {
  double sum = 0;
  for (const float factor : week) sum += factor;
  return sum / kDaysPerWeek;
}

// The moment at which an event counts. A sale counts when it happened, whatever else is still to be
// told: set back to known_through it would leave a silence behind it that never was.
uint32_t MomentOf(const EvidencePlace& place, const Event& event) {
  const bool is_sale = event.event_kind() == EventKind::kSale && event.quantity > 0;
  const int64_t until_us =
      place.known_through_us != 0 && !is_sale ? place.known_through_us : event.at_us;
  return static_cast<uint32_t>(
      std::max<int64_t>(1, std::min(event.at_us, until_us) / kMicrosPerSecond));
}

bool IsArrival(EventKind kind) {
  return kind == EventKind::kReceipt || kind == EventKind::kTransferIn ||
         kind == EventKind::kReturn;
}

// Somebody held a unit and gave it to the customer of an order: no demand at the shelf, but proof
// that it was not empty.
bool IsHandOver(const Event& event) {
  const EventKind kind = event.event_kind();
  if (kind == EventKind::kHandOver) return event.quantity > 0;
  return (kind == EventKind::kCorrection || kind == EventKind::kLastingCorrection) &&
         event.quantity < 0;
}

Doubt StartOf(const EvidencePlace& place, const RecordChange& record) {
  return {.empty = static_cast<float>(place.learned->start.At(record.after)), .run = 0};
}

// Somebody held a unit at a moment before the one that is told: what is doubted is no more than the
// silence since, and no more than what newer evidence left. `then` is the doubt at that moment.
void TakeLate(const ItemLearning& item, const EvidencePlace& place, uint32_t at_s, Doubt then,
              const DoubtPolicy& policy, Estimates& estimates) {
  const uint32_t told_s = estimates.velocity.at_s;
  const double mean = ExpectedUnits(item, *place.learned, at_s, told_s);
  Drift(then, told_s - at_s, policy);
  TakeSilence(then, RateOf(estimates, mean).rate(), policy);
  estimates.doubt.empty = std::min(estimates.doubt.empty, then.empty);
  estimates.doubt.run = std::min(estimates.doubt.run, then.run);
}

void TakeHandOver(const ItemLearning& item, const EvidencePlace& place, uint32_t at_s,
                  const DoubtPolicy& policy, Estimates& estimates) {
  if (at_s >= estimates.velocity.at_s) return TakeSale(estimates.doubt);
  Doubt held;
  TakeSale(held);
  TakeLate(item, place, at_s, held, policy, estimates);
}

void TakeSales(const ItemLearning& item, const EvidencePlace& place, uint32_t at_s, int64_t units,
               double demand_factor, const DoubtPolicy& policy, Estimates& estimates) {
  AddSale(estimates.velocity, at_s, static_cast<double>(units) / demand_factor,
          kVelocityHalfLife_s);
  if (units <= 0) return;  // a void undoes the sale; that somebody was there stands
  TakeHandOver(item, place, at_s, policy, estimates);
}

void TakeCounts(const ItemLearning& item, const EvidencePlace& place, uint32_t at_s, int64_t found,
                const DoubtPolicy& policy, Estimates& estimates) {
  if (at_s >= estimates.velocity.at_s) return TakeCount(estimates.doubt, found);
  // A late count of nothing says nothing of what came since.
  if (found == 0) return;
  Doubt counted;
  TakeCount(counted, found);
  TakeLate(item, place, at_s, counted, policy, estimates);
}

}  // namespace

double ExpectedUnits(const ItemLearning& item, const LocationLearning& location, int64_t from_s,
                     int64_t to_s) {
  if (to_s < from_s) return -ExpectedUnits(item, location, to_s, from_s);
  const double rate = item.rate * location.factor;
  const StoreClock& clock = location.clock;
  int64_t midnight_s = clock.DayStart(from_s) + kSecondsPerDay;
  int weekday = clock.HourOfWeek(from_s) / kHoursPerDay;
  double hours = 0;
  for (int day = 0; day < kDaysPricedMax && midnight_s < to_s; ++day) {
    hours += clock.Exposure(from_s, midnight_s) * item.weekday[weekday];
    from_s = midnight_s;
    midnight_s += kSecondsPerDay;
    weekday = (weekday + 1) % kDaysPerWeek;
  }
  const double last = midnight_s < to_s ? MeanOf(item.weekday) : item.weekday[weekday];
  return rate * (hours + clock.Exposure(from_s, to_s) * last);
}

void AdvanceEstimates(const ItemLearning& item, const EvidencePlace& place, bool was_there,
                      uint32_t at_s, const DoubtPolicy& policy, Estimates& estimates) {
  const uint32_t from_s = estimates.velocity.at_s;
  if (at_s <= from_s) return;
  if (!was_there) return Advance(estimates.velocity, at_s, 0, kVelocityHalfLife_s);
  const double expected = ExpectedUnits(item, *place.learned, from_s, at_s);
  // lambda Dx by what was known before the silence.
  const double silence = RateOf(estimates, expected).rate();
  Advance(estimates.velocity, at_s, expected * (1 - estimates.doubt.empty), kVelocityHalfLife_s);
  Drift(estimates.doubt, at_s - from_s, policy);
  TakeSilence(estimates.doubt, silence, policy);
}

void TakeEvidence(const ItemLearning& item, const EvidencePlace& place, const Event& event,
                  const RecordChange& record, double demand_factor, const DoubtPolicy& policy,
                  Estimates& estimates) {
  const EventKind kind = event.event_kind();
  const uint32_t at_s = MomentOf(place, event);
  if (estimates.velocity.at_s == 0) {
    estimates.velocity.at_s = at_s;
    estimates.doubt = StartOf(place, record);
  }
  const bool was_there = record.before > 0;
  const bool teaches =
      kind == EventKind::kSale || kind == EventKind::kCount || IsArrival(kind) || IsHandOver(event);
  if (!teaches && was_there == (record.after > 0)) return;
  AdvanceEstimates(item, place, was_there, at_s, policy, estimates);
  if (kind == EventKind::kSale) {
    TakeSales(item, place, at_s, event.quantity, demand_factor, policy, estimates);
  } else if (IsHandOver(event)) {
    TakeHandOver(item, place, at_s, policy, estimates);
  } else if (kind == EventKind::kCount) {
    TakeCounts(item, place, at_s, event.quantity, policy, estimates);
  } else if (IsArrival(kind) && was_there) {
    TakeReceipt(estimates.doubt, event.quantity);
  } else if (IsArrival(kind)) {
    // That nothing was there was known: these units are a new record.
    estimates.doubt = StartOf(place, record);
  }
}

DoubtPolicy PolicyOf(const journal::LearnedChain& chain) {
  DoubtPolicy policy;
  if (chain.loss_per_day() > 0) policy.loss_per_day = chain.loss_per_day();
  return policy;
}

}  // namespace onhand::ledger
