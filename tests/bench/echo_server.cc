#include "tests/bench/echo_server.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "tests/bench/chain.h"

namespace onhand::bench {
namespace {

using Service = v1::AvailabilityService::WithAsyncMethod_GetAvailability<
    v1::AvailabilityService::WithAsyncMethod_BatchGetAvailability<
        v1::AvailabilityService::Service>>;

// A call object waits for a request, answers it, and waits again.
class Call {
 public:
  virtual ~Call() = default;
  virtual void Proceed() = 0;
};

template <class Request, class Response>
class EchoCall final : public Call {
 public:
  using Responder = grpc::ServerAsyncResponseWriter<Response>;
  using Ask = void (Service::*)(grpc::ServerContext*, Request*, Responder*, grpc::CompletionQueue*,
                                grpc::ServerCompletionQueue*, void*);
  using Choose = const Response& (*)(const Request&);

  EchoCall(Service* service, grpc::ServerCompletionQueue* queue, Ask ask, Choose choose)
      : service_(service), queue_(queue), ask_(ask), choose_(choose) {
    Wait();
  }

  void Proceed() override {
    if (answered_) return Wait();
    answered_ = true;
    responder_->Finish(choose_(request_), grpc::Status::OK, this);
  }

 private:
  void Wait() {
    answered_ = false;
    responder_.reset();
    context_.emplace();
    responder_.emplace(&*context_);
    (service_->*ask_)(&*context_, &request_, &*responder_, queue_, queue_, this);
  }

  Service* const service_;
  grpc::ServerCompletionQueue* const queue_;
  const Ask ask_;
  const Choose choose_;
  Request request_;
  std::optional<grpc::ServerContext> context_;
  std::optional<Responder> responder_;
  bool answered_ = false;
};

const v1::GetAvailabilityResponse& ChooseAnswer(const v1::GetAvailabilityRequest& request) {
  static const auto* const total = new v1::GetAvailabilityResponse(FixedAnswer(0));
  static const auto* const broken_down =
      new v1::GetAvailabilityResponse(FixedAnswer(ChainShape{}.locations));
  return request.with_locations() ? *broken_down : *total;
}

const v1::BatchGetAvailabilityResponse& ChooseTinyAnswer(const v1::BatchGetAvailabilityRequest&) {
  static const auto* const tiny = new v1::BatchGetAvailabilityResponse;
  return *tiny;
}

}  // namespace

v1::GetAvailabilityResponse FixedAnswer(int locations) {
  v1::GetAvailabilityResponse response;
  v1::Availability& answer = *response.mutable_availability();
  answer.set_sku(SkuOf(12'345));
  answer.set_status(v1::AVAILABILITY_STATUS_IN_STOCK);
  answer.set_orderable(true);
  answer.set_max_quantity(321);
  answer.mutable_known_through()->set_seconds(1'790'000'000);
  answer.mutable_known_through()->set_nanos(123'456'000);
  answer.mutable_cache_until()->set_seconds(1'790'000'030);
  answer.mutable_cache_until()->set_nanos(123'456'000);
  answer.set_revision(12'345);
  for (int location = 0; location < locations; ++location) {
    v1::LocationAvailability& part = *answer.add_locations();
    part.set_location_id(LocationOf(location));
    part.set_salable(17);
    part.mutable_known_through()->set_seconds(1'790'000'000);
    part.mutable_known_through()->set_nanos(123'456'000);
  }
  return response;
}

void RunEchoServer() {
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) std::exit(1);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 128; ++i) {
    calls.push_back(
        std::make_unique<EchoCall<v1::GetAvailabilityRequest, v1::GetAvailabilityResponse>>(
            &service, queue.get(), &Service::RequestGetAvailability, ChooseAnswer));
    calls.push_back(std::make_unique<
                    EchoCall<v1::BatchGetAvailabilityRequest, v1::BatchGetAvailabilityResponse>>(
        &service, queue.get(), &Service::RequestBatchGetAvailability, ChooseTinyAnswer));
  }
  std::cerr << "echo ready grpc=127.0.0.1:" << port << std::endl;
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed();
  std::exit(0);
}

}  // namespace onhand::bench
