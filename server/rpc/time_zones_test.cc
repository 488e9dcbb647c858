#include "server/rpc/time_zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhand::rpc {
namespace {

using ::testing::ElementsAre;

// `2026-10-25T01:00Z +3600`, one a row.
std::vector<std::string> Told(const std::string& zone, const absl::CivilSecond& now) {
  const auto offsets =
      OffsetsOf(zone, absl::ToUnixMicros(absl::FromCivil(now, absl::UTCTimeZone())));
  std::vector<std::string> rows;
  for (int i = 0; i < offsets.at_s_size(); ++i) {
    rows.push_back(absl::FormatTime("%Y-%m-%dT%H:%MZ ", absl::FromUnixSeconds(offsets.at_s(i)),
                                    absl::UTCTimeZone()) +
                   std::to_string(offsets.offset_s(i)));
  }
  return rows;
}

TEST(TimeZonesTest, ClocksThatGoBackAndForthAreToldOnceEach) {
  EXPECT_THAT(
      Told("Europe/Madrid", absl::CivilSecond(2026, 11, 26)),
      ElementsAre("2026-09-27T00:00Z 7200", "2026-10-25T01:00Z 3600", "2027-03-28T01:00Z 7200",
                  "2027-10-31T01:00Z 3600", "2028-03-26T01:00Z 7200", "2028-10-29T01:00Z 3600"));
}

TEST(TimeZonesTest, AZoneWithoutSummerTimeHasOneOffset) {
  EXPECT_THAT(Told("Etc/GMT-9", absl::CivilSecond(2026, 11, 26)),
              ElementsAre("2026-09-27T00:00Z 32400"));
  EXPECT_THAT(Told("", absl::CivilSecond(2026, 11, 26)), ElementsAre("2026-09-27T00:00Z 0"));
}

}  // namespace
}  // namespace onhand::rpc
