// The connections of the HTTP port. One thread accepts and waits on all that are idle or still say
// what they want; a worker takes one only when a request's whole head is there. So browsers that
// keep connections open, and clients that dawdle, cost no thread. Owned by the HTTP server; the
// constructor and Stop are its owner's, `serve` runs on the workers.
#ifndef ONHAND_SERVER_GATEWAY_CONNECTIONS_H_
#define ONHAND_SERVER_GATEWAY_CONNECTIONS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/gateway/byte_channel.h"

namespace onhand::gateway {

struct ConnectionLimits {
  int workers = 32;
  // Open ones; a further one is told that the hub is busy.
  int connections_max = 1'024;
  // Requests that wait for a worker; a further one is told that the hub is busy.
  int waiting_max = 1'000;
  // A request's line and headers.
  size_t head_bytes_max = 16 << 10;
  // From a head's first byte to its last.
  absl::Duration head_within = absl::Seconds(10);
  // A TLS handshake.
  absl::Duration handshake_within = absl::Seconds(5);
  // How long a connection may stay open between requests.
  absl::Duration idle = absl::Seconds(60);
  // Stop waits so long for requests under way.
  absl::Duration stop_within = absl::Seconds(5);
};

struct Connection {
  ByteChannel channel;
  // What came and was not taken yet. When `serve` is called it begins with a head: with the whole
  // of it, unless it is as long as a head may be.
  std::string buffer;
};

class Connections {
 public:
  enum class After { kKeep, kClose };
  // Answers one request and takes it out of the buffer.
  using Serve = std::function<After(Connection&)>;
  // What the next connection shakes hands with; null: it is plain.
  using Tls = std::function<std::shared_ptr<SSL_CTX>()>;

  // Takes over a listening socket. `busy_answer` is the whole of what one is told who is too much,
  // but for one that has not shaken hands yet.
  Connections(int listener, ConnectionLimits limits, std::string busy_answer, Tls tls, Serve serve);
  ~Connections();

  // Accepts no more, lets requests under way end, and closes everything. Idempotent.
  void Stop();
  // Whether Stop was called: answers say that the connection is about to close.
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

 private:
  enum class State { kIdle, kWaiting, kServed, kLeaving };
  struct Open {
    Connection connection;
    State state = State::kIdle;
    absl::Time until;  // idle or leaving: closed then
  };

  void Watch();
  void Accept();
  void Hear(Open& open) ABSL_LOCKS_EXCLUDED(mutex_);
  // Has it a whole head, or as much as there may be?
  bool HasHead(const Connection& connection) const;
  // Decrypted bytes, of which epoll does not tell.
  void TakeWhatWaits(Connection& connection) const;
  void Enqueue(Open& open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wait(Open& open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks epoll to tell once when its socket can be read, or written.
  void Arm(const Open& open, uint32_t events);
  // Says nothing more, and closes when the peer has read what was said, or did not within a moment.
  void LetGo(Open& open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TurnAway(Open& open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close(int socket) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseOverdue() ABSL_LOCKS_EXCLUDED(mutex_);
  void Work();

  const int listener_;
  const ConnectionLimits limits_;
  const std::string busy_answer_;
  const Tls tls_;
  const Serve serve_;
  const int epoll_;
  const int wake_;
  std::atomic<bool> stopping_{false};

  absl::Mutex mutex_;
  // By socket. One that is served belongs to its worker, the others to the watching thread.
  std::unordered_map<int, std::unique_ptr<Open>> open_ ABSL_GUARDED_BY(mutex_);
  std::deque<Open*> waiting_ ABSL_GUARDED_BY(mutex_);
  int served_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // workers go

  std::thread watcher_;
  std::vector<std::thread> workers_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONNECTIONS_H_
