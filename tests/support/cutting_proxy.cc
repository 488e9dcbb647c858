#include "tests/support/cutting_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace onhand::testing {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// What can be read now; empty at the end of the connection.
std::string ReadSome(int fd) {
  std::string bytes(256 << 10, '\0');
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return bytes;
}

bool WriteAll(int fd, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t size = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sent += static_cast<size_t>(size);
  }
  return true;
}

void Close(int fd) {
  // A reset, as from a host that is gone: the peer learns of it at once.
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd);
}

}  // namespace

CuttingProxy::CuttingProxy(uint16_t server_port) : server_port_(server_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    perror("proxy");
    abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
  close(listener_);
}

void CuttingProxy::CutNext(Moment moment, std::string text) {
  std::lock_guard<std::mutex> lock(mutex_);
  moment_ = moment;
  text_ = std::move(text);
}

int CuttingProxy::cuts() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return cuts_;
}

void CuttingProxy::RefuseNew(bool refuse) {
  std::lock_guard<std::mutex> lock(mutex_);
  refuses_ = refuse;
}

void CuttingProxy::Accept() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_ || client < 0) {
      if (client >= 0) close(client);
      return;
    }
    if (refuses_) {
      Close(client);
      continue;
    }
    open_.push_back(client);
    servers_.emplace_back([this, client] { Serve(client); });
  }
}

bool CuttingProxy::Matches(const std::string& request, Moment* moment) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (moment_ == Moment::kNever || request.find(text_) == std::string::npos) return false;
  *moment = std::exchange(moment_, Moment::kNever);
  ++cuts_;
  return true;
}

void CuttingProxy::Serve(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  bool is_open = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int no_delay = 1;
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));

  bool cut_at_answer = false;
  while (is_open) {
    pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(ends, 2, -1) < 0) break;
    if (ends[0].revents != 0) {
      const std::string request = ReadSome(client);
      Moment moment = Moment::kNever;
      if (request.empty()) break;
      if (Matches(request, &moment)) {
        if (moment == Moment::kBeforeRequest) break;
        cut_at_answer = true;
      }
      is_open = WriteAll(server, request);
    }
    if (is_open && ends[1].revents != 0) {
      const std::string answer = ReadSome(server);
      is_open = !answer.empty() && !cut_at_answer && WriteAll(client, answer);
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), client));
  Close(client);
  Close(server);
}

}  // namespace onhand::testing
