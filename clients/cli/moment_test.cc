#include "clients/cli/moment.h"

#include "clients/cli/session.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

absl::TimeZone Madrid() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Madrid", &zone));
  return zone;
}

const absl::Time kNow = absl::FromCivil(absl::CivilSecond(2025, 7, 1, 12, 0, 0), Madrid());

absl::Time InMadrid(int month, int day, int hour, int minute) {
  return absl::FromCivil(absl::CivilSecond(2025, month, day, hour, minute, 0), Madrid());
}

TEST(DurationTest, ReadsUnitsAloneAndTogether) {
  EXPECT_EQ(*ParseDuration("--dwell", "90s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDuration("--dwell", "5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("--dwell", "1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("--dwell", "2d"), absl::Hours(48));
  EXPECT_EQ(*ParseDuration("--dwell", "2d12h"), absl::Hours(60));
  EXPECT_EQ(*ParseDuration("--dwell", "0"), absl::ZeroDuration());
}

TEST(DurationTest, RefusesWhatIsNoWholeNumberOfSeconds) {
  for (const char* text : {"", "5", "-5m", "0.5s", "soon", "inf", "d", "5x", "1d-2h"}) {
    const auto duration = ParseDuration("--dwell", text);
    EXPECT_EQ(ExitCode(duration.status()), kExitUsage) << text;
  }
}

TEST(DurationTest, ErrorNamesOptionValueAndRemedy) {
  EXPECT_EQ(ErrorSentence(ParseDuration("--dwell", "soon").status(), ""),
            "onhand: --dwell 'soon' cannot be used: give whole seconds, minutes, hours or days, "
            "such as 90s, 5m, 24h or 2d.");
}

TEST(DurationTest, SecondsThatTheContractCannotSayAreRefused) {
  EXPECT_EQ(*ParseSeconds("--ttl", "15m"), 900);
  EXPECT_EQ(*ParseSeconds("--ttl", "24855d"), 2'147'472'000);
  EXPECT_EQ(ExitCode(ParseSeconds("--ttl", "24856d").status()), kExitUsage);
  EXPECT_EQ(ExitCode(ParseSeconds("--ttl", "soon").status()), kExitUsage);
}

TEST(DurationTest, PrintsTheLargestUnits) {
  EXPECT_EQ(FormatSeconds(0), "0s");
  EXPECT_EQ(FormatSeconds(300), "5m");
  EXPECT_EQ(FormatSeconds(86400), "1d");
  EXPECT_EQ(FormatSeconds(90061), "1d1h1m1s");
}

TEST(MomentTest, LocalTimesAreInTheZone) {
  EXPECT_EQ(*ParseMoment("--from", "2025-07-02", kNow, Madrid()), InMadrid(7, 2, 0, 0));
  EXPECT_EQ(*ParseMoment("--from", "2025-07-02 14:30", kNow, Madrid()), InMadrid(7, 2, 14, 30));
  EXPECT_EQ(*ParseMoment("--from", "2025-07-02T14:30", kNow, Madrid()), InMadrid(7, 2, 14, 30));
}

TEST(MomentTest, AnOffsetBeatsTheZone) {
  EXPECT_EQ(*ParseMoment("--from", "2025-07-02T14:30:00+00:00", kNow, Madrid()),
            InMadrid(7, 2, 16, 30));
}

TEST(MomentTest, DurationsCountFromNow) {
  EXPECT_EQ(*ParseMoment("--until", "2h", kNow, Madrid()), kNow + absl::Hours(2));
  EXPECT_EQ(*ParseMoment("--until", "now", kNow, Madrid()), kNow);
}

TEST(MomentTest, RefusesOtherText) {
  for (const char* text : {"", "tomorrow", "2025-13-01", "2025-07-02 25:00"}) {
    EXPECT_EQ(ExitCode(ParseMoment("--until", text, kNow, Madrid()).status()), kExitUsage) << text;
  }
}

TEST(AgeTest, UsesTheUnitThatPeopleWouldUse) {
  EXPECT_EQ(FormatAge(kNow, kNow), "now");
  EXPECT_EQ(FormatAge(kNow - absl::Seconds(12), kNow), "12 s ago");
  EXPECT_EQ(FormatAge(kNow - absl::Seconds(200), kNow), "3 min ago");
  EXPECT_EQ(FormatAge(kNow - absl::Hours(30), kNow), "30 h ago");
  EXPECT_EQ(FormatAge(kNow - absl::Hours(72), kNow), "3 days ago");
  EXPECT_EQ(FormatAge(kNow + absl::Minutes(5), kNow), "in 5 min");
}

TEST(AgeTest, OtherDaysShowTheirDate) {
  EXPECT_EQ(FormatMoment(InMadrid(7, 1, 11, 57), kNow, Madrid()), "11:57:00 (3 min ago)");
  EXPECT_EQ(FormatMoment(InMadrid(6, 30, 20, 0), kNow, Madrid()), "2025-06-30 20:00 (16 h ago)");
}

TEST(TimestampTest, RoundTripsMicrosecondsAlsoBefore1970) {
  for (const int64_t us : {int64_t{0}, int64_t{1'751'364'000'000'001}, int64_t{-1}}) {
    const google::protobuf::Timestamp proto = ToProto(absl::FromUnixMicros(us));
    EXPECT_GE(proto.nanos(), 0);
    EXPECT_EQ(FromProto(proto), absl::FromUnixMicros(us));
  }
}

}  // namespace
}  // namespace onhand::cli
