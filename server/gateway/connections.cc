#include "server/gateway/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace onhand::gateway {
namespace {

// How long a peer may take to read a last answer: closed at once, what is still coming in would
// wipe the answer out of the peer's buffer.
constexpr absl::Duration kLeaveWithin = absl::Seconds(1);
constexpr absl::Duration kSweepEvery = absl::Milliseconds(250);
// Beyond connections_max: so many are told that the hub is busy, the rest find the door shut.
constexpr size_t kTurnedAwayMax = 64;
constexpr int kBacklog = 512;

void SetOption(int socket, int level, int name, int value) {
  setsockopt(socket, level, name, &value, sizeof(value));
}

void SetOptions(int socket) {
  // Or every answer waits 40 ms for the peer's acknowledgement.
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that vanished without a word is noticed within a minute.
  SetOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void Add(int epoll, int socket, uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = socket}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

}  // namespace

Connections::Connections(int listener, ConnectionLimits limits, std::string busy_answer, Tls tls,
                         Serve serve)
    : listener_(listener),
      limits_(limits),
      busy_answer_(std::move(busy_answer)),
      tls_(std::move(tls)),
      serve_(std::move(serve)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // httplib listens with room for 5: of a burst of browsers most would knock again a second later.
  listen(listener_, kBacklog);
  Add(epoll_, listener_, EPOLLIN);
  Add(epoll_, wake_, EPOLLIN);
  for (int i = 0; i < limits_.workers; ++i) workers_.emplace_back([this] { Work(); });
  watcher_ = std::thread([this] { Watch(); });
}

Connections::~Connections() { Stop(); }

void Connections::Stop() {
  if (!watcher_.joinable()) return;
  stopping_.store(true);
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
  watcher_.join();
  close(listener_);
  {
    const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return served_ == 0 && waiting_.empty();
    };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&idle), limits_.stop_within);
    // What has not ended by now is cut off.
    for (const auto& [socket, open] : open_) shutdown(socket, SHUT_RDWR);
    ended_ = true;
  }
  for (std::thread& worker : workers_) worker.join();
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [socket, open] : open_) close(socket);
    open_.clear();
  }
  close(wake_);
  close(epoll_);
}

void Connections::Watch() {
  std::array<epoll_event, 64> events;
  absl::Time swept = absl::Now();
  while (!stopping()) {
    const int count = epoll_wait(epoll_, events.data(), events.size(),
                                 static_cast<int>(absl::ToInt64Milliseconds(kSweepEvery)));
    for (int i = 0; i < count; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener_) {
        Accept();
      } else if (socket != wake_) {
        Open* open = nullptr;
        {
          absl::MutexLock lock(&mutex_);
          if (const auto at = open_.find(socket); at != open_.end()) open = at->second.get();
        }
        if (open != nullptr) Hear(*open);
      }
    }
    if (absl::Now() - swept >= kSweepEvery) {
      CloseOverdue();
      swept = absl::Now();
    }
  }
}

void Connections::Accept() {
  const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) {
    // Out of descriptors: the listener stays readable, and asking on and on would only burn.
    if (errno == EMFILE || errno == ENFILE) absl::SleepFor(absl::Milliseconds(10));
    return;
  }
  std::shared_ptr<SSL_CTX> tls = tls_();
  absl::MutexLock lock(&mutex_);
  const size_t connections_max = static_cast<size_t>(limits_.connections_max);
  if (open_.size() >= connections_max + kTurnedAwayMax) {
    close(socket);
    return;
  }
  SetOptions(socket);
  Open& open = *(open_[socket] = std::make_unique<Open>());
  open.connection.channel = ByteChannel(socket, std::move(tls));
  // From here on epoll tells of it once, until it is asked again.
  Add(epoll_, socket, EPOLLONESHOT);
  if (open_.size() > connections_max) {
    TurnAway(open);
  } else {
    Wait(open);
    if (!open.connection.channel.IsEstablished())
      open.until = absl::Now() + limits_.handshake_within;
  }
}

void Connections::Hear(Open& open) {
  std::array<char, 16 << 10> bytes;
  std::string& buffer = open.connection.buffer;
  ByteChannel& channel = open.connection.channel;
  const bool leaving = open.state == State::kLeaving;
  const bool shaking_hands = !channel.IsEstablished();
  const bool had_nothing = buffer.empty();
  const size_t room = leaving ? bytes.size() : limits_.head_bytes_max - buffer.size();
  const ByteChannel::Result got = channel.Receive(bytes.data(), std::min(bytes.size(), room));
  if (!leaving) {
    buffer.append(bytes.data(), got.count);
    TakeWhatWaits(open.connection);
  }
  absl::MutexLock lock(&mutex_);
  if (got.state == ByteChannel::State::kGone) return Close(channel.socket());
  const uint32_t events = got.state == ByteChannel::State::kAwaitWrite ? EPOLLOUT : EPOLLIN;
  if (leaving) return Arm(open, events);
  if (HasHead(open.connection)) return Enqueue(open);
  // A head's time runs from its first byte, and a handshake's from the start, however often another
  // byte comes.
  absl::Time until = open.until;
  if (had_nothing && !buffer.empty()) until = absl::Now() + limits_.head_within;
  const bool runs_on = !buffer.empty() || !channel.IsEstablished();
  Wait(open);
  if (runs_on) open.until = until;
  if (shaking_hands) Arm(open, events);
}

void Connections::Arm(const Open& open, uint32_t events) {
  const int socket = open.connection.channel.socket();
  epoll_event event{.events = events | EPOLLONESHOT, .data = {.fd = socket}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
}

void Connections::TakeWhatWaits(Connection& connection) const {
  std::array<char, 16 << 10> bytes;
  while (connection.channel.HasMore() && !HasHead(connection)) {
    const size_t room = limits_.head_bytes_max - connection.buffer.size();
    const ByteChannel::Result got =
        connection.channel.Receive(bytes.data(), std::min(bytes.size(), room));
    if (got.state != ByteChannel::State::kDone) return;
    connection.buffer.append(bytes.data(), got.count);
  }
}

bool Connections::HasHead(const Connection& connection) const {
  return connection.buffer.size() >= limits_.head_bytes_max ||
         absl::StrContains(connection.buffer, "\r\n\r\n");
}

void Connections::Enqueue(Open& open) {
  if (waiting_.size() >= static_cast<size_t>(limits_.waiting_max)) return TurnAway(open);
  open.state = State::kWaiting;
  waiting_.push_back(&open);
}

void Connections::Wait(Open& open) {
  open.state = State::kIdle;
  open.until = absl::Now() + limits_.idle;
  Arm(open, EPOLLIN);
}

void Connections::LetGo(Open& open) {
  Wait(open);
  open.state = State::kLeaving;
  open.until = absl::Now() + kLeaveWithin;
  open.connection.channel.EndSending();
}

void Connections::TurnAway(Open& open) {
  // It fits into an empty send buffer; whoever does not read it learns as much from the close.
  if (open.connection.channel.IsEstablished()) {
    open.connection.channel.Send(busy_answer_.data(), busy_answer_.size());
  }
  LetGo(open);
}

void Connections::Close(int socket) {
  close(socket);
  open_.erase(socket);
}

void Connections::CloseOverdue() {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  for (auto at = open_.begin(); at != open_.end();) {
    const Open& open = *at->second;
    const bool mine = open.state == State::kIdle || open.state == State::kLeaving;
    if (mine && open.until <= now) {
      close(at->first);
      at = open_.erase(at);
    } else {
      ++at;
    }
  }
}

void Connections::Work() {
  const auto due = [this]()
                       ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ || !waiting_.empty(); };
  absl::MutexLock lock(&mutex_);
  for (;;) {
    mutex_.Await(absl::Condition(&due));
    if (waiting_.empty()) return;
    Open& open = *waiting_.front();
    waiting_.pop_front();
    open.state = State::kServed;
    ++served_;
    mutex_.Unlock();
    const After after = serve_(open.connection);
    if (after == After::kKeep) TakeWhatWaits(open.connection);
    mutex_.Lock();
    --served_;
    if (after == After::kClose || stopping()) {
      LetGo(open);
    } else if (HasHead(open.connection)) {
      Enqueue(open);
    } else {
      Wait(open);
    }
  }
}

}  // namespace onhand::gateway
