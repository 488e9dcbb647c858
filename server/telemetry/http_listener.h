// The HTTP port for probes and scrapers: /healthz, /readyz and /metrics. Owned by main; the
// handlers are called from the listener's own few threads.
#ifndef ONHAND_SERVER_TELEMETRY_HTTP_LISTENER_H_
#define ONHAND_SERVER_TELEMETRY_HTTP_LISTENER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace onhand::telemetry {

struct HttpHandlers {
  // OK while the hub can take work; otherwise why not. /healthz never asks: it says that the
  // process lives.
  std::function<absl::Status()> ready;
  // The text of /metrics.
  std::function<std::string()> metrics;
};

class HttpListener {
 public:
  // Listens on host and port; port 0: one that is free. UNAVAILABLE if the address cannot be
  // listened on.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(const std::string& host, int port,
                                                             HttpHandlers handlers);
  // Answers what is under way and stops.
  ~HttpListener();

  int port() const;

 private:
  class Listening;
  explicit HttpListener(std::unique_ptr<Listening> listening);
  std::unique_ptr<Listening> listening_;
};

}  // namespace onhand::telemetry

#endif  // ONHAND_SERVER_TELEMETRY_HTTP_LISTENER_H_
