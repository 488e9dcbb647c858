// A hub for the client library's tests that does what the test says: answers from a list, watch
// streams that tell what the test hands them, reservations that are made once an id, and accidents
// on the way of an answer. Any thread.
#ifndef ONHAND_CLIENTS_CPP_SCRIPTED_HUB_H_
#define ONHAND_CLIENTS_CPP_SCRIPTED_HUB_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "grpcpp/server.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "onhand/v1/watch.grpc.pb.h"

namespace onhand::client {

// A refusal as a hub sends it.
grpc::Status HubRefusal(grpc::StatusCode code, const std::string& reason);

// An answer of so many units, as of a revision; usable for an hour without asking.
v1::Availability AnswerOf(const std::string& sku, int32_t max_quantity, uint64_t revision);

// News, or a mark of progress if there are no answers; as of now.
v1::WatchResponse NewsOf(const std::vector<v1::Availability>& answers, const std::string& token,
                         bool initial = false);

class ScriptedHub final : public v1::AvailabilityService::Service,
                          public v1::WatchService::Service,
                          public v1::ReservationService::Service,
                          public v1::HubService::Service {
 public:
  ScriptedHub();
  // Ends its streams.
  ~ScriptedHub() override;

  // Attempts are few and quick.
  ConnectionOptions Options() const;

  // Availability.
  void SetAnswer(const v1::Availability& answer) ABSL_LOCKS_EXCLUDED(mu_);
  void SetAnswerOfAlias(const std::string& alias, const v1::Availability& answer)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Batch calls wait until they are let go.
  void HoldBatches(bool hold) ABSL_LOCKS_EXCLUDED(mu_);
  // Every later batch call ends with this; OK: with answers.
  void FailBatches(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // The SKUs of each call so far.
  std::vector<std::vector<std::string>> batches() const ABSL_LOCKS_EXCLUDED(mu_);

  // Watching. What is told waits for a stream that takes it; a stream is cut after what was told
  // before.
  void Tell(const v1::WatchResponse& response) ABSL_LOCKS_EXCLUDED(mu_);
  void Cut(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // The requests of the streams so far, once there are `count` of them; fewer after 10 s.
  std::vector<v1::WatchRequest> AwaitWatches(size_t count) const ABSL_LOCKS_EXCLUDED(mu_);

  // Reservations.
  enum class Accident {
    kLostRequest,  // UNAVAILABLE, and nothing was done
    kLostAnswer,   // UNAVAILABLE, although it was done
    kTooOld,       // REQUEST_ID_EXPIRED, and nothing was done
    kRefused,      // NOT_ENOUGH, and nothing was done
    kBroken,       // INTERNAL, and nothing was done
  };
  // What happens to the next calls, one each.
  void Expect(std::deque<Accident> accidents) ABSL_LOCKS_EXCLUDED(mu_);
  // Every request of a step that came in, as METHOD and request id.
  std::vector<std::pair<std::string, std::string>> steps() const ABSL_LOCKS_EXCLUDED(mu_);
  // The ids of the steps that were done, each once.
  std::vector<std::string> done() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct News {
    v1::WatchResponse response;
    bool cuts = false;
    grpc::Status status;
  };

  grpc::Status BatchGetAvailability(grpc::ServerContext* context,
                                    const v1::BatchGetAvailabilityRequest* request,
                                    v1::BatchGetAvailabilityResponse* response) override;
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override;
  grpc::Status CreateReservation(grpc::ServerContext* context,
                                 const v1::CreateReservationRequest* request,
                                 v1::CreateReservationResponse* response) override;
  grpc::Status ExtendReservation(grpc::ServerContext* context,
                                 const v1::ExtendReservationRequest* request,
                                 v1::ExtendReservationResponse* response) override;
  grpc::Status CommitReservation(grpc::ServerContext* context,
                                 const v1::CommitReservationRequest* request,
                                 v1::CommitReservationResponse* response) override;
  grpc::Status PickReservation(grpc::ServerContext* context,
                               const v1::PickReservationRequest* request,
                               v1::PickReservationResponse* response) override;
  grpc::Status FulfilReservation(grpc::ServerContext* context,
                                 const v1::FulfilReservationRequest* request,
                                 v1::FulfilReservationResponse* response) override;
  grpc::Status ReleaseReservation(grpc::ServerContext* context,
                                  const v1::ReleaseReservationRequest* request,
                                  v1::ReleaseReservationResponse* response) override;
  grpc::Status ReassignLine(grpc::ServerContext* context, const v1::ReassignLineRequest* request,
                            v1::ReassignLineResponse* response) override;
  grpc::Status FailPick(grpc::ServerContext* context, const v1::FailPickRequest* request,
                        v1::FailPickResponse* response) override;
  grpc::Status GetHubStatus(grpc::ServerContext* context, const v1::GetHubStatusRequest* request,
                            v1::GetHubStatusResponse* response) override;

  grpc::Status Step(const std::string& method, const std::string& request_id,
                    v1::Reservation* reservation) ABSL_LOCKS_EXCLUDED(mu_);

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::map<std::string, v1::Availability> answers_ ABSL_GUARDED_BY(mu_);
  bool holds_batches_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status batch_status_ ABSL_GUARDED_BY(mu_);
  std::vector<std::vector<std::string>> batches_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::WatchRequest> watches_ ABSL_GUARDED_BY(mu_);
  std::deque<News> news_ ABSL_GUARDED_BY(mu_);
  std::deque<Accident> accidents_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<std::string, std::string>> steps_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> done_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_SCRIPTED_HUB_H_
