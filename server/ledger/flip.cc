#include "server/ledger/flip.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/ledger/group.h"
#include "server/ledger/wording.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
// Places whose units a text tells one by one.
constexpr size_t kPlacesNamed = 4;

bool AreFlipped(const Promise& a, const Promise& b) {
  const bool a_shown = a.status != v1::AVAILABILITY_STATUS_HIDDEN;
  const bool b_shown = b.status != v1::AVAILABILITY_STATUS_HIDDEN;
  return a_shown != b_shown || a.orderable != b.orderable;
}

// Some units at a location.
struct UnitsAt {
  uint32_t location = 0;
  int64_t units = 0;
};

class FlipSearch {
 public:
  FlipSearch(const State& state, const RuleBook& book, const Question& question);

  std::optional<v1::Flip> Find();

 private:
  // A location of the channel that may promise something.
  struct Place {
    uint32_t location = 0;
    int64_t available = 0;
    int64_t part = 0;        // what it adds to the chain's sum
    int64_t until_none = 0;  // so many fewer, and it adds nothing
  };

  void ListPlaces();
  Promise AskWith(const std::vector<UnitsAt>& changes) const;
  bool FlipsWith(const std::vector<UnitsAt>& changes) const {
    return AreFlipped(told_, AskWith(changes));
  }
  std::optional<v1::Flip> FindItemState() const;
  std::optional<v1::Flip> FindUnitsAtOnePlace(int64_t sign) const;
  std::optional<v1::Flip> FindUnitsToGoEverywhere() const;
  std::optional<v1::Flip> FindPlaceState() const;
  std::optional<v1::Flip> FindRule() const;
  RuleBook BookOf(const State& other) const;
  bool FlipsEverywhere(int64_t units) const;
  std::vector<UnitsAt> FirstToGo(int64_t units) const;
  v1::Flip FlipOf(std::string text, const Promise& after) const;
  std::string UnitsText(int64_t units, uint32_t location) const;

  const State& state_;
  const RuleBook& book_;
  Question question_;  // once a dwell is over
  int64_t now_us_;
  Promise told_;                // now
  int64_t waits_until_us_ = 0;  // a dwell hides it until then; 0: none does
  std::vector<Place> places_;   // those with the most available first
};

FlipSearch::FlipSearch(const State& state, const RuleBook& book, const Question& question)
    : state_(state), book_(book), question_(question) {
  now_us_ = question.now_us != 0 ? question.now_us : state.counters.time_us;
  told_ = Evaluate(state, book, question);
  const Display* display = state.display.Find(DisplayKey{question.item, question.channel});
  if (!told_.below_floor || display == nullptr || !display->below_floor) return;
  const ItemTraits traits = book.TraitsOf(question.item);
  const ResolvedRules rules = book.Resolve(
      book.CandidatesOf(question.item, book.CategoryOf(traits), SupplyAt(traits, now_us_),
                        question.channel, now_us_),
      question.location == 0 ? std::nullopt : std::optional<uint32_t>(question.location));
  const int64_t dwell_until_us =
      display->changed_us + int64_t{rules.chain_floor_dwell_s} * kMicrosPerSecond;
  if (dwell_until_us <= now_us_) return;
  waits_until_us_ = dwell_until_us;
  question_.now_us = dwell_until_us;
}

void FlipSearch::ListPlaces() {
  Trace trace;
  Question chain = question_;
  chain.location = 0;
  Evaluate(state_, book_, chain, &trace);
  for (uint32_t location = 1; location < state_.counters.location_end; ++location) {
    if (!book_.IsOpen(location, question_.channel, now_us_)) continue;
    Place place{.location = location};
    const PositionTable::View view = state_.positions.Find(question_.item, location);
    if (view.cell != nullptr) place.available = AvailableUnits(*view.cell, view.beside);
    places_.push_back(place);
  }
  for (const LocationPart& part : trace.locations) {
    const auto found = std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
      return place.location == part.location;
    });
    if (found == places_.end()) continue;
    found->part = part.salable;
    found->until_none = part.salable - std::max<int64_t>(part.location_floor.value, 1) + 1;
  }
  std::stable_sort(places_.begin(), places_.end(),
                   [](const Place& a, const Place& b) { return a.available > b.available; });
}

// As an adjustment would make it, so that what apply knows of a new position is in it.
Promise FlipSearch::AskWith(const std::vector<UnitsAt>& changes) const {
  Group group(&state_, {.revision = state_.counters.revision + 1,
                        .epoch = state_.counters.epoch,
                        .committed_at_us = now_us_});
  for (const UnitsAt& change : changes) {
    journal::Fact fact;
    journal::MovementByPerson& movement = *fact.mutable_movement_by_person();
    movement.set_item(question_.item);
    movement.set_location(change.location);
    movement.set_kind(static_cast<uint32_t>(EventKind::kAdjustment));
    movement.set_quantity(change.units);
    movement.set_occurred_us(now_us_);
    movement.set_ordinal(group.state().counters.person_ordinal + 1);
    group.Add(std::move(fact));
  }
  return EvaluateDecided(group.state(), book_, question_);
}

v1::Flip FlipSearch::FlipOf(std::string text, const Promise& after) const {
  v1::Flip flip;
  flip.set_text(std::move(text));
  flip.set_status(after.status);
  return flip;
}

std::string FlipSearch::UnitsText(int64_t units, uint32_t location) const {
  std::string text = absl::StrCat(
      units > 0 ? units : -units, units > 0 ? " more " : " fewer ",
      location == 0 ? "in the chain" : absl::StrCat("at ", PlaceText(state_, location)));
  if (waits_until_us_ != 0) {
    absl::StrAppend(&text, ", but not before ",
                    MomentText(state_, question_.location, waits_until_us_, now_us_));
  }
  return text;
}

// A recall, or an item that is not published yet, is no question of units or rules.
std::optional<v1::Flip> FlipSearch::FindItemState() const {
  const journal::Item* item = state_.items.Find(question_.item);
  if (item == nullptr || (!item->stopped() && item->published())) return std::nullopt;
  State other(&state_);
  journal::Item& changed = other.items.Mutable(question_.item);
  changed.set_stopped(false);
  changed.set_published(true);
  const Promise after = EvaluateDecided(other, book_, question_);
  std::string text = "the item would have to be ";
  if (item->stopped()) absl::StrAppend(&text, "let go on");
  if (item->stopped() && !item->published()) absl::StrAppend(&text, " and ");
  if (!item->published()) absl::StrAppend(&text, "published");
  if (!AreFlipped(told_, after)) absl::StrAppend(&text, ", and have something to sell");
  return FlipOf(std::move(text), after);
}

// Whether the same units do at every place that is tried.
bool FlipSearch::FlipsEverywhere(int64_t units) const {
  if (question_.location != 0 || places_.size() < 2) return question_.location == 0;
  for (size_t i = 0; i < std::min(places_.size(), kPlacesTried); ++i) {
    if (units < 0 && places_[i].available < -units) return false;
    if (!FlipsWith({{places_[i].location, units}})) return false;
  }
  return true;
}

// `sign` 1: units come, -1: units go. After the first place that does at all, another one is only
// searched if it does with fewer.
std::optional<v1::Flip> FlipSearch::FindUnitsAtOnePlace(int64_t sign) const {
  UnitsAt best;
  const auto flips = [&](uint32_t location, int64_t units) {
    return FlipsWith({{location, sign * units}});
  };
  for (size_t i = 0; i < std::min(places_.size(), kPlacesTried); ++i) {
    const Place& place = places_[i];
    if (question_.location != 0 && place.location != question_.location) continue;
    const int64_t most = sign < 0 ? std::max<int64_t>(place.available, 0) : kUnitsTried;
    int64_t enough = best.units == 0 ? 1 : best.units - 1;
    if (enough == 0 || enough > most) continue;
    if (best.units == 0) {
      while (enough < most && !flips(place.location, enough)) enough = std::min(2 * enough, most);
    }
    if (!flips(place.location, enough)) continue;
    int64_t too_few = 0;
    while (enough - too_few > 1) {
      const int64_t middle = too_few + (enough - too_few) / 2;
      (flips(place.location, middle) ? enough : too_few) = middle;
    }
    best = {place.location, enough};
  }
  if (best.units == 0) return std::nullopt;
  const int64_t units = sign * best.units;
  const uint32_t named = FlipsEverywhere(units) ? 0 : best.location;
  v1::Flip flip = FlipOf(UnitsText(units, named), AskWith({{best.location, units}}));
  flip.set_units(units);
  if (named != 0) flip.set_location_id(state_.locations.Find(named)->location_id());
  return flip;
}

// So many units gone from places that add something, from each no more than makes it add nothing:
// first where the fewest take the most away.
std::vector<UnitsAt> FlipSearch::FirstToGo(int64_t units) const {
  std::vector<Place> places = places_;
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.part * b.until_none > b.part * a.until_none;
  });
  std::vector<UnitsAt> gone;
  for (const Place& place : places) {
    const int64_t here = std::min(units, place.part > 0 ? place.until_none : 0);
    if (here > 0) gone.push_back({place.location, -here});
    units -= here;
  }
  return gone;
}

std::optional<v1::Flip> FlipSearch::FindUnitsToGoEverywhere() const {
  if (question_.location != 0) return std::nullopt;
  int64_t enough = 0;
  for (const Place& place : places_) enough += place.part > 0 ? place.until_none : 0;
  if (enough == 0 || !FlipsWith(FirstToGo(enough))) return std::nullopt;
  int64_t too_few = 0;
  while (enough - too_few > 1) {
    const int64_t middle = too_few + (enough - too_few) / 2;
    (FlipsWith(FirstToGo(middle)) ? enough : too_few) = middle;
  }
  const std::vector<UnitsAt> gone = FirstToGo(enough);
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(gone.size(), kPlacesNamed); ++i) {
    texts.push_back(absl::StrCat(-gone[i].units, i == 0 ? " fewer at " : " at ",
                                 PlaceText(state_, gone[i].location)));
  }
  if (gone.size() > kPlacesNamed) {
    texts.push_back(absl::StrCat("the rest at ", gone.size() - kPlacesNamed, " others"));
  }
  v1::Flip flip = FlipOf(absl::StrJoin(texts, ", "), AskWith(gone));
  flip.set_units(-enough);
  return flip;
}

// The rule of the answer first, then the others that hold, the nearest first.
std::optional<v1::Flip> FlipSearch::FindRule() const {
  const ItemTraits traits = book_.TraitsOf(question_.item);
  const RuleBook::Candidates candidates =
      book_.CandidatesOf(question_.item, book_.CategoryOf(traits), SupplyAt(traits, now_us_),
                         question_.channel, now_us_);
  std::vector<const journal::Rule*> rules;
  if (told_.rule != nullptr) rules.push_back(told_.rule);
  book_.ForEachHolding(
      candidates,
      question_.location == 0 ? std::nullopt : std::optional<uint32_t>(question_.location),
      [&](const journal::Rule& rule) {
        if (&rule != told_.rule) rules.push_back(&rule);
      });
  if (rules.empty()) return std::nullopt;
  RuleBook other = BookOf(state_);
  for (const journal::Rule* rule : rules) {
    other.DropRule(rule->rule_id());
    const Promise after = EvaluateDecided(state_, other, question_);
    other.TakeRule(*rule);
    if (!AreFlipped(told_, after)) continue;
    v1::Flip flip = FlipOf(
        absl::StrCat("without ", RuleText(state_, *rule), " it would be ", TextOf(after.status)),
        after);
    flip.set_rule_id(rule->rule_id());
    return flip;
  }
  return std::nullopt;
}

// A location that is stopped, or stores that have not reported: also no question of units.
std::optional<v1::Flip> FlipSearch::FindPlaceState() const {
  const uint32_t location = question_.location;
  if (location != 0 && !book_.IsOpen(location, question_.channel, now_us_)) {
    const std::string place = PlaceText(state_, location);
    if (book_.StopAt(location, question_.channel, now_us_) == Stop::kNotInChannel)
      return std::nullopt;
    State other(&state_);
    other.locations.Mutable(location).set_state(v1::LOCATION_STATE_OPEN);
    const Promise after = EvaluateDecided(state_, BookOf(other), question_);
    if (!AreFlipped(told_, after)) return std::nullopt;
    return FlipOf(absl::StrCat(place, " would have to be open"), after);
  }
  if (!told_.any_stale) return std::nullopt;
  State other(&state_);
  std::vector<std::string> silent;
  Trace trace;
  Evaluate(state_, book_, question_, &trace);
  for (const LocationPart& part : trace.locations) {
    const LocationClock* clock = state_.clocks.Find(part.location);
    if (!part.stale || clock == nullptr) continue;
    for (LocationClock::SourceMoment& source : other.clocks.Mutable(part.location).sources) {
      source.known_through_us = now_us_;
    }
    silent.push_back(PlaceText(state_, part.location));
  }
  const Promise after = EvaluateDecided(other, book_, question_);
  if (silent.empty() || !AreFlipped(told_, after)) return std::nullopt;
  return FlipOf(absl::StrCat("a report from ", absl::StrJoin(silent, ", ")), after);
}

// The rules in force over another state, for this item alone.
RuleBook FlipSearch::BookOf(const State& other) const {
  RuleBook book;
  book.TakePlaces(other);
  book.TakeLearned(other);
  book.TakeItem(*other.items.Find(question_.item));
  return book;
}

std::optional<v1::Flip> FlipSearch::Find() {
  if (std::optional<v1::Flip> flip = FindItemState()) return flip;
  if (const Promise decided = EvaluateDecided(state_, book_, question_);
      AreFlipped(told_, decided)) {
    return FlipOf(
        waits_until_us_ == 0
            ? "nothing: it changes with the next decision about what is shown"
            : absl::StrCat("only time: from ",
                           MomentText(state_, question_.location, waits_until_us_, now_us_), " on"),
        decided);
  }
  ListPlaces();
  const int64_t sign = told_.orderable ? -1 : 1;
  if (std::optional<v1::Flip> flip = FindUnitsAtOnePlace(sign)) return flip;
  if (sign < 0) {
    if (std::optional<v1::Flip> flip = FindUnitsToGoEverywhere()) return flip;
  }
  if (std::optional<v1::Flip> flip = FindPlaceState()) return flip;
  return FindRule();
}

}  // namespace

std::optional<v1::Flip> FindFlip(const State& state, const RuleBook& book,
                                 const Question& question) {
  if (!book.TraitsOf(question.item).known || !book.HasChannel(question.channel)) {
    return std::nullopt;
  }
  return FlipSearch(state, book, question).Find();
}

}  // namespace onhand::ledger
