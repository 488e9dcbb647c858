// The two ways of a unary call: a read is answered at once under the hub's lock, a write goes
// through the sequencer and is answered from its thread, so that no thread waits. Used by every
// callback service; any thread.
#ifndef ONHAND_SERVER_RPC_UNARY_H_
#define ONHAND_SERVER_RPC_UNARY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/server_callback.h"
#include "server/hub/hub.h"
#include "server/ledger/group.h"

namespace onhand::rpc {

// Ends a call that needed nobody else.
grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status);

// Hands a write to the hub. `decide` answers with the serialized response, which is parsed into
// `response` when its facts are durable. `request` and `response` live until the call is finished,
// as gRPC lets them. INVALID_REQUEST_ID if the id is not a UUIDv7; an empty one is taken where
// `dry_run` holds.
grpc::ServerUnaryReactor* Submit(hub::Hub* hub, grpc::CallbackServerContext* context,
                                 const google::protobuf::Message& request,
                                 const std::string& request_id, bool dry_run,
                                 google::protobuf::Message* response,
                                 std::function<absl::StatusOr<std::string>(ledger::Group&)> decide);

// What a request asks, as a number: the same for the same content of the same kind, whatever its
// request id.
uint64_t ContentHash(const google::protobuf::Message& request);

// The same for a decision of the ledger: decide(group, request) gives StatusOr<Response>.
template <class Request, class Response, class Decide>
grpc::ServerUnaryReactor* SubmitWrite(hub::Hub* hub, grpc::CallbackServerContext* context,
                                      const Request* request, Response* response, Decide decide) {
  bool dry_run = false;
  if constexpr (requires { request->dry_run(); }) dry_run = request->dry_run();
  return Submit(hub, context, *request, request->request_id(), dry_run, response,
                [request, decide](ledger::Group& group) -> absl::StatusOr<std::string> {
                  const absl::StatusOr<Response> answer = decide(group, *request);
                  if (!answer.ok()) return answer.status();
                  return answer->SerializeAsString();
                });
}

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_UNARY_H_
