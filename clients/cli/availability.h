// `onhand availability SKU...`: what the hub would tell a shop, for people.
#ifndef ONHAND_CLIENTS_CLI_AVAILABILITY_H_
#define ONHAND_CLIENTS_CLI_AVAILABILITY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct AvailabilityOptions {
  std::vector<std::string> skus;  // or a parent
  std::string parent_sku;
  std::string channel_id;
  std::string location_id;
  bool with_locations = false;
  bool explain = false;
};

// Prints every answer; NOT_FOUND afterwards if one of the SKUs is not known. The JSON document is a
// BatchGetAvailabilityResponse, however many SKUs were asked for.
absl::Status ShowAvailability(Session& session, const AvailabilityOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_AVAILABILITY_H_
