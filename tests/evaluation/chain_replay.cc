#include "tests/evaluation/chain_replay.h"

#include <algorithm>

#include "server/ledger/exact_math.h"

namespace onhand::evaluation {
namespace {

constexpr double kDay_s = 86400;
constexpr int64_t kHour_s = 3600;
// The first days' rates are too rough to judge hours by.
constexpr int kClockStartHours = 72;

}  // namespace

ChainReplay::ChainReplay(const Dataset* dataset, const ReplaySettings& settings)
    : data_(*dataset),
      settings_(settings),
      rates_(static_cast<int>(data_.skus.size()), static_cast<int>(data_.stores.size()),
             settings.learning),
      clocks_(data_.stores.size()),
      tallies_(data_.stores.size()),
      velocity_(data_.positions.size(), {.at_s = static_cast<uint32_t>(data_.start_s)}),
      pending_(data_.positions.size(), 0),
      now_s_(static_cast<uint32_t>(data_.start_s)),
      night_rate_(data_.positions.size(), 1e-3),
      today_(data_.positions.size()) {
  const int import_hours = std::min(kImportDays * 24, data_.hours);
  for (int hour = 0; hour < import_hours; ++hour) LiveHour(hour);
  std::fill(velocity_.begin(), velocity_.end(),
            ledger::Velocity{.at_s = static_cast<uint32_t>(data_.start_s)});
  std::fill(pending_.begin(), pending_.end(), 0.0);
  now_s_ = static_cast<uint32_t>(data_.start_s);
  for (size_t i = 0; i < night_rate_.size(); ++i)
    night_rate_[i] = PosteriorOf(static_cast<int>(i)).rate();
}

double ChainReplay::HourWeight(int store, int hour) const {
  const int64_t at_s = data_.start_s + hour * kHour_s;
  return clocks_[store].Exposure(at_s, at_s + kHour_s);
}

double ChainReplay::Exposure(int position, int hour) const {
  const Position& at = data_.positions[position];
  return HourWeight(at.store, hour) * rates_.WeekdayFactor(at.sku, Weekday(hour));
}

ledger::Posterior ChainReplay::PosteriorOf(int position) const {
  const Position& at = data_.positions[position];
  ledger::Velocity velocity = velocity_[position];
  ledger::Advance(velocity, now_s_, pending_[position], settings_.half_life_days * kDay_s);
  return ledger::PosteriorOf(velocity, settings_.prior_sales, rates_.Expected(at.sku, at.store));
}

void ChainReplay::LiveHour(int hour) {
  std::vector<HourLived> lived(data_.positions.size());
  for (size_t i = 0; i < lived.size(); ++i) {
    const int position = static_cast<int>(i);
    const bool out = data_.Out(position, hour);
    lived[i] = {.share = out ? 0.0 : 1.0, .sold = out ? 0.0 : data_.Sold(position, hour)};
  }
  LiveHour(hour, lived);
}

void ChainReplay::LiveHour(int hour, absl::Span<const HourLived> lived) {
  const uint32_t end_s = static_cast<uint32_t>(data_.start_s + (hour + 1) * kHour_s);
  now_s_ = end_s;
  const double half_life_s = settings_.half_life_days * kDay_s;
  const bool midnight = hour % 24 == 23;
  std::vector<double> weight(data_.stores.size());
  for (size_t store = 0; store < weight.size(); ++store)
    weight[store] = HourWeight(static_cast<int>(store), hour);
  std::vector<double> units(data_.stores.size(), 0), rate(data_.stores.size(), 0);

  for (size_t i = 0; i < lived.size(); ++i) {
    const Position& at = data_.positions[i];
    const double in_stock = lived[i].share * rates_.WeekdayFactor(at.sku, Weekday(hour));
    const double exposure = in_stock * weight[at.store];
    pending_[i] += exposure * rates_.Expected(at.sku, at.store);
    units[at.store] += lived[i].sold;
    rate[at.store] += in_stock * night_rate_[i];
    today_[i].units += lived[i].sold;
    today_[i].exposure += exposure * night_rate_[i];
    if (lived[i].sold == 0 && !midnight) continue;
    ledger::Advance(velocity_[i], end_s, pending_[i], half_life_s);
    pending_[i] = 0;
    if (lived[i].sold > 0) ledger::AddSale(velocity_[i], end_s, lived[i].sold, half_life_s);
  }
  if (hour >= kClockStartHours) {
    const int of_week = clocks_[0].HourOfWeek(data_.start_s + hour * kHour_s);
    for (size_t store = 0; store < weight.size(); ++store)
      tallies_[store].Add(of_week, units[store], rate[store]);
  }
  if (midnight) Learn(hour + 1);
}

void ChainReplay::Learn(int hours_lived) {
  for (size_t i = 0; i < today_.size(); ++i) {
    const Position& at = data_.positions[i];
    rates_.AddDay(at.sku, at.store, Weekday(hours_lived - 1), today_[i].units, today_[i].exposure);
    today_[i] = {};
  }
  rates_.CloseDay();
  for (size_t i = 0; i < night_rate_.size(); ++i)
    night_rate_[i] = PosteriorOf(static_cast<int>(i)).rate();
  if (hours_lived >= 7 * 24) LearnClocks();
}

void ChainReplay::LearnClocks() {
  ledger::ClockTally chain;
  for (const ledger::ClockTally& tally : tallies_) chain.Merge(tally);
  const double kept = ledger::Exp2(-1 / settings_.clock_half_life_days);
  for (size_t store = 0; store < clocks_.size(); ++store) {
    clocks_[store] = ledger::StoreClock(
        ledger::LearnWeights(tallies_[store], chain, settings_.clock_prior_units), {}, {});
    tallies_[store].Decay(kept);
  }
}

}  // namespace onhand::evaluation
