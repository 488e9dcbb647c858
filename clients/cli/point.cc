#include "clients/cli/point.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/session.h"

namespace onhand::cli {

absl::StatusOr<v1::GeoPoint> ParsePoint(const std::string& option, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  double latitude = 0, longitude = 0;
  if (parts.size() != 2 || !absl::SimpleAtod(parts[0], &latitude) ||
      !absl::SimpleAtod(parts[1], &longitude)) {
    return UsageError(
        option, text,
        absl::StrCat("give degrees north and east, such as ", option, " 40.4168,-3.7038"));
  }
  v1::GeoPoint point;
  point.set_latitude(latitude);
  point.set_longitude(longitude);
  return point;
}

}  // namespace onhand::cli
