// A connection's bytes, as they are or through TLS. The socket does not block; nothing here waits.
// Owned by the connection; one thread at a time.
#ifndef ONHAND_SERVER_GATEWAY_BYTE_CHANNEL_H_
#define ONHAND_SERVER_GATEWAY_BYTE_CHANNEL_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>

namespace onhand::gateway {

class ByteChannel {
 public:
  enum class State {
    kDone,       // `count` bytes
    kAwaitRead,  // nothing until the socket can be read
    kAwaitWrite,
    kGone,  // the peer has closed, or broke the protocol
  };
  struct Result {
    State state;
    size_t count = 0;
  };

  ByteChannel() = default;
  // As a server. `tls` null: plain. Its handshake is done by the first calls of Receive.
  ByteChannel(int socket, std::shared_ptr<SSL_CTX> tls);

  int socket() const { return socket_; }
  bool is_tls() const { return ssl_ != nullptr; }
  // Plain ones are from the start.
  bool IsEstablished() const;

  Result Receive(char* to, size_t size_max);
  Result Send(const char* from, size_t size);
  // Whether bytes wait here of which the socket does not tell.
  bool HasMore() const;
  // Whether the peer has gone; takes nothing.
  bool IsLeft();
  // Tells the peer that nothing more comes.
  void EndSending();

 private:
  Result ResultOf(int code);

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  int socket_ = -1;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_BYTE_CHANNEL_H_
