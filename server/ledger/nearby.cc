#include "server/ledger/nearby.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace onhand::ledger {
namespace {

// Places in the order told, with what orders them.
struct Ordered {
  double distance_km;  // infinite without coordinates
  const std::string* location_id;
  uint32_t location;
  friend bool operator<(const Ordered& a, const Ordered& b) {
    return std::tie(a.distance_km, *a.location_id) < std::tie(b.distance_km, *b.location_id);
  }
};

// It never traded yet, or never will again: nobody wants to hear of it as "empty now".
bool IsOutOfTrade(Stop stop) {
  return stop == Stop::kNotInChannel || stop == Stop::kPlanned || stop == Stop::kClosed;
}

}  // namespace

NearbySearch::NearbySearch(const Ledger& ledger, const NearbyQuestion& question)
    : question_(question) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  const State& state = ledger.state();
  const int64_t now_us = question.now_us == 0 ? state.counters.time_us : question.now_us;
  std::vector<Ordered> ordered;
  for (uint32_t location = 1; location < state.counters.location_end; ++location) {
    const Stop stop = ledger.rule_book().StopAt(location, question.channel, now_us);
    if (IsOutOfTrade(stop) || location == question.left_out) continue;
    const journal::Location& row = *state.locations.Find(location);
    const std::optional<EarthPoint> point = PointOf(row);
    const double distance_km = point.has_value() ? DistanceKm(question.near, *point) : kFar;
    if (question.within_km > 0 && distance_km > question.within_km) continue;
    ordered.push_back({distance_km, &row.location_id(), location});
  }
  std::sort(ordered.begin(), ordered.end());
  places_.reserve(ordered.size());
  place_of_.resize(state.counters.location_end);
  for (const Ordered& one : ordered) {
    Place& place = places_.emplace_back();
    place.location = one.location;
    if (one.distance_km != kFar) place.distance_km = one.distance_km;
    place_of_[one.location] = static_cast<uint32_t>(places_.size());
  }
}

bool NearbySearch::PromisesWithoutStock(const RuleBook& book,
                                        const RuleBook::Candidates& candidates,
                                        uint32_t location) const {
  const uint32_t policy = book.Resolve(candidates, location).zero_policy.value;
  return policy == v1::ZERO_POLICY_KEEP_SELLING || policy == v1::ZERO_POLICY_BACKORDER;
}

std::vector<bool> NearbySearch::Sieve(const Ledger& ledger, uint32_t item) const {
  std::vector<bool> may(places_.size());
  std::vector<bool> reported(places_.size());
  const auto look = [&](uint32_t location, const Promise& promise) {
    const uint32_t place = location < place_of_.size() ? place_of_[location] : 0;
    if (place == 0) return;
    reported[place - 1] = true;
    may[place - 1] = promise.orderable && promise.max_quantity >= question_.units;
  };
  const RuleBook& book = ledger.rule_book();
  EvaluateEverywhere(ledger.state(), book,
                     {.item = item, .channel = question_.channel, .now_us = question_.now_us},
                     look);

  const ItemTraits traits = book.TraitsOf(item);
  if (!traits.known || traits.stopped || !traits.published) return may;
  const int64_t now_us = question_.now_us == 0 ? ledger.state().counters.time_us : question_.now_us;
  const RuleBook::Candidates candidates = book.CandidatesOf(
      item, book.CategoryOf(traits), SupplyAt(traits, now_us), question_.channel, now_us);
  std::optional<bool> everywhere;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (reported[i]) continue;
    if (!everywhere.has_value() || candidates.by_location) {
      everywhere = PromisesWithoutStock(book, candidates, places_[i].location);
    }
    may[i] = *everywhere;
  }
  return may;
}

void NearbySearch::TakeItem(const Ledger& ledger, uint32_t item) {
  const State& state = ledger.state();
  const std::string& sku = state.items.Find(item)->sku();
  std::vector<bool> may;
  if (!question_.with_empty) may = Sieve(ledger, item);
  size_t told = 0;
  // Behind the limit-th location with this item, none is among the nearest with any.
  for (size_t i = 0; i < places_.size() && told < question_.limit; ++i) {
    if (!question_.with_empty && !may[i]) continue;
    const Promise promise = Evaluate(state, ledger.rule_book(),
                                     {.item = item,
                                      .channel = question_.channel,
                                      .location = places_[i].location,
                                      .now_us = question_.now_us});
    const bool has_it = promise.orderable && promise.max_quantity >= question_.units;
    if (!has_it && !question_.with_empty) continue;
    places_[i].offers.push_back(
        {.sku = sku, .status = promise.status, .max_quantity = promise.max_quantity});
    ++told;
  }
}

std::vector<NearbySearch::Place> NearbySearch::Found() && {
  std::erase_if(places_, [](const Place& place) { return place.offers.empty(); });
  if (places_.size() > question_.limit) places_.resize(question_.limit);
  return std::move(places_);
}

}  // namespace onhand::ledger
