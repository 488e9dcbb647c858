// Every method of the contract answers. A method that nobody asked the completion queue for would
// keep its caller waiting for ever, without an error anywhere.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

// The status that an empty request gets; streams are opened and closed.
grpc::StatusCode CodeOf(ServedHub& served, const google::protobuf::MethodDescriptor& method) {
  grpc::GenericStub stub(served.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  grpc::CompletionQueue queue;
  const std::string path = absl::StrCat("/", method.service()->full_name(), "/", method.name());
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call =
      stub.PrepareCall(&context, path, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::Status status;
  call->StartCall(nullptr);
  if (wait()) {
    const grpc::Slice nothing;
    call->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), nullptr);
    wait();
    // The status comes behind the answer.
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    wait();
  }
  call->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  wait();
  return status.error_code();
}

TEST(ContractTest, EveryMethodAnswers) {
  ServedHub served;
  // Named by a message of each file, so that a new file is noticed by whoever adds its service.
  const std::vector<const google::protobuf::FileDescriptor*> files = {
      v1::Availability::descriptor()->file(),
      v1::Item::descriptor()->file(),
      v1::NearbyItem::descriptor()->file(),
      v1::DisplayChange::descriptor()->file(),
      v1::QuarantineEntry::descriptor()->file(),
      v1::DoubtedPosition::descriptor()->file(),
      v1::Hello::descriptor()->file(),
      v1::Reservation::descriptor()->file(),
      v1::Rule::descriptor()->file(),
      v1::Position::descriptor()->file(),
      v1::WatchRequest::descriptor()->file(),
      v1::Webhook::descriptor()->file()};
  int methods = 0;
  for (const google::protobuf::FileDescriptor* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int k = 0; k < file->service(i)->method_count(); ++k, ++methods) {
        const google::protobuf::MethodDescriptor& method = *file->service(i)->method(k);
        const grpc::StatusCode code = CodeOf(served, method);
        EXPECT_NE(code, grpc::StatusCode::DEADLINE_EXCEEDED) << method.full_name();
        EXPECT_NE(code, grpc::StatusCode::UNIMPLEMENTED) << method.full_name();
        EXPECT_NE(code, grpc::StatusCode::INTERNAL) << method.full_name();
      }
    }
  }
  EXPECT_GE(methods, 60);
}

}  // namespace
}  // namespace onhand::rpc
