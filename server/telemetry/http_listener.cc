#include "server/telemetry/http_listener.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "httplib.h"

namespace onhand::telemetry {
namespace {

constexpr int kThreads = 2;
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

class HttpListener::Listening {
 public:
  explicit Listening(HttpHandlers handlers) : handlers_(std::move(handlers)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // The library's default lets two processes share the port, and each would get half of the
    // probes.
    server_.set_socket_options([](int socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.set_tcp_nodelay(true);  // or every answer waits 40 ms for the peer's acknowledgement
    // A connection holds a thread, and there are few.
    server_.set_keep_alive_max_count(1);
    server_.set_read_timeout(std::chrono::seconds(2));
    server_.set_write_timeout(std::chrono::seconds(2));
    server_.set_payload_max_length(0);
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("alive\n", "text/plain");
    });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const absl::Status ready = handlers_.ready();
      response.status = ready.ok() ? 200 : 503;
      response.set_content(
          ready.ok() ? "ready\n" : absl::StrCat(std::string(ready.message()), "\n"), "text/plain");
    });
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(handlers_.metrics(), kMetricsType);
    });
  }

  ~Listening() {
    if (!thread_.joinable()) return;
    // stop() does nothing before the loop runs.
    while (!server_.is_running()) std::this_thread::yield();
    server_.stop();
    thread_.join();
  }

  bool Listen(const std::string& host, int port) {
    port_ = port == 0 ? server_.bind_to_any_port(host) : port;
    if (port_ <= 0 || (port != 0 && !server_.bind_to_port(host, port))) return false;
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    return true;
  }

  int port() const { return port_; }

 private:
  HttpHandlers handlers_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

HttpListener::HttpListener(std::unique_ptr<Listening> listening)
    : listening_(std::move(listening)) {}
HttpListener::~HttpListener() = default;

int HttpListener::port() const { return listening_->port(); }

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(const std::string& host, int port,
                                                                  HttpHandlers handlers) {
  auto listening = std::make_unique<Listening>(std::move(handlers));
  if (!listening->Listen(host, port)) {
    return absl::UnavailableError(
        absl::StrCat("--http '", host, ":", port,
                     "' cannot be listened on; is another process using the port?"));
  }
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(listening)));
}

}  // namespace onhand::telemetry
