#include "server/ledger/basket_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/hold_numbers.h"

namespace onhand::ledger {
namespace {

constexpr double kNoDistance = std::numeric_limits<double>::infinity();

// A location that could fill something.
struct Choice {
  uint32_t location = 0;
  int32_t priority = 0;
  double distance_km = kNoDistance;
  int64_t units = 0;

  // By priority, then the nearest, then where most is, then by id.
  bool ComesBefore(const Choice& other) const {
    return std::make_tuple(priority, distance_km, -units, location) <
           std::make_tuple(other.priority, other.distance_km, -other.units, other.location);
  }
};

class Planner {
 public:
  Planner(const State& state, const RuleBook& book, const WantedBasket& wanted, int64_t now_us)
      : state_(state), book_(book), wanted_(wanted), now_us_(now_us) {
    plan_.lines.resize(wanted.lines.size());
    if (wanted.group == 0) return;
    const journal::Group* group = state.groups.Find(wanted.group);
    if (group != nullptr) group_.insert(group->locations().begin(), group->locations().end());
  }

  BasketPlan Run() {
    std::vector<size_t> open;  // lines whose place the hub chooses
    for (size_t i = 0; i < wanted_.lines.size(); ++i) {
      if (!IsForSale(i)) continue;
      if (wanted_.lines[i].location == 0) {
        open.push_back(i);
      } else {
        PlanAtNamed(i);
      }
    }
    if (open.size() > 1 && PlanTogether(open)) return std::move(plan_);
    for (const size_t i : open) PlanAlone(i);
    return std::move(plan_);
  }

 private:
  const WantedLine& Line(size_t i) const { return wanted_.lines[i]; }
  HoldNumbers& NumbersOf(size_t i) {
    const uint32_t item = Line(i).item;
    return numbers_.try_emplace(item, state_, book_, item, wanted_.channel, now_us_).first->second;
  }
  bool IsForSale(size_t i) {
    if (Line(i).item == 0) {
      plan_.lines[i].shortfall = "UNKNOWN_ITEM";
      return false;
    }
    if (NumbersOf(i).IsForSale()) return true;
    plan_.lines[i].shortfall = "STOPPED";
    return false;
  }

  int64_t ChainLeft(size_t i) {
    const int64_t chain = NumbersOf(i).ChainUnits();
    if (chain == HoldNumbers::kNoLimit) return chain;
    return std::max<int64_t>(chain + Line(i).leaves - taken_[Line(i).item], 0);
  }
  // What is left for the line at a place, after what the basket took.
  int64_t LeftAt(size_t i, const HoldPlace& place) {
    const auto taken = taken_at_.find(PositionKey{Line(i).item, place.location});
    const int64_t left = place.units - (taken == taken_at_.end() ? 0 : taken->second);
    return std::max<int64_t>(std::min(left, ChainLeft(i)), 0);
  }
  void Take(size_t i, uint32_t location, int64_t units, std::string why) {
    PlannedLine& line = plan_.lines[i];
    line.parts.push_back({.units = static_cast<int32_t>(units),
                          .location = location,
                          .location_reason = std::move(why)});
    line.units += static_cast<int32_t>(units);
    taken_at_[{Line(i).item, location}] += units;
    taken_[Line(i).item] += units;
  }

  bool MayChoose(uint32_t location) const {
    return location != wanted_.avoid && (wanted_.group == 0 || group_.contains(location));
  }
  double DistanceTo(uint32_t location) const {
    if (!wanted_.near.has_value()) return kNoDistance;
    const journal::Location* row = state_.locations.Find(location);
    if (row == nullptr || !row->has_coordinates()) return kNoDistance;
    return DistanceKm(wanted_.near->latitude(), wanted_.near->longitude(), row->latitude(),
                      row->longitude());
  }
  // Where the line could get something, the best first.
  std::vector<Choice> ChoicesFor(size_t i) {
    std::vector<Choice> choices;
    for (const HoldPlace& place : NumbersOf(i).Everywhere()) {
      if (!MayChoose(place.location)) continue;
      const int64_t left = LeftAt(i, place);
      if (left == 0) continue;
      choices.push_back({.location = place.location,
                         .priority = place.priority,
                         .distance_km = DistanceTo(place.location),
                         .units = left});
    }
    std::sort(choices.begin(), choices.end(),
              [](const Choice& a, const Choice& b) { return a.ComesBefore(b); });
    return choices;
  }
  static std::string Why(std::string what, const Choice& choice) {
    absl::StrAppend(&what, "; priority ", choice.priority);
    if (choice.distance_km != kNoDistance) {
      absl::StrAppendFormat(&what, "; %.1f km away", choice.distance_km);
    }
    return what;
  }

  void PlanAtNamed(size_t i) {
    const uint32_t location = Line(i).location;
    const HoldPlace place = NumbersOf(i).At(location);
    const int64_t left = LeftAt(i, place);
    if (left >= Line(i).units) return Take(i, location, Line(i).units, "");
    if (PlanBeyond(i, location)) return;
    if (left > 0) Take(i, location, left, "");
    if (place.stop != Stop::kNone) plan_.lines[i].shortfall = "LOCATION_CLOSED";
  }

  // One location for all lines, if there is one.
  bool PlanTogether(const std::vector<size_t>& lines) {
    std::map<uint32_t, Choice> common;
    for (size_t n = 0; n < lines.size(); ++n) {
      std::map<uint32_t, Choice> here;
      for (const Choice& choice : ChoicesFor(lines[n])) {
        if (choice.units < Line(lines[n]).units) continue;
        const auto before = common.find(choice.location);
        if (n > 0 && before == common.end()) continue;
        Choice& both = here[choice.location] = choice;
        if (n == 0) continue;
        both.priority = std::max(both.priority, before->second.priority);
        both.units += before->second.units;
      }
      common = std::move(here);
      if (common.empty()) return false;
    }
    const Choice best =
        std::min_element(common.begin(), common.end(), [](const auto& a, const auto& b) {
          return a.second.ComesBefore(b.second);
        })->second;
    const std::string why = Why(absl::StrCat("has all ", lines.size(), " lines"), best);
    for (const size_t i : lines) Take(i, best.location, Line(i).units, why);
    return true;
  }

  void PlanAlone(size_t i) {
    const std::vector<Choice> choices = ChoicesFor(i);
    const int64_t wanted = Line(i).units;
    for (const Choice& choice : choices) {
      if (choice.units < wanted) continue;
      return Take(i, choice.location, wanted, Why("has the whole line", choice));
    }
    const bool may_split =
        wanted_.allow_split && book_.KindOf(wanted_.channel) == v1::CHANNEL_KIND_SHIP;
    int64_t in_all = 0;
    for (const Choice& choice : choices) in_all += choice.units;
    in_all = std::min(in_all, ChainLeft(i));
    if (may_split && in_all >= wanted) return Split(i, choices);
    if (PlanBeyond(i, 0)) return;
    if (may_split) {
      Split(i, choices);
    } else if (!choices.empty()) {
      const auto most =
          std::max_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
            return a.units != b.units ? a.units < b.units : b.ComesBefore(a);
          });
      Take(i, most->location, most->units, Why("has the most", *most));
    }
    if (choices.empty() && !book_.AnyOpen(wanted_.channel, now_us_)) {
      plan_.lines[i].shortfall = "LOCATION_CLOSED";
    }
  }
  void Split(size_t i, const std::vector<Choice>& choices) {
    for (const Choice& choice : choices) {
      const int64_t units =
          std::min({choice.units, ChainLeft(i), int64_t{Line(i).units} - plan_.lines[i].units});
      if (units <= 0) continue;
      Take(i, choice.location, units, Why(absl::StrCat("gives a part of ", Line(i).units), choice));
    }
  }

  // The whole line beyond stock, if the policy allows.
  bool PlanBeyond(size_t i, uint32_t location) {
    if (wanted_.only_stock) return false;
    int64_t& taken = taken_beyond_[Line(i).item];
    const BeyondStock beyond = NumbersOf(i).Beyond(location, taken);
    if (beyond.promise == v1::LINE_PROMISE_UNSPECIFIED) return false;
    if (beyond.units < Line(i).units) {
      plan_.lines[i].shortfall = "LIMIT_REACHED";
      return false;
    }
    taken += Line(i).units;
    plan_.lines[i].parts.push_back({.units = Line(i).units,
                                    .promise = beyond.promise,
                                    .location = location,
                                    .available_from_us = beyond.available_from_us});
    plan_.lines[i].units = Line(i).units;
    return true;
  }

  const State& state_;
  const RuleBook& book_;
  const WantedBasket& wanted_;
  const int64_t now_us_;
  absl::flat_hash_set<uint32_t> group_;
  std::map<uint32_t, HoldNumbers> numbers_;  // by item
  absl::flat_hash_map<PositionKey, int64_t> taken_at_;
  absl::flat_hash_map<uint32_t, int64_t> taken_;         // by item, of stock
  absl::flat_hash_map<uint32_t, int64_t> taken_beyond_;  // by item
  BasketPlan plan_;
};

}  // namespace

int BasketPlan::FirstShort() const {
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].shortfall.empty()) return static_cast<int>(i);
  }
  return -1;
}

bool BasketPlan::IsEmpty() const {
  return std::all_of(lines.begin(), lines.end(),
                     [](const PlannedLine& line) { return line.units == 0; });
}

BasketPlan PlanBasket(const State& state, const RuleBook& book, const WantedBasket& wanted,
                      int64_t now_us) {
  BasketPlan plan = Planner(state, book, wanted, now_us).Run();
  for (size_t i = 0; i < plan.lines.size(); ++i) {
    PlannedLine& line = plan.lines[i];
    if (line.units >= wanted.lines[i].units) {
      line.shortfall.clear();
    } else if (line.shortfall.empty()) {
      line.shortfall = "NOT_ENOUGH";
    }
  }
  return plan;
}

v1::BasketAnswer AnswerOf(const State& state, const WantedLine& wanted,
                          const PlannedLine& planned) {
  v1::BasketAnswer answer;
  answer.set_sku(wanted.sku);
  answer.set_wanted(wanted.units);
  answer.set_units(planned.units);
  answer.set_shortfall(planned.shortfall);
  for (const PlannedPart& part : planned.parts) {
    v1::BasketPart& shown = *answer.add_parts();
    shown.set_units(part.units);
    shown.set_promise(part.promise);
    if (part.location != 0) {
      shown.set_location_id(state.locations.Find(part.location)->location_id());
    }
    if (part.available_from_us != 0) {
      *shown.mutable_available_from() = TimestampOf(part.available_from_us);
    }
    shown.set_location_reason(part.location_reason);
  }
  return answer;
}

double DistanceKm(double latitude_a, double longitude_a, double latitude_b, double longitude_b) {
  // The haversine formula, with the earth's mean radius.
  constexpr double kEarthKm = 6'371.0088;
  constexpr double kRadians = 0.017453292519943295;
  const double north = std::sin((latitude_b - latitude_a) * kRadians / 2);
  const double east = std::sin((longitude_b - longitude_a) * kRadians / 2);
  const double h = north * north +
                   std::cos(latitude_a * kRadians) * std::cos(latitude_b * kRadians) * east * east;
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(1.0, h)));
}

}  // namespace onhand::ledger
