#include "server/ledger/past_sales.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/estimates.h"
#include "server/ledger/exact_math.h"
#include "server/ledger/learned_rates.h"
#include "server/ledger/store_clock.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kDay_s = 86'400;
// Everything older is forgotten by every half-life there is.
constexpr int kDaysMax = 400;
constexpr double kClockHalfLifeDays = 20;
constexpr double kClockPriorUnits = 100;
constexpr int kRoughDays = 3;
constexpr int kClockDays = 7;
constexpr double kDeadOverdispersion = 0.2;
// Until then E was told at rates that were little more than a guess.
constexpr int kRestatedDays = 14;

constexpr int kLocationsPerFact = 100;
constexpr int kItemsPerFact = 256;
constexpr int kPositionsPerFact = 2'048;

auto KeyOf(const PastHour& hour) {
  return std::tuple(hour.item, hour.location, hour.hour, hour.whole_day);
}

// One position's way through the history.
struct Traveller {
  uint32_t item = 0;      // index into the replay's items
  uint32_t location = 0;  // index into its locations
  size_t first = 0, end = 0;
  size_t next = 0;  // the first hour of the history that is still to come
  Estimates estimates;
  uint32_t last_sale_s = 0;
};

// A location's day.
struct Today {
  int64_t from_s = 0;
  int64_t to_s = 0;  // local midnight, or where its history ends
  double exposure = 0;
  int weekday = 0;
  std::vector<double> sold_by_hour;
  double sold_in_all = 0;  // of rows that only know the day
  double rate_in_stock = 0;
};

struct Place {
  uint32_t id = 0;
  int64_t first_s = std::numeric_limits<int64_t>::max();
  int64_t through_s = 0;
  std::vector<OffsetTransition> offsets;
  StoreClock clock;
  ClockTally tally;
  // Whether the same day of the week before sold something: a shop that is closed every Sunday is
  // no power cut, and its clock must hear of it.
  std::array<bool, kDaysPerWeek> sold_last_week{};
  Today today;
};

class Replay {
 public:
  Replay(absl::Span<const PastHour> sorted, const LessonBefore& before);
  void Run();
  void Tell(Lesson& lesson) const;

 private:
  void FindPlaces();
  void FindTravellers();
  uint32_t PlaceIndexOf(uint32_t location);
  void StartOver(int64_t at_s);
  void LiveDays();
  bool BeginDay();
  void LiveDay(Traveller& traveller);
  void Sell(Traveller& traveller, const PastHour& row, int64_t from_s, Today& today);
  void Silence(Traveller& traveller, double rate, double mean, int64_t until_s, double exposure);
  void EndDay();
  void CloseRates();
  void LearnClocks();

  void TellChain(Lesson& lesson, double level) const;
  void TellLocations(Lesson& lesson) const;
  void TellItems(Lesson& lesson, double level) const;
  void TellPositions(Lesson& lesson) const;
  // A position that sells again later had stock meanwhile; after its last sale its silence counts.
  bool IsDoubted(const Traveller& traveller) const {
    return doubts_ && traveller.next == traveller.end;
  }
  float RateBefore(uint32_t item) const {
    return item < before_.item_rate.size() ? before_.item_rate[item] : ItemLearning().rate;
  }

  const absl::Span<const PastHour> rows_;
  const LessonBefore& before_;
  const DoubtPolicy policy_;

  std::vector<Place> places_;
  absl::flat_hash_map<uint32_t, uint32_t> place_index_;
  std::vector<uint32_t> items_;        // ids
  std::vector<int64_t> item_first_s_;  // its first sale anywhere
  std::vector<Traveller> travellers_;
  LearnedRates rates_{0, 0, {}};
  int days_lived_ = 0;
  bool doubts_ = false;  // the second time round
};

Replay::Replay(absl::Span<const PastHour> sorted, const LessonBefore& before)
    : rows_(sorted), before_(before), policy_(PolicyOf(before.chain)) {
  FindPlaces();
  FindTravellers();
  rates_ = LearnedRates(static_cast<int>(items_.size()), static_cast<int>(places_.size()), {});
}

uint32_t Replay::PlaceIndexOf(uint32_t location) {
  const auto [at, is_new] =
      place_index_.try_emplace(location, static_cast<uint32_t>(places_.size()));
  if (!is_new) return at->second;
  Place& place = places_.emplace_back();
  place.id = location;
  if (location < before_.locations.size()) {
    const journal::LocationOffsets& offsets = before_.locations[location].offsets;
    for (int i = 0; i < std::min(offsets.at_s_size(), offsets.offset_s_size()); ++i) {
      place.offsets.push_back({.at_s = offsets.at_s(i), .offset_s = offsets.offset_s(i)});
    }
  }
  WeekWeights even;
  even.fill(1);
  place.clock = StoreClock(even, place.offsets, {});
  return at->second;
}

void Replay::FindPlaces() {
  for (const PastHour& row : rows_) {
    Place& place = places_[PlaceIndexOf(row.location)];
    const int64_t at_s = row.hour * kSecondsPerHour;
    place.first_s = std::min(place.first_s, at_s);
    const int64_t end_s =
        row.whole_day ? place.clock.DayStart(place.clock.DayStart(at_s) + 36 * kSecondsPerHour)
                      : at_s + kSecondsPerHour;
    place.through_s = std::max(place.through_s, end_s);
  }
}

void Replay::FindTravellers() {
  for (size_t first = 0; first < rows_.size();) {
    size_t end = first;
    while (end < rows_.size() && rows_[end].item == rows_[first].item &&
           rows_[end].location == rows_[first].location)
      ++end;
    if (items_.empty() || items_.back() != rows_[first].item) {
      items_.push_back(rows_[first].item);
      item_first_s_.push_back(std::numeric_limits<int64_t>::max());
    }
    item_first_s_.back() = std::min(item_first_s_.back(), rows_[first].hour * kSecondsPerHour);
    travellers_.push_back({.item = static_cast<uint32_t>(items_.size()) - 1,
                           .location = place_index_.at(rows_[first].location),
                           .first = first,
                           .end = end});
    first = end;
  }
  const size_t sellers = travellers_.size();
  for (const PositionKey& key : before_.stocked) {
    const auto item = std::lower_bound(items_.begin(), items_.end(), key.item);
    const auto place = place_index_.find(key.location);
    if (item == items_.end() || *item != key.item || place == place_index_.end()) continue;
    const Traveller silent{.item = static_cast<uint32_t>(item - items_.begin()),
                           .location = place->second};
    const auto at = std::lower_bound(travellers_.begin(),
                                     travellers_.begin() + static_cast<std::ptrdiff_t>(sellers),
                                     key, [this](const Traveller& a, const PositionKey& b) {
                                       return std::tuple(items_[a.item], places_[a.location].id) <
                                              std::tuple(b.item, b.location);
                                     });
    const bool sold = at != travellers_.begin() + static_cast<std::ptrdiff_t>(sellers) &&
                      at->item == silent.item && at->location == silent.location;
    if (!sold) travellers_.push_back(silent);
  }
}

void Replay::Run() {
  int64_t first_s = std::numeric_limits<int64_t>::max(), through_s = 0;
  for (const Place& place : places_) {
    first_s = std::min(first_s, place.first_s);
    through_s = std::max(through_s, place.through_s);
  }
  const int64_t start_s = std::max(first_s, through_s - kDaysMax * kDay_s);
  // Once for the rates alone: doubt by a rate that is no more than the chain's average would take
  // every slow item for an empty shelf, and then its silence could never teach how slow it is.
  StartOver(start_s);
  LiveDays();
  doubts_ = true;
  StartOver(start_s);
  LiveDays();
}

// What is learned stays; positions begin again.
void Replay::StartOver(int64_t at_s) {
  for (Place& place : places_) {
    place.today.to_s = place.clock.DayStart(at_s);
    place.sold_last_week.fill(false);
  }
  for (Traveller& traveller : travellers_) {
    const int64_t first_s =
        std::max(item_first_s_[traveller.item], places_[traveller.location].first_s);
    traveller.estimates = {};
    traveller.estimates.velocity.at_s = static_cast<uint32_t>(std::max(first_s, at_s));
    traveller.estimates.doubt = {.empty = 0.005F, .run = 0};
    traveller.next = traveller.first;
    while (traveller.next < traveller.end &&
           rows_[traveller.next].hour * kSecondsPerHour < places_[traveller.location].today.to_s)
      ++traveller.next;
  }
}

void Replay::LiveDays() {
  while (BeginDay()) {
    for (Traveller& traveller : travellers_) LiveDay(traveller);
    EndDay();
  }
}

// False if every location's history has ended.
bool Replay::BeginDay() {
  bool any = false;
  for (Place& place : places_) {
    Today& today = place.today;
    today.from_s = today.to_s;
    if (today.from_s >= place.through_s) {
      today.exposure = 0;
      continue;
    }
    any = true;
    today.to_s = std::min(place.clock.DayStart(today.from_s + 36 * kSecondsPerHour),
                          std::max(place.through_s, today.from_s + 1));
    today.weekday = place.clock.HourOfWeek(today.from_s) / kHoursPerDay;
    today.exposure = place.clock.Exposure(today.from_s, today.to_s);
    today.sold_by_hour.assign((today.to_s - today.from_s) / kSecondsPerHour + 1, 0);
    today.sold_in_all = 0;
    today.rate_in_stock = 0;
  }
  return any;
}

// Nothing was sold until a moment: E with the old p, then p with the old rate (estimates.h).
void Replay::Silence(Traveller& traveller, double rate, double mean, int64_t until_s,
                     double exposure) {
  Estimates& estimates = traveller.estimates;
  const auto to_s = static_cast<uint32_t>(until_s);
  if (to_s <= estimates.velocity.at_s) return;
  if (!IsDoubted(traveller)) {
    Advance(estimates.velocity, to_s, mean * exposure, kVelocityHalfLife_s);
    return;
  }
  const double elapsed_s = to_s - estimates.velocity.at_s;
  Advance(estimates.velocity, to_s, mean * exposure * (1 - estimates.doubt.empty),
          kVelocityHalfLife_s);
  Drift(estimates.doubt, elapsed_s, policy_);
  TakeSilence(estimates.doubt, rate * exposure, policy_);
}

void Replay::Sell(Traveller& traveller, const PastHour& row, int64_t at_s, Today& today) {
  Estimates& estimates = traveller.estimates;
  AddSale(estimates.velocity, static_cast<uint32_t>(at_s), row.units, kVelocityHalfLife_s);
  if (row.units > 0) {
    TakeSale(estimates.doubt);
    traveller.last_sale_s = static_cast<uint32_t>(at_s);
  }
  if (row.whole_day) {
    today.sold_in_all += row.units;
  } else {
    const int64_t since_s = row.hour * kSecondsPerHour - today.from_s;
    today.sold_by_hour[std::max<int64_t>(0, since_s) / kSecondsPerHour] += row.units;
  }
}

void Replay::LiveDay(Traveller& traveller) {
  Place& place = places_[traveller.location];
  Today& today = place.today;
  Estimates& estimates = traveller.estimates;
  if (today.from_s >= place.through_s || estimates.velocity.at_s >= today.to_s) return;
  const auto item = static_cast<int>(traveller.item);
  const double factor = rates_.WeekdayFactor(item, today.weekday);
  const double mean = rates_.Expected(item, static_cast<int>(traveller.location)) * factor;
  const double rate = RateOf(estimates, mean).rate();
  const double share = IsDoubted(traveller) ? 1 - estimates.doubt.empty : 1;
  const int64_t begun_s = std::max<int64_t>(today.from_s, estimates.velocity.at_s);
  double units = 0;
  const size_t first_row = traveller.next;
  for (; traveller.next < traveller.end; ++traveller.next) {
    const PastHour& row = rows_[traveller.next];
    const int64_t hour_s = row.hour * kSecondsPerHour;
    if (hour_s >= today.to_s) break;
    const int64_t end_s =
        row.whole_day ? today.to_s : std::min(hour_s + kSecondsPerHour, today.to_s);
    // Rows of a whole day may stand before hours of the same day.
    const int64_t at_s = std::max<int64_t>(end_s, estimates.velocity.at_s);
    Silence(traveller, rate, mean, at_s, place.clock.Exposure(estimates.velocity.at_s, at_s));
    Sell(traveller, row, at_s, today);
    units += row.units;
  }
  const double left = traveller.next == first_row && begun_s == today.from_s
                          ? today.exposure
                          : place.clock.Exposure(estimates.velocity.at_s, today.to_s);
  Silence(traveller, rate, mean, today.to_s, left);
  const double lived =
      begun_s == today.from_s ? today.exposure : place.clock.Exposure(begun_s, today.to_s);
  const double expected = rate * share * lived;
  rates_.AddDay(item, static_cast<int>(traveller.location), today.weekday, std::max(0.0, units),
                expected);
  if (today.exposure > 0) today.rate_in_stock += expected / today.exposure;
}

// While rates leave their first guess behind, what was expected by them is told anew.
void Replay::CloseRates() {
  if (days_lived_ >= kRestatedDays) return rates_.CloseDay();
  const auto means = [this] {
    std::vector<double> of_travellers;
    of_travellers.reserve(travellers_.size());
    for (const Traveller& traveller : travellers_) {
      of_travellers.push_back(
          rates_.Expected(static_cast<int>(traveller.item), static_cast<int>(traveller.location)));
    }
    return of_travellers;
  };
  const std::vector<double> before = means();
  rates_.CloseDay();
  const std::vector<double> after = means();
  for (size_t i = 0; i < travellers_.size(); ++i) {
    travellers_[i].estimates.velocity.exposure *= static_cast<float>(after[i] / before[i]);
  }
}

void Replay::EndDay() {
  CloseRates();
  ++days_lived_;
  const double kept = Exp2(-1 / kClockHalfLifeDays);
  for (Place& place : places_) {
    Today& today = place.today;
    if (today.from_s >= place.through_s) continue;
    double sold = today.sold_in_all;
    for (const double units : today.sold_by_hour) sold += units;
    const bool dead = sold <= 0 && place.sold_last_week[today.weekday] &&
                      IsDead(today.rate_in_stock * today.exposure, kDeadOverdispersion);
    place.sold_last_week[today.weekday] = sold > 0;
    place.tally.Decay(kept);
    if (dead || days_lived_ <= kRoughDays) continue;
    const double spread = today.exposure > 0 ? today.sold_in_all / today.exposure : 0;
    for (int64_t at_s = today.from_s; at_s + kSecondsPerHour <= today.to_s;
         at_s += kSecondsPerHour) {
      const int hour = place.clock.HourOfWeek(at_s);
      const size_t index = (at_s - today.from_s) / kSecondsPerHour;
      place.tally.Add(hour, today.sold_by_hour[index] + spread * place.clock.weight(hour),
                      today.rate_in_stock);
    }
  }
  if (days_lived_ >= kClockDays) LearnClocks();
}

void Replay::LearnClocks() {
  ClockTally chain;
  for (const Place& place : places_) chain.Merge(place.tally);
  for (Place& place : places_) {
    place.clock = StoreClock(LearnWeights(place.tally, chain, kClockPriorUnits), place.offsets, {});
  }
}

// The chain's level stays what it was, so that items that are not in the history keep their rates:
// what the history's level differs by goes into the items' own parts.
void Replay::Tell(Lesson& lesson) const {
  const double level = before_.chain.level() > 0 ? before_.chain.level() : 1;
  TellChain(lesson, level);
  TellLocations(lesson);
  TellItems(lesson, level);
  TellPositions(lesson);
  lesson.item_count = items_.size();
  lesson.location_count = places_.size();
}

void Replay::TellChain(Lesson& lesson, double level) const {
  journal::Fact fact;
  journal::LearnedChain& row = *fact.mutable_learned_chain();
  row = before_.chain;
  // What the lesson replaces must not be installed over it.
  row.clear_night();
  const LearnedRates::Chain& chain = rates_.chain();
  row.set_level(level);
  row.mutable_level_history()->set_units(chain.history.units);
  row.mutable_level_history()->set_expected(chain.history.exposure * chain.level / level);
  row.set_nights(static_cast<uint32_t>(chain.nights));
  lesson.facts.push_back(std::move(fact));
}

void Replay::TellLocations(Lesson& lesson) const {
  journal::Fact fact;
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    journal::LearnedLocation& row = *fact.mutable_learned_locations()->add_locations();
    if (place.id < before_.locations.size()) row = before_.locations[place.id].learned;
    row.set_location(place.id);
    const LearnedRates::Location& rate = rates_.location(static_cast<int>(i));
    row.set_factor(rate.factor);
    row.mutable_history()->set_units(rate.history.units);
    row.mutable_history()->set_expected(rate.history.exposure);
    row.clear_weight();
    row.clear_tally_units();
    row.clear_tally_rate();
    for (int hour = 0; hour < kHoursPerWeek; ++hour) {
      row.add_weight(place.clock.weight(hour));
      row.add_tally_units(static_cast<float>(place.tally.units(hour)));
      row.add_tally_rate(static_cast<float>(place.tally.rate(hour)));
    }
    if (fact.learned_locations().locations_size() < kLocationsPerFact) continue;
    lesson.facts.push_back(std::exchange(fact, {}));
  }
  if (fact.has_learned_locations()) lesson.facts.push_back(std::move(fact));
}

void Replay::TellItems(Lesson& lesson, double level) const {
  // As many items as have some 2,000 positions: apply brings all of them up to date at once.
  std::vector<int> positions_of(items_.size(), 0);
  for (const Traveller& traveller : travellers_) ++positions_of[traveller.item];
  const bool guessed = before_.chain.nights() <= kRestatedDays;
  const double ratio = rates_.chain().level / level;
  journal::Fact fact;
  int positions = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    journal::LearnedItems& rows = *fact.mutable_learned_items();
    const LearnedRates::Item& item = rates_.item(static_cast<int>(i));
    const double rate = item.rate * rates_.chain().level;
    rows.add_item(items_[i]);
    rows.add_rate(static_cast<float>(rate));
    rows.add_units(static_cast<float>(item.history.units));
    rows.add_expected(static_cast<float>(item.history.exposure / ratio));
    for (int day = 0; day < kDaysPerWeek; ++day) {
      rows.add_weekday(static_cast<float>(item.weekday[day]));
      rows.add_weekday_units(static_cast<float>(item.weekday_history[day].units));
      rows.add_weekday_expected(static_cast<float>(item.weekday_history[day].exposure));
    }
    rows.add_restate(guessed ? static_cast<float>(rate / RateBefore(items_[i])) : 1);
    positions += positions_of[i];
    if (rows.item_size() < kItemsPerFact && positions < kPositionsPerFact) continue;
    lesson.facts.push_back(std::exchange(fact, {}));
    positions = 0;
  }
  if (fact.has_learned_items()) lesson.facts.push_back(std::move(fact));
}

// Silent positions have their item's and location's rate; that they never sold while nobody knows
// since when they have stock says nothing of their shelves.
void Replay::TellPositions(Lesson& lesson) const {
  journal::Fact fact;
  for (const Traveller& traveller : travellers_) {
    if (traveller.first == traveller.end) continue;
    ++lesson.position_count;
    const Estimates& estimates = traveller.estimates;
    journal::PositionsTaught& rows = *fact.mutable_positions_taught();
    rows.add_item(items_[traveller.item]);
    rows.add_location(places_[traveller.location].id);
    rows.add_sold(estimates.velocity.sold);
    rows.add_exposure(estimates.velocity.exposure);
    rows.add_at_s(estimates.velocity.at_s);
    rows.add_empty(estimates.doubt.empty);
    rows.add_run(estimates.doubt.run);
    rows.add_last_sale_s(traveller.last_sale_s);
    if (rows.item_size() < kPositionsPerFact) continue;
    lesson.facts.push_back(std::exchange(fact, {}));
  }
  if (fact.has_positions_taught()) lesson.facts.push_back(std::move(fact));
}

}  // namespace

void PastSales::Add(uint32_t item, uint32_t location, int64_t sold_s, int64_t units,
                    bool whole_day) {
  constexpr size_t kMergedFrom = 1 << 20;
  hours_.push_back({.item = item,
                    .location = location,
                    .hour = static_cast<uint32_t>(sold_s / kSecondsPerHour),
                    .units = static_cast<int32_t>(units),
                    .whole_day = whole_day});
  if (hours_.size() >= std::max(kMergedFrom, 2 * merged_)) Merge();
}

absl::Span<const PastHour> PastSales::Sorted() {
  Merge();
  return hours_;
}

void PastSales::Merge() {
  if (merged_ == hours_.size()) return;
  const auto before = [](const PastHour& a, const PastHour& b) { return KeyOf(a) < KeyOf(b); };
  std::sort(hours_.begin(), hours_.end(), before);
  size_t kept = 0;
  for (size_t i = 1; i < hours_.size(); ++i) {
    if (KeyOf(hours_[kept]) == KeyOf(hours_[i])) {
      const int64_t sum = int64_t{hours_[kept].units} + hours_[i].units;
      hours_[kept].units = static_cast<int32_t>(std::clamp<int64_t>(
          sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
    } else {
      hours_[++kept] = hours_[i];
    }
  }
  hours_.resize(kept + 1);
  merged_ = hours_.size();
}

Lesson Teach(absl::Span<const PastHour> sorted, const LessonBefore& before) {
  Lesson lesson;
  if (sorted.empty()) return lesson;
  uint32_t first = std::numeric_limits<uint32_t>::max(), last = 0;
  for (const PastHour& row : sorted) {
    first = std::min(first, row.hour);
    last = std::max(last, row.hour);
    lesson.unit_count += row.units;
  }
  lesson.first_sale_s = first * kSecondsPerHour;
  lesson.last_sale_s = last * kSecondsPerHour;
  if (!lesson.is_enough()) return lesson;
  Replay replay(sorted, before);
  replay.Run();
  replay.Tell(lesson);
  return lesson;
}

}  // namespace onhand::ledger
