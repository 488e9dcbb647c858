// Which pages of other origins a browser lets talk to the hub. Owned by the gateway; any thread.
#ifndef ONHAND_SERVER_GATEWAY_CORS_H_
#define ONHAND_SERVER_GATEWAY_CORS_H_

#include <string>
#include <vector>

#include "server/gateway/http_server.h"

namespace onhand::gateway {

class Cors {
 public:
  // As browsers write them, such as https://shop.example; "*": all.
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // A browser's question whether it may ask. PERMISSION_DENIED (UNKNOWN_ORIGIN) names the remedy.
  HttpResponse Preflight(const HttpRequest& request) const;
  // Lets a page of an allowed origin read the answer.
  void Allow(const HttpRequest& request, HttpResponse* response) const;

 private:
  bool Allows(const std::string& origin) const;

  const std::vector<std::string> origins_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CORS_H_
