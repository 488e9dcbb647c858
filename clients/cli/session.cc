#include "clients/cli/session.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "google/protobuf/util/json_util.h"

namespace onhand::cli {
namespace {

constexpr char kUsageReason[] = "USAGE";

bool IsHubAway(const absl::Status& status) {
  return client::RefusalOf(status).reason.empty() &&
         (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status));
}

}  // namespace

absl::Status UsageError(absl::string_view option, absl::string_view value,
                        absl::string_view remedy) {
  client::Refusal refusal;
  refusal.reason = kUsageReason;
  return client::RefusedStatus(absl::StatusCode::kInvalidArgument,
                               absl::StrCat(option, " '", value, "' cannot be used: ", remedy),
                               refusal);
}

std::string ErrorSentence(const absl::Status& status, absl::string_view hub) {
  if (client::RefusalOf(status).reason == kUsageReason) {
    return absl::StrCat("onhand: ", std::string(status.message()), ".");
  }
  if (IsHubAway(status)) {
    return absl::StrCat("onhand: no hub answers at ", hub, " (", std::string(status.message()),
                        "); start one with `onhandd serve`, or name another with --hub or "
                        "ONHAND_HUB.");
  }
  return absl::StrCat("onhand: ", client::Describe(status), ".");
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return kExitDone;
  if (client::RefusalOf(status).reason == kUsageReason) return kExitUsage;
  return IsHubAway(status) ? kExitHubAway : kExitRefused;
}

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Messages of the contract hold only valid UTF-8, so printing one cannot fail.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) json = "{}";
  return json;
}

void PrintJson(Session& session, const google::protobuf::Message& message) {
  session.out << ToJson(message) << "\n";
}

void PrintJson(
    Session& session,
    const std::vector<std::pair<std::string, const google::protobuf::Message*>>& members) {
  std::string document;
  for (const auto& [name, message] : members) {
    absl::StrAppend(&document, document.empty() ? "{" : ",", "\"", name, "\":", ToJson(*message));
  }
  session.out << document << "}\n";
}

absl::Time HubNow(Session& session) {
  const absl::StatusOr<absl::Time> now = session.hub.HubTime();
  return now.ok() ? *now : absl::Now();
}

google::protobuf::Timestamp ToProto(absl::Time moment) {
  const int64_t us = absl::ToUnixMicros(moment);
  google::protobuf::Timestamp result;
  result.set_seconds(us / 1'000'000);
  result.set_nanos(static_cast<int32_t>(us % 1'000'000) * 1000);
  if (result.nanos() < 0) {
    result.set_seconds(result.seconds() - 1);
    result.set_nanos(result.nanos() + 1'000'000'000);
  }
  return result;
}

}  // namespace onhand::cli
