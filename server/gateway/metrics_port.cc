#include "server/gateway/metrics_port.h"

#include <utility>

#include "server/gateway/connect_error.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

HttpResponse MetricsAnswer(std::string text) {
  return {.content_type = kMetricsType, .body = std::move(text)};
}

absl::StatusOr<std::unique_ptr<HttpServer>> StartMetricsPort(const std::string& host, int port,
                                                             std::function<std::string()> metrics) {
  HttpLimits limits;
  limits.connections.workers = 2;
  limits.connections.connections_max = 64;
  limits.connections.waiting_max = 16;
  return HttpServer::Start(
      "--metrics", host, port, limits, [] { return nullptr; },
      [metrics = std::move(metrics)](HttpRequest& request) {
        if (request.path == "/metrics" && (request.method == "GET" || request.method == "HEAD"))
          return MetricsAnswer(metrics());
        return Refused(ledger::Refuse(absl::StatusCode::kNotFound,
                                      {.reason = "UNKNOWN_PATH",
                                       .field = "path",
                                       .value = request.path,
                                       .problem = "is nothing that this port knows",
                                       .remedy = "GET /metrics"}));
      },
      [](int status, absl::Status why) { return Refused(status, why); });
}

}  // namespace onhand::gateway
