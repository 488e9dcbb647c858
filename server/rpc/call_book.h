// What every call of the port leaves behind: how long it took, by method and code, for a monitoring
// system; and at the log's level debug one line. Owned by the server. Open is called before the
// first call; all else from any thread.
#ifndef ONHAND_SERVER_RPC_CALL_BOOK_H_
#define ONHAND_SERVER_RPC_CALL_BOOK_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"
#include "server/hub/distribution.h"

namespace onhand::rpc {

class CallBook {
 public:
  static constexpr size_t kCodes = 17;  // OK to UNAUTHENTICATED

  // The page of one method.
  class Method {
   public:
    explicit Method(std::string name) : name_(std::move(name)) {}
    // package.Service/Method
    const std::string& name() const { return name_; }
    // Seconds of the calls that ended with this code; streams from their first to their last.
    const hub::Distribution& took(size_t code) const { return took_[code]; }

   private:
    friend class CallBook;
    template <size_t... k>
    static std::array<hub::Distribution, kCodes> Empty(std::index_sequence<k...>) {
      return {((void)k, hub::Distribution(hub::kDurationBounds))...};
    }
    const std::string name_;
    std::array<hub::Distribution, kCodes> took_ = Empty(std::make_index_sequence<kCodes>());
  };

  // `method` as package.Service.Method; the page stays as long as the book.
  Method* Open(absl::string_view method);

  // A call that began; noted at its end, once.
  struct Begun {
    Method* method = nullptr;
    absl::Time at;
  };
  Begun Begin(Method* method) {
    under_way_.fetch_add(1, std::memory_order_relaxed);
    return {method, absl::Now()};
  }
  // `request` may be null; `caller` is the name of its token. No value of the request but its id is
  // told.
  void End(const Begun& call, grpc::StatusCode code, const grpc::ServerContext& context,
           const google::protobuf::Message* request, absl::string_view caller);

  // As Prometheus and gRPC spell it: DEADLINE_EXCEEDED.
  static absl::string_view NameOf(size_t code);
  const std::deque<Method>& methods() const { return methods_; }
  int64_t under_way() const { return under_way_.load(std::memory_order_relaxed); }

 private:
  std::deque<Method> methods_;  // pages do not move
  std::atomic<int64_t> under_way_{0};
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_CALL_BOOK_H_
