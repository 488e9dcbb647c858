// What became of answers since a token: the hub's watch of each place, read until it has caught up.
// Runs within one command; starts threads of its own and joins them before it returns.
#ifndef ONHAND_CLIENTS_CLI_FEED_CHANGES_H_
#define ONHAND_CLIENTS_CLI_FEED_CHANGES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cli/session.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::cli {

// Where each place goes on: the hub's token of its watch, by location (empty: the chain).
using PlaceTokens = std::map<std::string, std::string>;

// A feed's token holds those of its places: base64 for URLs of one v1::WatchRequest each, with its
// length before it. The hub's tokens are of one channel; of another one there are none.
std::string EncodeFeedToken(const std::string& channel_id, const PlaceTokens& tokens);
// INVALID_ARGUMENT: no feed ended with `text`.
absl::StatusOr<PlaceTokens> DecodeFeedToken(const std::string& channel_id, absl::string_view text);

struct PlaceChanges {
  std::string location_id;
  // Nothing is known of before: every answer is to be asked for, after this was returned. Then
  // `why_full` says why the hub could not go on, if it was asked to.
  bool is_full = false;
  std::string why_full;
  // Else the latest answer of each item that changed, by SKU.
  std::map<std::string, v1::Availability> answers;
  // Where the next feed goes on: what changes from here on it tells.
  std::string token;
};

// The changes of places in the order of `location_ids`. Takes as long as the hub's first mark of
// progress, at most some seconds. UNIMPLEMENTED: the hub cannot be watched; else as the watch.
absl::StatusOr<std::vector<PlaceChanges>> ReadChanges(Session& session,
                                                      const std::string& channel_id,
                                                      const std::vector<std::string>& location_ids,
                                                      const PlaceTokens& since);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FEED_CHANGES_H_
