// A point on the earth as people write it. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_POINT_H_
#define ONHAND_CLIENTS_CLI_POINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "onhand/v1/types.pb.h"

namespace onhand::cli {

// Reads '40.4168,-3.7038': degrees north and east. The hub checks their range.
absl::StatusOr<v1::GeoPoint> ParsePoint(const std::string& option, const std::string& text);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_POINT_H_
