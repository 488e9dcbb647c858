#include "server/serve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/program/log.h"
#include "server/address.h"
#include "server/gateway/gateway.h"
#include "server/gateway/metrics_port.h"
#include "server/hooks/sender.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/hub/projection.h"
#include "server/hub/watch.h"
#include "server/rpc/health_port.h"
#include "server/rpc/server.h"
#include "server/rpc/time_zones.h"
#include "server/rpc/tls_credentials.h"
#include "server/rpc/token_service.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/survey.h"
#include "spdlog/spdlog.h"
#include "storage/open.h"

namespace onhand {
namespace {

// How often main looks whether the hub still leads.
constexpr timespec kHealthInterval{.tv_sec = 0, .tv_nsec = 250'000'000};

// A projection that is further behind than this is left to the next start.
constexpr int64_t kQuickCatchUpUs = 10'000'000;

// Reports trickle in while the tables for people lag further behind than this.
constexpr int64_t kTablesLagMaxUs = int64_t{10} * 60 * 1'000'000;

// What the flags say, checked.
struct Checked {
  Address grpc;
  Address http;
  std::optional<Address> health;
  std::optional<Address> metrics;
  absl::Duration drain_for;
};

constexpr absl::Duration kDrainMax = absl::Minutes(10);
// Of the time for draining, what is kept for the calls that are left when the streams have gone.
constexpr absl::Duration kLastCallsFor = absl::Seconds(5);

absl::StatusOr<std::optional<Address>> ParseOptional(absl::string_view flag,
                                                     const std::string& text) {
  if (text.empty()) return std::nullopt;
  absl::StatusOr<Address> address = ParseAddress(flag, text);
  if (!address.ok()) return address.status();
  return *std::move(address);
}

// Everything that can be wrong with the flags, before anything is opened.
absl::StatusOr<Checked> CheckFlags(const ServeConfig& config) {
  absl::StatusOr<Address> grpc = ParseAddress("--grpc", config.grpc);
  if (!grpc.ok()) return grpc.status();
  absl::StatusOr<Address> http = ParseAddress("--http", config.http);
  if (!http.ok()) return http.status();
  absl::StatusOr<std::optional<Address>> health = ParseOptional("--health", config.health);
  if (!health.ok()) return health.status();
  absl::StatusOr<std::optional<Address>> metrics = ParseOptional("--metrics", config.metrics);
  if (!metrics.ok()) return metrics.status();
  absl::Duration drain_for;
  if (!absl::ParseDuration(config.drain_for, &drain_for) || drain_for < absl::ZeroDuration() ||
      drain_for > kDrainMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--drain-for '", config.drain_for, "' is not a time of 0s to 10m; say it as in 45s"));
  }
  if (config.insecure && config.tls.IsGiven()) {
    return absl::InvalidArgumentError("--insecure goes with no --tls option: leave one out");
  }
  for (const auto& [flag, address] : {std::pair("--grpc", &*grpc), std::pair("--http", &*http)}) {
    if (address->IsLoopback()) continue;
    if (config.insecure || config.clock_scale != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          flag, " '", address->ToString(), "' can be reached from other machines, which ",
          config.clock_scale != 1 ? "--clock-scale" : "--insecure",
          " does not allow; listen on 127.0.0.1 or ::1"));
    }
    if (!config.tls.IsGiven()) {
      return absl::InvalidArgumentError(absl::StrCat(
          flag, " '", address->ToString(),
          "' can be reached from other machines, and the network would see every token; add "
          "--tls-cert-file and --tls-key-file, or listen on 127.0.0.1 or ::1"));
    }
  }
  if (config.clock_scale < 1) return absl::InvalidArgumentError("--clock-scale must be at least 1");
  if (absl::Status store = CheckStore(config.store); !store.ok()) return store;
  return Checked{*std::move(grpc), *std::move(http), *std::move(health), *std::move(metrics),
                 drain_for};
}

absl::Status CannotKeep(const std::string& file, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("--first-token-file '", file, "' ", what, ": ",
                                                 std::strerror(errno),
                                                 "; name a file in a folder of the hub's own"));
}

// Where no admin's token holds, makes one, and shows it once: without it nobody could make others.
absl::Status ShowFirstToken(hub::Hub* hub, const std::string& file) {
  if (rpc::AnAdminTokenHolds(hub)) return absl::OkStatus();
  const std::string text = rpc::NewTokenText();
  if (file.empty()) {
    if (const auto made = rpc::MakeFirstToken(hub, text); !made.ok()) return made.status();
    const std::string line =
        absl::StrCat("first token, of an admin, not shown again: ", text, "\n");
    if (write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()))
      return absl::OkStatus();
    return absl::DataLossError(
        "the first token could not be written to stderr: start with "
        "--first-token-file on a store that is empty");
  }
  // Written first: a token that nobody can read would lock everybody out.
  const int opened =
      open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (opened < 0) return CannotKeep(file, "cannot be opened");
  const absl::Cleanup closed = [opened] { close(opened); };
  if (fchmod(opened, S_IRUSR | S_IWUSR) != 0) return CannotKeep(file, "cannot be kept private");
  const std::string line = absl::StrCat(text, "\n");
  if (write(opened, line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      fsync(opened) != 0) {
    return CannotKeep(file, "cannot be written");
  }
  if (const auto made = rpc::MakeFirstToken(hub, text); !made.ok()) {
    unlink(file.c_str());
    return made.status();
  }
  spdlog::info("the first token, of an admin, is in {}", file);
  return absl::OkStatus();
}

absl::Status Prepare(storage::Store& store) {
  // A database that others share is changed only when somebody says so.
  if (store.kind() == "mysql") return store.CheckSchema();
  const absl::StatusOr<std::vector<std::string>> applied = store.Migrate();
  if (applied.ok() && !applied->empty())
    spdlog::info("migrated: {}", absl::StrJoin(*applied, ", "));
  return applied.status();
}

std::unique_ptr<hub::Projector> StartProjector(storage::Store* store, hub::Hub& hub,
                                               hub::ProjectionProgress* progress) {
  const uint64_t epoch =
      hub.Read([](const ledger::Ledger& ledger) { return ledger.state().counters.epoch; });
  return std::make_unique<hub::Projector>(
      store, epoch,
      hub::Projector::View{
          .read = [&hub](absl::FunctionRef<void(const ledger::Ledger&)> read) { hub.Read(read); },
          .revision = [&hub] { return hub.revision(); }},
      progress, hub::Projector::Options());
}

std::string WithPort(Address address, int port) {
  address.port = port;
  return address.ToString();
}

// SIGTERM and SIGINT, taken from every thread that is started while this lives.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // Waits a moment; true if one came.
  bool Wait(timespec moment) { return sigtimedwait(&signals_, nullptr, &moment) > 0; }
  // From here on a further signal ends the process at once.
  void LetThrough() { pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr); }

 private:
  sigset_t signals_;
};

}  // namespace

absl::Status CheckServe(const ServeConfig& config) { return CheckFlags(config).status(); }

int Serve(const ServeConfig& config) {
  const absl::StatusOr<Checked> checked = CheckFlags(config);
  if (!checked.ok()) return Fail(checked.status());
  std::unique_ptr<TlsContext> tls;
  if (config.tls.IsGiven()) {
    absl::StatusOr<std::unique_ptr<TlsContext>> made = TlsContext::Make(config.tls);
    if (!made.ok()) return Fail(made.status());
    tls = *std::move(made);
  }
  StopSignals signals;
  // First of all, so that a supervisor sees a hub that reads a long journal live.
  std::unique_ptr<rpc::HealthPort> health_port;
  if (checked->health.has_value()) {
    absl::StatusOr<std::unique_ptr<rpc::HealthPort>> started =
        rpc::HealthPort::Start(checked->health->ToString());
    if (!started.ok()) return Fail(started.status());
    health_port = *std::move(started);
  }

  const absl::StatusOr<std::unique_ptr<storage::StoreLock>> store_lock =
      storage::StoreLock::Take(config.store.url);
  if (!store_lock.ok()) return Fail(store_lock.status());
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config.store);
  if (!store.ok()) return Fail(store.status());
  if (absl::Status prepared = Prepare(**store); !prepared.ok()) return Fail(prepared);

  hub::HubClock clock(config.clock_scale);
  hub::ProjectionProgress progress;
  hub::HubOptions hub_options;
  hub_options.version = kVersion;
  hub_options.confirm_clock = config.confirm_clock;
  hub_options.offsets_of = rpc::OffsetsOf;
  if (config.projection) {
    hub_options.journal_needed_above = [&progress] { return progress.ProjectedThrough(); };
    hub_options.reports_slowed = [&progress] {
      return progress.behind_us.load(std::memory_order_relaxed) > kTablesLagMaxUs;
    };
  }
  absl::StatusOr<std::unique_ptr<hub::Hub>> hub =
      hub::Hub::Start(store->get(), &clock, std::move(hub_options));
  if (!hub.ok()) return Fail(hub.status());

  if (!config.insecure) {
    absl::Status shown = ShowFirstToken(hub->get(), config.first_token_file);
    if (!shown.ok()) return Fail(shown);
  }

  std::unique_ptr<hub::Projector> projector;
  if (config.projection) projector = StartProjector(store->get(), **hub, &progress);

  const std::string kind((*store)->kind());
  const auto projected_revision = [&progress] { return progress.through_revision.load(); };
  hub::Watch watch(hub->get());
  hooks::Sender sender(
      hub->get(), &watch, &clock,
      {.post = {.allow_private = config.webhook_allow_private, .ca_file = config.webhook_ca_file}});
  rpc::Surroundings surroundings{
      .version = kVersion,
      .store = kind,
      .projected_revision = projected_revision,
      .test_webhook = [&sender](const std::string& id, rpc::WebhookService::TestDone done) {
        sender.Test(id, std::move(done));
      }};
  const absl::Duration last_calls_for = std::min(checked->drain_for, kLastCallsFor);
  rpc::ServerOptions server_options{.address = checked->grpc.ToString(),
                                    .insecure = config.insecure,
                                    .rates = config.rates,
                                    .memory_bytes_max = static_cast<size_t>(config.memory_quota_mib)
                                                        << 20,
                                    .drain_for = checked->drain_for - last_calls_for,
                                    .last_calls_for = last_calls_for};
  if (tls != nullptr) server_options.credentials = rpc::MakeTlsCredentials(config.tls);
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
      hub->get(), &watch, &clock, std::move(surroundings), std::move(server_options));
  if (!server.ok()) return Fail(server.status());

  const telemetry::Survey survey(hub->get());
  std::atomic<bool> draining{false};
  const telemetry::MetricSources metrics{
      .hub = hub->get(),
      .watch = &watch,
      .survey = &survey,
      .projection = &progress,
      .calls = &(*server)->calls(),
      .limits = config.insecure ? nullptr : &(*server)->gate()->limits(),
      .version = kVersion,
      .store = kind,
      .open_streams = [&server] { return uint64_t{(*server)->streams().size()}; }};
  const auto render = [&metrics] { return telemetry::RenderMetrics(metrics); };
  const auto ready = [&]() -> absl::Status {
    if (draining.load()) return absl::UnavailableError("the hub is about to stop");
    return (*hub)->health();
  };
  absl::StatusOr<std::unique_ptr<gateway::Gateway>> http =
      gateway::Gateway::Start({.host = checked->http.host,
                               .port = checked->http.port,
                               .allow_origins = config.http_allow_origins,
                               .tls = [&tls] { return tls == nullptr ? nullptr : tls->Get(); }},
                              {.hub = hub->get(),
                               .rpc = (*server)->in_process(),
                               .gate = (*server)->gate(),
                               .clock = &clock,
                               .ready = ready,
                               .metrics = render});
  if (!http.ok()) return Fail(http.status());
  std::unique_ptr<gateway::HttpServer> metrics_port;
  if (checked->metrics.has_value()) {
    absl::StatusOr<std::unique_ptr<gateway::HttpServer>> started =
        gateway::StartMetricsPort(checked->metrics->host, checked->metrics->port, render);
    if (!started.ok()) return Fail(started.status());
    metrics_port = *std::move(started);
  }

  std::vector<std::pair<absl::string_view, std::string>> ports = {
      {"grpc", WithPort(checked->grpc, (*server)->port())},
      {"http", WithPort(checked->http, (*http)->port())}};
  if (health_port != nullptr) {
    health_port->SetReady(true);
    ports.emplace_back("health", WithPort(*checked->health, health_port->port()));
  }
  if (metrics_port != nullptr) {
    ports.emplace_back("metrics", WithPort(*checked->metrics, metrics_port->port()));
  }
  program::Log(spdlog::level::info, "onhandd ready", ports);
  sd_notify(/*unset_environment=*/0, "READY=1");

  absl::Status health;
  while (!signals.Wait(kHealthInterval)) {
    health = (*hub)->health();
    if (!health.ok()) break;
  }
  if (health.ok()) {
    spdlog::info("draining");
  } else {
    spdlog::error("the hub may not write any more: {}", std::string(health.message()));
  }
  signals.LetThrough();
  sd_notify(/*unset_environment=*/0, "STOPPING=1");
  draining.store(true);
  if (health_port != nullptr) health_port->SetReady(false);
  // Deliveries are broken off first: calls that wait for one are answered then.
  sender.Stop();
  (*server)->Stop();
  watch.Stop();
  (*hub)->Stop(/*take_image=*/true);
  // Nothing is applied any more. What the tables still lack is written now if that is quick, and at
  // the next start otherwise.
  if (projector != nullptr && projector->status().ok() &&
      progress.behind_us.load() < kQuickCatchUpUs) {
    projector->CatchUp().IgnoreError();
  }
  projector.reset();
  spdlog::info("stopped at revision {}", (*hub)->revision());
  return health.ok() ? kExitDone : kExitFenced;
}

}  // namespace onhand
