#include "server/ledger/velocity.h"

#include <algorithm>

#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

constexpr double kLn2 = 0.69314718055994530942;
constexpr double kSlowest = 1e-7;

}  // namespace

double Discount(double elapsed_s, double half_life_s) { return Exp2(-elapsed_s / half_life_s); }

void Advance(Velocity& velocity, uint32_t at_s, double expected, double half_life_s) {
  if (at_s <= velocity.at_s) return;
  if (velocity.at_s != 0) {
    const double elapsed_s = at_s - velocity.at_s;
    const double d = Discount(elapsed_s, half_life_s);
    velocity.sold = static_cast<float>(d * velocity.sold);
    // (1-d) H / (Dt ln 2) tends to 1 as Dt tends to 0.
    const double kept = (1 - d) * half_life_s / (elapsed_s * kLn2);
    velocity.exposure = static_cast<float>(d * velocity.exposure + kept * expected);
  }
  velocity.at_s = at_s;
}

void AddSale(Velocity& velocity, uint32_t at_s, double units, double half_life_s) {
  const double late_s = at_s < velocity.at_s ? velocity.at_s - at_s : 0;
  const double sold = velocity.sold + units * Discount(late_s, half_life_s);
  // Voids of sales that are half forgotten must not leave less than nothing.
  velocity.sold = static_cast<float>(std::max(0.0, sold));
}

double PriorRate(absl::Span<const Ratio> nearest_first, double pseudo_sales,
                 double location_factor) {
  double rate = 0;
  for (size_t i = nearest_first.size(); i-- > 0;) {
    const Ratio& ratio = nearest_first[i];
    if (rate > 0) {
      rate = (ratio.units + pseudo_sales) / (ratio.exposure + pseudo_sales / rate);
    } else if (ratio.exposure > 0) {
      rate = ratio.units / ratio.exposure;
    }
  }
  return std::max(kSlowest, rate * location_factor);
}

double LocationFactor(double units, double expected_units, double pseudo_sales) {
  return (units + pseudo_sales) / (expected_units + pseudo_sales);
}

Posterior PosteriorOf(const Velocity& velocity, double prior_sales, double expected_rate) {
  return {.a = prior_sales + velocity.sold, .b = (prior_sales + velocity.exposure) / expected_rate};
}

}  // namespace onhand::ledger
