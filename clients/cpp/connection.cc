#include "clients/cpp/connection.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/request_id.h"
#include "clients/cpp/timestamp.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "onhand/v1/hub.grpc.pb.h"

namespace onhand::client {
namespace {

constexpr absl::Duration kBackoffMax = absl::Seconds(2);
// An answer of 1,000 items with all their aliases passes gRPC's default of 4 MiB.
constexpr int kMessageBytesMax = 64 << 20;

std::shared_ptr<grpc::Channel> MakeChannel(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // gRPC waits a second before it connects again; a hub that restarts is back sooner.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A proxy variable of the environment is meant for the web, not for the hub next door.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto credentials =
      options.credentials == nullptr ? grpc::InsecureChannelCredentials() : options.credentials;
  if (options.token == nullptr) {
    return grpc::CreateCustomChannel(options.hub, credentials, arguments);
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(options.hub, credentials,
                                                                 arguments, Showing(options.token));
}

// How long the hub asks to be left alone with this call; zero: it does not ask.
absl::Duration PushbackOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("grpc-retry-pushback-ms");
  int64_t ms = 0;
  if (found == metadata.end() ||
      !absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &ms)) {
    return absl::ZeroDuration();
  }
  return absl::Milliseconds(std::clamp<int64_t>(ms, 0, 60'000));
}

}  // namespace

Connection::Connection(ConnectionOptions options)
    : options_(std::move(options)), channel_(MakeChannel(options_)) {}

absl::Status Connection::Attempt(absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call) {
  const absl::Time deadline = absl::Now() + options_.timeout;
  std::optional<Backoff> backoff;
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    const absl::Status status = StatusFromGrpc(call(&context));
    const absl::Duration pushback = PushbackOf(context);
    if (!absl::IsUnavailable(status) && pushback == absl::ZeroDuration()) return status;
    if (!backoff) backoff.emplace(options_.first_backoff, kBackoffMax);
    // Beyond a limit of the hub's, its own word counts; on top of it the jitter, so that those who
    // were refused together do not come back together.
    const absl::Duration wait = pushback + backoff->Next();
    if (attempt >= options_.attempts_max || absl::Now() + wait >= deadline) return status;
    AwaitHub(absl::Now() + wait);
  }
}

// gRPC connects anew only while some call or this waits inside of it; otherwise it looks every 5 s.
void Connection::AwaitHub(absl::Time until) {
  channel_->WaitForConnected(absl::ToChronoTime(until));
  // The rest as well: a thousand clients shall not come back in one moment.
  absl::SleepFor(until - absl::Now());
}

std::string Connection::MakeRequestId() {
  const absl::Time now = absl::Now() + absl::Microseconds(hub_ahead_us_.load());
  absl::MutexLock lock(&mu_);
  return NewRequestId(now, random_);
}

absl::StatusOr<absl::Time> Connection::HubTime() {
  absl::StatusOr<v1::GetHubStatusResponse> hub =
      Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
  if (!hub.ok()) return hub.status();
  if (!hub->has_ledger_time()) return absl::Now();  // an empty ledger has no time yet
  const absl::Time ledger_time = FromProto(hub->ledger_time());
  hub_ahead_us_.store(absl::ToInt64Microseconds(ledger_time - absl::Now()));
  return ledger_time;
}

}  // namespace onhand::client
