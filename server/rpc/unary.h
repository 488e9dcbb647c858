// The way of a unary write: through the sequencer, and answered from its thread when it is durable,
// so that no thread waits. Used by every service that writes; any thread.
#ifndef ONHAND_SERVER_RPC_UNARY_H_
#define ONHAND_SERVER_RPC_UNARY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/hub/hub.h"
#include "server/ledger/group.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

// Hands a write to the hub. `decide` answers with the serialized response, which is parsed into
// `response` when its facts are durable. `request` and `response` live until the reply.
// INVALID_REQUEST_ID if the id is not a UUIDv7; an empty one is taken where `dry_run` holds.
void Submit(hub::Hub* hub, const google::protobuf::Message& request, const std::string& request_id,
            bool dry_run, google::protobuf::Message* response, Reply reply,
            std::function<absl::StatusOr<std::string>(ledger::Group&)> decide);
// The same for a decision that reads the committed rules (hub::Write::decide_by_rules).
void Submit(hub::Hub* hub, const google::protobuf::Message& request, const std::string& request_id,
            bool dry_run, google::protobuf::Message* response, Reply reply,
            std::function<absl::StatusOr<std::string>(ledger::Group&, const ledger::RuleBook&)>
                decide_by_rules);

// What a request asks, as a number: the same for the same content of the same kind, whatever its
// request id.
uint64_t ContentHash(const google::protobuf::Message& request);

// The same for a decision of the ledger: decide(group, request), or decide(group, book, request),
// gives StatusOr<Response>.
template <class Request, class Response, class Decide>
void SubmitWrite(hub::Hub* hub, const Request& request, Response* response, Reply reply,
                 Decide decide) {
  bool dry_run = false;
  if constexpr (requires { request.dry_run(); }) dry_run = request.dry_run();
  const auto serialized =
      [](const absl::StatusOr<Response>& answer) -> absl::StatusOr<std::string> {
    if (!answer.ok()) return answer.status();
    return answer->SerializeAsString();
  };
  if constexpr (std::is_invocable_v<Decide, ledger::Group&, const ledger::RuleBook&,
                                    const Request&>) {
    Submit(hub, request, request.request_id(), dry_run, response, reply,
           [&request, decide, serialized](ledger::Group& group, const ledger::RuleBook& book) {
             return serialized(decide(group, book, request));
           });
  } else {
    Submit(hub, request, request.request_id(), dry_run, response, reply,
           [&request, decide, serialized](ledger::Group& group) {
             return serialized(decide(group, request));
           });
  }
}

// The handler of a method that is such a decision and nothing else.
template <class Decide>
auto WriteOf(hub::Hub* hub, Decide decide) {
  return [hub, decide](const auto& request, auto* response, Reply reply) {
    SubmitWrite(hub, request, response, reply, decide);
  };
}

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_UNARY_H_
