#include "server/gateway/byte_channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace onhand::gateway {
namespace {

int Clamped(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

ByteChannel::Result ResultOfSocket(ssize_t count, ByteChannel::State wait) {
  if (count > 0) return {ByteChannel::State::kDone, static_cast<size_t>(count)};
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {wait};
  return {ByteChannel::State::kGone};
}

}  // namespace

ByteChannel::ByteChannel(int socket, std::shared_ptr<SSL_CTX> tls)
    : socket_(socket), context_(std::move(tls)) {
  if (context_ == nullptr) return;
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), socket_);
  SSL_set_accept_state(ssl_.get());
}

bool ByteChannel::IsEstablished() const {
  return ssl_ == nullptr || SSL_is_init_finished(ssl_.get());
}

ByteChannel::Result ByteChannel::ResultOf(int code) {
  if (code > 0) return {State::kDone, static_cast<size_t>(code)};
  switch (SSL_get_error(ssl_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return {State::kAwaitRead};
    case SSL_ERROR_WANT_WRITE:
      return {State::kAwaitWrite};
    default:
      return {State::kGone};
  }
}

ByteChannel::Result ByteChannel::Receive(char* to, size_t size_max) {
  if (ssl_ == nullptr) {
    return ResultOfSocket(recv(socket_, to, size_max, MSG_DONTWAIT), State::kAwaitRead);
  }
  ERR_clear_error();
  return ResultOf(SSL_read(ssl_.get(), to, Clamped(size_max)));
}

ByteChannel::Result ByteChannel::Send(const char* from, size_t size) {
  if (ssl_ == nullptr) {
    return ResultOfSocket(send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT),
                          State::kAwaitWrite);
  }
  ERR_clear_error();
  return ResultOf(SSL_write(ssl_.get(), from, Clamped(size)));
}

bool ByteChannel::HasMore() const { return ssl_ != nullptr && SSL_has_pending(ssl_.get()) != 0; }

bool ByteChannel::IsLeft() {
  char byte = 0;
  if (ssl_ == nullptr) {
    return ResultOfSocket(recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT), State::kAwaitRead)
               .state == State::kGone;
  }
  ERR_clear_error();
  return ResultOf(SSL_peek(ssl_.get(), &byte, 1)).state == State::kGone;
}

void ByteChannel::EndSending() {
  if (ssl_ != nullptr && IsEstablished()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  shutdown(socket_, SHUT_WR);
}

}  // namespace onhand::gateway
