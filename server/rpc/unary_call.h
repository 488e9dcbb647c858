// A unary method on the completion queue. Its calls are objects that wait for a request, have it
// handled, answer, and wait again with their memory; while all of them are busy it makes more, so
// that a full queue behind a handler is answered by that queue's refusal and not by silence.
//
// Lifetime: a call owns itself. It is deleted by the polling thread: when the server shuts down
// while it waits, or after an answer if enough others wait. Its method lives as long as the queue.
#ifndef ONHAND_SERVER_RPC_UNARY_CALL_H_
#define ONHAND_SERVER_RPC_UNARY_CALL_H_

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "server/rpc/audited_call.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/gate.h"
#include "server/rpc/status.h"

namespace onhand::rpc {

// Ends a call with the response that was filled, or with a refusal: once, from any thread. Request
// and response live until then.
class Reply {
 public:
  class Call {
   public:
    virtual void Answer(const absl::Status& status) = 0;
    // Who calls, from where, and what for; author and reason are as the request says.
    virtual ledger::AuditedCall audited() const = 0;

   protected:
    ~Call() = default;
  };
  explicit Reply(Call* call) : call_(call) {}
  void operator()(const absl::Status& status) const { call_->Answer(status); }
  // Valid until the answer.
  ledger::AuditedCall audited() const { return call_->audited(); }

 private:
  Call* call_;
};

template <class Service, class Request, class Response>
class UnaryMethod {
 public:
  using Responder = grpc::ServerAsyncResponseWriter<Response>;
  using Ask = void (Service::*)(grpc::ServerContext*, Request*, Responder*, grpc::CompletionQueue*,
                                grpc::ServerCompletionQueue*, void*);
  using Handle = std::function<void(const Request&, Response*, Reply)>;

  UnaryMethod(CallQueue* queue, Service* service, Ask ask, Handle handle, bool aside, int calls)
      : queue_(queue),
        service_(service),
        ask_(ask),
        handle_(std::move(handle)),
        aside_(aside),
        calls_(calls),
        page_(queue->book()->Open(MethodTaking(Request::descriptor()))) {}

  // Before the queue's start.
  static void Serve(std::shared_ptr<UnaryMethod> method) {
    for (int i = 0; i < method->calls_; ++i) Add(method);
  }

 private:
  class Call;

  static void Add(const std::shared_ptr<UnaryMethod>& method) { (new Call(method))->Wait(); }

  CallQueue* const queue_;
  Service* const service_;
  const Ask ask_;
  const Handle handle_;
  const Permission* const permission_ = FindPermission(MethodTaking(Request::descriptor()));
  const bool aside_;
  const int calls_;  // as many wait when nothing is asked
  CallBook::Method* const page_;
  int waiting_ = 0;  // the polling thread's
};

template <class Service, class Request, class Response>
class UnaryMethod<Service, Request, Response>::Call final : public CallQueue::Event,
                                                            public Reply::Call {
 public:
  explicit Call(std::shared_ptr<UnaryMethod> method)
      : method_(std::move(method)), arena_(first_block_.data(), first_block_.size()) {
    method_->queue_->Enter();
  }
  ~Call() { method_->queue_->Leave(); }

  void Wait() {
    ++method_->waiting_;
    taken_ = false;
    arena_.Reset();
    request_ = google::protobuf::Arena::CreateMessage<Request>(&arena_);
    responder_.reset();
    context_.emplace();
    responder_.emplace(&*context_);
    (method_->service_->*method_->ask_)(&*context_, request_, &*responder_, method_->queue_->get(),
                                        method_->queue_->get(), this);
  }

  void Happened(bool ok) override {
    if (taken_) {  // and answered
      if (method_->waiting_ < method_->calls_) return Wait();
      delete this;
      return;
    }
    --method_->waiting_;
    if (!ok) {
      delete this;
      return;
    }
    taken_ = true;
    if (method_->waiting_ == 0) Add(method_);
    begun_ = method_->queue_->book()->Begin(method_->page_);
    response_ = google::protobuf::Arena::CreateMessage<Response>(&arena_);
    if (Gate* gate = method_->queue_->gate(); gate != nullptr) {
      absl::StatusOr<Caller> caller =
          gate->Enter(method_->permission_, *context_, CallLimits::Kind::kCall);
      if (!caller.ok()) return Answer(caller.status());
      caller_ = *std::move(caller);
    }
    if (method_->aside_) return method_->queue_->DoAside([this] { Handle(); });
    Handle();
  }

  ledger::AuditedCall audited() const override {
    return AuditedOf(caller_.principal, *context_, *request_, method_->page_->name());
  }

  // The polling thread may use the call again before this has returned.
  void Answer(const absl::Status& status) override {
    method_->queue_->book()->End(begun_, static_cast<grpc::StatusCode>(status.code()), *context_,
                                 request_, caller_.principal.name);
    caller_ = Caller();
    if (status.ok()) {
      responder_->Finish(*response_, grpc::Status::OK, this);
    } else {
      responder_->FinishWithError(EndOf(*context_, status), this);
    }
  }

 private:
  void Handle() {
    if (const Gate* gate = method_->queue_->gate(); gate != nullptr) {
      const absl::Status may = gate->Check(method_->permission_, caller_.principal, *request_);
      if (!may.ok()) return Answer(may);
    }
    method_->handle_(*request_, response_, Reply(this));
  }

  const std::shared_ptr<UnaryMethod> method_;
  alignas(8) std::array<char, 4'096> first_block_;  // what most calls get by with
  google::protobuf::Arena arena_;
  Request* request_ = nullptr;
  Response* response_ = nullptr;
  std::optional<grpc::ServerContext> context_;
  std::optional<Responder> responder_;
  Caller caller_;
  CallBook::Begun begun_;
  bool taken_ = false;
};

// Where a method's handler runs: on the polling thread, for what is asked all the time and is
// quick; beside it, for what may take a while.
enum class Where { kInline, kAside };

// As many calls of a method wait as are likely to come at the same moment.
inline constexpr int kHotCalls = 128;
inline constexpr int kRareCalls = 2;

// Serves a method, such as ServeUnary(queue, &service_, &Service::RequestGetItem, handler). The
// handler is called as Status(const Request&, Response*), or as void(const Request&, Response*,
// Reply) if it answers later. Before the queue's start.
template <class Derived, class Service, class Request, class Response, class Handler>
void ServeUnary(CallQueue* queue, Derived* service,
                void (Service::*ask)(grpc::ServerContext*, Request*,
                                     grpc::ServerAsyncResponseWriter<Response>*,
                                     grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*),
                Handler handler, Where where = Where::kAside, int calls = kRareCalls) {
  using Method = UnaryMethod<Service, Request, Response>;
  typename Method::Handle handle;
  if constexpr (std::is_invocable_v<Handler, const Request&, Response*, Reply>) {
    handle = std::move(handler);
  } else {
    handle = [handler = std::move(handler)](const Request& request, Response* response,
                                            Reply reply) { reply(handler(request, response)); };
  }
  Method::Serve(std::make_shared<Method>(queue, service, ask, std::move(handle),
                                         where == Where::kAside, calls));
}

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_UNARY_CALL_H_
