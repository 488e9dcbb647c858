// The one place that every call passes before it is handled: who calls, by the token shown, whether
// he does not ask for too much, and whether the table of permissions lets him. Streams that were
// let in are ended when their token holds no more. Owned by the server; any thread.
#ifndef ONHAND_SERVER_RPC_GATE_H_
#define ONHAND_SERVER_RPC_GATE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "server/hub/hub.h"
#include "server/rpc/call_limits.h"
#include "server/rpc/permissions.h"

namespace onhand::rpc {

// Who was let in, and the place that he takes until he goes.
struct Caller {
  Principal principal;
  CallLimits::Place place;
};

class Gate {
 public:
  // The hub outlives the gate, the gate every caller.
  Gate(hub::Hub* hub, const CallRates& rates) : hub_(hub), limits_(rates) {}

  // Who shows this `Bearer onhand_...`. UNAUTHENTICATED: TOKEN_MISSING, TOKEN_MALFORMED,
  // TOKEN_UNKNOWN, TOKEN_EXPIRED.
  absl::StatusOr<Principal> Identify(absl::string_view authorization) const;
  absl::StatusOr<Principal> Identify(const grpc::ServerContext& context) const;

  // Lets somebody in before it is looked at what he asks: Check follows. Nobody, without a name,
  // where no token is asked for. Errors: as Identify and CallLimits::Enter.
  absl::StatusOr<Caller> Enter(const Permission* row, const grpc::ServerContext& context,
                               CallLimits::Kind kind);
  // Lets a call of an HTTP route in, about `location_id` if that is not null.
  absl::StatusOr<Caller> EnterRoute(absl::string_view route, absl::string_view authorization,
                                    const std::string* location_id = nullptr);
  // As CheckPermission, for one who was let in.
  absl::Status Check(const Permission* row, const Principal& principal,
                     const google::protobuf::Message& request) const;

  // Remembers a stream that was let in, until it is gone or its token holds no more: then
  // stream->End(status) is called, at most once.
  template <class Stream>
  void Enlist(const Principal& principal, const std::shared_ptr<Stream>& stream) {
    Add({principal.token_id, stream,
         [stream = stream.get()](const absl::Status& why) { stream->End(why); }});
  }
  // Ends the streams whose tokens hold no more. Called every second.
  void EndStale();

  const CallLimits& limits() const { return limits_; }

 private:
  struct Guarded {
    std::string token_id;
    std::weak_ptr<void> stream;
    std::function<void(const absl::Status&)> end;  // while `stream` is there
  };
  absl::StatusOr<Caller> Let(absl::StatusOr<Principal> principal, CallLimits::Kind kind);
  void Add(Guarded guarded);
  absl::Status StillHolds(const std::string& token_id) const;

  hub::Hub* const hub_;
  CallLimits limits_;
  absl::Mutex mutex_;
  std::vector<Guarded> guarded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_GATE_H_
