#include "clients/cli/table.h"

#include <sstream>

#include "clients/cli/names.h"
#include "clients/cli/session.h"
#include "gtest/gtest.h"
#include "onhand/v1/types.pb.h"

namespace onhand::cli {
namespace {

std::string Printed(const Table& table) {
  std::ostringstream out;
  table.Print(out, "Nothing.");
  return out.str();
}

TEST(TableTest, AlignsTextLeftAndNumbersRight) {
  Table table({"SKU", ">UNITS", "NAME"});
  table.Add({"A", "1", "short"});
  table.Add({"LONGER", "1000", "longer name"});
  EXPECT_EQ(Printed(table),
            "SKU     UNITS  NAME\n"
            "A           1  short\n"
            "LONGER   1000  longer name\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({"NAME", "X"});
  table.Add({"Málaga", "1"});
  table.Add({"Madrid", "2"});
  EXPECT_EQ(Printed(table), "NAME    X\nMálaga  1\nMadrid  2\n");
}

TEST(TableTest, MissingAndEmptyCellsAreDashes) {
  Table table({"A", "B"});
  table.Add({""});
  EXPECT_EQ(Printed(table), "A  B\n-  -\n");
}

TEST(TableTest, CannotSteerTheTerminalAndShowsOuterSpaces) {
  Table table({"A"});
  table.Add({"\x1b[2Jx"});
  table.Add({"SKU1 "});
  EXPECT_EQ(Printed(table), "A\n?[2Jx\n'SKU1 '\n");
}

TEST(TableTest, SaysWhenThereIsNothing) { EXPECT_EQ(Printed(Table({"A"})), "Nothing.\n"); }

TEST(NamesTest, AreReadInEitherCaseAndWithEitherDash) {
  EXPECT_EQ(NameOf(v1::ZERO_POLICY_SOLD_OUT), "sold-out");
  EXPECT_EQ(NameOf(v1::ZERO_POLICY_UNSPECIFIED), "");
  for (const char* name : {"sold-out", "SOLD_OUT", "Sold-Out"}) {
    EXPECT_EQ(*ValueOf<v1::ZeroPolicy>("--zero", name), v1::ZERO_POLICY_SOLD_OUT);
  }
}

TEST(NamesTest, AnUnknownNameIsAnsweredWithTheChoices) {
  EXPECT_EQ(ErrorSentence(ValueOf<v1::ChannelKind>("--kind", "air").status(), ""),
            "onhand: --kind 'air' cannot be used: give one of ship, pickup, in-store.");
}

}  // namespace
}  // namespace onhand::cli
