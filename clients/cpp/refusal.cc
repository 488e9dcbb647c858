#include "clients/cpp/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace onhand::client {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kDomain[] = "onhand";

std::string MetadataValue(const google::rpc::ErrorInfo& info, const std::string& key) {
  auto it = info.metadata().find(key);
  return it == info.metadata().end() ? std::string() : it->second;
}

// A batch's element is named by the metadata `index`, or by the field's path (`items[3].sku`).
std::optional<int> ElementIndex(const google::rpc::ErrorInfo& info, absl::string_view field) {
  int index;
  if (absl::SimpleAtoi(MetadataValue(info, "index"), &index)) return index;
  const size_t open = field.find('[');
  const size_t close = field.find(']');
  if (open == absl::string_view::npos || close == absl::string_view::npos || close < open) {
    return std::nullopt;
  }
  if (!absl::SimpleAtoi(field.substr(open + 1, close - open - 1), &index)) return std::nullopt;
  return index;
}

}  // namespace

absl::Status StatusFromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.Is<google::rpc::ErrorInfo>() && detail.UnpackTo(&info) && info.domain() == kDomain) {
      result.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
    }
  }
  return result;
}

absl::Status RefusedStatus(absl::StatusCode code, absl::string_view message,
                           const Refusal& refusal) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(refusal.reason);
  auto& metadata = *info.mutable_metadata();
  if (!refusal.field.empty()) metadata["field"] = refusal.field;
  if (!refusal.value.empty()) metadata["value"] = refusal.value;
  if (!refusal.remedy.empty()) metadata["remedy"] = refusal.remedy;
  if (refusal.index) metadata["index"] = absl::StrCat(*refusal.index);
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

Refusal RefusalOf(const absl::Status& status) {
  Refusal refusal;
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrorInfoUrl);
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return refusal;
  refusal.reason = info.reason();
  refusal.field = MetadataValue(info, "field");
  refusal.value = MetadataValue(info, "value");
  refusal.remedy = MetadataValue(info, "remedy");
  refusal.index = ElementIndex(info, refusal.field);
  return refusal;
}

bool IsClockRefusal(const absl::Status& status) {
  const std::string reason = RefusalOf(status).reason;
  return reason == "REQUEST_ID_EXPIRED" || reason == "REQUEST_ID_AHEAD";
}

std::string Describe(const absl::Status& status) {
  const Refusal refusal = RefusalOf(status);
  std::string text(
      absl::StripSuffix(absl::string_view(status.message().data(), status.message().size()), "."));
  if (text.empty()) text = absl::StatusCodeToString(status.code());
  const auto said = [&](const std::string& part) {
    return part.empty() || absl::StrContains(text, part);
  };
  if (!said(refusal.field)) {
    absl::StrAppend(&text, " (", refusal.field);
    if (!refusal.value.empty()) absl::StrAppend(&text, ": '", refusal.value, "'");
    absl::StrAppend(&text, ")");
  } else if (!said(refusal.value)) {
    absl::StrAppend(&text, " ('", refusal.value, "')");
  }
  if (!said(refusal.remedy)) absl::StrAppend(&text, "; ", absl::StripSuffix(refusal.remedy, "."));
  if (!said(refusal.reason)) absl::StrAppend(&text, " [", refusal.reason, "]");
  return text;
}

}  // namespace onhand::client
