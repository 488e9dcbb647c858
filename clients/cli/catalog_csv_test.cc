#include "clients/cli/catalog_csv.h"

#include "clients/cli/csv.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(CsvTest, ReadsQuotesLineBreaksAndBothLineEnds) {
  const auto file = ParseCsv("\xEF\xBB\xBFsku, name\r\nA,\"x, \"\"y\"\"\nz\"\n\nB,\r\nC,last");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->titles, ElementsAre("sku", "name"));
  ASSERT_THAT(file->rows, SizeIs(3));
  EXPECT_THAT(file->rows[0].fields, ElementsAre("A", "x, \"y\"\nz"));
  EXPECT_EQ(file->rows[0].line, 2);
  EXPECT_THAT(file->rows[1].fields, ElementsAre("B", ""));
  EXPECT_EQ(file->rows[1].line, 5);
  EXPECT_THAT(file->rows[2].fields, ElementsAre("C", "last"));
}

TEST(CsvTest, TakesTheDelimiterOfTheTitleLine) {
  const auto semicolons = ParseCsv("sku;name\nA;x,y\n");
  ASSERT_TRUE(semicolons.ok());
  EXPECT_THAT(semicolons->rows[0].fields, ElementsAre("A", "x,y"));
  const auto tabs = ParseCsv("sku\tname\nA\tx\n");
  ASSERT_TRUE(tabs.ok());
  EXPECT_THAT(tabs->rows[0].fields, ElementsAre("A", "x"));
}

TEST(CsvTest, KeepsSpacesOfFields) {
  EXPECT_THAT(ParseCsv("sku\n A \n")->rows[0].fields, ElementsAre(" A "));
}

TEST(CsvTest, ErrorsNameTheLine) {
  const auto message = [](absl::string_view text) {
    return std::string(ParseCsv(text).status().message());
  };
  EXPECT_THAT(message("sku,name\nA\n"), HasSubstr("line 2: 1 fields, but the title line has 2"));
  EXPECT_THAT(message("sku\n\"A\nB\n"), HasSubstr("line 2: a quote is never closed"));
  EXPECT_THAT(message("sku\nA\n\"B\"x\n"), HasSubstr("line 3: text stands behind"));
  EXPECT_THAT(message("sku,name\nA,b\nC,caf\xE9\n"), HasSubstr("line 3: the text is not UTF-8"));
  EXPECT_THAT(message(""), HasSubstr("line 1: the file is empty"));
}

TEST(CsvTest, RefusesOverlongFormsAndSurrogates) {
  EXPECT_TRUE(ParseCsv("sku\n\xF0\x9F\x91\x9F\n").ok());
  for (const char* bytes :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF0\x9F"}) {
    EXPECT_FALSE(ParseCsv(std::string("sku\n") + bytes + "\n").ok());
  }
}

TEST(ItemsTest, ReadsEveryColumn) {
  const auto items = ReadItems(
      "sku,name,aliases,parent,category,supply,supply_date,published\n"
      "A-1,Trail shoe,4006381333931;CASE*12;a*b,A,footwear/running,seasonal,2025-09-30,no\n");
  ASSERT_THAT(items.errors, IsEmpty());
  ASSERT_THAT(items.elements, SizeIs(1));
  const v1::Item& item = items.elements[0];
  EXPECT_EQ(item.sku(), "A-1");
  EXPECT_EQ(item.name(), "Trail shoe");
  ASSERT_EQ(item.aliases_size(), 3);
  EXPECT_EQ(item.aliases(0).code(), "4006381333931");
  EXPECT_EQ(item.aliases(0).pack_factor(), 1u);
  EXPECT_EQ(item.aliases(1).code(), "CASE");
  EXPECT_EQ(item.aliases(1).pack_factor(), 12u);
  EXPECT_EQ(item.aliases(2).code(), "a*b");
  EXPECT_EQ(item.parent_sku(), "A");
  EXPECT_EQ(item.category(), "footwear/running");
  EXPECT_EQ(item.supply(), v1::SUPPLY_SEASONAL);
  EXPECT_EQ(item.supply_date().seconds(), 1'759'190'400);
  EXPECT_FALSE(item.published());
}

TEST(ItemsTest, EmptyAndAbsentColumnsTakeTheirDefaults) {
  const auto items = ReadItems("published,sku\n,A\n");
  ASSERT_THAT(items.elements, SizeIs(1));
  EXPECT_TRUE(items.elements[0].published());
  EXPECT_EQ(items.elements[0].supply(), v1::SUPPLY_UNSPECIFIED);
}

TEST(ItemsTest, SkusAreByteExact) {
  const auto items = ReadItems("sku\nsku1\nSKU1\nsku1 \n");
  EXPECT_THAT(items.errors, IsEmpty());
  EXPECT_THAT(items.elements, SizeIs(3));
}

TEST(ItemsTest, EachErrorNamesLineColumnValueAndRemedy) {
  const auto items = ReadItems(
      "sku,aliases,supply,supply_date,published\n"
      "A,X*0,never,2025-02-30,perhaps\n"
      ",,,,\n" +
      std::string(65, 'x') + ",,,,\n");
  EXPECT_THAT(
      items.errors,
      ElementsAre("line 2: aliases 'X*0': has a pack outside 1 to 100,000 units",
                  "line 2: supply 'never': write reorderable, seasonal or ended",
                  "line 2: supply_date '2025-02-30': write a date as YYYY-MM-DD",
                  "line 2: published 'perhaps': write yes or no",
                  "line 3: sku '': must not be empty", HasSubstr("has 65 bytes; use at most 64")));
}

TEST(ItemsTest, DoubledSkusAndAliasesNameBothLines) {
  const auto items = ReadItems("sku,aliases\nA,X\nB,X\nA,\n");
  EXPECT_THAT(items.errors, ElementsAre("line 3: alias 'X' stands in line 2 too; keep one",
                                        "line 4: sku 'A' stands in line 2 too; keep one"));
}

TEST(ItemsTest, UnknownDoubledAndMissingColumnsAreNamed) {
  EXPECT_THAT(ReadItems("sku,price\nA,1\n").errors,
              ElementsAre(HasSubstr("column 'price' is unknown; use sku, name, aliases")));
  EXPECT_THAT(ReadItems("sku,sku\nA,A\n").errors, ElementsAre(HasSubstr("'sku' stands twice")));
  EXPECT_THAT(ReadItems("name\nA\n").errors, ElementsAre(HasSubstr("column 'sku' is missing")));
}

TEST(LocationsTest, ReadsEveryColumn) {
  const auto locations = ReadLocations(
      "location_id,name,time_zone,hours,exceptions,latitude,longitude,warehouse\n"
      "S1,Sol,Europe/Madrid,Mon-Fri 09:00-20:00; Sat 10:00-14:00,2025-12-25 "
      "closed,40.4169,-3.7035,\n"
      "W1,Depot,Europe/Madrid,,,,,yes\n");
  ASSERT_THAT(locations.errors, IsEmpty());
  ASSERT_THAT(locations.elements, SizeIs(2));
  const v1::Location& store = locations.elements[0];
  EXPECT_EQ(store.location_id(), "S1");
  EXPECT_EQ(store.time_zone(), "Europe/Madrid");
  EXPECT_EQ(store.hours_size(), 6);
  EXPECT_EQ(store.exceptions_size(), 1);
  EXPECT_TRUE(store.has_coordinates());
  EXPECT_DOUBLE_EQ(store.longitude(), -3.7035);
  EXPECT_FALSE(store.warehouse());
  EXPECT_TRUE(locations.elements[1].warehouse());
  EXPECT_FALSE(locations.elements[1].has_coordinates());
}

TEST(LocationsTest, ErrorsNameTheLine) {
  EXPECT_THAT(ReadLocations("location_id,time_zone,latitude,hours\n"
                            "S1,Madrid,91,Mon\n"
                            "S1,Europe/Madrid,,\n")
                  .errors,
              ElementsAre(HasSubstr("line 2: time_zone 'Madrid': is no time zone known here"),
                          HasSubstr("line 2: latitude '91': write degrees from -90 to 90"),
                          HasSubstr("line 2: hours 'Mon'"),
                          HasSubstr("line 3: location_id 'S1' stands in line 2 too")));
}

}  // namespace
}  // namespace onhand::cli
