// `onhand item`, `stop`, `resume`, `location`, `group` and `channel`: what is sold, where, and
// through which channels.
#ifndef ONHAND_CLIENTS_CLI_CATALOG_H_
#define ONHAND_CLIENTS_CLI_CATALOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/session.h"
#include "onhand/v1/types.pb.h"

namespace onhand::cli {

absl::Status ListItems(Session& session, const std::string& category);
absl::Status ShowItem(Session& session, const std::string& sku);
absl::Status RenameItem(Session& session, const std::string& sku, const std::string& new_sku);
absl::Status MergeItems(Session& session, const std::string& sku, const std::string& duplicate_sku);

struct StopOptions {
  std::string sku;
  bool stopped = true;  // false: go on
  std::string reason;
  std::string author;
};
absl::Status StopItem(Session& session, const StopOptions& options);

absl::Status ListLocations(Session& session);

struct LocationStateOptions {
  std::string location_id;
  v1::LocationState state = v1::LOCATION_STATE_OPEN;
  std::vector<std::string> channel_ids;  // PAUSED only
  std::string until;                     // PAUSED only; see ParseMoment
  std::string reason;
  std::string author;
};
absl::Status SetLocationState(Session& session, const LocationStateOptions& options);

struct StocktakeOptions {
  std::string location_id;
  std::string until;  // see ParseMoment
  std::string reason;
  std::string author;
};
absl::Status AnnounceStocktake(Session& session, const StocktakeOptions& options);

struct GroupOptions {
  std::string group_id;
  std::string name;
  std::vector<std::string> location_ids;
  uint32_t rank = 0;
};
absl::Status SetGroup(Session& session, const GroupOptions& options);
absl::Status ListGroups(Session& session);

struct ChannelOptions {
  std::string channel_id;
  std::string name;
  std::string kind;
  std::vector<std::string> location_ids;
  std::vector<std::string> group_ids;
  std::string reservation_ttl;  // see ParseDuration; empty: the hub's default
};
absl::Status SetChannel(Session& session, const ChannelOptions& options);
absl::Status ListChannels(Session& session);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_CATALOG_H_
