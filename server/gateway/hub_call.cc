#include "server/gateway/hub_call.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/ledger/refusal.h"
#include "server/rpc/audited_call.h"
#include "server/rpc/status.h"

namespace onhand::gateway {
namespace {

// gRPC's polling set is the process's: a queue that polls would take events from the server's
// thread. There is no socket in between, so there is nothing to poll for.
grpc_completion_queue* NewQueue() {
  const grpc_completion_queue_attributes attributes = {GRPC_CQ_CURRENT_VERSION, GRPC_CQ_NEXT,
                                                       GRPC_CQ_NON_POLLING, nullptr};
  return grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&attributes),
                                      &attributes, nullptr);
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::string bytes;
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// Waits for the one event that is to come; whether it went well.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

grpc::Status Stopping() {
  return rpc::ToGrpc(
      ledger::Refuse(absl::StatusCode::kUnavailable, {.reason = "STOPPING",
                                                      .field = "hub",
                                                      .problem = "is about to stop",
                                                      .remedy = "ask again in a moment"}));
}

// A header that gRPC would not send is none that the hub knows.
void Add(const char* name, const std::string& value, grpc::ClientContext& context) {
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!value.empty() && printable) context.AddMetadata(name, value);
}

void Carry(const Carried& carried, grpc::ClientContext& context) {
  Add("authorization", carried.authorization, context);
  Add("traceparent", carried.traceparent, context);
  Add(rpc::kHttpPeer, carried.peer, context);
}

void Close(grpc::CompletionQueue& queue) {
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace

Carried CarriedBy(const HttpRequest& request) {
  return {request.Header("authorization"), request.Header("traceparent"), request.peer};
}

grpc::Status CallHub(rpc::InProcess& rpc, const std::string& path, const std::string& request,
                     const Carried& carried, absl::Time deadline, std::string* response) {
  // gRPC notices a deadline that has passed in its own time, and the hub is often quicker.
  if (deadline <= absl::Now()) {
    return grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded");
  }
  grpc::CompletionQueue queue(NewQueue());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  Carry(carried, context);
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> call;
  const bool made = rpc.Make([&](const std::shared_ptr<grpc::Channel>& channel) {
    call = grpc::GenericStub(channel).PrepareUnaryCall(&context, path, ToBuffer(request), &queue);
  });
  if (!made) return Stopping();
  grpc::Status status;
  grpc::ByteBuffer answer;
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  Await(queue);
  Close(queue);
  rpc.Leave();
  if (status.ok()) *response = ToString(answer);
  return status;
}

// With one event to come at a time.
struct HubStream::Call {
  explicit Call(rpc::InProcess* way) : rpc(way), queue(NewQueue()) {}

  void Finish() {
    ended = true;
    stream->Finish(&status, nullptr);
    Await(queue);
  }

  rpc::InProcess* const rpc;
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  grpc::ByteBuffer message;
  bool reading = false;
  bool ended = false;
  grpc::Status status;
};

HubStream::HubStream(rpc::InProcess& rpc, const std::string& path, const std::string& request,
                     const Carried& carried, absl::Time deadline)
    : call_(std::make_unique<Call>(&rpc)) {
  call_->context.set_deadline(absl::ToChronoTime(deadline));
  Carry(carried, call_->context);
  const bool made = rpc.Make([&](const std::shared_ptr<grpc::Channel>& channel) {
    call_->stream = grpc::GenericStub(channel).PrepareCall(&call_->context, path, &call_->queue);
  });
  if (!made) {
    call_->ended = true;
    call_->status = Stopping();
    return;
  }
  call_->stream->StartCall(nullptr);
  const bool started = Await(call_->queue);
  if (started) {
    call_->stream->WriteLast(ToBuffer(request), grpc::WriteOptions(), nullptr);
    // A call that is refused does not take the request; why is what Finish says.
    Await(call_->queue);
  }
}

HubStream::~HubStream() {
  if (!call_->ended) {
    call_->context.TryCancel();
    if (call_->reading) Await(call_->queue);
    call_->Finish();
  }
  Close(call_->queue);
  if (call_->stream != nullptr) call_->rpc->Leave();
}

HubStream::Next HubStream::Read(absl::Duration wait, std::string* message) {
  Call& call = *call_;
  if (call.ended) return Next::kEnd;
  if (!call.reading) {
    call.stream->Read(&call.message, nullptr);
    call.reading = true;
  }
  void* tag = nullptr;
  bool ok = false;
  if (call.queue.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + wait)) ==
      grpc::CompletionQueue::TIMEOUT) {
    return Next::kNothingYet;
  }
  call.reading = false;
  if (!ok) {
    call.Finish();
    return Next::kEnd;
  }
  *message = ToString(call.message);
  call.message.Clear();
  return Next::kMessage;
}

const grpc::Status& HubStream::status() const { return call_->status; }

}  // namespace onhand::gateway
