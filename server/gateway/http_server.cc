#include "server/gateway/http_server.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "httplib.h"
#include "server/gateway/gzip.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

// 203.0.113.7:51234, [2001:db8::7]:51234.
std::string PeerOf(int socket) {
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) != 0 ||
      getnameinfo(reinterpret_cast<const sockaddr*>(&peer), length, host, sizeof(host), port,
                  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  return peer.ss_family == AF_INET6 ? absl::StrCat("[", host, "]:", port)
                                    : absl::StrCat(host, ":", port);
}

constexpr size_t kLargeBytes = 64 << 10;
// Chunked bodies have lines between the chunks: so much of them is read beside the content, and no
// line is longer than that. httplib reads a line until it ends.
constexpr size_t kFramingBytesMax = 1 << 20;
constexpr size_t kLineBytesMax = 1 << 10;

bool AwaitSocket(int socket, int16_t events, absl::Time deadline) {
  for (;;) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd poll_for{.fd = socket, .events = events, .revents = 0};
    const int count = poll(&poll_for, 1,
                           static_cast<int>(absl::ToInt64Milliseconds(
                               absl::Ceil(std::min(left, absl::Hours(1)), absl::Milliseconds(1)))));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

// How many large bodies there are.
class Turns {
 public:
  explicit Turns(int turns) : free_(turns) {}

  bool Take(absl::Time deadline) {
    const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return free_ > 0; };
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithDeadline(absl::Condition(&any), deadline)) return false;
    --free_;
    return true;
  }
  void Return() {
    absl::MutexLock lock(&mutex_);
    ++free_;
  }

 private:
  absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
};

// A connection as httplib reads and writes it: what is buffered first, then the socket, never past
// what the request may have and never longer than it may take.
class ConnectionStream final : public httplib::Stream {
 public:
  ConnectionStream(Connection* connection, absl::Duration write_within)
      : connection_(connection), write_within_(write_within) {}

  // From here on at most so many bytes, until then.
  void BeginBody(size_t bytes_max, absl::Time deadline) {
    bytes_left_ = bytes_max;
    deadline_ = deadline;
    may_read_socket_ = true;
  }
  bool too_slow() const { return too_slow_; }
  bool too_large() const { return too_large_; }
  // What was not taken stays for the next request.
  void Leave() {
    std::string& buffer = connection_->buffer;
    buffer.erase(0, taken_);
    if (buffer.empty()) std::string().swap(buffer);
    taken_ = 0;
  }
  bool Left() const { return connection_->channel.IsLeft(); }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !Left(); }

  ssize_t read(char* bytes, size_t size) override {
    if (taken_ == connection_->buffer.size() && !Fill()) return -1;
    const size_t count = std::min(size, connection_->buffer.size() - taken_);
    if (may_read_socket_) {
      if (count > bytes_left_) {
        too_large_ = true;
        return -1;
      }
      bytes_left_ -= count;
      // Lines are asked for byte by byte, content in pieces.
      line_bytes_ = size == 1 && connection_->buffer[taken_] != '\n' ? line_bytes_ + 1 : 0;
      if (line_bytes_ > kLineBytesMax) return -1;
    }
    memcpy(bytes, connection_->buffer.data() + taken_, count);
    taken_ += count;
    return static_cast<ssize_t>(count);
  }

  // All of it, or -1: httplib asks again for ever after 0.
  ssize_t write(const char* bytes, size_t size) override {
    size_t written = 0;
    while (written < size) {
      const ByteChannel::Result sent = connection_->channel.Send(bytes + written, size - written);
      written += sent.count;
      if (!Await(sent.state, absl::Now() + write_within_)) return -1;
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return connection_->channel.socket(); }

 private:
  // False if the peer has gone, or the moment comes first.
  bool Await(ByteChannel::State state, absl::Time deadline) const {
    switch (state) {
      case ByteChannel::State::kDone:
        return true;
      case ByteChannel::State::kAwaitRead:
        return AwaitSocket(socket(), POLLIN, deadline);
      case ByteChannel::State::kAwaitWrite:
        return AwaitSocket(socket(), POLLOUT, deadline);
      case ByteChannel::State::kGone:
        break;
    }
    return false;
  }
  bool Fill() {
    // A head is there as a whole before a worker sees it.
    if (!may_read_socket_) return false;
    std::string& buffer = connection_->buffer;
    buffer.resize(16 << 10);
    taken_ = 0;
    for (;;) {
      const ByteChannel::Result got = connection_->channel.Receive(buffer.data(), buffer.size());
      if (got.state == ByteChannel::State::kDone) {
        buffer.resize(got.count);
        return true;
      }
      if (got.state == ByteChannel::State::kGone) break;
      if (!Await(got.state, deadline_)) {
        too_slow_ = true;
        break;
      }
    }
    buffer.clear();
    return false;
  }

  Connection* const connection_;
  const absl::Duration write_within_;
  size_t taken_ = 0;
  bool may_read_socket_ = false;
  size_t bytes_left_ = 0;
  size_t line_bytes_ = 0;
  absl::Time deadline_;
  bool too_slow_ = false;
  bool too_large_ = false;
};

class Sink final : public HttpSink {
 public:
  Sink(httplib::DataSink* sink, const ConnectionStream* stream) : sink_(sink), stream_(stream) {}
  bool Write(absl::string_view bytes) override { return sink_->write(bytes.data(), bytes.size()); }
  bool Left() override { return stream_->Left(); }

 private:
  httplib::DataSink* const sink_;
  const ConnectionStream* const stream_;
};

// One request with what is known of its body.
class Exchange final : public HttpRequest {
 public:
  Exchange(ConnectionStream* stream, const HttpLimits* limits, Turns* turns)
      : stream_(stream), limits_(limits), turns_(turns) {}
  ~Exchange() override { EndBody(); }

  // Takes the request over from httplib, and leaves it only what it needs to frame the body: its
  // own ideas of content types, encodings and ranges are not those of this port.
  void Take(httplib::Request& request) {
    taken_ = true;
    method = request.method;
    path = std::move(request.path);
    query.insert(request.params.begin(), request.params.end());
    for (const auto& [name, value] : request.headers) {
      headers.emplace(absl::AsciiStrToLower(name), value);
    }
    request.path = "/";
    request.params.clear();
    request.ranges.clear();
    httplib::Headers framing;
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Expect"}) {
      if (request.has_header(name)) framing.emplace(name, request.get_header_value(name));
    }
    request.headers = std::move(framing);
    if (method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "POST" &&
        method != "PUT" && method != "PATCH" && method != "DELETE") {
      request.method = "GET";  // httplib would answer by itself; the gateway says what is allowed
    }
    JudgeFraming();
  }

  // Whether there was a request that the gateway has seen.
  bool taken() const { return taken_; }
  // Whether nothing of this request is left on the wire.
  bool body_ended() const { return length_ == 0 || body_ended_; }
  void set_reader(const httplib::ContentReader* reader) { reader_ = reader; }
  ConnectionStream& stream() { return *stream_; }

  absl::StatusOr<std::string> ReadBody(size_t bytes_max) override;

  // The body is not needed any more.
  void EndBody() {
    if (has_turn_) turns_->Return();
    has_turn_ = false;
  }

 private:
  static constexpr uint64_t kUnknown = UINT64_MAX;

  // One length or chunks; both, or two lengths, are how requests are smuggled past proxies.
  void JudgeFraming() {
    const size_t lengths = headers.count("content-length");
    const std::string coding = absl::AsciiStrToLower(Header("transfer-encoding"));
    const bool chunked = headers.count("transfer-encoding") > 0;
    length_ = chunked ? kUnknown : 0;
    broken_framing_ = (chunked && (lengths > 0 || coding != "chunked")) || lengths > 1 ||
                      headers.count("transfer-encoding") > 1 ||
                      (lengths == 1 && !absl::SimpleAtoi(Header("content-length"), &length_)) ||
                      (lengths == 1 && length_ == kUnknown);
    if (broken_framing_) length_ = kUnknown;
  }

  absl::Status TooLarge(size_t bytes_max) const {
    return ledger::Refuse(absl::StatusCode::kResourceExhausted,
                          {.reason = "BODY_TOO_LARGE",
                           .field = "body",
                           .problem = absl::StrCat("is larger than ", bytes_max, " bytes"),
                           .remedy = "send less at a time"});
  }
  absl::Status Busy() const {
    return ledger::Refuse(absl::StatusCode::kResourceExhausted,
                          {.reason = "BODIES_IN_FLIGHT",
                           .field = "body",
                           .problem = "must wait: too many large ones are under way",
                           .remedy = "send it again in a moment"});
  }
  absl::Status Broken(std::string problem) const {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument, {.reason = "BROKEN_BODY",
                                                               .field = "body",
                                                               .problem = std::move(problem),
                                                               .remedy = "send the request again"});
  }

  ConnectionStream* const stream_;
  const HttpLimits* const limits_;
  Turns* const turns_;
  const httplib::ContentReader* reader_ = nullptr;
  uint64_t length_ = 0;
  bool taken_ = false;
  bool broken_framing_ = false;
  bool body_ended_ = false;
  bool has_turn_ = false;
};

absl::StatusOr<std::string> Exchange::ReadBody(size_t bytes_max) {
  if (broken_framing_) return Broken("has no clear length");
  const std::string encoding = absl::AsciiStrToLower(Header("content-encoding"));
  const bool gzip = encoding == "gzip";
  if (!gzip && !encoding.empty() && encoding != "identity") {
    return ledger::Refuse(absl::StatusCode::kUnimplemented, {.reason = "UNKNOWN_ENCODING",
                                                             .field = "Content-Encoding",
                                                             .value = encoding,
                                                             .problem = "is not known",
                                                             .remedy = "use gzip or identity"});
  }
  if (length_ == 0 || reader_ == nullptr) return std::string();
  if (length_ != kUnknown && length_ > bytes_max) return TooLarge(bytes_max);

  const absl::Time deadline = absl::Now() + limits_->body_within;
  stream_->BeginBody(bytes_max + kFramingBytesMax, deadline);
  std::string body;
  GzipReader unzip;
  GzipReader::Result last = GzipReader::Result::kEnd;
  bool too_large = false;
  bool refused = false;
  const bool whole = (*reader_)([&](const char* bytes, size_t size) {
    if (gzip) {
      last = unzip.Add({bytes, size}, bytes_max, &body);
      too_large = last == GzipReader::Result::kTooLarge;
      if (too_large || last == GzipReader::Result::kBroken) return false;
    } else {
      too_large = body.size() + size > bytes_max;
      if (too_large) return false;
      body.append(bytes, size);
    }
    if (body.size() > kLargeBytes && !has_turn_) {
      has_turn_ = turns_->Take(deadline);
      refused = !has_turn_;
      // At once: a string that grows is there twice for a while.
      if (has_turn_) body.reserve(length_ != kUnknown && !gzip ? length_ : bytes_max);
    }
    return !refused;
  });
  if (whole && last == GzipReader::Result::kEnd) {
    body_ended_ = true;
    return body;
  }
  if (refused) return Busy();
  if (too_large || stream_->too_large()) return TooLarge(bytes_max);
  if (stream_->too_slow()) {
    return ledger::Refuse(absl::StatusCode::kDeadlineExceeded,
                          {.reason = "BODY_TOO_SLOW",
                           .field = "body",
                           .problem = absl::StrCat("did not come within ",
                                                   absl::FormatDuration(limits_->body_within)),
                           .remedy = "send it faster, or less at a time"});
  }
  return Broken(gzip ? "is not whole, or not gzip" : "is not whole");
}

// The request that a worker is at; httplib hands nothing of ours through to its handlers.
thread_local Exchange* t_exchange = nullptr;

}  // namespace

std::string HttpRequest::Header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? "" : at->second;
}

std::string HttpRequest::Query(const std::string& name) const {
  const auto at = query.find(name);
  return at == query.end() ? "" : at->second;
}

class HttpServer::Listening final : private httplib::Server {
 public:
  Listening(HttpLimits limits, Connections::Tls tls, HttpServer::Handler handler, Refusal refusal)
      : limits_(limits),
        tls_(std::move(tls)),
        handler_(std::move(handler)),
        refusal_(std::move(refusal)),
        turns_(limits.large_bodies_max) {
    // The library's default lets two processes share the port, and each would get half.
    set_socket_options([](int socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    // What answers promise to clients that look at it.
    set_keep_alive_timeout(absl::ToInt64Seconds(limits_.connections.idle));
    set_keep_alive_max_count(1'000'000);

    const auto answer = [this](const httplib::Request&, httplib::Response& response) {
      Answer(response);
    };
    const auto answer_body = [this](const httplib::Request&, httplib::Response& response,
                                    const httplib::ContentReader& reader) {
      t_exchange->set_reader(&reader);
      Answer(response);
      t_exchange->set_reader(nullptr);
    };
    // Every path: Exchange::Take has put its own in place of the request's.
    Get("/", answer);
    Options("/", answer);
    Post("/", answer_body);
    Put("/", answer_body);
    Patch("/", answer_body);
    Delete("/", answer_body);
    set_error_handler(
        HandlerWithResponse([this](const httplib::Request&, httplib::Response& response) {
          // Ours are complete; httplib's own are bare.
          if (t_exchange->taken()) return HandlerResponse::Unhandled;
          Fill(refusal_(response.status, BadRequest()), response);
          return HandlerResponse::Handled;
        }));
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.status == 204 || response.status == 304)
        response.headers.erase("Content-Length");
    });
  }

  ~Listening() override { Stop(); }

  bool Listen(const std::string& host, int port) {
    port_ = port == 0 ? bind_to_any_port(host) : port;
    if (port_ <= 0 || (port != 0 && !bind_to_port(host, port))) return false;
    connections_ =
        std::make_unique<Connections>(svr_sock_, limits_.connections, BusyAnswer(), tls_,
                                      [this](Connection& connection) { return Serve(connection); });
    return true;
  }

  void Stop() {
    if (connections_ != nullptr) connections_->Stop();
  }
  int port() const { return port_; }

 private:
  static absl::Status BadRequest() {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "BAD_REQUEST",
                           .field = "request",
                           .problem = "is not HTTP/1.1 as it is written",
                           .remedy = "see RFC 9112"});
  }

  std::string BusyAnswer() const {
    const HttpResponse answer = refusal_(
        429, ledger::Refuse(absl::StatusCode::kResourceExhausted,
                            {.reason = "TOO_MANY_CONNECTIONS",
                             .field = "connection",
                             .problem = "is one too many: the hub has as many as it can serve",
                             .remedy = "keep connections open instead of opening more, and come "
                                       "back in a moment"}));
    return absl::StrCat("HTTP/1.1 429 Too Many Requests\r\nContent-Type: ", answer.content_type,
                        "\r\nContent-Length: ", answer.body.size(),
                        "\r\nConnection: close\r\nRetry-After: 1\r\n\r\n", answer.body);
  }

  Connections::After Serve(Connection& connection) {
    ConnectionStream stream(&connection, limits_.write_within);
    if (const int status = JudgeHead(connection.buffer); status != 0) {
      const HttpResponse answer = refusal_(status, BadRequest());
      const std::string text = absl::StrCat(
          "HTTP/1.1 ", status, " Bad Request\r\nContent-Type: ", answer.content_type,
          "\r\nContent-Length: ", answer.body.size(), "\r\nConnection: close\r\n\r\n", answer.body);
      stream.write(text.data(), text.size());
      return Connections::After::kClose;
    }
    Exchange exchange(&stream, &limits_, &turns_);
    exchange.peer = PeerOf(connection.channel.socket());
    t_exchange = &exchange;
    bool closed = false;
    const bool written =
        process_request(stream, connections_->stopping(), closed,
                        [&](httplib::Request& request) { exchange.Take(request); });
    t_exchange = nullptr;
    stream.Leave();
    return written && !closed && exchange.taken() && exchange.body_ended()
               ? Connections::After::kKeep
               : Connections::After::kClose;
  }

  // 0, or the status of what is wrong with it. httplib reads a line until it ends, however long.
  int JudgeHead(const std::string& buffer) const {
    const size_t end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) return 431;
    for (size_t at = 0; at < end + 4; ++at) {
      // It skips lines that end without a carriage return, and ends strings at a zero.
      if (buffer[at] == '\0' || (buffer[at] == '\n' && buffer[at - 1] != '\r')) return 400;
    }
    return 0;
  }

  void Answer(httplib::Response& response) {
    Exchange& exchange = *t_exchange;
    Fill(handler_(exchange), response);
    exchange.EndBody();
    if (!exchange.body_ended()) response.set_header("Connection", "close");
  }

  static void Fill(HttpResponse answer, httplib::Response& response) {
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) response.headers.emplace(name, value);
    if (answer.stream) {
      ConnectionStream* const stream = &t_exchange->stream();
      response.set_chunked_content_provider(
          answer.content_type,
          [stream, write = std::move(answer.stream)](size_t, httplib::DataSink& sink) {
            Sink to(&sink, stream);
            write(to);
            sink.done();
            return true;
          });
    } else {
      response.body = std::move(answer.body);
      if (!answer.content_type.empty()) response.set_header("Content-Type", answer.content_type);
    }
  }

  const HttpLimits limits_;
  const Connections::Tls tls_;
  const HttpServer::Handler handler_;
  const Refusal refusal_;
  Turns turns_;
  int port_ = 0;
  std::unique_ptr<Connections> connections_;
};

HttpServer::HttpServer(std::unique_ptr<Listening> listening) : listening_(std::move(listening)) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return listening_->port(); }
void HttpServer::Stop() { listening_->Stop(); }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(absl::string_view flag,
                                                              const std::string& host, int port,
                                                              HttpLimits limits,
                                                              Connections::Tls tls, Handler handler,
                                                              Refusal refusal) {
  auto listening =
      std::make_unique<Listening>(limits, std::move(tls), std::move(handler), std::move(refusal));
  if (!listening->Listen(host, port)) {
    return absl::UnavailableError(
        absl::StrCat(flag, " '", host, ":", port,
                     "' cannot be listened on; is another process using the port?"));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listening)));
}

}  // namespace onhand::gateway
