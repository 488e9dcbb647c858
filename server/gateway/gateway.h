// The hub's HTTP port: every method of the contract by the Connect protocol, so that browsers, curl
// and Connect's own clients need no proxy; the file door for tills; and /healthz, /readyz and
// /metrics for those who run it. Owned by main, which stops the gRPC server first: that ends the
// streams.
#ifndef ONHAND_SERVER_GATEWAY_GATEWAY_H_
#define ONHAND_SERVER_GATEWAY_GATEWAY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/gateway/conditional_get.h"
#include "server/gateway/connect_request.h"
#include "server/gateway/connect_stream.h"
#include "server/gateway/connections.h"
#include "server/gateway/cors.h"
#include "server/gateway/file_door.h"
#include "server/gateway/http_server.h"
#include "server/gateway/methods.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/rpc/gate.h"
#include "server/rpc/in_process.h"

namespace onhand::gateway {

struct GatewayOptions {
  std::string host;
  int port = 0;  // 0: one that is free
  // Origins whose pages may use the hub from a browser; "*": all.
  std::vector<std::string> allow_origins;
  HttpLimits limits;
  // What connections shake hands with; null ones are plain.
  Connections::Tls tls = [] { return nullptr; };
  absl::Duration quiet_stream_max = absl::Minutes(5);
};

// What the gateway stands before. All of it outlives the gateway.
struct Behind {
  hub::Hub* hub = nullptr;  // for the file door; all else goes by rpc
  // The gRPC server of this process.
  rpc::InProcess* rpc = nullptr;
  // What routes that are no RPC pass; null: no tokens are asked for.
  rpc::Gate* gate = nullptr;
  hub::Clock* clock = nullptr;
  // OK while the hub can take work; otherwise why not. /healthz never asks: it says that the
  // process lives.
  std::function<absl::Status()> ready;
  // The text of /metrics.
  std::function<std::string()> metrics;
};

class Gateway {
 public:
  // UNAVAILABLE if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(GatewayOptions options, Behind behind);
  // Answers what is under way and stops.
  ~Gateway();

  int port() const { return server_->port(); }

 private:
  Gateway(const GatewayOptions& options, Behind behind);

  HttpResponse Handle(HttpRequest& request);
  HttpResponse Route(HttpRequest& request);
  // Lets a caller use a route that is no RPC; nobody, without a name, where no token is asked for.
  absl::StatusOr<rpc::Caller> Enter(const HttpRequest& request, absl::string_view route,
                                    const std::string* location_id = nullptr) const;
  HttpResponse Call(const Method& method, HttpRequest& request);

  const Behind behind_;
  const HubDoor hub_;
  const Freshness freshness_;
  const Cors cors_;
  Methods methods_;
  ConnectStreams streams_;
  FileDoor files_;
  std::unique_ptr<HttpServer> server_;  // last: its workers use the others
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_GATEWAY_H_
