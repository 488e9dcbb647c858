#include "server/ledger/ledger.h"

namespace onhand::ledger {

Ledger::Ledger(Settings settings) : state_(settings), rule_book_(RuleBook::Build(state_)) {}

void Ledger::Rebuild() {
  sku_order_.clear();
  children_.clear();
  closed_snapshots_.clear();
  state_.items.ForEach([&](uint32_t, const journal::Item& item) {
    if (item.merged_into() == 0) List(item);
  });
  state_.staging.ForEach([&](const SourceLocation& key, const Staging& staging) {
    if (staging.phase == Staging::Phase::kJudging || staging.phase == Staging::Phase::kApplying) {
      closed_snapshots_.insert(key);
    }
  });
  rule_book_ = RuleBook::Build(state_);
  places_changed_ = false;
  learned_changed_ = false;
}

absl::Status Ledger::ApplyFacts(const RowMoment& row, const journal::Record& record, int first,
                                int last) {
  if (first == 0) {
    BeginRow(state_, row);
    rule_book_.TakeTime(state_);
  }
  for (int i = first; i < last; ++i) {
    const journal::Fact& fact = record.facts(i);
    BeforeFact(fact);
    if (absl::Status applied = ApplyFact(state_, fact); !applied.ok()) return applied;
    AfterFact(fact);
  }
  return absl::OkStatus();
}

void Ledger::EndSlice() {
  if (places_changed_) rule_book_.TakePlaces(state_);
  if (learned_changed_) rule_book_.TakeLearned(state_);
  places_changed_ = false;
  learned_changed_ = false;
}

void Ledger::List(const journal::Item& item) {
  sku_order_[item.sku()] = item.id();
  if (!item.parent_sku().empty()) children_[{item.parent_sku(), item.sku()}] = item.id();
}

void Ledger::Unlist(const journal::Item& item) {
  sku_order_.erase(item.sku());
  children_.erase({item.parent_sku(), item.sku()});
}

void Ledger::BeforeFact(const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet:
      if (const journal::Item* known = state_.items.Find(fact.item_set().item().id()))
        Unlist(*known);
      return;
    case journal::Fact::kItemRenamed:
      Unlist(*state_.items.Find(fact.item_renamed().item()));
      return;
    case journal::Fact::kItemsMerged:
      Unlist(*state_.items.Find(fact.items_merged().duplicate()));
      return;
    case journal::Fact::kNightInstalled:
      // With the first rows comes the chain's part; those of items are looked up where they are.
      learned_changed_ = learned_changed_ || fact.night_installed().item().empty() ||
                         state_.learned().chain.night().installed() == 0;
      return;
    default:
      return;
  }
}

void Ledger::AfterFact(const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet:
      List(fact.item_set().item());
      rule_book_.TakeItem(fact.item_set().item());
      return;
    case journal::Fact::kItemsMerged:
      rule_book_.TakeItem(*state_.items.Find(fact.items_merged().duplicate()));
      return;
    case journal::Fact::kItemStopped:
      rule_book_.TakeItem(*state_.items.Find(fact.item_stopped().item()));
      return;
    case journal::Fact::kReport:
      for (const auto& moment : fact.report().known_through())
        rule_book_.TakeKnownThrough(state_, moment.location());
      return;
    case journal::Fact::kKnownThrough:
      for (const auto& moment : fact.known_through().known_through())
        rule_book_.TakeKnownThrough(state_, moment.location());
      return;
    case journal::Fact::kSourceOpened:
    case journal::Fact::kSourceRetired:
      // Locations that it named before count too: they wait for it no longer.
      for (uint32_t id = 1; id < state_.counters.location_end; ++id) {
        rule_book_.TakeKnownThrough(state_, id);
      }
      return;
    case journal::Fact::kItemRenamed:
      List(*state_.items.Find(fact.item_renamed().item()));
      return;
    case journal::Fact::kLocationSet:
    case journal::Fact::kLocationStateSet:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
      places_changed_ = true;
      return;
    case journal::Fact::kLearnedChain:
    case journal::Fact::kLearnedLocations:
    case journal::Fact::kOffsetsLearned:
      learned_changed_ = true;
      return;
    case journal::Fact::kRuleSet:
      rule_book_.TakeRule(*state_.rules.Find(fact.rule_set().rule().rule_id()));
      return;
    case journal::Fact::kRuleEnded:
      rule_book_.DropRule(fact.rule_ended().rule_id());
      return;
    case journal::Fact::kSnapshotBegun:
      closed_snapshots_.erase({fact.snapshot_begun().source(), fact.snapshot_begun().location()});
      return;
    case journal::Fact::kSnapshotEnded:
      closed_snapshots_.insert({fact.snapshot_ended().source(), fact.snapshot_ended().location()});
      return;
    case journal::Fact::kSnapshotVerdict: {
      const SourceLocation key{fact.snapshot_verdict().source(),
                               fact.snapshot_verdict().location()};
      if (fact.snapshot_verdict().accepted()) {
        closed_snapshots_.insert(key);
      } else {
        closed_snapshots_.erase(key);
      }
      return;
    }
    case journal::Fact::kSnapshotSlice:
      if (fact.snapshot_slice().last()) {
        closed_snapshots_.erase({fact.snapshot_slice().source(), fact.snapshot_slice().location()});
      }
      return;
    default:
      return;
  }
}

}  // namespace onhand::ledger
