#include "server/ledger/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "google/rpc/error_details.pb.h"

namespace onhand::ledger {
namespace {

constexpr size_t kValueBytesMax = 100;

// Values come from strangers: they are shown without control characters and never at full length.
std::string Shown(absl::string_view value) {
  std::string shown = absl::Utf8SafeCEscape(value.substr(0, kValueBytesMax));
  if (value.size() > kValueBytesMax) absl::StrAppend(&shown, "...");
  return shown;
}

}  // namespace

absl::Status Refuse(absl::StatusCode code, const Refusal& refusal) {
  const std::string value = Shown(refusal.value);
  std::string text;
  if (!refusal.field.empty()) absl::StrAppend(&text, refusal.field, " ");
  if (!value.empty()) absl::StrAppend(&text, "'", value, "' ");
  absl::StrAppend(&text, refusal.problem, "; ", refusal.remedy);

  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(std::string(refusal.reason));
  auto& metadata = *info.mutable_metadata();
  if (!refusal.field.empty()) metadata["field"] = std::string(refusal.field);
  if (!value.empty()) metadata["value"] = value;
  metadata["remedy"] = refusal.remedy;

  absl::Status status(code, text);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  if (refusal.retry_after_ms > 0) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(refusal.retry_after_ms);
    status.SetPayload(kRetryInfoUrl, absl::Cord(retry.SerializeAsString()));
  }
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrorInfoUrl);
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return "";
  return info.reason();
}

}  // namespace onhand::ledger
