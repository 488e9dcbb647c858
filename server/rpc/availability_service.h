// What may be promised: the hot path of every website, answered inline by the polling thread of the
// call queue. Owned by the server.
#ifndef ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_
#define ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/ledger/availability.h"
#include "server/rpc/call_queue.h"

namespace onhand::rpc {

class AvailabilityService {
 public:
  static constexpr int kBatchSkusMax = 1'000;
  // SKUs answered under one lock, so that a large batch never holds up the writer.
  static constexpr int kSkusALock = 16;

  // Both outlive the service.
  AvailabilityService(hub::Hub* hub, hub::Clock* clock);

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

  // The answers themselves; the polling thread, but for those that explain: they search, and run on
  // the queue's second thread.
  absl::Status Get(const v1::GetAvailabilityRequest& request,
                   v1::GetAvailabilityResponse* response);
  absl::Status BatchGet(const v1::BatchGetAvailabilityRequest& request,
                        v1::BatchGetAvailabilityResponse* response);

 private:
  using Service = v1::AvailabilityService::AsyncService;

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

  hub::Hub* const hub_;
  hub::Clock* const clock_;
  Service service_;
  ledger::Trace trace_;  // the polling thread's, used again; never for an explanation
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_AVAILABILITY_SERVICE_H_
