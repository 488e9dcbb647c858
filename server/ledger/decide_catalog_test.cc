#include "server/ledger/decide_catalog.h"

#include <gtest/gtest.h>

#include <string>

#include "server/ledger/catalog_view.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

class DecideCatalog : public testing::Test {
 protected:
  DecideCatalog() {
    chain_.Location("bilbao");
    chain_.Location("cadiz");
    chain_.Channel(R"(channel_id: "web-ship" kind: CHANNEL_KIND_SHIP)");
  }

  auto Items(const std::string& text) {
    const auto request = FromText<v1::BatchUpsertItemsRequest>(text);
    return chain_.Run([&](Group& g) { return DecideUpsertItems(g, request); });
  }
  auto Locations(const std::string& text) {
    const auto request = FromText<v1::BatchUpsertLocationsRequest>(text);
    return chain_.Run([&](Group& g) {
      return DecideUpsertLocations(g, request,
                                   [](absl::string_view zone) { return zone == "Europe/Madrid"; });
    });
  }
  template <class Result>
  void ExpectRefused(const Result& result, const std::string& reason, const std::string& begin) {
    EXPECT_EQ(ReasonOf(result.status()), reason) << result.status();
    EXPECT_EQ(std::string(result.status().message()).find(begin), 0u) << result.status();
  }

  ChainForTest chain_;
};

TEST_F(DecideCatalog, ItemsAreCreatedUpdatedOrLeftAlone) {
  const std::string two = R"(items { sku: "a" name: "A" published: true }
                             items { sku: "b" aliases { code: "123" pack_factor: 12 } })";
  const auto first = Items(two);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->created_count(), 2u);
  EXPECT_EQ(first->revision(), chain_.state().counters.revision);
  EXPECT_EQ(chain_.state().Resolve("123", 0)->item, chain_.ItemId("b"));
  EXPECT_EQ(chain_.state().Resolve("123", 0)->pack_factor, 12u);

  Group group = chain_.NewGroup();
  ASSERT_TRUE(DecideUpsertItems(group, FromText<v1::BatchUpsertItemsRequest>(two)).ok());
  EXPECT_EQ(group.fact_count(), 0) << "an unchanged item is no fact";

  const auto second = Items(R"(items { sku: "a" name: "B" published: true }
                               items { sku: "b" aliases { code: "123" pack_factor: 12 } }
                               items { sku: "c" })");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->created_count(), 1u);
  EXPECT_EQ(second->updated_count(), 1u);
  EXPECT_EQ(second->unchanged_count(), 1u);
}

TEST_F(DecideCatalog, ItemIsReadAsItWasWritten) {
  const std::string text = R"(
      sku: "a " name: "Bota" aliases { code: "123" pack_factor: 1 }
      aliases { code: "9" source_id: "till" pack_factor: 6 } parent_sku: "style"
      category: "footwear/hiking" supply: SUPPLY_SEASONAL supply_date { seconds: 1800000000 }
      published: true like_sku: "not known yet" unit_value: 1000000000)";
  v1::BatchUpsertItemsRequest request;
  *request.add_items() = FromText<v1::Item>(text);
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideUpsertItems(g, request); }).ok());
  v1::Item item = ItemOf(*chain_.state().items.Find(chain_.ItemId("a ")));
  EXPECT_EQ(item.revision(), chain_.state().counters.revision);
  item.clear_revision();
  EXPECT_EQ(item.DebugString(), FromText<v1::Item>(text).DebugString());
}

TEST_F(DecideCatalog, DryRunCountsAndChangesNothing) {
  const auto result = Items(R"(items { sku: "a" } dry_run: true)");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->created_count(), 1u);
  EXPECT_EQ(result->revision(), 0u);
  EXPECT_EQ(chain_.state().Resolve("a", 0), nullptr);
}

TEST_F(DecideCatalog, OneBadItemRefusesTheWholeRequest) {
  ExpectRefused(Items(R"(items { sku: "good" } items { sku: "" })"), "INVALID_ID", "items[1].sku");
  ExpectRefused(Items(R"(items { sku: "good" } items { sku: "good" })"), "INVALID_ITEM",
                "items[1].sku 'good'");
  ExpectRefused(Items(R"(items { sku: "a" category: "x//y" })"), "INVALID_ITEM",
                "items[0].category 'x//y'");
  ExpectRefused(Items(R"(items { sku: "a" aliases { code: "b\n" } })"), "INVALID_ID",
                "items[0].aliases[0].code");
  ExpectRefused(Items(R"(items { sku: "a" aliases { code: "b" pack_factor: 100001 } })"),
                "INVALID_ITEM", "items[0].aliases[0].pack_factor '100001'");
  ExpectRefused(Items(R"(items { sku: "a" aliases { code: "b" } aliases { code: "b" } })"),
                "INVALID_ITEM", "items[0].aliases[1].code 'b'");
  EXPECT_EQ(chain_.state().Resolve("good", 0), nullptr);
}

TEST_F(DecideCatalog, CodeOfAnotherItemIsRefused) {
  ASSERT_TRUE(Items(R"(items { sku: "a" aliases { code: "123" } })").ok());
  ExpectRefused(Items(R"(items { sku: "b" aliases { code: "123" } })"), "ALIAS_TAKEN",
                "items[0].aliases[0].code '123'");
  ExpectRefused(Items(R"(items { sku: "b" aliases { code: "a" } })"), "ALIAS_TAKEN",
                "items[0].aliases[0].code 'a'");
  ExpectRefused(Items(R"(items { sku: "123" })"), "ALIAS_TAKEN", "items[0].sku '123'");
  ExpectRefused(Items(R"(items { sku: "x" aliases { code: "7" } }
                         items { sku: "y" aliases { code: "7" } })"),
                "ALIAS_TAKEN", "items[1].aliases[0].code '7'");
  // The same code may mean something else to one source.
  EXPECT_TRUE(Items(R"(items { sku: "b" aliases { code: "123" source_id: "till" } })").ok());
}

TEST_F(DecideCatalog, CodeThatOneItemGivesUpALaterOneMayTake) {
  ASSERT_TRUE(Items(R"(items { sku: "a" aliases { code: "123" } })").ok());
  ASSERT_TRUE(Items(R"(items { sku: "a" } items { sku: "b" aliases { code: "123" } })").ok());
  EXPECT_EQ(chain_.state().Resolve("123", 0)->item, chain_.ItemId("b"));
}

TEST_F(DecideCatalog, ImportThatNeverHeardOfARenameKeepsTheOldSku) {
  chain_.Item("a");
  v1::RenameItemRequest request;
  request.set_sku("a");
  request.set_new_sku("a2");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideRenameItem(g, request); }).ok());
  chain_.Item("a2", "name: 'Boots' aliases { code: '900' pack_factor: 6 }");
  EXPECT_EQ(chain_.ItemId("a"), chain_.ItemId("a2"));
  EXPECT_EQ(chain_.state().Resolve("900", 0)->pack_factor, 6u);
  // What a list says of the item may be sent back as it is.
  chain_.Item(
      "a2",
      "name: 'Boots' aliases { code: '900' pack_factor: 6 } aliases { code: 'a' pack_factor: 1 }");
  EXPECT_EQ(chain_.state().items.Find(chain_.ItemId("a2"))->aliases_size(), 2);
}

TEST_F(DecideCatalog, RenamedItemIsFoundByBothSkus) {
  ASSERT_TRUE(Items(R"(items { sku: "a" } items { sku: "b" })").ok());
  v1::RenameItemRequest request;
  request.set_sku("a");
  request.set_new_sku("b");
  const auto decide = [&](Group& g) { return DecideRenameItem(g, request); };
  ExpectRefused(chain_.Run(decide), "SKU_TAKEN", "new_sku 'b'");
  request.set_new_sku("a2");
  const uint32_t id = chain_.ItemId("a");
  const auto renamed = chain_.Run(decide);
  ASSERT_TRUE(renamed.ok()) << renamed.status();
  EXPECT_EQ(renamed->item().sku(), "a2");
  EXPECT_EQ(chain_.ItemId("a"), id);
  EXPECT_EQ(chain_.ItemId("a2"), id);
  // And back again: the old SKU is its own alias.
  request.set_sku("a2");
  request.set_new_sku("a");
  EXPECT_TRUE(chain_.Run(decide).ok());
  EXPECT_EQ(chain_.ItemId("a2"), id);
}

TEST_F(DecideCatalog, MergedItemHasTheCodesAndTheStockOfBoth) {
  ASSERT_TRUE(Items(R"(items { sku: "a" } items { sku: "b" aliases { code: "123" } })").ok());
  chain_.Stock("a", "bilbao", 3);
  chain_.Stock("b", "bilbao", 4);
  chain_.Stock("b", "cadiz", -1);
  chain_.Move("b", "bilbao", 1, EventKind::kSetAside);
  v1::MergeItemsRequest request;
  request.set_sku("a");
  request.set_duplicate_sku("a");
  const auto decide = [&](Group& g) { return DecideMergeItems(g, request); };
  ExpectRefused(chain_.Run(decide), "INVALID_MERGE", "duplicate_sku 'a'");
  request.set_duplicate_sku("b");
  const auto merged = chain_.Run(decide);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(chain_.ItemId("b"), chain_.ItemId("a"));
  EXPECT_EQ(chain_.ItemId("123"), chain_.ItemId("a"));
  const auto at = [&](const char* location) {
    return chain_.state().positions.Find(chain_.ItemId("a"), chain_.LocationId(location));
  };
  EXPECT_EQ(at("bilbao").cell->on_hand, 7);
  EXPECT_EQ(at("bilbao").beside->now.unavailable(), 1);
  EXPECT_EQ(at("cadiz").cell->on_hand, -1);
}

TEST_F(DecideCatalog, StoppingNeedsAReason) {
  ASSERT_TRUE(Items(R"(items { sku: "a" published: true })").ok());
  v1::StopItemRequest request;
  request.set_sku("a");
  request.set_stopped(true);
  const auto decide = [&](Group& g) { return DecideStopItem(g, request); };
  ExpectRefused(chain_.Run(decide), "REASON_MISSING", "reason");
  request.set_reason("recall");
  EXPECT_TRUE(chain_.Run(decide)->item().stopped());
  // An import of the catalog does not let it go on.
  ASSERT_TRUE(Items(R"(items { sku: "a" name: "new" published: true })").ok());
  EXPECT_TRUE(chain_.state().items.Find(chain_.ItemId("a"))->stopped());
  request.set_stopped(false);
  EXPECT_FALSE(chain_.Run(decide)->item().stopped());
}

TEST_F(DecideCatalog, LocationIsReadAsItWasWritten) {
  const std::string text = R"(
      location_id: "leon" name: "León" time_zone: "Europe/Madrid"
      hours { day_of_week: 1 opens_minute: 600 closes_minute: 840 }
      hours { day_of_week: 1 opens_minute: 900 closes_minute: 1440 }
      exceptions { date: "2024-02-29" closed: true }
      latitude: 42.6 longitude: -5.57 has_coordinates: true state: LOCATION_STATE_PLANNED
      warehouse: true)";
  v1::BatchUpsertLocationsRequest request;
  *request.add_locations() = FromText<v1::Location>(text);
  const auto decide = [&](Group& g) {
    return DecideUpsertLocations(g, request, [](absl::string_view) { return true; });
  };
  ASSERT_TRUE(chain_.Run(decide).ok());
  v1::Location shown =
      LocationOf(chain_.state(), *chain_.state().locations.Find(chain_.LocationId("leon")));
  shown.clear_revision();
  EXPECT_EQ(shown.DebugString(), FromText<v1::Location>(text).DebugString());
  EXPECT_EQ(chain_.Run(decide)->unchanged_count(), 1u);
  // The state of a known location changes by its own command only.
  request.mutable_locations(0)->set_state(v1::LOCATION_STATE_OPEN);
  EXPECT_EQ(chain_.Run(decide)->unchanged_count(), 1u);
}

TEST_F(DecideCatalog, BadLocationIsRefusedNamingItsField) {
  const std::string ok = R"(location_id: "x" time_zone: "Europe/Madrid" )";
  const auto refused = [&](const std::string& rest, const std::string& field) {
    ExpectRefused(Locations("locations { " + ok + rest + " }"), "INVALID_LOCATION", field);
  };
  ExpectRefused(Locations(R"(locations { location_id: "x" time_zone: "Mars/Base" })"),
                "INVALID_LOCATION", "locations[0].time_zone 'Mars/Base'");
  refused("hours { day_of_week: 8 opens_minute: 1 closes_minute: 2 }",
          "locations[0].hours[0].day_of_week '8'");
  refused("hours { day_of_week: 1 opens_minute: 2 closes_minute: 2 }", "locations[0].hours[0]");
  refused("hours { day_of_week: 1 opens_minute: 1 closes_minute: 1441 }", "locations[0].hours[0]");
  refused(
      "hours { day_of_week: 1 opens_minute: 1 closes_minute: 5 } "
      "hours { day_of_week: 1 opens_minute: 4 closes_minute: 9 }",
      "locations[0].hours[1]");
  refused("exceptions { date: '2023-02-29' closed: true }", "locations[0].exceptions[0].date");
  refused("has_coordinates: true latitude: 91", "locations[0].latitude '91'");
  refused("has_coordinates: true longitude: nan", "locations[0].longitude 'nan'");
  EXPECT_FALSE(chain_.state().location_ids.Contains("x"));
}

TEST_F(DecideCatalog, PauseIsCheckedAndShown) {
  v1::SetLocationStateRequest request;
  request.set_location_id("bilbao");
  const auto decide = [&](Group& g) { return DecideSetLocationState(g, request); };
  ExpectRefused(chain_.Run(decide), "INVALID_STATE", "state");
  request.set_state(v1::LOCATION_STATE_OPEN);
  request.add_paused_channel_ids("web-ship");
  ExpectRefused(chain_.Run(decide), "INVALID_STATE", "paused_channel_ids");
  request.set_state(v1::LOCATION_STATE_PAUSED);
  request.set_paused_channel_ids(0, "mars");
  ExpectRefused(chain_.Run(decide), "UNKNOWN_CHANNEL", "paused_channel_ids[0] 'mars'");
  request.set_paused_channel_ids(0, "web-ship");
  request.mutable_paused_until()->set_seconds(1);
  ExpectRefused(chain_.Run(decide), "INVALID_STATE", "paused_until");
  request.mutable_paused_until()->set_seconds(1'700'000'100);
  request.set_reason("flood");
  const auto paused = chain_.Run(decide);
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_EQ(paused->location().state(), v1::LOCATION_STATE_PAUSED);
  EXPECT_EQ(paused->location().paused_channel_ids(0), "web-ship");
  EXPECT_EQ(paused->location().paused_until().seconds(), 1'700'000'100);
  EXPECT_EQ(paused->location().state_reason(), "flood");
  // Its time over, it reads as open.
  chain_.Wait(100 * ChainForTest::kSecond);
  chain_.Tick();
  const uint32_t id = chain_.LocationId("bilbao");
  EXPECT_EQ(LocationOf(chain_.state(), *chain_.state().locations.Find(id)).state(),
            v1::LOCATION_STATE_OPEN);
}

TEST_F(DecideCatalog, ChainHasAtMostEightChannels) {
  for (int i = 1; i < 8; ++i) {
    chain_.Channel(absl::StrCat("channel_id: 'c", i, "' kind: CHANNEL_KIND_PICKUP"));
  }
  const auto request = FromText<v1::BatchUpsertChannelsRequest>(
      "channels { channel_id: 'one-more' kind: CHANNEL_KIND_SHIP }");
  ExpectRefused(chain_.Run([&](Group& g) { return DecideUpsertChannels(g, request); }),
                "INVALID_CHANNEL", "channels[0].channel_id 'one-more'");
}

TEST_F(DecideCatalog, GroupAndChannelAreReadAsTheyWereWritten) {
  const std::string group = "group_id: 'g' name: 'G' location_ids: ['bilbao', 'cadiz'] rank: 3";
  chain_.LocationGroup(group);
  v1::LocationGroup shown_group =
      GroupOf(chain_.state(), *chain_.state().groups.Find(*chain_.state().group_ids.Find("g")));
  shown_group.clear_revision();
  EXPECT_EQ(shown_group.DebugString(), FromText<v1::LocationGroup>(group).DebugString());

  const std::string channel =
      "channel_id: 'c' name: 'C' kind: CHANNEL_KIND_PICKUP location_ids: 'cadiz' group_ids: 'g' "
      "reservation_ttl_s: 1200";
  chain_.Channel(channel);
  v1::Channel shown =
      ChannelOf(chain_.state(), *chain_.state().channels.Find(chain_.ChannelId("c")));
  shown.clear_revision();
  EXPECT_EQ(shown.DebugString(), FromText<v1::Channel>(channel).DebugString());

  const auto bad_group = FromText<v1::BatchUpsertGroupsRequest>(
      "groups { group_id: 'h' location_ids: ['bilbao', 'mars'] }");
  ExpectRefused(chain_.Run([&](Group& g) { return DecideUpsertGroups(g, bad_group); }),
                "UNKNOWN_LOCATION", "groups[0].location_ids[1] 'mars'");
  const auto bad_channel = FromText<v1::BatchUpsertChannelsRequest>("channels { channel_id: 'd' }");
  ExpectRefused(chain_.Run([&](Group& g) { return DecideUpsertChannels(g, bad_channel); }),
                "INVALID_CHANNEL", "channels[0].kind");
}

TEST_F(DecideCatalog, AReservationHoldsForAWeekAtMost) {
  const auto try_ttl = [this](int32_t ttl_s) {
    auto request = FromText<v1::BatchUpsertChannelsRequest>(
        "channels { channel_id: 'c' kind: CHANNEL_KIND_SHIP }");
    request.mutable_channels(0)->set_reservation_ttl_s(ttl_s);
    return chain_.Run([&](Group& g) { return DecideUpsertChannels(g, request); });
  };
  EXPECT_TRUE(try_ttl(604'800).ok());
  EXPECT_TRUE(try_ttl(0).ok());
  ExpectRefused(try_ttl(604'801), "INVALID_CHANNEL", "channels[0].reservation_ttl_s '604801'");
  ExpectRefused(try_ttl(-1), "INVALID_CHANNEL", "channels[0].reservation_ttl_s '-1'");
}

TEST_F(DecideCatalog, AnItemIsNotLikeItself) {
  ExpectRefused(Items(R"(items { sku: "a" like_sku: "a" })"), "INVALID_ITEM",
                "items[0].like_sku 'a'");
  ExpectRefused(Items(R"(items { sku: "a" aliases { code: "9" } like_sku: "9" })"), "INVALID_ITEM",
                "items[0].like_sku '9'");
  ASSERT_TRUE(Items(R"(items { sku: "a" like_sku: "b" } items { sku: "b" like_sku: "a" })").ok());
  v1::RenameItemRequest rename;
  rename.set_sku("a");
  rename.set_new_sku("z");
  ASSERT_TRUE(chain_.Run([&](Group& g) { return DecideRenameItem(g, rename); }).ok());
  ExpectRefused(Items(R"(items { sku: "z" like_sku: "a" })"), "INVALID_ITEM",
                "items[0].like_sku 'a'");
}

TEST_F(DecideCatalog, UnitValueIsANumberInRange) {
  ExpectRefused(Items(R"(items { sku: "a" unit_value: -0.5 })"), "INVALID_ITEM",
                "items[0].unit_value '-0.5'");
  ExpectRefused(Items(R"(items { sku: "a" unit_value: 1000000001 })"), "INVALID_ITEM",
                "items[0].unit_value");
  ExpectRefused(Items(R"(items { sku: "a" unit_value: nan })"), "INVALID_ITEM",
                "items[0].unit_value");
}

TEST_F(DecideCatalog, ChainIsReadAsItWasSet) {
  const auto set = [&](const std::string& text) {
    const auto request = FromText<v1::SetChainRequest>(text);
    return chain_.Run([&](Group& g) {
      return DecideSetChain(g, request,
                            [](absl::string_view zone) { return zone == "Europe/Madrid"; });
    });
  };
  EXPECT_EQ(ChainOf(chain_.state()).DebugString(), "");
  const auto first =
      set(R"(chain { time_zone: "Europe/Madrid" confirm_hiding_percent: 0 } author: "Ana")");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->revision(), chain_.state().counters.revision);
  EXPECT_EQ(
      first->chain().DebugString(),
      FromText<v1::Chain>("time_zone: 'Europe/Madrid' confirm_hiding_percent: 0").DebugString());
  EXPECT_EQ(ChainOf(chain_.state()).DebugString(), first->chain().DebugString());
  ExpectRefused(set("chain { time_zone: 'Europe/Atlantis' }"), "INVALID_CHAIN",
                "chain.time_zone 'Europe/Atlantis'");
  ExpectRefused(set("chain { confirm_hiding_percent: 100.5 }"), "INVALID_CHAIN",
                "chain.confirm_hiding_percent '100.5'");
  ExpectRefused(set("chain { confirm_hiding_percent: nan }"), "INVALID_CHAIN",
                "chain.confirm_hiding_percent");
  EXPECT_EQ(ChainOf(chain_.state()).time_zone(), "Europe/Madrid");
  ASSERT_TRUE(set("").ok());
  EXPECT_EQ(ChainOf(chain_.state()).DebugString(), "") << "all of it is replaced";
}

}  // namespace
}  // namespace onhand::ledger
