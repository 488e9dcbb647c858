// What every call by the Connect protocol says beside its message: codec, version, deadline,
// encodings. Pure functions; any thread.
#ifndef ONHAND_SERVER_GATEWAY_CONNECT_REQUEST_H_
#define ONHAND_SERVER_GATEWAY_CONNECT_REQUEST_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/gateway/http_server.h"
#include "server/gateway/methods.h"
#include "server/rpc/in_process.h"

namespace onhand::gateway {

// Where calls go, and how much one may be.
struct HubDoor {
  rpc::InProcess* rpc = nullptr;
  size_t body_bytes_max = 4 << 20;  // without gzip
  // A unary call that names no deadline, or a later one, has this.
  absl::Duration unary_within = absl::Seconds(60);
};

enum class Codec { kProto, kJson };

// "application/json; charset=utf-8" with `prefix` "application/". UNKNOWN_CONTENT_TYPE names those
// that are understood; PROTOBUF_ONLY: the method has no JSON.
absl::StatusOr<Codec> CodecOf(absl::string_view content_type, absl::string_view prefix,
                              const Method& method);
std::string ContentTypeOf(Codec codec, absl::string_view prefix);

// INVALID_ARGUMENT (UNKNOWN_VERSION): Connect-Protocol-Version is there and is not 1.
absl::Status CheckVersion(const HttpRequest& request);
// Connect-Timeout-Ms from now on; `latest` if there is none. INVALID_ARGUMENT (INVALID_TIMEOUT).
absl::StatusOr<absl::Time> DeadlineOf(const HttpRequest& request, absl::Time latest);
// Whether an answer may be gzip.
bool AcceptsGzip(const HttpRequest& request);

// A message as the hub takes it, and as the client does.
absl::StatusOr<std::string> Decode(Codec codec, const Method& method, std::string message);
absl::StatusOr<std::string> Encode(Codec codec, const Method& method, std::string bytes);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONNECT_REQUEST_H_
