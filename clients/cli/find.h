// `onhand find SKU`: where an item can be had, the nearest location first, for people.
#ifndef ONHAND_CLIENTS_CLI_FIND_H_
#define ONHAND_CLIENTS_CLI_FIND_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct FindOptions {
  std::string sku;  // or a parent
  std::string parent_sku;
  std::string channel_id;
  std::string near;  // LAT,LON; or a location
  std::string near_location_id;
  uint32_t limit = 0;
  double within_km = 0;
  int32_t units = 0;
  bool with_empty = false;
};

// Prints the locations that can promise it.
absl::Status FindNearby(Session& session, const FindOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FIND_H_
