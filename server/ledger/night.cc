#include "server/ledger/night.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/demand_factor.h"
#include "server/ledger/exact_math.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kDay_s = 86'400;
constexpr double kClockHalfLifeDays = 20;
constexpr double kClockPriorUnits = 100;
// The first nights' rates are too rough to judge hours by.
constexpr int kClockNights = 7;
constexpr int kRoughNights = 3;
// Until then E was told at rates that were little more than a guess.
constexpr int kRestatedNights = 14;
// So that whatever is divided by it stays a number.
constexpr double kRateMin = 1e-9;
constexpr int64_t kDeadHoursKept_s = 14 * kDay_s;
constexpr double kDeadOverdispersion = 0.2;
constexpr uint32_t kSampledAll = 65'536;
constexpr uint32_t kSampledOneIn = 16;
// How slowly the scatter follows: a night weighs as much as a twentieth of all before.
constexpr double kScatterNights = 20;
constexpr double kScatterSquaresMin = 50;

double DaysBetween(int64_t from_s, int64_t to_s) {
  return static_cast<double>(to_s - from_s) / kDay_s;
}

std::vector<LearnedRates::Fallback> FallbacksOf(const State& state) {
  std::vector<LearnedRates::Fallback> fallbacks(state.counters.item_end);
  absl::flat_hash_map<std::string, int> groups;
  state.items.ForEach([&](uint32_t id, const journal::Item& item) {
    LearnedRates::Fallback& fallback = fallbacks[id];
    if (const CodeTarget* like = state.codes.Find(item.like_sku())) {
      fallback.like_item = static_cast<int>(like->item);
    }
    // Parents and categories share the numbers: a leading byte keeps them apart.
    const std::string group = !item.parent_sku().empty() ? "p" + item.parent_sku()
                              : !item.category().empty() ? "c" + item.category()
                                                         : "";
    if (group.empty()) return;
    fallback.group = groups.try_emplace(group, static_cast<int>(groups.size())).first->second;
  });
  return fallbacks;
}

LearnedRates RestoredRates(const State& state) {
  const Learned& learned = state.learned();
  LearnedRates rates(static_cast<int>(state.counters.item_end),
                     static_cast<int>(state.counters.location_end), {}, FallbacksOf(state));
  const journal::LearnedChain& chain = learned.chain;
  const double level = chain.level() > 0 ? chain.level() : 1;
  rates.Restore({.nights = static_cast<int>(chain.nights()),
                 .level = level,
                 .history = {chain.level_history().units(), chain.level_history().expected()}});
  for (uint32_t id = 0; id < std::min<size_t>(learned.items.size(), state.counters.item_end);
       ++id) {
    const ItemLearning& row = learned.items[id];
    LearnedRates::Item item{.rate = row.rate / level, .history = {row.units, row.expected}};
    for (int day = 0; day < kDaysPerWeek; ++day) {
      item.weekday[day] = row.weekday[day];
      item.weekday_history[day] = {row.weekday_units[day], row.weekday_expected[day]};
    }
    rates.RestoreItem(static_cast<int>(id), item);
  }
  for (uint32_t id = 1; id < state.counters.location_end; ++id) {
    const journal::LearnedLocation& row = learned.LocationOf(id).learned;
    rates.RestoreLocation(static_cast<int>(id),
                          {.factor = learned.LocationOf(id).factor,
                           .history = {row.history().units(), row.history().expected()}});
  }
  return rates;
}

ClockTally TallyOf(const journal::LearnedLocation& row, double kept) {
  ClockTally tally;
  const int hours = std::min(row.tally_units_size(), row.tally_rate_size());
  for (int hour = 0; hour < std::min(hours, kHoursPerWeek); ++hour) {
    tally.Add(hour, row.tally_units(hour) * kept, row.tally_rate(hour) * kept);
  }
  return tally;
}

// Weights before any are learned: the opening hours, if they are known.
WeekWeights OpeningWeights(const journal::Location* location) {
  constexpr float kClosed = 0.02F;  // what is sold at night, by returns booked late and the like
  WeekWeights weights;
  weights.fill(1);
  if (location == nullptr || location->hours().empty()) return weights;
  weights.fill(kClosed);
  for (const journal::OpeningHours& hours : location->hours()) {
    const int day = static_cast<int>(hours.day_of_week()) - 1;
    for (uint32_t hour = hours.opens_minute() / 60; hour * 60 < hours.closes_minute(); ++hour) {
      const auto of_week = static_cast<int>(day * kHoursPerDay + hour % kHoursPerDay);
      if (of_week >= 0 && of_week < kHoursPerWeek) weights[of_week] = 1;
    }
  }
  float sum = 0;
  for (const float weight : weights) sum += weight;
  for (float& weight : weights) weight *= kHoursPerWeek / sum;
  return weights;
}

int64_t ThereAfter(const FoldState& fold) { return fold.on_hand() - fold.unavailable(); }

bool IsSale(const Event& event) { return event.event_kind() == EventKind::kSale; }

// Units sold from `from_s` up to `to_s`.
double SoldBetween(const Beside* beside, int64_t from_s, int64_t to_s) {
  double sold = 0;
  if (beside == nullptr) return sold;
  for (const Event& event : beside->window) {
    const int64_t at_s = event.at_us / kMicrosPerSecond;
    if (IsSale(event) && at_s >= from_s && at_s < to_s) sold += event.quantity;
  }
  return std::max(0.0, sold);
}

// Spreads neighbours: which positions are looked at, and at which hours.
uint32_t Spread(uint32_t item, uint32_t location, uint32_t night) {
  uint64_t x = (uint64_t{item} << 32 | location) ^ (uint64_t{night} * 0x9e3779b97f4a7c15u);
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9u;
  return static_cast<uint32_t>(x >> 32);
}

}  // namespace

Night::Night(const State& state, int64_t at_us)
    : at_us_(at_us),
      forgot_(state.learned().chain.at_us() != 0 &&
              at_us - state.learned().chain.at_us() > state.settings.window_us),
      last_us_(forgot_                              ? at_us
               : state.learned().chain.at_us() != 0 ? state.learned().chain.at_us()
                                                    : at_us - kDay_s * kMicrosPerSecond),
      item_end_(state.counters.item_end),
      rates_(RestoredRates(state)),
      places_(state.counters.location_end) {
  const journal::LearnedChain& chain = state.learned().chain;
  for (uint32_t id = 1; id < places_.size(); ++id) {
    const LocationClock* clock = state.clocks.Find(id);
    const LocationLearning& learned = state.learned().LocationOf(id);
    Place& place = places_[id];
    const int64_t through_s = learned.learned.learned_through_s();
    place.from_s = through_s != 0 ? through_s : last_us_ / kMicrosPerSecond;
    place.to_s =
        std::max(place.from_s, clock == nullptr ? 0 : clock->KnownThrough() / kMicrosPerSecond);
    if (forgot_) place.from_s = place.to_s;
    const double days = DaysBetween(place.from_s, place.to_s);
    place.tally = TallyOf(learned.learned, Exp2(-days / kClockHalfLifeDays));
    place.start = learned.start;
    place.sold_by_hour.resize((place.to_s - place.from_s) / kSecondsPerHour + 1);
    for (const int64_t hour_s : learned.learned.dead_hour_s()) {
      if (hour_s > place.to_s - kDeadHoursKept_s) place.dead_hours_s.push_back(hour_s);
    }
  }
  for (size_t window = 0; window < kScatterHours.size(); ++window) {
    const int index = static_cast<int>(window);
    overdispersion_[window] = chain.overdispersion_size() > index
                                  ? chain.overdispersion(index)
                                  : DefaultOverdispersion(kScatterHours[window]);
    for (size_t alpha = 0; alpha < kScatterAlphas.size(); ++alpha) {
      const int tail = index * static_cast<int>(kScatterAlphas.size()) + static_cast<int>(alpha);
      tails_[window][alpha] =
          TailCalibration(chain.tail_factor_size() > tail ? chain.tail_factor(tail) : 1);
    }
  }
  if (state.positions.size() > kSampledAll) sampled_of_ = kSampledOneIn;
}

// By what was known of each position when the day began, so that a day on which the fast ones were
// sold out teaches no slowness; but their mean is what the item's rate says, or rate and positions
// could drift apart for ever without anybody noticing.
int Night::AddItem(const State& state, uint32_t item) {
  const PositionTable::ItemPositions positions = state.positions.Of(item);
  days_.clear();
  double whole = 0, weighted = 0;
  for (size_t i = 0; i < positions.cells.size(); ++i) {
    const uint32_t location = positions.locations[i];
    const Cell& cell = positions.cells[i];
    if (cell.estimates.velocity.at_s == 0 || location >= places_.size()) continue;
    const Day& day =
        days_.emplace_back(DayOf(state, item, location, cell, state.positions.BesideOf(cell)));
    whole += day.whole;
    weighted += day.whole * day.ratio;
  }
  const double mean_ratio = whole > 0 ? weighted / whole : 1;
  for (const Day& day : days_) TakeDay(state, item, mean_ratio, day);
  return static_cast<int>(positions.cells.size());
}

void Night::TakeDay(const State& state, uint32_t item, double mean_ratio, const Day& day) {
  Place& place = places_[day.location];
  const StoreClock& clock = state.learned().LocationOf(day.location).clock;
  const double expected = day.expected * day.ratio / mean_ratio;
  const int weekday = clock.HourOfWeek((place.from_s + place.to_s) / 2) / kHoursPerDay;
  rates_.AddItemDay(static_cast<int>(item), weekday, day.sold, expected);
  rates_.AddLocationDay(static_cast<int>(day.location), day.sold, expected);
  const double hours = clock.Exposure(place.from_s, place.to_s);
  if (hours > 0) place.rate += day.expected * day.ratio / hours;
  const uint32_t seed = Spread(item, day.location, static_cast<uint32_t>(rates_.chain().nights));
  if (day.always_there && seed % sampled_of_ == 0) {
    TakeScatter(state, item, seed / sampled_of_, day);
  }
}

Night::Day Night::DayOf(const State& state, uint32_t item, uint32_t location, const Cell& cell,
                        const Beside* beside) {
  const Place& place = places_[location];
  const ItemLearning& learned = state.learned().ItemOf(item);
  const LocationLearning& where = state.learned().LocationOf(location);
  Day day{.location = location, .beside = beside};
  int64_t cursor_s = place.from_s;
  bool there = beside == nullptr ? cell.on_hand > 0 : ThereAfter(beside->before) > 0;
  day.always_there = there;
  if (beside != nullptr) {
    FoldState fold = beside->before;
    for (const Event& event : beside->window) {
      const int64_t at_s = std::clamp(event.at_us / kMicrosPerSecond, place.from_s, place.to_s);
      if (there && at_s > cursor_s) day.expected += ExpectedUnits(learned, where, cursor_s, at_s);
      if (at_s > place.from_s) day.always_there = day.always_there && there;
      cursor_s = std::max(cursor_s, at_s);
      fold.Advance(event);
      there = ThereAfter(fold) > 0;
      if (at_s <= place.from_s) day.always_there = there;
    }
    TakeSalesAndCounts(state, item, location, *beside, day);
  }
  if (there) day.expected += ExpectedUnits(learned, where, cursor_s, place.to_s);
  day.always_there = day.always_there && there;
  day.whole = ExpectedUnits(learned, where, place.from_s, place.to_s);

  Velocity velocity = cell.estimates.velocity;
  if (velocity.at_s > place.from_s) {
    // What the day itself added is taken out again: its forecast must not know it.
    velocity.sold = static_cast<float>(std::max(0.0, velocity.sold - day.sold));
    velocity.exposure = static_cast<float>(std::max(0.0, velocity.exposure - day.expected));
  }
  const double rate = learned.rate * where.factor;
  day.before = PosteriorOf(velocity, kPriorSales, rate);
  day.ratio = day.before.rate() / rate;
  return day;
}

void Night::TakeSalesAndCounts(const State& state, uint32_t item, uint32_t location,
                               const Beside& beside, Day& day) {
  Place& place = places_[location];
  const StoreClock& clock = state.learned().LocationOf(location).clock;
  const auto since_s = static_cast<uint32_t>(last_us_ / kMicrosPerSecond);
  const auto until_s = static_cast<uint32_t>(at_us_ / kMicrosPerSecond);
  FoldState fold = beside.before;
  for (const Event& event : beside.window) {
    const int64_t recorded = ThereAfter(fold);
    fold.Advance(event);
    if (event.arrived_s <= since_s || event.arrived_s > until_s) continue;
    if (event.event_kind() == EventKind::kCount && recorded > 0) {
      place.start.Add(recorded, event.quantity == 0);
    }
    if (!IsSale(event)) continue;
    const double factor =
        state.counters.demand_rules == 0 ? 1 : DemandFactorAt(state, item, location, event.at_us);
    const double units = event.quantity / factor;
    const int64_t at_s = event.at_us / kMicrosPerSecond;
    day.sold += units;
    place.tally.Add(clock.HourOfWeek(at_s), units, 0);
    if (at_s >= place.from_s && at_s < place.to_s) {
      place.sold_by_hour[(at_s - place.from_s) / kSecondsPerHour] += units;
    }
  }
  // Voids of an earlier day's sales.
  day.sold = std::max(0.0, day.sold);
}

// A window of each length somewhere in the day, against what was forecast for it when the day
// began.
void Night::TakeScatter(const State& state, uint32_t item, uint32_t seed, const Day& day) {
  const Place& place = places_[day.location];
  const LocationLearning& where = state.learned().LocationOf(day.location);
  const ItemLearning& learned = state.learned().ItemOf(item);
  for (size_t window = 0; window < kScatterHours.size(); ++window) {
    const int64_t length_s = kScatterHours[window] * kSecondsPerHour;
    if (length_s > place.to_s - place.from_s) continue;
    const int64_t starts = (place.to_s - place.from_s - length_s) / kSecondsPerHour + 1;
    const int64_t from_s = place.from_s + seed % starts * kSecondsPerHour;
    const double sold = SoldBetween(day.beside, from_s, from_s + length_s);
    const double mean = day.ratio * ExpectedUnits(learned, where, from_s, from_s + length_s);
    if (mean <= 0) continue;
    const double of_rate = mean * mean / day.before.a;
    scatter_[window].Add(sold, {.mean = mean, .variance = mean + of_rate});
    const Demand demand{.mean = mean,
                        .variance = mean + of_rate + overdispersion_[window] * mean * mean};
    for (size_t i = 0; i < kScatterAlphas.size(); ++i) {
      const DemandDistribution forecast(Widen(demand, tails_[window][i].factor()));
      const int64_t buffer = forecast.Quantile(kScatterAlphas[i]);
      tails_[window][i].Add(sold > static_cast<double>(buffer) ? 1 : 0,
                            forecast.ChanceAbove(buffer));
    }
  }
}

void Night::Close(const State& state) {
  rates_.CloseDay();
  ClockTally chain;
  for (uint32_t id = 1; id < places_.size(); ++id) {
    Place& place = places_[id];
    const StoreClock& clock = state.learned().LocationOf(id).clock;
    for (int64_t at_s = place.from_s; at_s + kSecondsPerHour <= place.to_s;
         at_s += kSecondsPerHour) {
      place.tally.Add(clock.HourOfWeek(at_s), 0, place.rate);
    }
    FindDeadHours(place, clock);
    if (rates_.chain().nights <= kRoughNights) place.tally = ClockTally();
    chain.Merge(place.tally);
  }
  const bool learned_clocks = rates_.chain().nights >= kClockNights;
  for (uint32_t id = 1; id < places_.size(); ++id) {
    places_[id].weights = learned_clocks ? LearnWeights(places_[id].tally, chain, kClockPriorUnits)
                                         : OpeningWeights(state.locations.Find(id));
  }
  for (size_t window = 0; window < kScatterHours.size(); ++window) {
    overdispersion_[window] =
        scatter_[window].Follow(overdispersion_[window], kScatterNights, kScatterSquaresMin);
    for (TailCalibration& tail : tails_[window]) tail.CloseDay();
  }
}

// Runs of hours in which a location that sells sold nothing at all.
void Night::FindDeadHours(Place& place, const StoreClock& clock) const {
  const auto hours = static_cast<size_t>((place.to_s - place.from_s) / kSecondsPerHour);
  for (size_t first = 0; first < hours;) {
    size_t last = first;
    double expected = 0;
    for (; last < hours && place.sold_by_hour[last] <= 0; ++last) {
      const int64_t at_s = place.from_s + static_cast<int64_t>(last) * kSecondsPerHour;
      expected += place.rate * clock.Exposure(at_s, at_s + kSecondsPerHour);
    }
    if (IsDead(expected, kDeadOverdispersion)) {
      for (size_t hour = first; hour < last; ++hour) {
        place.dead_hours_s.push_back(place.from_s + static_cast<int64_t>(hour) * kSecondsPerHour);
      }
    }
    first = std::max(last, first + 1);
  }
}

journal::LearnedChain Night::Chain() const {
  journal::LearnedChain chain;
  chain.set_at_us(at_us_);
  chain.set_level(rates_.chain().level);
  chain.mutable_level_history()->set_units(rates_.chain().history.units);
  chain.mutable_level_history()->set_expected(rates_.chain().history.exposure);
  chain.set_nights(static_cast<uint32_t>(rates_.chain().nights));
  for (size_t window = 0; window < kScatterHours.size(); ++window) {
    chain.add_overdispersion(overdispersion_[window]);
    for (const TailCalibration& tail : tails_[window]) chain.add_tail_factor(tail.factor());
  }
  chain.set_chain_overdispersion(PooledDemand::kDefaultChainOverdispersion);
  chain.set_loss_per_day(DoubtPolicy().loss_per_day);
  return chain;
}

journal::LearnedLocation Night::Location(uint32_t location) const {
  const Place& place = places_[location];
  const LearnedRates::Location& rate = rates_.location(static_cast<int>(location));
  journal::LearnedLocation row;
  row.set_location(location);
  row.set_factor(rate.factor);
  row.mutable_history()->set_units(rate.history.units);
  row.mutable_history()->set_expected(rate.history.exposure);
  row.mutable_weight()->Add(place.weights.begin(), place.weights.end());
  for (int hour = 0; hour < kHoursPerWeek; ++hour) {
    row.add_tally_units(static_cast<float>(place.tally.units(hour)));
    row.add_tally_rate(static_cast<float>(place.tally.rate(hour)));
  }
  row.mutable_dead_hour_s()->Add(place.dead_hours_s.begin(), place.dead_hours_s.end());
  row.mutable_start_nothing()->Add(place.start.nothing().begin(), place.start.nothing().end());
  row.mutable_start_looked()->Add(place.start.looked().begin(), place.start.looked().end());
  row.set_learned_through_s(place.to_s);
  return row;
}

bool Night::AppendItem(const State& state, uint32_t item, journal::LearnedItems& rows) const {
  const LearnedRates::Item& learned = rates_.item(static_cast<int>(item));
  const bool has_positions = !state.positions.Of(item).cells.empty();
  if (!has_positions && learned.history.units == 0) return false;
  const double rate = std::max(kRateMin, learned.rate * rates_.chain().level);
  rows.add_item(item);
  rows.add_rate(static_cast<float>(rate));
  rows.add_units(static_cast<float>(learned.history.units));
  rows.add_expected(static_cast<float>(learned.history.exposure));
  for (int day = 0; day < kDaysPerWeek; ++day) {
    rows.add_weekday(static_cast<float>(learned.weekday[day]));
    rows.add_weekday_units(static_cast<float>(learned.weekday_history[day].units));
    rows.add_weekday_expected(static_cast<float>(learned.weekday_history[day].exposure));
  }
  const bool guessed = rates_.chain().nights <= kRestatedNights;
  rows.add_restate(guessed ? static_cast<float>(rate / state.learned().ItemOf(item).rate) : 1);
  return true;
}

}  // namespace onhand::ledger
