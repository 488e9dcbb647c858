#include "server/ledger/flip.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/random_chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int64_t kHour = ChainForTest::kHour;

class FlipTest : public testing::Test {
 protected:
  FlipTest() {
    for (const char* store : {"bilbao", "cadiz", "leon"}) chain_.Location(store);
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Channel(R"(channel_id: "web-pickup" kind: CHANNEL_KIND_PICKUP)");
    chain_.Item("boot");
  }

  v1::Flip Find(const std::string& location = "") {
    const std::optional<v1::Flip> flip =
        FindFlip(chain_.state(), chain_.book(),
                 chain_.Ask("boot", location.empty() ? "web-ship" : "web-pickup", location));
    return flip.value_or(v1::Flip());
  }
  v1::AvailabilityStatus Status(const std::string& location = "") {
    return chain_.Answer("boot", location.empty() ? "web-ship" : "web-pickup", location).status;
  }

  ChainForTest chain_;
};

TEST_F(FlipTest, SoManyMoreInTheChainShowAHiddenItem) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 8 })");
  chain_.Stock("boot", "bilbao", 9);
  chain_.Display();
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  const v1::Flip flip = Find();
  EXPECT_EQ(flip.text(), "4 more in the chain");
  EXPECT_EQ(flip.units(), 4);
  EXPECT_EQ(flip.location_id(), "");
  EXPECT_EQ(flip.status(), v1::AVAILABILITY_STATUS_IN_STOCK);

  chain_.Move("boot", "cadiz", 3);
  chain_.Display();
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Move("boot", "leon", 1);
  chain_.Display();
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(FlipTest, OneMoreAtTheStoreThatIsJustUnderItsFloor) {
  chain_.Rule("rule_id: 'store-5' location_floor: 5");
  chain_.Stock("boot", "bilbao", 3);
  chain_.Stock("boot", "cadiz", 4);
  const v1::Flip flip = Find();
  EXPECT_EQ(flip.text(), "1 more at cadiz");
  EXPECT_EQ(flip.location_id(), "cadiz");
  chain_.Move("boot", "cadiz", 1);
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(FlipTest, SoManyFewerHideAnItemThatIsShown) {
  chain_.Rule("rule_id: 'below-5' chain_floor { units: 5 }");
  chain_.Stock("boot", "bilbao", 7);
  chain_.Stock("boot", "cadiz", 2);
  const v1::Flip flip = Find();
  EXPECT_EQ(flip.text(), "5 fewer at bilbao");
  EXPECT_EQ(flip.units(), -5);
  EXPECT_EQ(flip.status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Move("boot", "bilbao", -4);
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Move("boot", "bilbao", -1);
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(FlipTest, UnitsOfSeveralStoresWhereNoneAloneIsEnough) {
  chain_.Rule("rule_id: 'keep-1' buffer { units: 1 }");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Stock("boot", "cadiz", 6);
  const v1::Flip flip = Find();
  EXPECT_EQ(flip.text(), "5 fewer at cadiz, 3 at bilbao");
  EXPECT_EQ(flip.units(), -8);
  chain_.Move("boot", "bilbao", -3);
  chain_.Move("boot", "cadiz", -4);
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Move("boot", "cadiz", -1);
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_HIDDEN);
}

TEST_F(FlipTest, DwellHasToPassToo) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 dwell_s: 3600 })");
  chain_.Stock("boot", "bilbao", 5);
  chain_.Display();
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  EXPECT_EQ(Find().text(), "1 more in the chain, but not before 23:13 UTC");
  chain_.Stock("boot", "bilbao", 5);
  chain_.Display();
  EXPECT_EQ(Find().text(), "only time: from 23:13 UTC on");
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Wait(kHour);
  chain_.Display();
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(FlipTest, RuleThatWouldHaveToGoWhereUnitsChangeNothing) {
  chain_.Rule("rule_id: 'all' zero_policy: ZERO_POLICY_SOLD_OUT");
  chain_.Rule("rule_id: 'on' scope { sku: 'boot' } zero_policy: ZERO_POLICY_KEEP_SELLING");
  const v1::Flip flip = Find();
  EXPECT_EQ(flip.text(), "without rule 'on' (set by Ana on 14 Nov 2023) it would be sold out");
  EXPECT_EQ(flip.rule_id(), "on");
  EXPECT_EQ(flip.units(), 0);
  EXPECT_EQ(flip.status(), v1::AVAILABILITY_STATUS_SOLD_OUT);
  chain_.EndRule("on");
  EXPECT_EQ(Status(), v1::AVAILABILITY_STATUS_SOLD_OUT);

  chain_.EndRule("all");
  chain_.Stock("boot", "bilbao", 3);
  chain_.Rule("rule_id: 'no' scope { sku: 'boot' } included: false");
  EXPECT_EQ(Find().rule_id(), "no");
  EXPECT_EQ(Find("bilbao").rule_id(), "no");
}

TEST_F(FlipTest, RecallsClosedStoresAndSilenceAreNamed) {
  chain_.Stock("boot", "bilbao", 3);
  chain_.LocationState("bilbao", "state: LOCATION_STATE_PAUSED");
  EXPECT_EQ(Find("bilbao").text(), "bilbao would have to be open");
  EXPECT_EQ(Find("bilbao").status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.LocationState("bilbao", "state: LOCATION_STATE_OPEN");
  chain_.Rule("rule_id: 'fresh' freshness_target_s: 3600");
  chain_.KnownThrough("bilbao", chain_.now_us() - 2 * kHour);
  EXPECT_EQ(Find("bilbao").text(), "a report from bilbao");
  chain_.KnownThrough("bilbao", chain_.now_us());
  EXPECT_EQ(Status("bilbao"), v1::AVAILABILITY_STATUS_IN_STOCK);
  v1::StopItemRequest recall;
  recall.set_sku("boot");
  recall.set_stopped(true);
  recall.set_author("Ana");
  recall.set_reason("recalled");
  ASSERT_TRUE(chain_.Run([&](Group& group) { return DecideStopItem(group, recall); }).ok());
  EXPECT_EQ(Find().text(), "the item would have to be let go on");
}

TEST_F(FlipTest, NothingIsSaidWhereNothingIsKnown) {
  EXPECT_FALSE(FindFlip(chain_.state(), chain_.book(), {.item = 99}).has_value());
}

// A flip is made and asked for: one unit less does not flip, it does.
class FlipComesTrue : public RandomChainTest {
 protected:
  static bool AreFlipped(const Promise& a, const Promise& b) {
    return (a.status == v1::AVAILABILITY_STATUS_HIDDEN) !=
               (b.status == v1::AVAILABILITY_STATUS_HIDDEN) ||
           a.orderable != b.orderable;
  }

  void ApplyUnits(TaughtChain& chain, const std::string& sku, const std::string& channel,
                  const std::string& location, const v1::Flip& flip) {
    const Promise before = chain.Answer(sku, channel, location);
    if (flip.text().find(", ") != std::string::npos) return;  // units of several places
    std::string place = flip.location_id();
    for (int i = 0; place.empty() && i < kLocations; ++i) {  // anywhere
      const std::string any = absl::StrCat("store-", i);
      const PositionTable::View view =
          chain.state().positions.Find(chain.ItemId(sku), chain.LocationId(any));
      const int64_t there = view.cell == nullptr ? 0 : view.cell->on_hand;
      const bool open =
          chain.book().IsOpen(chain.LocationId(any), chain.ChannelId(channel), chain.now_us());
      if (open && (flip.units() > 0 || there >= -flip.units())) place = any;
    }
    ASSERT_FALSE(place.empty());
    // What is doubted of a new position depends on what it begins with: those units come at once.
    const bool is_new =
        chain.state().positions.Find(chain.ItemId(sku), chain.LocationId(place)).cell == nullptr;
    const int64_t last = is_new ? flip.units() : flip.units() > 0 ? 1 : -1;
    if (flip.units() != last) chain.Move(sku, place, flip.units() - last);
    chain.Display();
    EXPECT_FALSE(AreFlipped(before, chain.Answer(sku, channel, location)));
    chain.Move(sku, place, last);
    chain.Display();
    const Promise after = chain.Answer(sku, channel, location);
    EXPECT_TRUE(AreFlipped(before, after));
    EXPECT_EQ(after.status, flip.status());
    ++units_applied_;
  }

  int units_applied_ = 0;
  int rules_applied_ = 0;
};

TEST_F(FlipComesTrue, OnRandomChains) {
  SCOPED_TRACE(absl::StrCat("ONHAND_TEST_SEED=", seed_));
  for (int round = 0; round < 30 && !HasFailure(); ++round) {
    TaughtChain chain;
    MakeChain(chain);
    for (int item = 0; item < kItems; ++item) {
      const std::string sku = SkuOf(item);
      const std::string channel = item % 3 == 0 ? "ship" : item % 3 == 1 ? "pickup" : "east";
      const std::string location =
          Pick(0, 1) == 0 ? "" : absl::StrCat("store-", Pick(0, kLocations - 1));
      const std::optional<v1::Flip> flip =
          FindFlip(chain.state(), chain.book(), chain.Ask(sku, channel, location));
      if (!flip.has_value()) continue;
      SCOPED_TRACE(absl::StrCat("round ", round, " ", sku, " ", channel, " ", location, ": ",
                                flip->text(), "; now ",
                                chain.Explain(sku, channel, location).sentence));
      if (flip->units() != 0) {
        ApplyUnits(chain, sku, channel, location, *flip);
      } else if (!flip->rule_id().empty()) {
        const Promise before = chain.Answer(sku, channel, location);
        chain.EndRule(flip->rule_id());
        chain.Display();
        const Promise after = chain.Answer(sku, channel, location);
        EXPECT_TRUE(AreFlipped(before, after));
        EXPECT_EQ(after.status, flip->status());
        ++rules_applied_;
      }
    }
  }
  EXPECT_GT(units_applied_, 60);
  EXPECT_GT(rules_applied_, 3);
}

}  // namespace
}  // namespace onhand::ledger
