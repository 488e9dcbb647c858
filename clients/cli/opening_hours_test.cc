#include "clients/cli/opening_hours.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::testing::HasSubstr;

std::string Again(const char* text) {
  const auto hours = ParseOpeningHours(text);
  EXPECT_TRUE(hours.ok()) << hours.status();
  return hours.ok() ? FormatOpeningHours(*hours) : "";
}

TEST(OpeningHoursTest, ReadsRangesAndSingleDays) {
  const auto hours = ParseOpeningHours("Mon-Fri 09:00-20:00; Sat 10:00-14:00");
  ASSERT_TRUE(hours.ok()) << hours.status();
  ASSERT_EQ(hours->size(), 6u);
  EXPECT_EQ(hours->front().day_of_week(), 1u);
  EXPECT_EQ(hours->front().opens_minute(), 540u);
  EXPECT_EQ(hours->front().closes_minute(), 1200u);
  EXPECT_EQ(hours->back().day_of_week(), 6u);
}

TEST(OpeningHoursTest, PrintsWhatItRead) {
  EXPECT_EQ(Again("mon-fri 9:00-20:00;Sat 10:00-14:00; "), "Mon-Fri 09:00-20:00; Sat 10:00-14:00");
  EXPECT_EQ(Again("Mon+Wed 09:00-13:00, 16:00-24:00"),
            "Mon 09:00-13:00, 16:00-24:00; Wed 09:00-13:00, 16:00-24:00");
  EXPECT_EQ(Again("Sat-Mon 10:00-12:00; Tue closed"), "Mon 10:00-12:00; Sat-Sun 10:00-12:00");
  EXPECT_EQ(Again(""), "");
}

TEST(OpeningHoursTest, RefusesWhatCannotBe) {
  for (const char* text :
       {"Mon", "Mon 9-20", "Mon 20:00-09:00", "Mon 09:00-24:01", "Mon 09:60-10:00",
        "Foo 09:00-20:00", "Mon-Tue-Wed 09:00-20:00", "Mon 09:00-12:00, 11:00-13:00",
        "Mon-Fri 09:00-20:00; Wed 19:00-21:00", "Mon 09:00-12:00,"}) {
    EXPECT_FALSE(ParseOpeningHours(text).ok()) << text;
  }
}

TEST(OpeningHoursTest, ErrorNamesThePartAndHowToWriteIt) {
  EXPECT_THAT(std::string(ParseOpeningHours("Mon 09:00-20:00; Foo 1:00-2:00").status().message()),
              HasSubstr("'Foo 1:00-2:00': 'Foo' is no day; write such as 'Mon-Fri"));
}

TEST(HoursExceptionsTest, ReadsDatesWithTimesAndClosedOnes) {
  const auto exceptions = ParseHoursExceptions("2025-12-24 09:00-14:00; 2025-12-25 closed");
  ASSERT_TRUE(exceptions.ok()) << exceptions.status();
  ASSERT_EQ(exceptions->size(), 2u);
  EXPECT_EQ((*exceptions)[0].date(), "2025-12-24");
  EXPECT_EQ((*exceptions)[0].closes_minute(), 840u);
  EXPECT_TRUE((*exceptions)[1].closed());
}

TEST(HoursExceptionsTest, RefusesWhatIsNoDate) {
  for (const char* text :
       {"2025-02-30 closed", "Mon closed", "2025-12-24", "2025-12-24 14:00-09:00"}) {
    EXPECT_FALSE(ParseHoursExceptions(text).ok()) << text;
  }
}

}  // namespace
}  // namespace onhand::cli
