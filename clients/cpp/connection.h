// A connection to a hub: one gRPC channel with keepalive, a deadline on every call, and a bounded
// retry while the hub is away or pushes back (RESOURCE_EXHAUSTED beyond a limit). Retrying is safe
// because every unary call of the contract is a read or idempotent by its request id. Owned by the
// program that talks to the hub; any thread may call it, many at once.
//
// The retry is a loop of ours, and gRPC's own is off so that there is one: a retryPolicy of the
// service config gives up after five attempts whatever it is told, and knows nothing of refusals,
// while a write whose fresh id the hub's clock refuses needs another id, not the same once more.
#ifndef ONHAND_CLIENTS_CPP_CONNECTION_H_
#define ONHAND_CLIENTS_CPP_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/token_file.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/sync_stream.h"

namespace onhand::client {

struct ConnectionOptions {
  std::string hub = "127.0.0.1:7070";  // HOST:PORT
  // From MakeCredentials (tls.h); null: no TLS.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  std::shared_ptr<TokenFile> token;                        // shown with every call; null: none
  absl::Duration timeout = absl::Seconds(10);              // one call with all of its attempts
  int attempts_max = 4;                                    // of one call, the first included
  absl::Duration first_backoff = absl::Milliseconds(100);  // doubles with each attempt, full jitter
};

class Connection {
 public:
  // Opens nothing yet: the channel connects with the first call.
  explicit Connection(ConnectionOptions options);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Calls a method of a service, such as Call(&v1::CatalogService::Stub::GetItem, request).
  // UNAVAILABLE if no hub answered in any attempt, DEADLINE_EXCEEDED after the timeout, otherwise
  // the hub's refusal (see refusal.h).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    Stub stub(channel_);
    Response response;
    absl::Status status = Attempt(
        [&](grpc::ClientContext* context) { return (stub.*method)(context, request, &response); });
    if (!status.ok()) return status;
    return response;
  }

  // Like Call, for a write: gives the request a new id first. If the hub's clock is so far from
  // this machine's that it refuses the fresh id, the hub's clock is taken over and the write sent
  // once more.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Write(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                                 Request request) {
    request.set_request_id(MakeRequestId());
    absl::StatusOr<Response> response = Call(method, request);
    if (response.ok() || !IsClockRefusal(response.status())) return response;
    if (!HubTime().ok()) return response;
    request.set_request_id(MakeRequestId());
    return Call(method, request);
  }

  // Reads a stream of responses until `take` returns false or the hub ends it. Like Call otherwise:
  // the whole stream may take the timeout, and one that breaks off is started anew, so that `take`
  // may see responses again.
  template <typename Stub, typename Request, typename Response>
  absl::Status Read(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                        grpc::ClientContext*, const Request&),
                    const Request& request,
                    absl::FunctionRef<bool(const std::type_identity_t<Response>&)> take) {
    Stub stub(channel_);
    return Attempt([&](grpc::ClientContext* context) {
      const auto reader = (stub.*method)(context, request);
      Response response;
      while (reader->Read(&response)) {
        if (take(response)) continue;
        context->TryCancel();
        while (reader->Read(&response)) {
        }
        reader->Finish();
        return grpc::Status::OK;
      }
      return reader->Finish();
    });
  }
  // A new request id by the hub's clock, as far as that is known.
  std::string MakeRequestId();

  // The hub's ledger time; remembers how far it is from this machine's clock, for request ids.
  absl::StatusOr<absl::Time> HubTime();

  // For streams, which outlive a call and retry in their own way.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const ConnectionOptions& options() const { return options_; }

 private:
  absl::Status Attempt(absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call);
  void AwaitHub(absl::Time until);

  const ConnectionOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::atomic<int64_t> hub_ahead_us_{0};  // the hub's clock less this machine's
  absl::Mutex mu_;
  absl::BitGen random_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_CONNECTION_H_
