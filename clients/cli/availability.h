// `onhand availability SKU...`: what the hub would tell a shop, for people.
#ifndef ONHAND_CLIENTS_CLI_AVAILABILITY_H_
#define ONHAND_CLIENTS_CLI_AVAILABILITY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "clients/cli/session.h"
#include "onhand/v1/availability.pb.h"

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

// Asks about any number of SKUs, in calls of as many as the hub takes. `question` holds everything
// but them. The answers are in the order of `skus`.
absl::StatusOr<v1::BatchGetAvailabilityResponse> AskBatches(
    Session& session, v1::BatchGetAvailabilityRequest question, absl::Span<const std::string> skus);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_AVAILABILITY_H_
