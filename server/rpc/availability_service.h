// What may be promised: the hot path of every website. An asynchronous completion queue with one
// polling thread, which answers inline; each call object is used again and again, with its memory.
// Owned by the server, which calls Register before it is built, Start after, and Join after its
// shutdown.
#ifndef ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_
#define ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/server_builder.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/ledger/availability.h"

namespace onhand::rpc {

class AvailabilityService {
 public:
  static constexpr int kBatchSkusMax = 1'000;
  // SKUs answered under one lock, so that a large batch never holds up the writer.
  static constexpr int kSkusALock = 16;

  // Both outlive the service.
  AvailabilityService(hub::Hub* hub, hub::Clock* clock);
  ~AvailabilityService();

  void Register(grpc::ServerBuilder* builder);
  void Start();
  // After the server's shutdown, which ends the polling thread: waits for that and closes the
  // queue. Also after a server that could not be built.
  void Join();

  // The answers themselves; the polling thread.
  absl::Status Get(const v1::GetAvailabilityRequest& request,
                   v1::GetAvailabilityResponse* response);
  absl::Status BatchGet(const v1::BatchGetAvailabilityRequest& request,
                        v1::BatchGetAvailabilityResponse* response);

 private:
  using Service = v1::AvailabilityService::WithAsyncMethod_GetAvailability<
      v1::AvailabilityService::WithAsyncMethod_BatchGetAvailability<
          v1::AvailabilityService::Service>>;
  class Call;
  template <class Request, class Response>
  class MethodCall;

  // What is alike for all items of one request.
  struct Scope {
    uint32_t channel = 0;
    uint32_t location = 0;
    int64_t now_us = 0;  // 0: the ledger's time
  };
  absl::StatusOr<Scope> ScopeOf(const ledger::State& state, const std::string& channel_id,
                                const std::string& location_id, uint64_t min_revision);
  void Answer(const ledger::Ledger& ledger, const Scope& scope, uint32_t item, bool with_locations,
              bool explain, v1::Availability* answer);
  absl::Status BatchOfSkus(const v1::BatchGetAvailabilityRequest& request,
                           v1::BatchGetAvailabilityResponse* response);
  absl::Status BatchOfParent(const v1::BatchGetAvailabilityRequest& request,
                             v1::BatchGetAvailabilityResponse* response);
  void Poll();

  hub::Hub* const hub_;
  hub::Clock* const clock_;
  Service service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::vector<std::unique_ptr<Call>> calls_;
  int live_calls_ = 0;   // the polling thread's, after Start
  ledger::Trace trace_;  // the polling thread's, used again
  std::thread thread_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_
