// Where a watch goes on: an opaque text for watchers, a place in the order of told changes for the
// hub. Pure functions.
#ifndef ONHAND_SERVER_HUB_WATCH_TOKEN_H_
#define ONHAND_SERVER_HUB_WATCH_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/watch.pb.h"

namespace onhand::hub {

struct WatchToken {
  uint64_t journal = 0;  // TokenHash of the journal's id
  uint64_t asked = 0;    // AskedHash of the request
  // Which run of a hub counted `serial`: changes are numbered as they are found.
  uint64_t run = 0;
  // Changes up to this one have been told, of items below `all_from` if that is not 0.
  uint64_t serial = 0;
  // Items from here on have not been told at all; 0: none.
  uint32_t all_from = 0;
};

// base64 for URLs of: u8 version (1), the fields in their order, CRC32C of all before;
// little-endian.
std::string EncodeToken(const WatchToken& token);
// INVALID_ARGUMENT (INVALID_RESUME_TOKEN) if no hub wrote it.
absl::StatusOr<WatchToken> DecodeToken(absl::string_view text);

// The same in every process.
uint64_t TokenHash(absl::string_view text);
// Of what decides which answers are told: a token of another watch leads nowhere.
uint64_t AskedHash(const v1::WatchRequest& request);

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_WATCH_TOKEN_H_
