#include "server/rpc/server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/channel_arguments.h"
#include "server/rpc/report_stream.h"

namespace onhand::rpc {
namespace {

// Reflection is the only service that takes a thread a call.
constexpr int kSyncThreadsMax = 16;
// Of one call: room for a token and a trace, not for a cookie jar.
constexpr int kMetadataBytesMax = 16 << 10;
// Further calls of a connection wait at its client for the first ones to end.
constexpr int kStreamsAConnection = 1'024;
constexpr int kHandshakeMsMax = 5'000;

void SetLimits(const ServerOptions& options, grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("onhand");
  quota.SetMaxThreads(kSyncThreadsMax);
  quota.Resize(options.memory_bytes_max);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(4 * static_cast<int>(kBatchBytesMax));
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  // A peer that vanished without a word is noticed; one that asks too often whether the hub lives
  // is sent away.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsAConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMsMax);
  // Two hubs on one port would split their agents between them.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

Server::Server(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, Surroundings surroundings,
               ServerOptions options)
    : options_(std::move(options)),
      watch_(watch),
      gate_(options_.insecure ? nullptr : std::make_unique<Gate>(hub, options_.rates)),
      catalog_(hub),
      stock_(hub),
      rules_(hub),
      quarantine_(hub),
      webhooks_(hub, surroundings.test_webhook),
      tokens_(hub),
      audit_(hub),
      hub_(hub, &streams_, std::move(surroundings)),
      insights_(hub, clock),
      reports_(hub, &streams_),
      availability_(hub, clock),
      find_(hub, clock),
      reservations_(hub),
      watches_(watch),
      health_({v1::CatalogService::service_full_name(), v1::StockService::service_full_name(),
               v1::RuleService::service_full_name(), v1::QuarantineService::service_full_name(),
               v1::HubService::service_full_name(), v1::InsightService::service_full_name(),
               v1::ReportService::service_full_name(), v1::AvailabilityService::service_full_name(),
               v1::FindService::service_full_name(), v1::ReservationService::service_full_name(),
               v1::WatchService::service_full_name(), v1::WebhookService::service_full_name(),
               v1::TokenService::service_full_name(), v1::AuditService::service_full_name()}) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(hub::Hub* hub, hub::Watch* watch,
                                                      hub::Clock* clock, Surroundings surroundings,
                                                      ServerOptions options) {
  std::unique_ptr<Server> server(
      new Server(hub, watch, clock, std::move(surroundings), std::move(options)));
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return server;
}

absl::Status Server::Listen() {
  // Acts on every server that is built from here on; the hub builds one.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  // Keeps the library up until the process ends: its own shutdown waits up to 10 s for a poller
  // that a large message has left behind.
  grpc_init();

  grpc::ServerBuilder builder;
  SetLimits(options_, builder);
  builder.AddListeningPort(options_.address, options_.credentials, &port_);
  for (grpc::Service* service :
       {catalog_.service(), stock_.service(), rules_.service(), quarantine_.service(),
        hub_.service(), insights_.service(), reports_.service(), availability_.service(),
        find_.service(), reservations_.service(), watches_.service(), webhooks_.service(),
        tokens_.service(), audit_.service(), health_.service()}) {
    builder.RegisterService(service);
  }
  queue_.Open(&builder);
  queue_.SetGate(gate_.get());
  queue_.SetBook(&calls_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("--grpc '", options_.address,
                     "' cannot be listened on; is another process using the port?"));
  }
  catalog_.Serve(&queue_);
  stock_.Serve(&queue_);
  rules_.Serve(&queue_);
  quarantine_.Serve(&queue_);
  hub_.Serve(&queue_);
  insights_.Serve(&queue_);
  reports_.Serve(&queue_);
  availability_.Serve(&queue_);
  find_.Serve(&queue_);
  reservations_.Serve(&queue_);
  watches_.Serve(&queue_);
  webhooks_.Serve(&queue_);
  tokens_.Serve(&queue_);
  audit_.Serve(&queue_);
  health_.Serve(&queue_);
  health_.SetServing(true);
  queue_.Start();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // what the hub answers is as large as it is
  in_process_.Open(server_->InProcessChannel(arguments));
  idle_watch_ = std::thread([this] { WatchOpenStreams(); });
  return absl::OkStatus();
}

void Server::WatchOpenStreams() {
  const absl::Duration interval = std::min(absl::Seconds(1), options_.idle_after / 4);
  while (!stopping_.WaitForNotificationWithTimeout(interval)) {
    streams_.EndIdle(absl::ToChronoNanoseconds(options_.idle_after));
    if (gate_ != nullptr) gate_->EndStale();
  }
}

void Server::Stop() {
  if (server_ == nullptr || stopping_.HasBeenNotified()) return;
  health_.SetServing(false);
  streams_.Drain(static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.reconnect_after)));
  watch_->Drain();
  streams_.AwaitNone(options_.drain_for);
  health_.EndWatches();
  in_process_.Close(options_.last_calls_for);
  server_->Shutdown(absl::ToChronoTime(absl::Now() + options_.last_calls_for));
  queue_.Join();
  stopping_.Notify();
  idle_watch_.join();
}

Server::~Server() { Stop(); }

}  // namespace onhand::rpc
