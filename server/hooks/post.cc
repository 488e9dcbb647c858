#include "server/hooks/post.h"

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "httplib.h"
#include "server/hooks/target.h"

namespace onhand::hooks {
namespace {

// More of an answer's body is not read: nobody looks at it.
constexpr size_t kAnswerBytesMax = 64 << 10;
constexpr int64_t kRetryAfterMaxS = 86'400;

std::string OriginOf(const ledger::WebAddress& address) {
  const bool is_ip_v6 = absl::StrContains(address.host, ':');
  return absl::StrCat(address.https ? "https://" : "http://", is_ip_v6 ? "[" : "", address.host,
                      is_ip_v6 ? "]" : "", ":", address.port);
}

std::string ProblemOf(const httplib::Error& error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nobody answers at that address and port";
    case httplib::Error::SSLServerVerification:
      return "its certificate is not one that the hub trusts for that host";
    case httplib::Error::SSLConnection:
      return "no TLS connection came about";
    case httplib::Error::SSLLoadingCerts:
      return "the hub's trusted certificates could not be read";
    default:
      return "it took too long, or broke the connection off";
  }
}

}  // namespace

// The library appears in this file only: it takes long to compile.
class Post::Connection {
 public:
  // False if it was cancelled before.
  bool Open(std::unique_ptr<httplib::Client> client) {
    absl::MutexLock lock(&mutex_);
    client_ = std::move(client);
    return !cancelled_;
  }
  httplib::Client& client() {
    absl::MutexLock lock(&mutex_);
    return *client_;
  }
  void Cancel() {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (client_ != nullptr) client_->stop();
  }
  bool cancelled() {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

 private:
  absl::Mutex mutex_;
  std::unique_ptr<httplib::Client> client_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

Post::Post(ledger::WebAddress address, PostOptions options)
    : address_(std::move(address)),
      options_(std::move(options)),
      connection_(std::make_unique<Connection>()) {}

Post::~Post() = default;

void Post::Cancel() { connection_->Cancel(); }

Posted Post::Send(const std::vector<std::pair<std::string, std::string>>& headers,
                  const std::string& body) {
  const auto began = std::chrono::steady_clock::now();
  Posted posted;
  const absl::StatusOr<std::string> target = ResolveTarget(address_, options_.allow_private);
  if (!target.ok()) {
    posted.problem = std::string(target.status().message());
    return posted;
  }
  auto made = std::make_unique<httplib::Client>(OriginOf(address_));
  // What was looked at is what is connected to: a name may lead elsewhere a moment later.
  made->set_hostname_addr_map({{address_.host, *target}});
  made->set_follow_location(false);
  made->set_url_encode(false);
  made->set_keep_alive(false);
  made->set_connection_timeout(std::min(options_.timeout, std::chrono::milliseconds(10'000)));
  made->set_read_timeout(options_.timeout);
  made->set_write_timeout(options_.timeout);
  if (address_.https) {
    made->enable_server_certificate_verification(true);
    if (!options_.ca_file.empty()) made->set_ca_cert_path(options_.ca_file);
  }
  if (!connection_->Open(std::move(made))) return {.problem = "the hub is about to stop"};

  httplib::Request request;
  request.method = "POST";
  request.path = address_.path;
  request.body = body;
  for (const auto& [name, value] : headers) request.set_header(name, value);
  size_t read = 0;
  request.content_receiver = [&](const char*, size_t size, uint64_t, uint64_t) {
    read += size;
    return read <= kAnswerBytesMax && std::chrono::steady_clock::now() - began < options_.timeout;
  };
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  const bool answered = connection_->client().send(request, response, error);
  posted.duration_ms = static_cast<int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                std::chrono::steady_clock::now() - began)
                                                .count());
  // An answer that was too long is still an answer.
  if (!answered && response.status <= 0) {
    posted.problem = connection_->cancelled() ? "the hub is about to stop" : ProblemOf(error);
    return posted;
  }
  posted.http_status = response.status;
  if (response.status >= 200 && response.status < 300) return posted;
  posted.problem = absl::StrCat("it answered ", response.status);
  if (absl::SimpleAtoi(response.get_header_value("Retry-After"), &posted.retry_after_s)) {
    posted.retry_after_s = std::clamp<int64_t>(posted.retry_after_s, 0, kRetryAfterMaxS);
  } else {
    posted.retry_after_s = 0;
  }
  return posted;
}

}  // namespace onhand::hooks
