#include "server/ledger/preview.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/random_chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr uint32_t kListAll = 100'000;

v1::PreviewRulesResponse PreviewOf(const Ledger& ledger, std::vector<RuleVersion> changes,
                                   uint32_t listed_max = kListAll,
                                   Preview::Extent extent = Preview::Extent::kFull) {
  Preview preview(std::move(changes), extent, listed_max);
  while (preview.CompareSlice(ledger)) {
  }
  return preview.Result();
}

// Five stores, a web shop that ships and one that lets customers collect.
class PreviewTest : public testing::Test {
 protected:
  PreviewTest() {
    for (const char* store : {"bilbao", "cadiz", "gijon", "leon", "vigo"}) chain_.Location(store);
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "web-pickup" kind: CHANNEL_KIND_PICKUP)");
    for (const char* sku : {"boot", "clog", "sock"}) {
      chain_.Item(sku, absl::StrCat("category: 'footwear/", sku, "s'"));
      chain_.Stock(sku, "bilbao", 4);
      chain_.Stock(sku, "leon", 8);
    }
    chain_.Display();
  }

  RuleVersion Set(const std::string& text) { return {.rule = RowOf(text)}; }
  RuleVersion End(const std::string& rule_id) {
    RuleVersion ended{.ended = true};
    ended.rule.set_rule_id(rule_id);
    return ended;
  }
  // A row of the rule's plain fields.
  static journal::Rule RowOf(const std::string& text) {
    journal::Rule row;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &row)) << text;
    return row;
  }

  ChainForTest chain_;
};

TEST_F(PreviewTest, SaysWhichItemsAndPositionsWouldChangeFromWhatToWhat) {
  const v1::PreviewRulesResponse result = PreviewOf(
      chain_.ledger(),
      {Set(absl::StrCat("rule_id: 'few' buffer { units: 5 } item: ", chain_.ItemId("boot")))});
  ASSERT_EQ(result.totals_size(), 2);
  EXPECT_EQ(result.totals(0).channel_id(), "web-pickup");
  EXPECT_EQ(result.totals(0).shown_before(), 3u);
  EXPECT_EQ(result.totals(0).shown_after(), 3u);
  EXPECT_EQ(result.totals(0).items_changed(), 1u);
  EXPECT_EQ(result.totals(0).positions_changed(), 2u);
  EXPECT_EQ(result.item_count(), 1u);
  EXPECT_EQ(result.position_count(), 2u);
  EXPECT_EQ(result.changed_count(), 6u);
  ASSERT_EQ(result.answers_size(), 6);
  const v1::PreviewedAnswer& chain = result.answers(0);
  EXPECT_EQ(chain.sku(), "boot");
  EXPECT_EQ(chain.location_id(), "");
  EXPECT_EQ(chain.max_quantity_before(), 12);
  EXPECT_EQ(chain.max_quantity_after(), 3);
  const v1::PreviewedAnswer& bilbao = result.answers(2);
  EXPECT_EQ(bilbao.location_id(), "bilbao");
  EXPECT_EQ(bilbao.status_before(), v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_EQ(bilbao.status_after(), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_FALSE(result.confirmation_needed());
  EXPECT_EQ(result.revision(), chain_.state().counters.revision);
}

TEST_F(PreviewTest, NamesTheRuleThatGoesOnSellingBelowAFloor) {
  chain_.Rule("rule_id: 'boots' scope { sku: 'boot' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  chain_.Display();
  const v1::PreviewRulesResponse result =
      PreviewOf(chain_.ledger(), {Set("rule_id: 'floor' chain_floor: 100")});
  int boots = 0, others = 0;
  for (const v1::PreviewedAnswer& answer : result.answers()) {
    const bool sells = answer.status_after() == v1::AVAILABILITY_STATUS_KEEP_SELLING;
    EXPECT_EQ(answer.rule_id_after(), sells ? "boots" : "floor") << answer.ShortDebugString();
    ++(sells ? boots : others);
  }
  EXPECT_GT(boots, 0);
  EXPECT_GT(others, 0);
}

TEST_F(PreviewTest, ListsNoMoreThanAskedForAndCountsAll) {
  const v1::PreviewRulesResponse result =
      PreviewOf(chain_.ledger(), {Set("rule_id: 'few' buffer { units: 1 }")}, 4);
  EXPECT_EQ(result.answers_size(), 4);
  EXPECT_EQ(result.changed_count(), 18u);
  EXPECT_EQ(result.answers(0).sku(), "boot");
  EXPECT_EQ(result.answers(3).location_id(), "leon");
}

TEST_F(PreviewTest, AsksForConfirmationAboveTheChainsShareOfWhatIsShown) {
  chain_.Item("sole", "category: 'footwear/soles'");  // not shown
  chain_.Display();
  const std::vector<RuleVersion> one = {Set(
      absl::StrCat("rule_id: 'gone' included: false channel: 0 item: ", chain_.ItemId("boot")))};
  v1::PreviewRulesResponse result = PreviewOf(chain_.ledger(), one);
  EXPECT_DOUBLE_EQ(result.hidden_share(), 1.0 / 6);
  EXPECT_FALSE(result.confirmation_needed());
  const std::vector<RuleVersion> two = {
      Set(absl::StrCat("rule_id: 'gone' included: false item: ", chain_.ItemId("boot")))};
  for (const Preview::Extent extent : {Preview::Extent::kFull, Preview::Extent::kHiding}) {
    EXPECT_TRUE(PreviewOf(chain_.ledger(), two, 0, extent).confirmation_needed());
    EXPECT_FALSE(PreviewOf(chain_.ledger(), one, 0, extent).confirmation_needed());
  }
}

TEST_F(PreviewTest, ChainSaysHowMuchMayBeHiddenUnasked) {
  chain_.Run([](Group& group) {
    journal::Fact fact;
    fact.mutable_chain_set()->mutable_chain()->set_confirm_hiding_percent(40);
    group.Add(std::move(fact));
    return 0;
  });
  const auto hides = [&](const char* sku) {
    return Set(absl::StrCat("rule_id: 'no-", sku, "' included: false item: ", chain_.ItemId(sku)));
  };
  EXPECT_FALSE(PreviewOf(chain_.ledger(), {hides("boot")}).confirmation_needed());
  EXPECT_TRUE(PreviewOf(chain_.ledger(), {hides("boot"), hides("sock")}).confirmation_needed());
}

TEST_F(PreviewTest, EndingARuleAndARuleThatBeginsLaterAreSeenToo) {
  chain_.Rule("rule_id: 'below-20' chain_floor { units: 20 }");
  chain_.Display();
  EXPECT_EQ(PreviewOf(chain_.ledger(), {End("below-20")}).totals(0).becomes_shown(), 3u);
  chain_.EndRule("below-20");
  chain_.Display();
  const v1::PreviewRulesResponse later = PreviewOf(
      chain_.ledger(), {Set(absl::StrCat("rule_id: 'friday' chain_floor: 20 effective_from_us: ",
                                         chain_.now_us() + 86'400 * ChainForTest::kSecond))});
  EXPECT_EQ(later.totals(0).becomes_hidden(), 3u);
  EXPECT_TRUE(later.confirmation_needed());
}

TEST_F(PreviewTest, LookingAtTheLedgerBetweenSlicesSeesWhatItHasBecome) {
  for (int i = 0; i < 600; ++i) {
    chain_.Item(absl::StrCat("z-", i));
    chain_.Stock(absl::StrCat("z-", i), "vigo", 9);
  }
  chain_.Display();
  Preview preview({Set("rule_id: 'below-5' chain_floor: 5")}, Preview::Extent::kFull, 10);
  ASSERT_TRUE(preview.CompareSlice(chain_.ledger()));
  // Every item from here on would be hidden anyway, so that the change hides none of them.
  chain_.LocationState("vigo", "state: LOCATION_STATE_CLOSED");
  chain_.Rule("rule_id: 'all-gone' included: false");
  chain_.Display();
  while (preview.CompareSlice(chain_.ledger())) {
  }
  const v1::PreviewRulesResponse result = preview.Result();
  EXPECT_EQ(result.totals(0).shown_before(), uint64_t{Preview::kItemsASlice});
  EXPECT_EQ(result.changed_count(), 0u);
  EXPECT_EQ(result.revision(), chain_.state().counters.revision);
}

// What a preview says is what really happens: random chains, rules and changes, previewed and then
// made, asked question by question before and after.
class PreviewComesTrue : public RandomChainTest {
 protected:
  // The row that a decision would journal.
  static RuleVersion RowOf(ChainForTest& chain, const std::string& text) {
    v1::SetRuleRequest request;
    *request.mutable_rule() = FromText<v1::Rule>(text);
    request.set_etag("*");
    Group group = chain.NewGroup();
    EXPECT_TRUE(DecideSetRule(group, request).ok()) << text;
    return {.rule = group.record().facts(0).rule_set().rule()};
  }

  using Answered = std::tuple<v1::AvailabilityStatus, int32_t, std::string>;
  using Answers = std::map<std::tuple<std::string, std::string, std::string>, Answered>;
  static Answers AllAnswers(const ChainForTest& chain) {
    Answers answers;
    const auto ask = [&](const std::string& sku, const char* channel, const std::string& location) {
      const Promise promise = chain.Answer(sku, channel, location);
      answers[{sku, location, channel}] = {promise.status, promise.max_quantity,
                                           promise.rule == nullptr ? "" : promise.rule->rule_id()};
    };
    for (int item = 0; item < kItems; ++item) {
      for (const char* channel : {"east", "pickup", "ship"}) {
        ask(SkuOf(item), channel, "");
        for (int place = 0; place < kLocations; ++place) {
          const std::string location = absl::StrCat("store-", place);
          const auto view =
              chain.state().positions.Find(chain.ItemId(SkuOf(item)), chain.LocationId(location));
          const bool used =
              chain.book().StopAt(chain.LocationId(location), chain.ChannelId(channel),
                                  chain.now_us()) != Stop::kNotInChannel;
          if (view.cell != nullptr && used) ask(SkuOf(item), channel, location);
        }
      }
    }
    return answers;
  }

  static void ExpectSame(const v1::PreviewRulesResponse& result, const Answers& before,
                         const Answers& after) {
    std::map<std::string, v1::PreviewTotals> totals;
    Answers old_ones;
    Answers new_ones;
    for (const auto& [key, was] : before) {
      const auto& [sku, location, channel] = key;
      const Answered& is = after.at(key);
      v1::PreviewTotals& total = totals[channel];
      const bool changed =
          std::get<0>(was) != std::get<0>(is) || std::get<1>(was) != std::get<1>(is);
      if (changed) {
        old_ones[key] = was;
        new_ones[key] = is;
      }
      if (!location.empty()) {
        total.set_positions_changed(total.positions_changed() + (changed ? 1 : 0));
        continue;
      }
      const bool was_shown = std::get<0>(was) != v1::AVAILABILITY_STATUS_HIDDEN;
      const bool is_shown = std::get<0>(is) != v1::AVAILABILITY_STATUS_HIDDEN;
      total.set_items_changed(total.items_changed() + (changed ? 1 : 0));
      total.set_shown_before(total.shown_before() + (was_shown ? 1 : 0));
      total.set_shown_after(total.shown_after() + (is_shown ? 1 : 0));
      total.set_becomes_hidden(total.becomes_hidden() + (was_shown && !is_shown ? 1 : 0));
      total.set_becomes_shown(total.becomes_shown() + (!was_shown && is_shown ? 1 : 0));
    }
    ASSERT_EQ(result.totals_size(), 3);
    uint64_t shown = 0;
    uint64_t hidden = 0;
    for (v1::PreviewTotals total : result.totals()) {
      v1::PreviewTotals& expected = totals[total.channel_id()];
      expected.set_channel_id(total.channel_id());
      EXPECT_EQ(total.DebugString(), expected.DebugString());
      shown += expected.shown_before();
      hidden += expected.becomes_hidden();
    }
    EXPECT_EQ(result.hidden_share(),
              shown == 0 ? 0 : static_cast<double>(hidden) / static_cast<double>(shown));
    EXPECT_EQ(result.confirmation_needed(), hidden * 100 > shown * 20);
    Answers old_listed;
    Answers new_listed;
    for (const v1::PreviewedAnswer& a : result.answers()) {
      const std::tuple key(a.sku(), a.location_id(), a.channel_id());
      old_listed[key] = {a.status_before(), a.max_quantity_before(), a.rule_id_before()};
      new_listed[key] = {a.status_after(), a.max_quantity_after(), a.rule_id_after()};
    }
    EXPECT_EQ(old_listed, old_ones);
    EXPECT_EQ(new_listed, new_ones);
    EXPECT_EQ(result.changed_count(), old_ones.size());
  }
};

TEST_F(PreviewComesTrue, OnRandomChains) {
  SCOPED_TRACE(absl::StrCat("ONHAND_TEST_SEED=", seed_));
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    TaughtChain chain;
    MakeChain(chain);
    std::vector<RuleVersion> changes;
    std::vector<std::string> texts;
    for (int i = 0; i < Pick(1, 3); ++i) {
      // Replaces one, ends one or makes one.
      const std::string id = absl::StrCat("r", Pick(0, 2) + 3 * i);
      if (Pick(0, 3) == 0 && chain.state().rules.Contains(id)) {
        changes.push_back({.ended = true});
        changes.back().rule.set_rule_id(id);
        texts.push_back("end " + id);
        continue;
      }
      texts.push_back(RuleText(chain, id));
      changes.push_back(RowOf(chain, texts.back()));
      SCOPED_TRACE(texts.back());
    }
    const v1::PreviewRulesResponse result = PreviewOf(chain.ledger(), changes);
    EXPECT_EQ(PreviewOf(chain.ledger(), changes, 0, Preview::Extent::kHiding).confirmation_needed(),
              result.confirmation_needed());
    const Answers before = AllAnswers(chain);
    for (size_t i = 0; i < changes.size(); ++i) {
      if (changes[i].ended) {
        chain.EndRule(changes[i].rule.rule_id());
      } else {
        chain.Rule(texts[i]);
      }
    }
    chain.Display();
    ExpectSame(result, before, AllAnswers(chain));
    if (HasFailure()) {
      for (const std::string& text : texts) ADD_FAILURE() << text;
      break;
    }
  }
}

}  // namespace
}  // namespace onhand::ledger
