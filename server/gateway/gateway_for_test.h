// A hub with its HTTP port, and clients of it: httplib's, and bare sockets for what no client would
// send. One a test.
#ifndef ONHAND_SERVER_GATEWAY_GATEWAY_FOR_TEST_H_
#define ONHAND_SERVER_GATEWAY_GATEWAY_FOR_TEST_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "server/gateway/gateway.h"
#include "server/rpc/served_hub.h"

namespace onhand::gateway {

using nlohmann::json;

class ServedGateway {
 public:
  explicit ServedGateway(GatewayOptions options = {}, bool asks_tokens = false)
      : hub({}, 1, {}, asks_tokens) {
    options.host = "127.0.0.1";
    options.limits.connections.stop_within = absl::Seconds(1);
    gateway_ = *Gateway::Start(std::move(options),
                               {.hub = &hub.hub(),
                                .rpc = hub.server().in_process(),
                                .gate = hub.server().gate(),
                                .clock = &hub.clock(),
                                .ready = [this] { return ready; },
                                .metrics = [] { return std::string("onhand_revision 7\n"); }});
    client = std::make_unique<httplib::Client>("127.0.0.1", port());
    client->set_keep_alive(true);
    client->set_tcp_nodelay(true);
    client->set_read_timeout(std::chrono::seconds(20));
    client->set_decompress(false);
  }
  ~ServedGateway() { hub.server().Stop(); }

  int port() const { return gateway_->port(); }

  httplib::Result Post(const std::string& path, const std::string& body,
                       const httplib::Headers& headers = {},
                       const std::string& type = "application/json") {
    return client->Post(path, headers, body, type);
  }
  // GET with the message in the query, as JSON.
  httplib::Result Ask(const std::string& path, const json& message, httplib::Headers headers = {}) {
    std::string base64;
    absl::WebSafeBase64Escape(message.dump(), &base64);
    // httplib waits for the body of a 304 until the connection ends.
    if (headers.count("If-None-Match") > 0) headers.emplace("Connection", "close");
    return client->Get(absl::StrCat(path, "?connect=v1&base64=1&encoding=json&message=", base64),
                       headers);
  }

  absl::Status ready;
  rpc::ServedHub hub;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<httplib::Client> client;
};

// Connect's code of an error, and its reason.
inline std::string CodeOf(const std::string& body) {
  const json error = json::parse(body, nullptr, false);
  return error.is_object() ? error.value("code", "") : "not JSON: " + body;
}
inline std::string ReasonOf(const json& error) {
  if (!error.is_object() || !error.contains("details")) return "no details: " + error.dump();
  return error["details"][0]["debug"]["reason"];
}
inline std::string ReasonOf(const std::string& body) {
  return ReasonOf(json::parse(body, nullptr, false));
}

// A bare connection.
class Wire {
 public:
  explicit Wire(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  Wire(Wire&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  ~Wire() { Close(); }

  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  bool connected() const { return connected_; }
  int socket_fd() const { return socket_; }
  // False: the other side does not take it.
  bool Send(const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<size_t>(count);
    }
    return true;
  }
  // What comes next; empty: the other side closed.
  std::string Hear() {
    std::string bytes(64 << 10, '\0');
    const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return bytes;
  }
  std::string HearUntilClosed() {
    std::string all;
    for (std::string bytes = Hear(); !bytes.empty(); bytes = Hear()) all += bytes;
    return all;
  }
  // Until `part` came; all that came.
  std::string HearUntil(const std::string& part) {
    std::string all;
    while (all.find(part) == std::string::npos) {
      const std::string bytes = Hear();
      if (bytes.empty()) break;
      all += bytes;
    }
    return all;
  }

 private:
  int socket_;
  bool connected_ = false;
};

// One enveloped message of a stream.
inline std::string Enveloped(const std::string& message, char flags = 0) {
  std::string envelope(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8) {
    envelope.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  return envelope + message;
}

inline std::string HealthWatch(const std::string& host = "hub") {
  const std::string body = Enveloped("{}");
  return absl::StrCat("POST /grpc.health.v1.Health/Watch HTTP/1.1\r\nHost: ", host,
                      "\r\nContent-Type: application/connect+json\r\nContent-Length: ", body.size(),
                      "\r\n\r\n", body);
}

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_GATEWAY_FOR_TEST_H_
