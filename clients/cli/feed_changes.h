// What became of answers since a token: the hub's watch, read until it has caught up. Runs within
// one command; starts threads of its own and joins them before it returns.
#ifndef ONHAND_CLIENTS_CLI_FEED_CHANGES_H_
#define ONHAND_CLIENTS_CLI_FEED_CHANGES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/session.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::cli {

struct FeedChanges {
  // The latest answer of each item that changed, by location (empty: the chain) and SKU.
  std::map<std::string, std::map<std::string, v1::Availability>> answers;
  // Where the next feed goes on. Some of `answers` may be told once more there, none is left out.
  std::string token;
};

// A token of now: what changes from here on, ReadChanges tells. Takes as long as the hub's first
// mark of progress, some seconds where little happens. UNIMPLEMENTED: the hub cannot be watched.
absl::StatusOr<std::string> TakeToken(Session& session, const std::string& channel_id);

// All changes since the token, of at least one location. Errors as of the watch: see MustStartAnew.
absl::StatusOr<FeedChanges> ReadChanges(Session& session, const std::string& channel_id,
                                        const std::vector<std::string>& location_ids,
                                        const std::string& since);

// Whether the hub cannot go on from a token and everything must be told anew: too long ago, or of
// the time before a restore.
bool MustStartAnew(const absl::Status& status);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FEED_CHANGES_H_
