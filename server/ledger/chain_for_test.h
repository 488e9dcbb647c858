// A chain for unit tests: every change goes through the decisions and facts of the product, one
// group each. One thread.
#ifndef ONHAND_SERVER_LEDGER_CHAIN_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_CHAIN_FOR_TEST_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/text_format.h"
#include "server/ledger/availability.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/display.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class ChainForTest {
 public:
  static constexpr int64_t kSecond = 1'000'000;
  static constexpr int64_t kHour = 3600 * kSecond;
  // 2023-11-14T22:13:20Z
  static constexpr int64_t kStart = 1'700'000'000 * kSecond;

  ChainForTest() : ledger_(Settings{}) {}

  const Ledger& ledger() const { return ledger_; }
  const State& state() const { return ledger_.state(); }
  const RuleBook& book() const { return ledger_.rule_book(); }
  DisplayEvaluator& display() { return display_; }
  int64_t now_us() const { return now_us_; }
  void Wait(int64_t us) { now_us_ += us; }

  Group NewGroup() { return Group(&ledger_.state(), Row()); }

  // Decides in a group of its own and applies it: decide(group) -> status or response.
  template <class Decide>
  auto Run(Decide decide) {
    Group group(&ledger_.state(), Row());
    auto result = decide(group);
    Apply(group);
    return result;
  }

  void Apply(const Group& group) {
    const journal::Record& record = group.record();
    ASSERT_TRUE(ledger_.ApplyFacts(Row(), record, 0, record.facts_size()).ok());
    ledger_.EndSlice();
    ++revision_;
    for (const journal::Fact& fact : record.facts()) display_.NoteFact(state(), fact);
  }
  void Tick() {
    Run([](Group& group) {
      journal::Fact fact;
      fact.mutable_tick();
      group.Add(std::move(fact));
      return 0;
    });
  }

  // Evaluates what is due until nothing is; returns the facts.
  std::vector<journal::DisplayChanged> Display() {
    std::vector<journal::DisplayChanged> changes;
    while (display_.HasDue(now_us_)) {
      Group group(&ledger_.state(), Row());
      display_.Decide(group, book(), 1'000);
      for (const journal::Fact& fact : group.record().facts()) {
        changes.push_back(fact.display_changed());
      }
      Apply(group);
    }
    return changes;
  }

  void Location(const std::string& id) {
    v1::BatchUpsertLocationsRequest request;
    v1::Location& location = *request.add_locations();
    location.set_location_id(id);
    location.set_time_zone("UTC");
    const auto result = Run([&](Group& group) {
      return DecideUpsertLocations(group, request, [](absl::string_view) { return true; });
    });
    ASSERT_TRUE(result.ok()) << result.status();
  }
  // `text` is the rest of a v1.SetLocationStateRequest.
  void LocationState(const std::string& id, const std::string& text) {
    auto request = FromText<v1::SetLocationStateRequest>(text);
    request.set_location_id(id);
    const auto result = Run([&](Group& g) { return DecideSetLocationState(g, request); });
    ASSERT_TRUE(result.ok()) << result.status();
  }
  void LocationGroup(const std::string& text) {
    v1::BatchUpsertGroupsRequest request;
    *request.add_groups() = FromText<v1::LocationGroup>(text);
    const auto result = Run([&](Group& g) { return DecideUpsertGroups(g, request); });
    ASSERT_TRUE(result.ok()) << result.status();
  }
  void Channel(const std::string& text) {
    v1::BatchUpsertChannelsRequest request;
    *request.add_channels() = FromText<v1::Channel>(text);
    const auto result = Run([&](Group& g) { return DecideUpsertChannels(g, request); });
    ASSERT_TRUE(result.ok()) << result.status();
  }
  // A published item; `text` is the rest of a v1.Item.
  void Item(const std::string& sku, const std::string& text = "") {
    v1::BatchUpsertItemsRequest request;
    v1::Item& item = *request.add_items();
    item = FromText<v1::Item>(text);
    item.set_sku(sku);
    item.set_published(true);
    const auto result = Run([&](Group& g) { return DecideUpsertItems(g, request); });
    ASSERT_TRUE(result.ok()) << result.status();
  }

  absl::StatusOr<v1::SetRuleResponse> TryRule(const std::string& text,
                                              const std::string& etag = "*") {
    v1::SetRuleRequest request;
    *request.mutable_rule() = FromText<v1::Rule>(text);
    request.set_etag(etag);
    request.set_author("Ana");
    return Run([&](Group& g) { return DecideSetRule(g, request); });
  }
  void Rule(const std::string& text) {
    const auto result = TryRule(text);
    ASSERT_TRUE(result.ok()) << result.status();
  }
  void EndRule(const std::string& rule_id) {
    v1::DeleteRuleRequest request;
    request.set_rule_id(rule_id);
    request.set_etag("*");
    const auto result = Run([&](Group& g) { return DecideDeleteRule(g, request); });
    ASSERT_TRUE(result.ok()) << result.status();
  }

  // Units that move at a position; negative ones leave.
  void Move(const std::string& sku, const std::string& location, int64_t units,
            EventKind kind = EventKind::kAdjustment) {
    Run([&](Group& group) {
      journal::Fact fact;
      journal::MovementByPerson& movement = *fact.mutable_movement_by_person();
      movement.set_item(ItemId(sku));
      movement.set_location(LocationId(location));
      movement.set_kind(static_cast<uint32_t>(kind));
      movement.set_quantity(units);
      movement.set_occurred_us(now_us_);
      movement.set_ordinal(group.state().counters.person_ordinal + 1);
      group.Add(std::move(fact));
      return 0;
    });
  }
  // Brings a position to a number.
  void Stock(const std::string& sku, const std::string& location, int64_t on_hand) {
    const PositionTable::View view = state().positions.Find(ItemId(sku), LocationId(location));
    Move(sku, location, on_hand - (view.cell == nullptr ? 0 : view.cell->on_hand));
  }
  // The location's only source tells that nothing is missing up to a moment.
  void KnownThrough(const std::string& location, int64_t at_us) {
    const uint32_t source = LocationId(location);
    Run([&](Group& group) {
      if (group.state().sources.Find(source) == nullptr) {
        journal::Fact fact;
        journal::SourceOpened& opened = *fact.mutable_source_opened();
        opened.set_source(source);
        opened.set_source_id("till-" + location);
        opened.set_spool(1);
        opened.add_locations(LocationId(location));
        group.Add(std::move(fact));
      }
      journal::Fact fact;
      fact.mutable_known_through()->set_source(source);
      journal::LocationMoment& moment = *fact.mutable_known_through()->add_known_through();
      moment.set_location(LocationId(location));
      moment.set_at_us(at_us);
      group.Add(std::move(fact));
      return 0;
    });
  }

  uint32_t ItemId(const std::string& sku) const { return state().Resolve(sku, 0)->item; }
  uint32_t LocationId(const std::string& id) const { return *state().location_ids.Find(id); }
  uint32_t ChannelId(const std::string& id) const { return *state().channel_ids.Find(id); }

  Question Ask(const std::string& sku, const std::string& channel,
               const std::string& location = "") const {
    return {.item = ItemId(sku),
            .channel = ChannelId(channel),
            .location = location.empty() ? 0 : LocationId(location),
            .now_us = now_us_};
  }
  Promise Answer(const std::string& sku, const std::string& channel,
                 const std::string& location = "") const {
    return Evaluate(state(), book(), Ask(sku, channel, location));
  }
  Trace Explain(const std::string& sku, const std::string& channel,
                const std::string& location = "") const {
    Trace trace{.with_steps = true};
    Evaluate(state(), book(), Ask(sku, channel, location), &trace);
    return trace;
  }

 private:
  RowMoment Row() const { return {revision_ + 1, 1, now_us_}; }

  Ledger ledger_;
  DisplayEvaluator display_;
  int64_t now_us_ = kStart;
  uint64_t revision_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_CHAIN_FOR_TEST_H_
