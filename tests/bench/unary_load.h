// Loads a unary method from one client thread on one connection: so many calls outstanding, each
// answer followed by the next question. The same for floor and hub. One thread.
#ifndef ONHAND_TESTS_BENCH_UNARY_LOAD_H_
#define ONHAND_TESTS_BENCH_UNARY_LOAD_H_

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "tests/bench/measure.h"

namespace onhand::bench {

struct UnaryResult {
  double calls_a_second = 0;
  std::vector<double> latencies_us;
};

// `ask` fills the n-th request. Throws if a call fails.
template <class Stub, class Request, class Response>
class UnaryLoad {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  using Prepare = Reader (Stub::*)(grpc::ClientContext*, const Request&, grpc::CompletionQueue*);
  using Ask = std::function<void(uint64_t n, Request*)>;

  UnaryLoad(std::shared_ptr<grpc::Channel> channel, Prepare prepare, Ask ask)
      : stub_(std::move(channel)), prepare_(prepare), ask_(std::move(ask)) {}

  UnaryResult Run(int outstanding, double seconds) {
    grpc::CompletionQueue queue;
    std::vector<Call> calls(static_cast<size_t>(outstanding));
    UnaryResult result;
    const auto start = SteadyClock::now();
    for (Call& call : calls) Begin(call, queue);
    int open = outstanding;
    double took = 0;
    grpc::Status failed;
    void* tag = nullptr;
    bool ok = false;
    while (open > 0 && queue.Next(&tag, &ok)) {
      Call& call = *static_cast<Call*>(tag);
      if (!call.status.ok()) failed = call.status;
      const auto now = SteadyClock::now();
      if (took == 0) {
        result.latencies_us.push_back(
            std::chrono::duration<double, std::micro>(now - call.begun).count());
        const double elapsed = std::chrono::duration<double>(now - start).count();
        if (elapsed >= seconds || !failed.ok()) took = elapsed;
      }
      if (took == 0) {
        Begin(call, queue);
      } else {
        --open;
      }
    }
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    if (!failed.ok()) throw std::runtime_error("a call failed: " + failed.error_message());
    ThrowIfInterrupted();
    result.calls_a_second = static_cast<double>(result.latencies_us.size()) / took;
    return result;
  }

 private:
  struct Call {
    std::optional<grpc::ClientContext> context;
    Request request;
    Response response;
    grpc::Status status;
    Reader reader;
    SteadyClock::time_point begun;
  };

  void Begin(Call& call, grpc::CompletionQueue& queue) {
    ask_(asked_++, &call.request);
    call.reader.reset();
    call.context.emplace();
    call.begun = SteadyClock::now();
    call.reader = (stub_.*prepare_)(&*call.context, call.request, &queue);
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }

  Stub stub_;
  const Prepare prepare_;
  const Ask ask_;
  uint64_t asked_ = 0;
};

// A connection of its own to `address`.
inline std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_UNARY_LOAD_H_
