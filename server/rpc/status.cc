#include "server/rpc/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/ledger/refusal.h"

namespace onhand::rpc {
namespace {

// Statuses travel in HTTP/2 headers, which peers bound at 8 KiB: a longer one would reach nobody.
constexpr size_t kMessageBytesMax = 1'024;

std::string ErrorInfoOf(const absl::Status& status) {
  if (const absl::optional<absl::Cord> payload = status.GetPayload(ledger::kErrorInfoUrl)) {
    return std::string(*payload);
  }
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(absl::StatusCodeToString(status.code()));
  return info.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // The codes of Abseil are the codes of gRPC, number by number.
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message().substr(0, kMessageBytesMax)));
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url(ledger::kErrorInfoUrl);
  any.set_value(ErrorInfoOf(status));
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace onhand::rpc
