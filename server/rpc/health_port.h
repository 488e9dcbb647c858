// A port of its own for probes: plain gRPC with the health service alone, so that a supervisor
// needs neither a certificate nor a token, and nobody else gets anything from it. Two names:
// `live`, served as long as the process can answer, whatever its database does; and `ready`, served
// while calls may be sent to the hub (the empty name says the same). Owned by main, which starts it
// before the hub; SetReady from any thread.
#ifndef ONHAND_SERVER_RPC_HEALTH_PORT_H_
#define ONHAND_SERVER_RPC_HEALTH_PORT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/health_service.h"

namespace onhand::rpc {

class HealthPort {
 public:
  // Listens on HOST:PORT; port 0: one that is free. Not ready at first. UNAVAILABLE if the address
  // cannot be listened on. Before any Server: gRPC's reflection comes with those.
  static absl::StatusOr<std::unique_ptr<HealthPort>> Start(const std::string& address);
  ~HealthPort();

  int port() const { return port_; }
  void SetReady(bool ready) { health_.SetServing(ready); }

 private:
  HealthPort() = default;
  absl::Status Listen(const std::string& address);

  CallBook calls_;
  HealthService health_{{"ready"}, {"live"}};
  CallQueue queue_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_HEALTH_PORT_H_
