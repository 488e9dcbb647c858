// Who may do what: one table with a row for every method of the gRPC port and every other route of
// the HTTP port. What has no row is refused. Pure; any thread.
#ifndef ONHAND_SERVER_RPC_PERMISSIONS_H_
#define ONHAND_SERVER_RPC_PERMISSIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "onhand/v1/tokens.pb.h"
#include "server/ledger/state.h"

namespace onhand::rpc {

// Who shows a token.
struct Principal {
  std::string token_id;
  std::string name;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::vector<std::string> location_ids;  // ascending

  bool Owns(const std::string& location_id) const;
};

// Bit k: role k. Bit 0: whoever calls, without a token.
using Roles = uint32_t;

struct Permission {
  // package.Service.Method, or the HTTP method and the path.
  absl::string_view method;
  // Those that may call it for all locations.
  Roles anywhere = 0;
  // Those that may call it when all locations that it is about are theirs.
  Roles own = 0;
  // Where the request names its locations: a path of fields, kLinesOfReservation, or kInPath.
  absl::string_view locations;
  // What else is asked of `own`; null: nothing.
  absl::Status (*narrow)(const ledger::State&, const Principal&,
                         const google::protobuf::Message&) = nullptr;
};

// The locations of the lines that the request names of a reservation; of all its lines if none.
inline constexpr absl::string_view kLinesOfReservation = "lines of the reservation";
// The location in the path of an HTTP request.
inline constexpr absl::string_view kInPath = "path";

inline constexpr absl::string_view kPutFile = "PUT /v1/locations/{id}/files/{name}";
inline constexpr absl::string_view kGetMetrics = "GET /metrics";

absl::Span<const Permission> Permissions();
// Null: nobody may.
const Permission* FindPermission(absl::string_view method);
// The full name of the method that takes such a request; of health, whose two take the same, the
// first.
std::string MethodTaking(const google::protobuf::Descriptor* request);

// Whether `principal` may call the method of `row`, asking `request`, which is about `in_path` too
// if that is not null. PERMISSION_DENIED: ROLE_MAY_NOT, LOCATION_NOT_YOURS, SOURCE_NOT_YOURS.
absl::Status CheckPermission(const Permission* row, const ledger::State& state,
                             const Principal& principal, const google::protobuf::Message* request,
                             const std::string* in_path = nullptr);

// `rule-editor`.
std::string RoleName(v1::Role role);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_PERMISSIONS_H_
