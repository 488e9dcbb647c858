#include "server/ledger/demand_factor.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
constexpr int64_t kNear = 0;

bool IsWithin(absl::string_view category, absl::string_view path) {
  return absl::StartsWith(path, category) &&
         (path.size() == category.size() || path[category.size()] == '/');
}

// How near a rule is to the item and to the location; kFar if it does not hold there.
int64_t ItemDistance(const journal::Rule& rule, const journal::Item& item) {
  if (rule.has_item()) return rule.item() == item.id() ? kNear : kFar;
  if (rule.category().empty()) return kFar - 1;
  if (!IsWithin(rule.category(), item.category())) return kFar;
  return static_cast<int64_t>(item.category().size() - rule.category().size()) + 1;
}

int64_t PlaceDistance(const State& state, const journal::Rule& rule, uint32_t location) {
  if (rule.has_location()) return rule.location() == location ? kNear : kFar;
  if (!rule.has_group()) return kFar - 1;
  const journal::Group* group = state.groups.Find(rule.group());
  const bool holds = group != nullptr &&
                     std::count(group->locations().begin(), group->locations().end(), location) > 0;
  return holds ? int64_t{group->rank()} + 1 : kFar;
}

}  // namespace

double DemandFactorAt(const State& state, uint32_t item, uint32_t location, int64_t at_us) {
  if (state.demand_rules.list().empty()) return 1;
  const journal::Item* row = state.items.Find(item);
  if (row == nullptr) return 1;
  const ItemTraits traits{.supply_us = row->supply_us(),
                          .supply = static_cast<uint8_t>(row->supply())};
  double factor = 1;
  auto best = std::make_tuple(kFar, kFar, int64_t{0}, absl::string_view());
  for (const auto& kept : state.demand_rules.list()) {
    const journal::Rule& rule = *kept;
    if (at_us < rule.effective_from_us()) continue;
    if (rule.effective_until_us() != 0 && at_us >= rule.effective_until_us()) continue;
    if (rule.supply() != 0 && rule.supply() != static_cast<uint32_t>(SupplyAt(traits, at_us)))
      continue;
    const int64_t item_distance = ItemDistance(rule, *row);
    const int64_t place_distance = PlaceDistance(state, rule, location);
    if (item_distance == kFar || place_distance == kFar) continue;
    const auto key = std::make_tuple(item_distance, place_distance, -rule.effective_from_us(),
                                     absl::string_view(rule.rule_id()));
    if (key >= best) continue;
    best = key;
    factor = rule.demand_factor();
  }
  return factor;
}

}  // namespace onhand::ledger
