#include "server/gateway/gateway.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/gateway/connect_error.h"
#include "server/gateway/connect_unary.h"
#include "server/gateway/gzip.h"
#include "server/gateway/metrics_port.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

constexpr char kTextType[] = "text/plain; charset=utf-8";

// Below, the header says more than gzip saves.
constexpr size_t kGzipAbove = 1'024;

bool IsGet(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

HttpResponse NotAllowed(const HttpRequest& request, const std::string& allowed) {
  HttpResponse response = Refused(ledger::Refuse(
      absl::StatusCode::kUnimplemented, {.reason = "WRONG_HTTP_METHOD",
                                         .field = "method",
                                         .value = request.method,
                                         .problem = absl::StrCat("is not for ", request.path),
                                         .remedy = absl::StrCat("use ", allowed)}));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse NotFound(const HttpRequest& request) {
  // /package.Service/Method: what a client of a newer contract asks of an older hub.
  const bool like_method =
      absl::StrContains(request.path, ".") && request.path.find('/', 1) != std::string::npos;
  return Refused(
      ledger::Refuse(like_method ? absl::StatusCode::kUnimplemented : absl::StatusCode::kNotFound,
                     {.reason = like_method ? "UNKNOWN_METHOD" : "UNKNOWN_PATH",
                      .field = "path",
                      .value = request.path,
                      .problem = "is nothing that this hub knows",
                      .remedy = "ask for /onhand.v1.Service/Method as in the contract, "
                                "/v1/locations/{id}/files/{name}, /healthz, /readyz or /metrics"}));
}

void Compress(const HttpRequest& request, HttpResponse* response) {
  if (response->stream || response->body.empty()) return;
  response->headers.emplace_back("Vary", "Accept-Encoding");
  // Envelopes of a stream that ended at once are not compressed: their flags would have to say so.
  const bool stream = absl::StartsWith(response->content_type, "application/connect+");
  if (stream || response->body.size() <= kGzipAbove || !AcceptsGzip(request)) return;
  response->body = Gzip(response->body);
  response->headers.emplace_back("Content-Encoding", "gzip");
  for (auto& [name, value] : response->headers) {
    if (name == "ETag") value = GzipTag(value);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(GatewayOptions options, Behind behind) {
  std::unique_ptr<Gateway> gateway(new Gateway(options, std::move(behind)));
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
      "--http", options.host, options.port, options.limits, options.tls,
      [gateway = gateway.get()](HttpRequest& request) { return gateway->Handle(request); },
      [](int status, absl::Status why) { return Refused(status, why); });
  if (!server.ok()) return server.status();
  gateway->server_ = *std::move(server);
  return gateway;
}

Gateway::Gateway(const GatewayOptions& options, Behind behind)
    : behind_(std::move(behind)),
      hub_({.rpc = behind_.rpc}),
      freshness_(behind_.clock, behind_.hub->journal_id()),
      cors_(options.allow_origins),
      streams_(options.limits.connections.workers / 2, options.quiet_stream_max),
      files_(behind_.hub) {}

Gateway::~Gateway() = default;

HttpResponse Gateway::Handle(HttpRequest& request) {
  HttpResponse response = request.method == "OPTIONS" ? cors_.Preflight(request) : Route(request);
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  Compress(request, &response);
  cors_.Allow(request, &response);
  return response;
}

HttpResponse Gateway::Route(HttpRequest& request) {
  if (const Method* method = methods_.Find(request.path)) return Call(*method, request);
  if (FileDoor::Covers(request.path)) {
    if (request.method != "PUT") return NotAllowed(request, "PUT");
    const std::string location_id = FileDoor::LocationIn(request.path);
    const absl::StatusOr<rpc::Caller> caller = Enter(request, rpc::kPutFile, &location_id);
    if (!caller.ok()) return Refused(caller.status());
    return files_.Put(request);
  }
  const bool health = request.path == "/healthz" || request.path == "/readyz";
  if (!health && request.path != "/metrics") return NotFound(request);
  if (!IsGet(request)) return NotAllowed(request, "GET");
  if (request.path == "/metrics") {
    const absl::StatusOr<rpc::Caller> caller = Enter(request, rpc::kGetMetrics);
    if (!caller.ok()) return Refused(caller.status());
    return MetricsAnswer(behind_.metrics());
  }
  const absl::Status ready = request.path == "/readyz" ? behind_.ready() : absl::OkStatus();
  HttpResponse response{.status = ready.ok() ? 200 : 503, .content_type = kTextType};
  response.body = request.path == "/healthz" ? "alive\n"
                  : ready.ok()               ? "ready\n"
                                             : absl::StrCat(std::string(ready.message()), "\n");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

absl::StatusOr<rpc::Caller> Gateway::Enter(const HttpRequest& request, absl::string_view route,
                                           const std::string* location_id) const {
  if (behind_.gate == nullptr) return rpc::Caller();
  return behind_.gate->EnterRoute(route, request.Header("authorization"), location_id);
}

HttpResponse Gateway::Call(const Method& method, HttpRequest& request) {
  if (method.client_streams) {
    return Refused(
        ledger::Refuse(absl::StatusCode::kUnimplemented, {.reason = "GRPC_ONLY",
                                                          .field = "path",
                                                          .value = request.path,
                                                          .problem = "takes a stream of messages",
                                                          .remedy = "use gRPC"}));
  }
  if (request.method == "POST") {
    return method.server_streams ? streams_.Post(hub_, method, request)
                                 : PostUnary(hub_, method, request);
  }
  const bool by_get = method.no_side_effects && !method.server_streams;
  if (!by_get || !IsGet(request)) return NotAllowed(request, by_get ? "GET, HEAD, POST" : "POST");
  return GetUnary(hub_, freshness_, method, request);
}

}  // namespace onhand::gateway
