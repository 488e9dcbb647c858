// How a refusal leaves the hub: the one place that turns absl::Status into grpc::Status.
// Pure function; any thread.
#ifndef ONHAND_SERVER_RPC_STATUS_H_
#define ONHAND_SERVER_RPC_STATUS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace onhand::rpc {

// The code and the text, and in the error details a google.rpc.Status that holds the refusal's
// ErrorInfo, and its RetryInfo if it has one. A status without one gets an ErrorInfo whose reason
// is the name of its code, so that programs always find a reason.
grpc::Status ToGrpc(const absl::Status& status);

// The same, for the end of a call: a refusal with a RetryInfo also pushes back a client that
// retries by itself (trailing metadata grpc-retry-pushback-ms).
grpc::Status EndOf(grpc::ServerContext& context, const absl::Status& status);

// When a refused call may be made again, as its RetryInfo says; 0: it does not say.
int64_t RetryAfterMs(const grpc::Status& status);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_STATUS_H_
