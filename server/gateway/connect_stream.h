// Methods that answer with a stream, by the Connect protocol. A stream takes a worker for as long
// as it lasts, so there are fewer of them than workers. Owned by the gateway; any thread.
#ifndef ONHAND_SERVER_GATEWAY_CONNECT_STREAM_H_
#define ONHAND_SERVER_GATEWAY_CONNECT_STREAM_H_

#include <atomic>

#include "absl/time/time.h"
#include "server/gateway/connect_request.h"
#include "server/gateway/http_server.h"
#include "server/gateway/methods.h"

namespace onhand::gateway {

class ConnectStreams {
 public:
  // A stream on which nothing was told for `quiet_max` ends with UNAVAILABLE (QUIET_STREAM): what
  // is alive says so more often.
  ConnectStreams(int streams_max, absl::Duration quiet_max)
      : streams_max_(streams_max), quiet_max_(quiet_max) {}

  // Answers a request for such a method. Beyond streams_max the stream ends at once with
  // RESOURCE_EXHAUSTED (TOO_MANY_STREAMS); like every end of a stream that is told in its last
  // message, under the HTTP status 200. Precondition: method.server_streams.
  HttpResponse Post(const HubDoor& hub, const Method& method, HttpRequest& request);

 private:
  class Place;

  const int streams_max_;
  const absl::Duration quiet_max_;
  std::atomic<int> open_{0};
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONNECT_STREAM_H_
