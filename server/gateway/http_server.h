// HTTP/1.1 as the rest of the gateway sees it: requests, answers, and bodies that are bounded
// before they are in memory. The only file that knows cpp-httplib, which parses requests and
// writes answers here and does nothing else. Owned by the gateway; the handler is called from the
// workers, one request each.
#ifndef ONHAND_SERVER_GATEWAY_HTTP_SERVER_H_
#define ONHAND_SERVER_GATEWAY_HTTP_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/gateway/connections.h"

namespace onhand::gateway {

// One request. The body is still on the wire.
class HttpRequest {
 public:
  virtual ~HttpRequest() = default;

  std::string peer;  // ADDRESS:PORT of the connection's other end
  std::string method;
  std::string path;                                 // decoded
  std::multimap<std::string, std::string> query;    // decoded
  std::multimap<std::string, std::string> headers;  // names in lower case

  // The first of that name; empty if there is none. `name` in lower case.
  std::string Header(const std::string& name) const;
  std::string Query(const std::string& name) const;

  // The body with its gzip taken off, at most `bytes_max` of it. RESOURCE_EXHAUSTED
  // (BODY_TOO_LARGE, BODIES_IN_FLIGHT), DEADLINE_EXCEEDED (BODY_TOO_SLOW), UNIMPLEMENTED
  // (UNKNOWN_ENCODING), INVALID_ARGUMENT (BROKEN_BODY). Once a request.
  virtual absl::StatusOr<std::string> ReadBody(size_t bytes_max) = 0;
};

// Where a streamed answer goes.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  // False: the client left, or has not read for a while.
  virtual bool Write(absl::string_view bytes) = 0;
  // Whether the client left, without a write.
  virtual bool Left() = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Instead of a body: called once with where to write it. The answer ends when it returns.
  std::function<void(HttpSink&)> stream;
};

// For mallopt(M_MMAP_THRESHOLD) in main: what is larger goes back to the system when it is freed.
// Left alone, glibc keeps what large bodies took, once for each thread that had one.
inline constexpr int kMmapThresholdBytes = 2 << 20;

struct HttpLimits {
  ConnectionLimits connections;
  // From the head's end to the body's.
  absl::Duration body_within = absl::Seconds(10);
  // A write that the peer takes nothing of for so long ends the connection.
  absl::Duration write_within = absl::Seconds(10);
  // Of bodies above 64 KiB so many are in memory at a time, with what is made of them. A further
  // one waits for its turn, and is refused after body_within.
  int large_bodies_max = 2;
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(HttpRequest&)>;
  // What is answered before there is a request to hand over: the whole HTTP status and why.
  using Refusal = std::function<HttpResponse(int status, absl::Status why)>;

  // Port 0: one that is free. UNAVAILABLE, naming `flag`, if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(absl::string_view flag,
                                                           const std::string& host, int port,
                                                           HttpLimits limits, Connections::Tls tls,
                                                           Handler handler, Refusal refusal);
  ~HttpServer();

  int port() const;
  // Answers what is under way and closes everything. Idempotent.
  void Stop();

 private:
  class Listening;
  explicit HttpServer(std::unique_ptr<Listening> listening);
  std::unique_ptr<Listening> listening_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_HTTP_SERVER_H_
