// The precedence of rules, slowly: a scan over all of them a field. For tests to compare with.
#ifndef ONHAND_SERVER_LEDGER_NAIVE_RULES_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_NAIVE_RULES_FOR_TEST_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>

#include "absl/strings/match.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Whether a channel may use a location, stopped or not.
inline bool UsedBy(const State& state, uint32_t location, uint32_t channel) {
  const journal::Channel& row = *state.channels.Find(channel);
  const auto has = [&](const auto& ids) {
    return std::find(ids.begin(), ids.end(), location) != ids.end();
  };
  bool used = has(row.locations()) || (row.locations().empty() && row.groups().empty());
  for (const uint32_t group : row.groups()) {
    used = used || has(state.groups.Find(group)->locations());
  }
  return used;
}

// The precedence as rules.proto says it, on journal rows, without any index.
class NaiveRules {
 public:
  // Location 0: for the chain's own answer.
  NaiveRules(const State& state, uint32_t item, uint32_t location, uint32_t channel, int64_t now_us)
      : state_(state), item_(item), location_(location), channel_(channel), now_us_(now_us) {}

  const journal::Rule* Winner(const std::function<bool(const journal::Rule&)>& sets) const {
    const journal::Rule* best = nullptr;
    state_.rules.ForEach([&](const std::string&, const journal::Rule& rule) {
      if (!sets(rule) || !Holds(rule)) return;
      if (best == nullptr || Rank(rule) < Rank(*best)) best = &rule;
    });
    return best;
  }

 private:
  bool Holds(const journal::Rule& rule) const {
    const journal::Item& item = *state_.items.Find(item_);
    if (rule.has_item() && rule.item() != item_) return false;
    if (!rule.category().empty() && item.category() != rule.category() &&
        !absl::StartsWith(item.category(), rule.category() + "/")) {
      return false;
    }
    if (rule.supply() != 0 && rule.supply() != Supply(item)) return false;
    if (location_ != 0 ? !HoldsAt(rule, location_) : !HoldsForTheChain(rule)) return false;
    if (rule.has_channel() && rule.channel() != channel_) return false;
    if (rule.channel_kind() != 0 && rule.channel_kind() != state_.channels.Find(channel_)->kind()) {
      return false;
    }
    return now_us_ >= rule.effective_from_us() &&
           (rule.effective_until_us() == 0 || now_us_ < rule.effective_until_us());
  }

  bool HoldsAt(const journal::Rule& rule, uint32_t location) const {
    if (rule.has_location() && rule.location() != location) return false;
    if (!rule.has_group()) return true;
    const auto& locations = state_.groups.Find(rule.group())->locations();
    return std::count(locations.begin(), locations.end(), location) > 0;
  }
  // A rule for some places speaks for the chain if the channel uses no others.
  bool HoldsForTheChain(const journal::Rule& rule) const {
    bool everywhere = true;
    for (uint32_t location = 1; location < state_.counters.location_end; ++location) {
      if (UsedBy(state_, location, channel_)) everywhere = everywhere && HoldsAt(rule, location);
    }
    return everywhere;
  }
  uint32_t Supply(const journal::Item& item) const {
    if (item.supply() == v1::SUPPLY_UNSPECIFIED) return v1::SUPPLY_REORDERABLE;
    const bool is_over = item.supply() == v1::SUPPLY_SEASONAL && item.supply_us() != 0 &&
                         item.supply_us() <= now_us_;
    return is_over ? static_cast<uint32_t>(v1::SUPPLY_ENDED) : item.supply();
  }

  std::tuple<int, int64_t, int, int64_t, std::string> Rank(const journal::Rule& rule) const {
    const int item = rule.has_item() ? -1000 : -static_cast<int>(rule.category().size());
    const int64_t place = rule.has_location() ? -1
                          : rule.has_group()  ? state_.groups.Find(rule.group())->rank()
                                              : int64_t{1} << 40;
    const int channel = rule.has_channel() ? 0 : rule.channel_kind() != 0 ? 1 : 2;
    return {item, place, channel, -rule.effective_from_us(), rule.rule_id()};
  }

  const State& state_;
  const uint32_t item_;
  const uint32_t location_;
  const uint32_t channel_;
  const int64_t now_us_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_NAIVE_RULES_FOR_TEST_H_
