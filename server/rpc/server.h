// The hub's gRPC port: builds every service, listens, and goes away without losing anybody's words.
// Owned by main. Start and Stop are called once; the rest from any thread in between.
#ifndef ONHAND_SERVER_RPC_SERVER_H_
#define ONHAND_SERVER_RPC_SERVER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/hub/watch.h"
#include "server/rpc/audit_service.h"
#include "server/rpc/availability_service.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_limits.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/catalog_service.h"
#include "server/rpc/find_service.h"
#include "server/rpc/gate.h"
#include "server/rpc/health_service.h"
#include "server/rpc/hub_service.h"
#include "server/rpc/in_process.h"
#include "server/rpc/insight_service.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/quarantine_service.h"
#include "server/rpc/report_service.h"
#include "server/rpc/reservation_service.h"
#include "server/rpc/rules_service.h"
#include "server/rpc/stock_service.h"
#include "server/rpc/token_service.h"
#include "server/rpc/watch_service.h"
#include "server/rpc/webhook_service.h"

namespace onhand::rpc {

struct ServerOptions {
  std::string address;  // HOST:PORT; port 0: one that is free
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  // No tokens are asked for: whoever reaches the port may do everything.
  bool insecure = false;
  CallRates rates;
  // Memory that gRPC may take for all that is under way; beyond, it accepts no further connection.
  size_t memory_bytes_max = 512u << 20;
  // A report stream on which nothing is heard for so long ends with IDLE.
  absl::Duration idle_after = absl::Seconds(60);
  // What agents are told when the hub stops, and how long it waits for them to close.
  absl::Duration reconnect_after = absl::Seconds(1);
  absl::Duration drain_for = absl::Seconds(5);
  // How long other calls may still take after that.
  absl::Duration last_calls_for = absl::Seconds(5);
};

class Server {
 public:
  // Listens and serves. Hub, watch and clock outlive the server. UNAVAILABLE if the address cannot
  // be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(hub::Hub* hub, hub::Watch* watch,
                                                       hub::Clock* clock, Surroundings surroundings,
                                                       ServerOptions options);
  ~Server();

  // The port that it listens on.
  int port() const { return port_; }
  const OpenStreams& streams() const { return streams_; }
  // What HTTP routes that are no RPC pass too; null: no tokens are asked for.
  Gate* gate() { return gate_.get(); }
  const CallBook& calls() const { return calls_; }
  // For the HTTP port; until the server is gone.
  InProcess* in_process() { return &in_process_; }

  // Drains: health answers NOT_SERVING, agents are told to go and get their time to; then no call
  // is left. The hub must still run: calls under way are answered by it.
  void Stop();

 private:
  Server(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, Surroundings surroundings,
         ServerOptions options);
  absl::Status Listen();
  // Ends streams on which nothing is heard, and those whose token holds no more.
  void WatchOpenStreams();

  const ServerOptions options_;
  hub::Watch* const watch_;
  const std::unique_ptr<Gate> gate_;
  CallBook calls_;
  OpenStreams streams_;
  CatalogService catalog_;
  StockService stock_;
  RulesService rules_;
  QuarantineService quarantine_;
  WebhookService webhooks_;
  TokenService tokens_;
  AuditService audit_;
  HubService hub_;
  InsightService insights_;
  ReportService reports_;
  AvailabilityService availability_;
  FindService find_;
  ReservationService reservations_;
  WatchService watches_;
  HealthService health_;
  CallQueue queue_;
  int port_ = 0;
  InProcess in_process_;
  std::unique_ptr<grpc::Server> server_;
  absl::Notification stopping_;
  std::thread idle_watch_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_SERVER_H_
