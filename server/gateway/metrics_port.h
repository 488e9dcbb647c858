// A port of its own for a monitoring system: GET /metrics and nothing else, plain and without a
// token, for a network that only such systems reach. Owned by main; destroyed before what `metrics`
// reads.
#ifndef ONHAND_SERVER_GATEWAY_METRICS_PORT_H_
#define ONHAND_SERVER_GATEWAY_METRICS_PORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/gateway/http_server.h"

namespace onhand::gateway {

// The answer to GET /metrics in Prometheus' text format.
HttpResponse MetricsAnswer(std::string text);

// Port 0: one that is free. UNAVAILABLE if the address cannot be listened on.
absl::StatusOr<std::unique_ptr<HttpServer>> StartMetricsPort(const std::string& host, int port,
                                                             std::function<std::string()> metrics);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_METRICS_PORT_H_
