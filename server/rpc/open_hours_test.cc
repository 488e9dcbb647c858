// Opening hours around midnight, exceptions and changes of the clock.
#include "server/rpc/open_hours.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/text_format.h"

namespace onhand::rpc {
namespace {

absl::TimeZone Madrid() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Madrid", &zone));
  return zone;
}

// Such as 2026-11-26 18:30, local time; or with an offset behind it.
int64_t At(const std::string& text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M", text, Madrid(), &time, &error)) {
    EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M %Ez", text, &time, &error)) << text << error;
  }
  return absl::ToUnixMicros(time);
}

std::string Said(const ledger::journal::Location& location, const std::string& now) {
  const OpenHours hours = OpenHoursAt(location, At(now));
  if (!hours.open_now.has_value()) return "unknown";
  std::string said = *hours.open_now ? "open" : "shut";
  if (hours.changes_at_us == 0) return said;
  return said + " until " +
         absl::FormatTime("%Y-%m-%d %H:%M %Ez", absl::FromUnixMicros(hours.changes_at_us),
                          Madrid());
}

ledger::journal::Location Store(const std::string& text) {
  ledger::journal::Location location;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &location));
  location.set_time_zone("Europe/Madrid");
  return location;
}

// Thursday with a siesta, Friday without one.
const char kTwoDays[] =
    "hours { day_of_week: 4 opens_minute: 600 closes_minute: 840 } "
    "hours { day_of_week: 4 opens_minute: 1020 closes_minute: 1260 } "
    "hours { day_of_week: 5 opens_minute: 600 closes_minute: 1260 } ";

TEST(OpenHoursTest, NothingIsSaidWithoutHours) {
  EXPECT_EQ(Said(Store("exceptions { date: '2026-11-26' opens_minute: 600 closes_minute: 700 }"),
                 "2026-11-26 11:00"),
            "unknown");
}

TEST(OpenHoursTest, FollowsTheWeek) {
  const auto store = Store(kTwoDays);
  EXPECT_EQ(Said(store, "2026-11-26 09:59"), "shut until 2026-11-26 10:00 +01:00");
  EXPECT_EQ(Said(store, "2026-11-26 10:00"), "open until 2026-11-26 14:00 +01:00");
  EXPECT_EQ(Said(store, "2026-11-26 14:00"), "shut until 2026-11-26 17:00 +01:00");
  EXPECT_EQ(Said(store, "2026-11-26 20:59"), "open until 2026-11-26 21:00 +01:00");
  EXPECT_EQ(Said(store, "2026-11-27 21:00"), "shut until 2026-12-03 10:00 +01:00");
}

TEST(OpenHoursTest, AnExceptionReplacesItsWholeDay) {
  const auto shut = Store(absl::StrCat(kTwoDays, "exceptions { date: '2026-11-26' closed: true }"));
  EXPECT_EQ(Said(shut, "2026-11-26 11:00"), "shut until 2026-11-27 10:00 +01:00");
  const auto longer = Store(absl::StrCat(
      kTwoDays, "exceptions { date: '2026-11-26' opens_minute: 540 closes_minute: 1380 } ",
      "exceptions { date: '2026-11-29' opens_minute: 660 closes_minute: 720 }"));
  EXPECT_EQ(Said(longer, "2026-11-26 15:00"), "open until 2026-11-26 23:00 +01:00");
  EXPECT_EQ(Said(longer, "2026-11-28 15:00"), "shut until 2026-11-29 11:00 +01:00");
}

TEST(OpenHoursTest, DoesNotCloseAtAMidnightThatItIsOpenOver) {
  const auto store = Store(
      "hours { day_of_week: 4 opens_minute: 1200 closes_minute: 1440 } "
      "hours { day_of_week: 5 opens_minute: 0 closes_minute: 120 }");
  EXPECT_EQ(Said(store, "2026-11-26 23:30"), "open until 2026-11-27 02:00 +01:00");
}

TEST(OpenHoursTest, WhatLiesFurtherThanEightDaysIsNotSaid) {
  std::string always;
  for (int day = 1; day <= 7; ++day) {
    always += "hours { day_of_week: " + std::to_string(day) + " closes_minute: 1440 } ";
  }
  EXPECT_EQ(Said(Store(always), "2026-11-26 23:30"), "open");
  std::string holidays = "hours { day_of_week: 4 opens_minute: 600 closes_minute: 840 } ";
  EXPECT_EQ(Said(Store(holidays), "2026-11-26 14:00"), "shut until 2026-12-03 10:00 +01:00");
  holidays += "exceptions { date: '2026-12-03' closed: true }";
  EXPECT_EQ(Said(Store(holidays), "2026-11-26 14:00"), "shut");
  // Eight days are counted from now.
  EXPECT_EQ(Said(Store(holidays), "2026-12-02 10:00"), "shut until 2026-12-10 10:00 +01:00");
}

TEST(OpenHoursTest, ClocksThatJumpOverAnHourOpenAtTheJump) {
  // On 2026-03-29 02:00 becomes 03:00.
  const auto store = Store("hours { day_of_week: 7 opens_minute: 150 closes_minute: 600 }");
  EXPECT_EQ(Said(store, "2026-03-29 01:30"), "shut until 2026-03-29 03:00 +02:00");
  EXPECT_EQ(Said(store, "2026-03-29 03:00"), "open until 2026-03-29 10:00 +02:00");
  const auto gone = Store("hours { day_of_week: 7 opens_minute: 130 closes_minute: 170 }");
  EXPECT_EQ(Said(gone, "2026-03-29 01:59"), "shut until 2026-04-05 02:10 +02:00");
}

TEST(OpenHoursTest, AnHourThatComesTwiceIsOpenThroughout) {
  // On 2026-10-25 03:00 becomes 02:00.
  const auto closes = Store("hours { day_of_week: 7 opens_minute: 60 closes_minute: 150 }");
  EXPECT_EQ(Said(closes, "2026-10-25 02:15 +02:00"), "open until 2026-10-25 02:30 +01:00");
  EXPECT_EQ(Said(closes, "2026-10-25 02:45 +02:00"), "open until 2026-10-25 02:30 +01:00");
  EXPECT_EQ(Said(closes, "2026-10-25 02:30 +01:00"), "shut until 2026-11-01 01:00 +01:00");
  const auto opens = Store("hours { day_of_week: 7 opens_minute: 150 closes_minute: 600 }");
  EXPECT_EQ(Said(opens, "2026-10-25 02:29 +02:00"), "shut until 2026-10-25 02:30 +02:00");
  EXPECT_EQ(Said(opens, "2026-10-25 02:15 +01:00"), "open until 2026-10-25 10:00 +01:00");
}

}  // namespace
}  // namespace onhand::rpc
