// What questions about an item share before they read its positions: its traits, the policy that is
// left of its rules, and how the judge of its locations is asked. Pure; any thread that may read
// the state.
#ifndef ONHAND_SERVER_LEDGER_ASKED_ITEM_H_
#define ONHAND_SERVER_LEDGER_ASKED_ITEM_H_

#include <algorithm>
#include <cstdint>

#include "onhand/v1/types.pb.h"
#include "server/ledger/location_part.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

inline ItemTraits TraitsOf(const journal::Item* item) {
  if (item == nullptr) return {};
  return {.supply_us = item->supply_us(),
          .supply = static_cast<uint8_t>(item->supply()),
          .published = item->published(),
          .stopped = item->stopped(),
          .known = true};
}

// What an item whose supply has ended may still answer with.
inline v1::ZeroPolicy PolicyOf(const ResolvedRules& rules, v1::Supply supply) {
  const auto policy = static_cast<v1::ZeroPolicy>(rules.zero_policy.value);
  const bool needs_supply =
      policy == v1::ZERO_POLICY_KEEP_SELLING || policy == v1::ZERO_POLICY_BACKORDER;
  return supply == v1::SUPPLY_ENDED && needs_supply ? v1::ZERO_POLICY_SOLD_OUT : policy;
}

// Windows of the book end with its grid; what lies between that and `now_us` is added.
inline LocationJudge::Asked AskedOf(const RuleBook& book, uint32_t channel,
                                    const ResolvedRules& rules, v1::ZeroPolicy policy,
                                    int64_t now_us) {
  constexpr double kMicrosPerHour = 3600.0 * 1'000'000;
  const int64_t beyond_us = std::max<int64_t>(now_us - book.windows_until_us(), 0);
  return {.channel_kind = book.KindOf(channel),
          .now_us = now_us,
          .cache_s = rules.cache_s.value,
          .hours_beyond = static_cast<double>(beyond_us) / kMicrosPerHour,
          .keeps_selling = policy == v1::ZERO_POLICY_KEEP_SELLING};
}

// The book holds it beside the place, but knows what is committed only.
inline int64_t KnownThroughOf(const State& state, const RuleBook& book, uint32_t location) {
  if (!state.is_overlay) return book.PlaceOf(location).known_through_us;
  const LocationClock* clock = state.clocks.Find(location);
  return clock == nullptr ? 0 : clock->KnownThrough();
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ASKED_ITEM_H_
