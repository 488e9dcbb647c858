// `onhand compare`, whole commands against services that answer for a hub.
#include "clients/cli/compare.h"

#include "clients/cli/fake_answers.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// ball is hidden, racket can be bought, shoe is sold out, sock nobody put on the site.
class CompareTest : public CommandTest {
 protected:
  CompareTest() {
    shop_.Set("", FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN));
    shop_.Set("", FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 7));
    shop_.Set("", FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 7), "4006381333931");
    shop_.Set("", FakeAnswer("shoe", v1::AVAILABILITY_STATUS_SOLD_OUT));
    shop_.Set("", FakeAnswer("sock", v1::AVAILABILITY_STATUS_LOW_STOCK, 2));
    shop_.Set("", FakeAnswer("tee", v1::AVAILABILITY_STATUS_HIDDEN));
    shop_.Set("lis", FakeAnswer("racket", v1::AVAILABILITY_STATUS_HIDDEN));
    chain_.items = {FakeItem("ball"), FakeItem("racket"), FakeItem("shoe"),
                    FakeItem("sock"), FakeItem("tee"),    FakeItem("unready", /*published=*/false)};
  }
  std::vector<grpc::Service*> Services() override { return {&shop_}; }

  int Compare(const std::string& text, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"compare", "--site", WriteFile("site.csv", text)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Onhand(arguments);
  }

  FakeShop shop_;
};

TEST_F(CompareTest, SaysWhereTheTwoDifferAndWhy) {
  ASSERT_EQ(Compare("sku,availability\nball,in stock\nracket,out of stock\nshoe,out of stock\n"
                    "ghost,in stock\nspook,out of stock\n"),
            0)
      << err_;
  EXPECT_THAT(out_,
              AllOf(HasSubstr("column 'sku', and 'availability' against what Onhand would "
                              "let be ordered now."),
                    HasSubstr("1 item that the site sells and Onhand would not\n"
                              "SKU   LINE  SITE      ONHAND  UP TO  WHY\n"
                              "ball     2  in stock  hidden      0  Why of ball.\n"),
                    HasSubstr("1 item that the site does not sell and Onhand would let be "
                              "ordered\n"),
                    HasSubstr("racket     3  out of stock  in-stock      7  Why of racket.\n")));
  EXPECT_THAT(out_,
              AllOf(HasSubstr("2 items of the file that Onhand does not know\n"),
                    HasSubstr("1 item that the file does not hold and Onhand would let be "
                              "ordered\n"),
                    HasSubstr("sock     -  not in the file  low-stock      2  Why of sock.")));
  // ghost is sold by a site that Onhand knows nothing of; spook by neither.
  EXPECT_THAT(
      out_, HasSubstr("Same: 1. Different: 4. Not in the file and not sold by Onhand either: 1."));
}

TEST_F(CompareTest, WhatIsShownIsComparedWithWhatWouldBeShown) {
  ASSERT_EQ(Compare("sku,visible\nshoe,no\nball,no\nracket,1\nsock,1\ntee,0\n"), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("1 item that the site does not show and Onhand would show"));
  EXPECT_THAT(out_, HasSubstr("shoe     2  no    sold-out"));
  EXPECT_THAT(out_, HasSubstr("Same: 4. Different: 1."));
  ASSERT_EQ(
      Compare("sku,visible\nshoe,no\nball,no\nracket,1\nsock,1\ntee,0\n", {"--by", "orderable"}),
      0);
  EXPECT_THAT(out_, HasSubstr("Same: 5. Different: 0."));
}

TEST_F(CompareTest, AnAliasIsItsItem) {
  ASSERT_EQ(Compare("ean,in_stock\n4006381333931,yes\n", {"--fail-on-difference"}), 1);
  EXPECT_THAT(out_, AllOf(HasSubstr("Same: 1. Different: 1."), Not(HasSubstr("racket"))));
}

TEST_F(CompareTest, DifferencesFailOnlyIfAskedTo) {
  EXPECT_EQ(Compare("sku,available\nball,1\n"), 0);
  EXPECT_EQ(Compare("sku,available\nball,1\n", {"--fail-on-difference"}), 1);
  EXPECT_THAT(err_, HasSubstr("the site and Onhand differ in 3 items"));
  EXPECT_EQ(Compare("sku,available\nball,0\nracket,1\nsock,1\n", {"--fail-on-difference"}), 0)
      << out_;
}

TEST_F(CompareTest, OnlyWhatIsListedIsExplained) {
  ASSERT_EQ(Compare("sku,available\nracket,no\nsock,no\nball,yes\nshoe,yes\n", {"--listed", "1"}),
            0);
  EXPECT_EQ(shop_.explained_count, 2);
  EXPECT_THAT(out_, AllOf(HasSubstr("2 items that the site sells"), HasSubstr("and 1 more"),
                          HasSubstr("Different: 4.")));
  EXPECT_EQ(Compare("sku,available\nracket,no\n", {"--listed", "0"}), kExitUsage);
}

TEST_F(CompareTest, OneStoreAloneMayBeCompared) {
  ASSERT_EQ(Compare("sku,available\nracket,yes\n", {"--location", "lis"}), 0);
  EXPECT_THAT(out_, HasSubstr("1 item that the site sells and Onhand would not"));
}

TEST_F(CompareTest, TheJsonDocumentHoldsListsAndTotals) {
  ASSERT_EQ(Compare("sku,available\nball,yes\nghost,no\n", {"--json"}), 0) << err_;
  const Json document = Json::parse(out_);
  EXPECT_EQ(document["by"], "orderable");
  EXPECT_EQ(document["difference_count"], 3);
  EXPECT_EQ(document["only_site"]["count"], 1);
  const Json& ball = document["only_site"]["items"][0];
  EXPECT_EQ(ball["site"]["value"], "yes");
  EXPECT_EQ(ball["onhand"]["status"], "AVAILABILITY_STATUS_HIDDEN");
  EXPECT_EQ(ball["onhand"]["why"], "Why of ball.");
  EXPECT_EQ(document["unknown_to_onhand"]["items"][0]["sku"], "ghost");
  EXPECT_EQ(document["unknown_to_site"]["count"], 2);
}

TEST_F(CompareTest, ErrorsNameTheFileAndTheLineAndCompareNothing) {
  EXPECT_EQ(Compare("sku,available\nball,perhaps\n"), 1);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, AllOf(HasSubstr("site.csv' is not compared, because of\n  line 2: available "
                                    "'perhaps' of item 'ball'"),
                          HasSubstr("write yes or no")));
  EXPECT_EQ(Compare("sku,available\nball,1\n", {"--sku-column", "nr"}), kExitUsage);
  EXPECT_EQ(Compare("sku,available\nball,1\n", {"--channel", "fax"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNKNOWN_CHANNEL"));
  EXPECT_EQ(Onhand({"compare", "--site", PathOf("missing.csv")}), 1);
  EXPECT_EQ(Onhand({"compare"}), kExitUsage);
}

}  // namespace
}  // namespace onhand::cli
