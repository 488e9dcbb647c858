#include "server/rpc/call_book.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/program/log.h"
#include "spdlog/spdlog.h"

namespace onhand::rpc {
namespace {

// A W3C trace context has 55 characters; what is longer is none.
constexpr size_t kBytesMax = 64;

using Fields = std::vector<std::pair<absl::string_view, std::string>>;

// Strangers write these: nothing long.
void Add(Fields& fields, absl::string_view name, absl::string_view value) {
  if (!value.empty()) fields.emplace_back(name, absl::Utf8SafeCEscape(value.substr(0, kBytesMax)));
}

std::string RequestIdOf(const google::protobuf::Message* request) {
  if (request == nullptr) return "";
  const auto* field = request->GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING)
    return "";
  return request->GetReflection()->GetString(*request, field);
}

absl::string_view TraceOf(const grpc::ServerContext& context) {
  const auto found = context.client_metadata().find("traceparent");
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

absl::string_view CallBook::NameOf(size_t code) {
  static constexpr std::array<absl::string_view, kCodes> kNames = {"OK",
                                                                   "CANCELLED",
                                                                   "UNKNOWN",
                                                                   "INVALID_ARGUMENT",
                                                                   "DEADLINE_EXCEEDED",
                                                                   "NOT_FOUND",
                                                                   "ALREADY_EXISTS",
                                                                   "PERMISSION_DENIED",
                                                                   "RESOURCE_EXHAUSTED",
                                                                   "FAILED_PRECONDITION",
                                                                   "ABORTED",
                                                                   "OUT_OF_RANGE",
                                                                   "UNIMPLEMENTED",
                                                                   "INTERNAL",
                                                                   "UNAVAILABLE",
                                                                   "DATA_LOSS",
                                                                   "UNAUTHENTICATED"};
  return kNames[code];
}

CallBook::Method* CallBook::Open(absl::string_view method) {
  std::string name(method);
  if (const size_t dot = name.rfind('.'); dot != std::string::npos) name[dot] = '/';
  return &methods_.emplace_back(std::move(name));
}

void CallBook::End(const Begun& call, grpc::StatusCode code, const grpc::ServerContext& context,
                   const google::protobuf::Message* request, absl::string_view caller) {
  under_way_.fetch_sub(1, std::memory_order_relaxed);
  const absl::Duration took = absl::Now() - call.at;
  call.method->took_[static_cast<size_t>(code)].Note(absl::ToDoubleSeconds(took));
  if (!spdlog::should_log(spdlog::level::debug)) return;
  Fields fields = {{"method", call.method->name()},
                   {"code", std::string(NameOf(static_cast<size_t>(code)))},
                   {"ms", absl::StrCat(absl::ToDoubleMilliseconds(took))}};
  Add(fields, "caller", caller);
  Add(fields, "request_id", RequestIdOf(request));
  Add(fields, "traceparent", TraceOf(context));
  program::Log(spdlog::level::debug, "call", fields);
}

}  // namespace onhand::rpc
