#include "clients/cli/site_file.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<SiteFile> Read(absl::string_view text, const SiteColumns& columns = {}) {
  return ReadSiteFile(text, columns);
}

std::string ErrorOf(absl::string_view text, const SiteColumns& columns = {}) {
  return std::string(Read(text, columns).status().message());
}

TEST(SiteFileTest, ReadsEveryCommonWayToSayYesAndNo) {
  for (const char* yes : {"yes", "Y", "TRUE", "1", "in stock", "In_Stock", "InStock",
                          "https://schema.org/InStock", "http://schema.org/LimitedAvailability",
                          "preorder", "BackOrder", "ja", "sí", "verfügbar"}) {
    const auto file = Read(absl::StrCat("sku,availability\na,", yes, "\n"));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->rows[0].yes) << yes;
  }
  for (const char* no : {"no", "N", "false", "0", "out of stock", "out_of_stock", "OutOfStock",
                         "https://schema.org/OutOfStock", "SoldOut", "Discontinued", "hidden",
                         "nein", "agotado", "ausverkauft"}) {
    const auto file = Read(absl::StrCat("sku,availability\na,", no, "\n"));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_FALSE(file->rows[0].yes) << no;
  }
}

TEST(SiteFileTest, FindsColumnsByTheirTitlesAndWhatTheyMean) {
  const auto feed = Read("id\ttitle\tavailability\nA1\tRacket\tin stock\n");
  ASSERT_TRUE(feed.ok()) << feed.status();
  EXPECT_EQ(feed->sku_column, "id");
  EXPECT_EQ(feed->meaning, SiteMeaning::kOrderable);
  const auto shop = Read("Artikelnummer;Name;Sichtbar\r\n 007 ;Ball;ja\r\n");
  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(shop->rows[0].sku, "007");
  EXPECT_EQ(shop->meaning, SiteMeaning::kShown);
}

TEST(SiteFileTest, OfTwoColumnsTheOneThatSaysWhatCanBeOrderedIsRead) {
  const auto file = Read("sku,published,stock_status\na,true,outofstock\n");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->value_column, "stock_status");
  EXPECT_FALSE(file->rows[0].yes);
  const auto asked =
      Read("sku,published,stock_status\na,true,outofstock\n", {.value = "Published"});
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->meaning, SiteMeaning::kShown);
  EXPECT_TRUE(asked->rows[0].yes);
}

TEST(SiteFileTest, AColumnWhoseTitleDoesNotTellNeedsItsMeaning) {
  EXPECT_THAT(ErrorOf("sku,web\na,1\n"),
              AllOf(HasSubstr("'sku', 'web'"), HasSubstr("--shown-column")));
  EXPECT_THAT(ErrorOf("sku,web\na,1\n", {.value = "web"}), HasSubstr("--by shown"));
  const auto file = Read("sku,web\na,1\n", {.value = "web", .meaning = "shown"});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->meaning, SiteMeaning::kShown);
  EXPECT_THAT(ErrorOf("sku,web\na,1\n", {.value = "shop"}), HasSubstr("the file's columns are"));
  EXPECT_THAT(ErrorOf("name,shown\na,1\n"), HasSubstr("--sku-column"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("empty"));
}

TEST(SiteFileTest, AnUnknownValueIsAnErrorWithItsLineAndNothingIsGuessed) {
  EXPECT_EQ(ErrorOf("sku,shown\na,yes\nb,maybe\n\nc,\nd,http://example.com/InStock\n"),
            "line 3: shown 'maybe' of item 'b' is not understood; write yes or no, true or false, "
            "1 or 0, in stock or out of stock, or a schema.org value such as "
            "https://schema.org/InStock\n"
            "  line 5: shown '' of item 'c' is not understood; write yes or no, true or false, 1 "
            "or 0, in stock or out of stock, or a schema.org value such as "
            "https://schema.org/InStock\n"
            "  line 6: shown 'http://example.com/InStock' of item 'd' is not understood; write yes "
            "or no, true or false, 1 or 0, in stock or out of stock, or a schema.org value such as "
            "https://schema.org/InStock");
}

TEST(SiteFileTest, LinesThatContradictOrAreCutAreErrors) {
  EXPECT_THAT(ErrorOf("sku,shown\na,yes\na,no\n"), HasSubstr("line 3: item 'a' stands in line 2"));
  const auto twice = Read("sku,shown\na,yes\na,1\n");
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_EQ(twice->rows.size(), 1u);
  EXPECT_THAT(ErrorOf("sku,shown\na\n"), HasSubstr("line 2: 1 fields"));
  EXPECT_THAT(ErrorOf("sku,shown\n,yes\n"), HasSubstr("line 2: the item has no SKU"));
  EXPECT_THAT(ErrorOf("sku,shown\n\"a,yes\n"), HasSubstr("line 2: a quote is never closed"));
}

}  // namespace
}  // namespace onhand::cli
