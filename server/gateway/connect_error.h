// How a refusal leaves the hub by HTTP: Connect's error JSON and the HTTP status that goes with it.
// The one place that maps either. Pure functions; any thread.
#ifndef ONHAND_SERVER_GATEWAY_CONNECT_ERROR_H_
#define ONHAND_SERVER_GATEWAY_CONNECT_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "server/gateway/http_server.h"

namespace onhand::gateway {

// {"code", "message", "details": [{"type", "value", "debug"}]}. Precondition: it is not OK.
std::string ErrorJson(const grpc::Status& status);
// The last message of a stream: {} or {"error": {...}}.
std::string EndOfStreamJson(const grpc::Status& status);

// The whole answer, with the status that Connect's code says; refusals of HTTP itself have their
// own (404, 405, 408, 413, 415).
HttpResponse Refused(const grpc::Status& status);
HttpResponse Refused(const absl::Status& status);
// With a status of the caller's choice.
HttpResponse Refused(int http_status, const absl::Status& status);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONNECT_ERROR_H_
