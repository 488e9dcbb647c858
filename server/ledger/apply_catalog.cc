#include "server/ledger/apply_catalog.h"

#include <algorithm>
#include <string>
#include <utility>

#include "onhand/v1/types.pb.h"
#include "server/ledger/apply.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

void RemoveCodes(State& state, const journal::Item& item) {
  state.codes.Erase(item.sku());
  for (const journal::Alias& alias : item.aliases()) {
    if (alias.source_id().empty()) {
      state.codes.Erase(alias.code());
    } else {
      state.source_codes.Erase({alias.source_id(), alias.code()});
    }
  }
}

void AddCodes(State& state, const journal::Item& item) {
  state.codes.Mutable(item.sku()) = {item.id(), 1};
  for (const journal::Alias& alias : item.aliases()) {
    const CodeTarget target{item.id(), std::max(1u, alias.pack_factor())};
    if (alias.source_id().empty()) {
      state.codes.Mutable(alias.code()) = target;
    } else {
      state.source_codes.Mutable({alias.source_id(), alias.code()}) = target;
      state.counters.source_aliases = true;
    }
  }
}

void ApplyItemSet(State& state, const journal::ItemSet& set) {
  if (const journal::Item* known = state.items.Find(set.item().id()))
    RemoveCodes(state, journal::Item(*known));
  journal::Item& item = state.items.Mutable(set.item().id());
  item = set.item();
  item.set_revision(state.counters.revision);
  AddCodes(state, item);
  state.counters.item_end = std::max(state.counters.item_end, item.id() + 1);
  if (set.by_catalog()) state.counters.catalog_imported = true;
}

void ApplyItemRenamed(State& state, const journal::ItemRenamed& renamed) {
  journal::Item item = *state.items.Find(renamed.item());
  RemoveCodes(state, item);
  const std::string old_sku = item.sku();
  auto* aliases = item.mutable_aliases();
  for (int i = aliases->size() - 1; i >= 0; --i) {
    if (aliases->Get(i).code() == renamed.new_sku() && aliases->Get(i).source_id().empty()) {
      aliases->DeleteSubrange(i, 1);
    }
  }
  item.set_sku(renamed.new_sku());
  item.add_aliases()->set_code(old_sku);
  item.set_revision(state.counters.revision);
  AddCodes(state, item);
  state.items.Mutable(item.id()) = std::move(item);
}

// Everything that the duplicate had becomes an adjustment (and a set-aside) of the item at the
// moment of the merge.
void ApplyItemsMerged(State& state, const journal::ItemsMerged& merged) {
  journal::Item duplicate = *state.items.Find(merged.duplicate());
  journal::Item item = *state.items.Find(merged.item());
  RemoveCodes(state, duplicate);
  RemoveCodes(state, item);
  item.add_aliases()->set_code(duplicate.sku());
  for (const journal::Alias& alias : duplicate.aliases()) *item.add_aliases() = alias;
  item.set_revision(state.counters.revision);
  AddCodes(state, item);
  state.items.Mutable(item.id()) = item;

  duplicate.clear_aliases();
  duplicate.set_merged_into(item.id());
  duplicate.set_published(false);
  duplicate.set_revision(state.counters.revision);
  state.items.Mutable(duplicate.id()) = duplicate;

  Event event{};
  event.at_us = merged.occurred_us();
  event.arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  uint64_t ordinal = merged.ordinal();
  for (int i = 0; i < merged.location_size(); ++i) {
    event.sequence = ordinal++;
    event.kind = static_cast<uint64_t>(EventKind::kAdjustment);
    event.quantity = static_cast<int32_t>(merged.on_hand(i));
    TakeEvent(state, merged.item(), merged.location(i), event);
    event.sequence = ordinal++;
    event.kind = static_cast<uint64_t>(EventKind::kSetAside);
    event.quantity = static_cast<int32_t>(merged.unavailable(i));
    if (event.quantity != 0) TakeEvent(state, merged.item(), merged.location(i), event);
    state.positions.Erase(merged.duplicate(), merged.location(i));
    --state.clocks.Mutable(merged.location(i)).position_count;
  }
  if (ordinal > merged.ordinal()) {
    state.counters.person_ordinal = std::max(state.counters.person_ordinal, ordinal - 1);
  }
}

void ApplyLocationSet(State& state, const journal::Location& set) {
  const bool is_new = !state.locations.Contains(set.id());
  journal::Location& location = state.locations.Mutable(set.id());
  const journal::Location before = location;
  location = set;
  if (is_new) {
    state.location_ids.Mutable(set.location_id()) = set.id();
    state.clocks.Mutable(set.id());
    state.counters.location_end = std::max(state.counters.location_end, set.id() + 1);
    if (location.state() == 0) location.set_state(static_cast<uint32_t>(v1::LOCATION_STATE_OPEN));
  } else {
    location.set_state(before.state());
    *location.mutable_paused_channels() = before.paused_channels();
    location.set_paused_until_us(before.paused_until_us());
    location.set_state_reason(before.state_reason());
    location.set_stocktake_from_us(before.stocktake_from_us());
    location.set_stocktake_until_us(before.stocktake_until_us());
  }
  location.set_revision(state.counters.revision);
}

void ApplyLocationStateSet(State& state, const journal::LocationStateSet& set) {
  journal::Location& location = state.locations.Mutable(set.location());
  location.set_state(set.state());
  *location.mutable_paused_channels() = set.paused_channels();
  location.set_paused_until_us(set.paused_until_us());
  location.set_state_reason(set.reason());
  location.set_revision(state.counters.revision);
}

void KeepVersion(State& state, const journal::Rule& rule, bool ended) {
  std::vector<RuleVersion>& versions = state.rule_versions.Mutable(rule.rule_id());
  if (versions.size() >= State::kRuleVersionsMax) versions.erase(versions.begin());
  // Made anew, a rule goes on with the versions that it had.
  if (!state.is_overlay && !versions.empty() && versions.back().ended) {
    state.ended_rules.erase({versions.back().rule.changed_us(), rule.rule_id()});
  }
  versions.push_back({.rule = rule, .ended = ended});
  if (!state.is_overlay && ended) state.ended_rules.emplace(rule.changed_us(), rule.rule_id());
}

void CountDemandRule(State& state, const journal::Rule* rule, uint32_t by) {
  if (rule != nullptr && rule->has_demand_factor()) state.counters.demand_rules += by;
}

void ApplyRuleSet(State& state, const journal::Rule& set) {
  CountDemandRule(state, state.rules.Find(set.rule_id()), -1u);
  journal::Rule& rule = state.rules.Mutable(set.rule_id());
  rule = set;
  UpgradeRule(rule);
  if (rule.effective_from_us() == 0) rule.set_effective_from_us(state.counters.time_us);
  rule.set_changed_us(state.counters.time_us);
  rule.set_revision(state.counters.revision);
  CountDemandRule(state, &rule, 1);
  state.demand_rules.Set(rule);
  KeepVersion(state, rule, /*ended=*/false);
}

void ApplyRuleEnded(State& state, const journal::RuleEnded& ended) {
  const journal::Rule* known = state.rules.Find(ended.rule_id());
  if (known == nullptr) return;
  journal::Rule rule = *known;
  CountDemandRule(state, known, -1u);
  state.rules.Erase(ended.rule_id());
  state.demand_rules.Erase(ended.rule_id());
  rule.set_author(ended.author());
  rule.set_reason(ended.reason());
  rule.set_changed_us(state.counters.time_us);
  rule.set_revision(state.counters.revision);
  KeepVersion(state, rule, /*ended=*/true);
}

}  // namespace

void ApplyCatalogFact(State& state, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet:
      return ApplyItemSet(state, fact.item_set());
    case journal::Fact::kItemRenamed:
      return ApplyItemRenamed(state, fact.item_renamed());
    case journal::Fact::kItemsMerged:
      return ApplyItemsMerged(state, fact.items_merged());
    case journal::Fact::kItemStopped: {
      journal::Item& item = state.items.Mutable(fact.item_stopped().item());
      item.set_stopped(fact.item_stopped().stopped());
      item.set_revision(state.counters.revision);
      return;
    }
    case journal::Fact::kLocationSet:
      return ApplyLocationSet(state, fact.location_set().location());
    case journal::Fact::kLocationStateSet:
      return ApplyLocationStateSet(state, fact.location_state_set());
    case journal::Fact::kStocktakeAnnounced: {
      journal::Location& location = state.locations.Mutable(fact.stocktake_announced().location());
      location.set_stocktake_from_us(state.counters.time_us);
      location.set_stocktake_until_us(fact.stocktake_announced().until_us());
      location.set_revision(state.counters.revision);
      return;
    }
    case journal::Fact::kGroupSet: {
      const journal::Group& set = fact.group_set().group();
      journal::Group& group = state.groups.Mutable(set.id());
      group = set;
      group.set_revision(state.counters.revision);
      state.group_ids.Mutable(set.group_id()) = set.id();
      state.counters.group_end = std::max(state.counters.group_end, set.id() + 1);
      return;
    }
    case journal::Fact::kChannelSet: {
      const journal::Channel& set = fact.channel_set().channel();
      journal::Channel& channel = state.channels.Mutable(set.id());
      channel = set;
      channel.set_revision(state.counters.revision);
      state.channel_ids.Mutable(set.channel_id()) = set.id();
      return;
    }
    case journal::Fact::kRuleSet:
      return ApplyRuleSet(state, fact.rule_set().rule());
    case journal::Fact::kRuleEnded:
      return ApplyRuleEnded(state, fact.rule_ended());
    case journal::Fact::kChainSet:
      state.chain.Mutable(0) = fact.chain_set().chain();
      return;
    default:
      return;
  }
}

}  // namespace onhand::ledger
