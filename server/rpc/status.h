// How a refusal leaves the hub: the one place that turns absl::Status into grpc::Status.
// Pure function; any thread.
#ifndef ONHAND_SERVER_RPC_STATUS_H_
#define ONHAND_SERVER_RPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace onhand::rpc {

// The code and the text, and in the error details a google.rpc.Status that holds the refusal's
// ErrorInfo. A status without one gets an ErrorInfo whose reason is the name of its code, so that
// programs always find a reason.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_STATUS_H_
