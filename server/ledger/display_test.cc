#include "server/ledger/display.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = ChainForTest::kSecond;
constexpr int64_t kHour = ChainForTest::kHour;

class DisplayTest : public testing::Test {
 protected:
  DisplayTest() {
    chain_.Location("bilbao");
    chain_.Location("cadiz");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
    chain_.Item("boot");
    chain_.Stock("boot", "bilbao", 9);
    chain_.Display();
  }

  uint32_t Shown() {
    return chain_.state()
        .display.Find(DisplayKey{chain_.ItemId("boot"), chain_.ChannelId("web-ship")})
        ->status;
  }

  ChainForTest chain_;
};

TEST_F(DisplayTest, FirstEvaluationOfAPublishedItemIsAFact) {
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, NothingIsDueAfterAChangeThatChangesNoStatus) {
  chain_.Move("boot", "bilbao", -8, EventKind::kAdjustment);
  chain_.Display();
  chain_.display().Touch(chain_.ItemId("boot"), 0);
  EXPECT_FALSE(chain_.display().HasDue(chain_.now_us()));
}

TEST_F(DisplayTest, ItemIsDueOnlyWhenEnoughUnitsMovedToMatter) {
  const uint32_t boot = chain_.ItemId("boot");
  chain_.display().Touch(boot, 5);
  EXPECT_FALSE(chain_.display().HasDue(chain_.now_us()));
  chain_.display().Touch(boot, 3);  // 8 of 9: one is left
  EXPECT_FALSE(chain_.display().HasDue(chain_.now_us()));
  chain_.display().Touch(boot, 1);
  EXPECT_TRUE(chain_.display().HasDue(chain_.now_us()));
}

TEST_F(DisplayTest, LastUnitSoldHidesTheItemWithTheRuleThatDecided) {
  chain_.Rule(R"(rule_id: "tell" zero_policy: ZERO_POLICY_SOLD_OUT)");
  chain_.Stock("boot", "bilbao", 0);
  const auto changes = chain_.Display();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].status(), v1::AVAILABILITY_STATUS_SOLD_OUT);
  EXPECT_EQ(changes[0].rule_id(), "tell");
  EXPECT_TRUE(chain_.Display().empty());
}

TEST_F(DisplayTest, UnpublishedItemWithoutARowGetsNone) {
  v1::BatchUpsertItemsRequest request;
  request.add_items()->set_sku("secret");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideUpsertItems(g, request); }).ok());
  EXPECT_TRUE(chain_.Display().empty());
}

TEST_F(DisplayTest, FirstDeliveryNeedsTheFloorAndNoReshowLevel) {
  chain_.Rule(
      R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 8 } zero_policy: ZERO_POLICY_HIDE)");
  chain_.Item("new");
  const auto status = [&] { return chain_.Answer("new", "web-ship").status; };
  chain_.Display();
  EXPECT_EQ(status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Stock("new", "bilbao", 4);
  chain_.Display();
  EXPECT_EQ(status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Stock("new", "bilbao", 5);
  chain_.Display();
  EXPECT_EQ(status(), v1::AVAILABILITY_STATUS_IN_STOCK);
  // From now on it has been shown, and has to come back to the re-show level.
  chain_.Stock("new", "bilbao", 4);
  chain_.Display();
  chain_.Stock("new", "bilbao", 7);
  chain_.Display();
  EXPECT_EQ(status(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Stock("new", "bilbao", 8);
  chain_.Display();
  EXPECT_EQ(status(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, DwellDelaysOnlyReappearing) {
  chain_.Rule(R"(rule_id: "below-5" chain_floor { units: 5 reshow_units: 6 dwell_s: 3600 })");
  chain_.Stock("boot", "bilbao", 4);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Stock("boot", "bilbao", 20);
  chain_.Wait(kHour - 1);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").status, v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_FALSE(chain_.display().HasDue(chain_.now_us()));
  chain_.Wait(1);
  EXPECT_TRUE(chain_.display().HasDue(chain_.now_us()));
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
  EXPECT_EQ(chain_.Answer("boot", "web-ship").status, v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, RulePeriodEndsWithoutAnybodyTouchingAnything) {
  chain_.Rule(R"(rule_id: "stock-take" included: false effective_from { seconds: 1700000100 }
                 effective_until { seconds: 1700000200 })");
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Wait(100 * kSecond);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Wait(100 * kSecond);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, PauseEndsByItself) {
  chain_.LocationState("bilbao",
                       "state: LOCATION_STATE_PAUSED paused_until { seconds: 1700000100 }");
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Wait(100 * kSecond);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, SilentLocationHidesAndItsNextWordShowsAgain) {
  chain_.Rule(R"(rule_id: "fresh" freshness_target_s: 3600)");
  chain_.KnownThrough("bilbao", chain_.now_us());
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Wait(kHour);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
  chain_.Wait(1);
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_HIDDEN);
  chain_.Wait(kHour);
  chain_.KnownThrough("bilbao", chain_.now_us());
  chain_.Display();
  EXPECT_EQ(Shown(), v1::AVAILABILITY_STATUS_IN_STOCK);
}

TEST_F(DisplayTest, ItemThatIsDueTwiceChangesOnce) {
  chain_.Stock("boot", "bilbao", 0);
  chain_.display().TouchAll();
  EXPECT_EQ(chain_.Display().size(), 1u);
}

TEST_F(DisplayTest, SlicesEvaluateEverythingInTheEnd) {
  for (int i = 0; i < 50; ++i) chain_.Item(absl::StrCat("sock-", i));
  chain_.Display();
  chain_.display().TouchAll();
  int evaluated = 0;
  int slices = 0;
  while (chain_.display().HasDue(chain_.now_us())) {
    Group group = chain_.NewGroup();
    evaluated += chain_.display().Decide(group, chain_.book(), 10);
    chain_.Apply(group);
    ++slices;
  }
  EXPECT_EQ(evaluated, 51);
  EXPECT_GE(slices, 6);
}

// The slack never hides a change: after any movements, what is shown is what a full look would
// show.
class TouchedItemsAreEnough : public DisplayTest,
                              public testing::WithParamInterface<const char*> {};

TEST_P(TouchedItemsAreEnough, WithRule) {
  const char* given = std::getenv("ONHAND_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE(absl::StrCat("ONHAND_TEST_SEED=", seed));
  std::mt19937_64 random(seed);
  chain_.Rule(absl::StrCat("rule_id: 'r' ", GetParam()));
  for (int step = 0; step < 2'000; ++step) {
    // Like a report, whose rows tell how far they move a number and not where to.
    journal::Fact fact;
    journal::MovementColumns& rows = *fact.mutable_row_retried()->mutable_rows();
    rows.add_item(chain_.ItemId("boot"));
    rows.add_location(chain_.LocationId(random() % 2 == 0 ? "bilbao" : "cadiz"));
    const bool sets_aside = random() % 8 == 0;
    rows.set_kind(std::string(
        1, static_cast<char>(sets_aside ? EventKind::kSetAside : EventKind::kAdjustment)));
    rows.add_quantity(sets_aside ? (random() % 2 == 0 ? 1 : -1)
                                 : static_cast<int64_t>(random() % 7) - 3);
    rows.add_occurred(0);
    rows.set_base_us(chain_.now_us());
    fact.mutable_row_retried()->set_sequence(static_cast<uint64_t>(step));
    chain_.Run([&](Group& group) {
      group.Add(std::move(fact));
      return 0;
    });
    chain_.Display();
    Question question = chain_.Ask("boot", "web-ship");
    question.decides_display = true;
    const Promise promise = Evaluate(chain_.state(), chain_.book(), question);
    ASSERT_EQ(Shown(), static_cast<uint32_t>(promise.status)) << "step " << step;
    ASSERT_EQ(chain_.state().display.Find(DisplayKey{question.item, question.channel})->below_floor,
              promise.below_floor)
        << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rules, TouchedItemsAreEnough,
    testing::Values("low_stock_at: 9 chain_buffer_units: 2 buffer_units: 1 location_floor: 3 "
                    "chain_floor { units: 6 reshow_units: 12 }",
                    "chain_floor { units: 4 reshow_units: 8 }", "location_floor: 12",
                    "location_floor: 5 low_stock_at: 20", "chain_buffer_units: 7",
                    "zero_policy: ZERO_POLICY_KEEP_SELLING buffer_units: 4"));

}  // namespace
}  // namespace onhand::ledger
