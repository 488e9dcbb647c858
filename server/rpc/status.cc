#include "server/rpc/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
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
  if (const absl::optional<absl::Cord> retry = status.GetPayload(ledger::kRetryInfoUrl)) {
    google::protobuf::Any& when = *details.add_details();
    when.set_type_url(ledger::kRetryInfoUrl);
    when.set_value(std::string(*retry));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

grpc::Status EndOf(grpc::ServerContext& context, const absl::Status& status) {
  grpc::Status end = ToGrpc(status);
  if (const int64_t retry_ms = RetryAfterMs(end); retry_ms > 0) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(retry_ms));
  }
  return end;
}

int64_t RetryAfterMs(const grpc::Status& status) {
  google::rpc::Status details;
  if (status.ok() || !details.ParseFromString(status.error_details())) return 0;
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::RetryInfo retry;
    if (!any.UnpackTo(&retry)) continue;
    return google::protobuf::util::TimeUtil::DurationToMilliseconds(retry.retry_delay());
  }
  return 0;
}

}  // namespace onhand::rpc
