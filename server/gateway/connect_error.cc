#include "server/gateway/connect_error.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nlohmann/json.hpp"
#include "server/ledger/refusal.h"
#include "server/rpc/status.h"

namespace onhand::gateway {
namespace {

using nlohmann::json;

struct Code {
  const char* name;
  int http_status;
};

// By gRPC's number; the table of https://connectrpc.com/docs/protocol#error-codes.
constexpr std::array<Code, 17> kCodes = {{{"", 200},
                                          {"canceled", 499},
                                          {"unknown", 500},
                                          {"invalid_argument", 400},
                                          {"deadline_exceeded", 504},
                                          {"not_found", 404},
                                          {"already_exists", 409},
                                          {"permission_denied", 403},
                                          {"resource_exhausted", 429},
                                          {"failed_precondition", 400},
                                          {"aborted", 409},
                                          {"out_of_range", 400},
                                          {"unimplemented", 501},
                                          {"internal", 500},
                                          {"unavailable", 503},
                                          {"data_loss", 500},
                                          {"unauthenticated", 401}}};

// Refusals of the HTTP port itself, by reason: what HTTP calls them is more exact than the code.
constexpr std::array<std::pair<const char*, int>, 7> kHttpReasons = {{{"UNKNOWN_PATH", 404},
                                                                      {"UNKNOWN_METHOD", 404},
                                                                      {"WRONG_HTTP_METHOD", 405},
                                                                      {"BODY_TOO_SLOW", 408},
                                                                      {"BODY_TOO_LARGE", 413},
                                                                      {"UNKNOWN_CONTENT_TYPE", 415},
                                                                      {"PROTOBUF_ONLY", 415}}};

const Code& CodeOf(const grpc::Status& status) {
  const auto code = static_cast<size_t>(status.error_code());
  return kCodes[code < kCodes.size() ? code : static_cast<size_t>(grpc::StatusCode::UNKNOWN)];
}

json ErrorOf(const grpc::Status& status) {
  json error = {{"code", CodeOf(status).name}, {"message", status.error_message()}};
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return error;
  for (const google::protobuf::Any& any : details.details()) {
    const std::string base64 = absl::Base64Escape(any.value());
    json detail = {{"type", any.type_url().substr(any.type_url().rfind('/') + 1)},
                   {"value", base64.substr(0, base64.find('='))}};
    // For people; programs read the value.
    google::rpc::ErrorInfo info;
    std::string shown;
    if (any.UnpackTo(&info) && google::protobuf::util::MessageToJsonString(info, &shown).ok()) {
      detail["debug"] = json::parse(shown, nullptr, /*allow_exceptions=*/false);
    }
    error["details"].push_back(std::move(detail));
  }
  return error;
}

// Messages hold what strangers sent, which need not be UTF-8.
std::string Print(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

HttpResponse Answer(int http_status, const grpc::Status& status) {
  HttpResponse response;
  response.status = http_status;
  response.content_type = "application/json";
  response.body = ErrorJson(status);
  response.headers.emplace_back("Cache-Control", "no-store");
  if (http_status == 429 || http_status == 503) {
    // Whole seconds, at least one.
    const int64_t seconds = (rpc::RetryAfterMs(status) + 999) / 1'000;
    response.headers.emplace_back("Retry-After", absl::StrCat(std::max<int64_t>(seconds, 1)));
  }
  return response;
}

}  // namespace

std::string ErrorJson(const grpc::Status& status) { return Print(ErrorOf(status)); }

std::string EndOfStreamJson(const grpc::Status& status) {
  return status.ok() ? "{}" : Print(json{{"error", ErrorOf(status)}});
}

HttpResponse Refused(const grpc::Status& status) {
  return Answer(CodeOf(status).http_status, status);
}

HttpResponse Refused(const absl::Status& status) {
  const grpc::Status refused = rpc::ToGrpc(status);
  const std::string reason = ledger::ReasonOf(status);
  for (const auto& [name, http_status] : kHttpReasons) {
    if (reason == name) return Answer(http_status, refused);
  }
  return Refused(refused);
}

HttpResponse Refused(int http_status, const absl::Status& status) {
  return Answer(http_status, rpc::ToGrpc(status));
}

}  // namespace onhand::gateway
