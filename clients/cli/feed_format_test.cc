#include "clients/cli/feed_format.h"

#include <string>

#include "clients/cli/fake_answers.h"
#include "clients/cli/session.h"
#include "gmock/gmock.h"
#include "proto/schema_org.h"

namespace onhand::cli {
namespace {

using ::testing::HasSubstr;

constexpr FeedShape kGoogle = {.format = FeedFormat::kGoogleLocalInventory};

std::string GoogleLineOf(const v1::Availability& answer, FeedShape shape = kGoogle) {
  return FeedLine(shape, "mad", answer);
}

TEST(SchemaOrgTest, EveryStatusOfTheContractHasItsAddress) {
  const auto name = [](v1::AvailabilityStatus status) {
    return std::string(SchemaOrgAvailability(status));
  };
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_IN_STOCK), "https://schema.org/InStock");
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_LOW_STOCK), "https://schema.org/LimitedAvailability");
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_SOLD_OUT), "https://schema.org/SoldOut");
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_BACKORDER), "https://schema.org/BackOrder");
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_KEEP_SELLING), "https://schema.org/InStock");
  EXPECT_EQ(name(v1::AVAILABILITY_STATUS_HIDDEN), "https://schema.org/OutOfStock");
  EXPECT_EQ(name(static_cast<v1::AvailabilityStatus>(99)), "https://schema.org/OutOfStock");
}

TEST(FeedFormatTest, CsvHoldsTheWholeAnswer) {
  v1::Availability answer = FakeAnswer("a,\"b\"", v1::AVAILABILITY_STATUS_BACKORDER, 10);
  *answer.mutable_available_from() = ToProto(kFakeNow + absl::Hours(24));
  *answer.mutable_known_through() = ToProto(kFakeNow);
  EXPECT_EQ(FeedLine({}, "mad", answer),
            "\"a,\"\"b\"\"\",mad,backorder,true,10,2025-06-16T15:06:40Z,2025-06-15T15:06:40Z,"
            "https://schema.org/BackOrder\n");
}

TEST(FeedFormatTest, CsvOfTheChainHasNoLocationAndLeavesUnknownTimesEmpty) {
  EXPECT_EQ(FeedLine({}, "", FakeAnswer("a", v1::AVAILABILITY_STATUS_HIDDEN)),
            "a,,hidden,false,0,,,https://schema.org/OutOfStock\n");
}

TEST(FeedFormatTest, GoogleCountsFromThreeUnitsAsInStock) {
  const auto line = [](int quantity) {
    return GoogleLineOf(FakeAnswer("a", v1::AVAILABILITY_STATUS_IN_STOCK, quantity));
  };
  EXPECT_EQ(line(4), "mad\ta\t4\tin_stock\n");
  EXPECT_EQ(line(3), "mad\ta\t3\tin_stock\n");
  EXPECT_EQ(line(2), "mad\ta\t2\tlimited_availability\n");
  EXPECT_EQ(line(1), "mad\ta\t1\tlimited_availability\n");
  EXPECT_EQ(line(0), "mad\ta\t0\tout_of_stock\n");
  EXPECT_EQ(GoogleLineOf(FakeAnswer("a", v1::AVAILABILITY_STATUS_LOW_STOCK, 5)),
            "mad\ta\t5\tin_stock\n");
  EXPECT_EQ(GoogleLineOf(FakeAnswer("a", v1::AVAILABILITY_STATUS_SOLD_OUT)),
            "mad\ta\t0\tout_of_stock\n");
}

TEST(FeedFormatTest, GoogleIsNotToldOfUnitsThatAreNotThere) {
  const auto later = FakeAnswer("a", v1::AVAILABILITY_STATUS_BACKORDER, 10);
  const auto keeps = FakeAnswer("a", v1::AVAILABILITY_STATUS_KEEP_SELLING, 10'000);
  EXPECT_EQ(GoogleLineOf(later), "mad\ta\t0\tout_of_stock\n");
  EXPECT_EQ(GoogleLineOf(keeps), "mad\ta\t0\tout_of_stock\n");
  FeedShape shape = kGoogle;
  shape.display_to_order = true;
  EXPECT_EQ(GoogleLineOf(later, shape), "mad\ta\t0\ton_display_to_order\n");
  EXPECT_EQ(GoogleLineOf(keeps, shape), "mad\ta\t0\ton_display_to_order\n");
}

TEST(FeedFormatTest, GoogleLeavesHiddenItemsOutUnlessTheyMustBeTold) {
  const auto hidden = FakeAnswer("a", v1::AVAILABILITY_STATUS_HIDDEN);
  EXPECT_EQ(GoogleLineOf(hidden), "");
  FeedShape shape = kGoogle;
  shape.tells_hidden = true;
  EXPECT_EQ(GoogleLineOf(hidden, shape), "mad\ta\t0\tout_of_stock\n");
}

TEST(FeedFormatTest, GoogleTakesIdsOfFiftyCharactersWhateverTheirBytes) {
  std::string sku;
  for (int i = 0; i < 25; ++i) sku += "añ";
  EXPECT_FALSE(IsTooLongForGoogle(sku));
  EXPECT_TRUE(IsTooLongForGoogle(sku + "a"));
  EXPECT_EQ(GoogleLineOf(FakeAnswer(sku + "a", v1::AVAILABILITY_STATUS_IN_STOCK, 3)), "");
}

TEST(FeedFormatTest, PickupHasGooglesWords) {
  FeedShape shape = kGoogle;
  shape.pickup_method = *PickupMethodOf("ship-to-store");
  shape.pickup_sla = *PickupSlaOf("next-day");
  EXPECT_EQ(FeedTitles(shape),
            "store_code\tid\tquantity\tavailability\tpickup_method\tpickup_sla\n");
  EXPECT_EQ(GoogleLineOf(FakeAnswer("a", v1::AVAILABILITY_STATUS_IN_STOCK, 3), shape),
            "mad\ta\t3\tin_stock\tship to store\tnext_day\n");
  EXPECT_EQ(*PickupSlaOf("same_day"), "same_day");
  EXPECT_THAT(PickupSlaOf("soon").status().message(), HasSubstr("multi-week"));
}

}  // namespace
}  // namespace onhand::cli
