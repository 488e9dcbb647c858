#include "server/ledger/decide_supply.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kStartS = ChainForTest::kStart / ChainForTest::kSecond;
constexpr int64_t kDayS = int64_t{24} * 3600;

class DecideSupply : public testing::Test {
 protected:
  DecideSupply() {
    chain_.Location("bilbao");
    chain_.Location("cadiz");
    chain_.Item("boot");
  }

  // `text` is the rest of a v1.Incoming of the item at bilbao, due in so many seconds.
  absl::StatusOr<v1::SetIncomingResponse> Set(const std::string& text, int64_t due_in_s = kDayS) {
    v1::SetIncomingRequest request;
    v1::Incoming& incoming = *request.mutable_incoming();
    incoming = FromText<v1::Incoming>(text);
    if (incoming.sku().empty()) incoming.set_sku("boot");
    if (incoming.location_id().empty()) incoming.set_location_id("bilbao");
    incoming.mutable_due_at()->set_seconds(kStartS + due_in_s);
    request.set_author("Ana");
    return chain_.Run([&](Group& g) { return DecideSetIncoming(g, request); });
  }
  size_t OpenCount() const {
    const auto* open = chain_.state().incoming.Find(chain_.ItemId("boot"));
    return open == nullptr ? 0 : open->size();
  }

  ChainForTest chain_;
};

TEST_F(DecideSupply, IsAnnouncedChangedAndClosed) {
  ASSERT_TRUE(Set("reference: 'PO-1' units: 40").ok());
  ASSERT_TRUE(Set("reference: 'PO-1' units: 30 location_id: 'cadiz'").ok());
  ASSERT_EQ(OpenCount(), 2u) << "one order may bring to two locations";
  const auto changed = Set("reference: 'PO-1' units: 50", 2 * kDayS);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->revision(), chain_.state().counters.revision);
  ASSERT_EQ(OpenCount(), 2u);
  const v1::Incoming shown =
      IncomingOf(chain_.state(), chain_.state().incoming.Find(chain_.ItemId("boot"))->back());
  EXPECT_EQ(shown.reference(), "PO-1");
  EXPECT_EQ(shown.sku(), "boot");
  EXPECT_EQ(shown.location_id(), "bilbao");
  EXPECT_EQ(shown.units(), 50);
  EXPECT_EQ(shown.due_at().seconds(), kStartS + 2 * kDayS);
  ASSERT_TRUE(Set("reference: 'PO-1' units: 0").ok());
  EXPECT_EQ(OpenCount(), 1u);
}

TEST_F(DecideSupply, ClosingNeedsNoDateAndWhatIsClosedStaysSo) {
  ASSERT_TRUE(Set("reference: 'PO-1' units: 40").ok());
  EXPECT_TRUE(Set("reference: 'PO-1' units: 0", -100 * kDayS).ok());
  EXPECT_EQ(OpenCount(), 0u);
  v1::SetIncomingRequest again;
  *again.mutable_incoming() =
      FromText<v1::Incoming>("reference: 'PO-1' sku: 'boot' location_id: 'bilbao'");
  Group group = chain_.NewGroup();
  EXPECT_TRUE(DecideSetIncoming(group, again).ok());
  EXPECT_EQ(group.fact_count(), 0);
}

TEST_F(DecideSupply, BadOnesAreRefusedNamingTheField) {
  const auto refused = [&](const absl::StatusOr<v1::SetIncomingResponse>& result,
                           const std::string& reason, const std::string& begin) {
    EXPECT_EQ(ReasonOf(result.status()), reason) << result.status();
    EXPECT_EQ(std::string(result.status().message()).find(begin), 0u) << result.status();
  };
  refused(Set("units: 1"), "INVALID_ID", "incoming.reference");
  refused(Set("reference: 'PO' units: -1"), "QUANTITY_OUT_OF_RANGE", "incoming.units '-1'");
  refused(Set("reference: 'PO' units: 1000000001"), "QUANTITY_OUT_OF_RANGE", "incoming.units");
  refused(Set("reference: 'PO' units: 1 sku: 'mars'"), "UNKNOWN_ITEM", "incoming.sku 'mars'");
  refused(Set("reference: 'PO' units: 1 location_id: 'mars'"), "UNKNOWN_LOCATION",
          "incoming.location_id 'mars'");
  refused(Set("reference: 'PO' units: 1", -2 * kDayS), "INVALID_INCOMING", "incoming.due_at");
  EXPECT_TRUE(Set("reference: 'PO' units: 1", -2 * kDayS + 1).ok()) << "within the grace";
  v1::SetIncomingRequest undated;
  *undated.mutable_incoming() =
      FromText<v1::Incoming>("reference: 'PO' sku: 'boot' location_id: 'bilbao' units: 1");
  refused(chain_.Run([&](Group& g) { return DecideSetIncoming(g, undated); }), "INVALID_INCOMING",
          "incoming.due_at is missing");
}

TEST_F(DecideSupply, AnItemHasAtMostAHundredOpen) {
  for (size_t i = 0; i < kIncomingMax; ++i) {
    ASSERT_TRUE(Set(absl::StrCat("units: 1 reference: 'PO-", i, "'")).ok());
  }
  EXPECT_EQ(ReasonOf(Set("reference: 'one more' units: 1").status()), "INVALID_INCOMING");
  EXPECT_TRUE(Set("reference: 'PO-7' units: 2").ok()) << "a known one may change";
  EXPECT_TRUE(Set("reference: 'PO-7' units: 0").ok());
  EXPECT_TRUE(Set("reference: 'one more' units: 1").ok());
}

TEST_F(DecideSupply, SupplyOfADuplicateComesForTheItemThatStays) {
  chain_.Item("boot 2");
  ASSERT_TRUE(Set("reference: 'PO-1' units: 40").ok());
  ASSERT_TRUE(Set("reference: 'PO-1' units: 2 sku: 'boot 2'", 2 * kDayS).ok());
  ASSERT_TRUE(Set("reference: 'PO-2' units: 7 sku: 'boot 2'").ok());
  v1::MergeItemsRequest merge;
  merge.set_sku("boot");
  merge.set_duplicate_sku("boot 2");
  const uint32_t duplicate = chain_.ItemId("boot 2");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideMergeItems(g, merge); }).ok());
  EXPECT_EQ(chain_.state().incoming.Find(duplicate), nullptr);
  ASSERT_EQ(OpenCount(), 2u);
  const auto& open = *chain_.state().incoming.Find(chain_.ItemId("boot"));
  EXPECT_EQ(open[0].reference(), "PO-2");
  EXPECT_EQ(open[0].units(), 7);
  EXPECT_EQ(open[1].units(), 42);
  EXPECT_EQ(open[1].due_us(), (kStartS + 2 * kDayS) * ChainForTest::kSecond);
}

}  // namespace
}  // namespace onhand::ledger
