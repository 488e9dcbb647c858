#include "server/gateway/cors.h"

#include <algorithm>

#include "absl/status/status.h"
#include "server/gateway/connect_error.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

// What official clients send, and what pages want to read.
constexpr char kRequestHeaders[] =
    "Content-Type, Content-Encoding, Connect-Protocol-Version, Connect-Timeout-Ms, "
    "Connect-Content-Encoding, Connect-Accept-Encoding, If-None-Match, Authorization, X-User-Agent";
constexpr char kResponseHeaders[] =
    "ETag, Onhand-Revision, Onhand-Known-Through, Retry-After, Content-Encoding";

}  // namespace

bool Cors::Allows(const std::string& origin) const {
  return !origin.empty() && std::any_of(origins_.begin(), origins_.end(), [&](const auto& allowed) {
    return allowed == "*" || allowed == origin;
  });
}

HttpResponse Cors::Preflight(const HttpRequest& request) const {
  const std::string origin = request.Header("origin");
  HttpResponse response{.status = 204};
  response.headers = {{"Allow", "GET, HEAD, POST, PUT, OPTIONS"}};
  if (request.Header("access-control-request-method").empty()) return response;
  if (!Allows(origin)) {
    return Refused(ledger::Refuse(absl::StatusCode::kPermissionDenied,
                                  {.reason = "UNKNOWN_ORIGIN",
                                   .field = "Origin",
                                   .value = origin,
                                   .problem = "is not one whose pages may use this hub",
                                   .remedy = "start the hub with --http-allow-origin"}));
  }
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
  response.headers.emplace_back("Access-Control-Allow-Headers", kRequestHeaders);
  response.headers.emplace_back("Access-Control-Max-Age", "7200");
  return response;
}

void Cors::Allow(const HttpRequest& request, HttpResponse* response) const {
  if (origins_.empty()) return;
  response->headers.emplace_back("Vary", "Origin");
  const std::string origin = request.Header("origin");
  if (!Allows(origin)) return;
  response->headers.emplace_back("Access-Control-Allow-Origin", origin);
  response->headers.emplace_back("Access-Control-Expose-Headers", kResponseHeaders);
}

}  // namespace onhand::gateway
