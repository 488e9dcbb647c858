// Calls of the hub's own gRPC server from within the process, by name and with the bytes of the
// messages: one code path for every method, with the errors, deadlines and limits that a gRPC
// client meets. The channel is no socket, and what waits here polls nothing, so the server's
// polling thread stays the only one (decisions/0004). Any thread; a HubStream belongs to one.
#ifndef ONHAND_SERVER_GATEWAY_HUB_CALL_H_
#define ONHAND_SERVER_GATEWAY_HUB_CALL_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "server/gateway/http_server.h"
#include "server/rpc/in_process.h"

namespace onhand::gateway {

// What of a caller's headers goes on to the hub; empty ones do not.
struct Carried {
  std::string authorization;  // for the hub to judge
  std::string traceparent;    // for its log
  std::string peer;           // for its audit
};
Carried CarriedBy(const HttpRequest& request);

// Blocks until the method has answered or the deadline has passed; UNAVAILABLE (STOPPING) once the
// server shuts down. `path` is /package.Service/Method.
grpc::Status CallHub(rpc::InProcess& rpc, const std::string& path, const std::string& request,
                     const Carried& carried, absl::Time deadline, std::string* response);

// A method that answers with a stream.
class HubStream {
 public:
  HubStream(rpc::InProcess& rpc, const std::string& path, const std::string& request,
            const Carried& carried, absl::Time deadline);
  // Cancels the call if it has not ended.
  ~HubStream();
  HubStream(const HubStream&) = delete;
  HubStream& operator=(const HubStream&) = delete;

  enum class Next { kMessage, kNothingYet, kEnd };
  // Waits so long for a message. The next one is asked of the hub only when this one was taken, so
  // a slow reader holds the hub's stream back.
  Next Read(absl::Duration wait, std::string* message);
  // How it ended. Precondition: Read said kEnd.
  const grpc::Status& status() const;

 private:
  struct Call;
  std::unique_ptr<Call> call_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_HUB_CALL_H_
