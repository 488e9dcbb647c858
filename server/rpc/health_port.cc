#include "server/rpc/health_port.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace onhand::rpc {
namespace {

// How long a probe waits at most for the port's thread, some times for each connection.
constexpr absl::Duration kPause = absl::Milliseconds(10);
// A probe that listens (Watch) is cut off after this.
constexpr absl::Duration kLastCallsFor = absl::Milliseconds(200);
constexpr size_t kMemoryBytesMax = 16 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<HealthPort>> HealthPort::Start(const std::string& address) {
  std::unique_ptr<HealthPort> port(new HealthPort());
  if (absl::Status status = port->Listen(address); !status.ok()) return status;
  return port;
}

absl::Status HealthPort::Listen(const std::string& address) {
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota("onhand health");
  quota.Resize(kMemoryBytesMax);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(health_.service());
  queue_.Open(&builder);
  queue_.SetBook(&calls_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(absl::StrCat(
        "--health '", address, "' cannot be listened on; is another process using the port?"));
  }
  health_.Serve(&queue_);
  queue_.Start(kPause);
  return absl::OkStatus();
}

HealthPort::~HealthPort() {
  if (server_ == nullptr) return;
  health_.EndWatches();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + kLastCallsFor));
  queue_.Join();
}

}  // namespace onhand::rpc
