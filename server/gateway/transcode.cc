#include "server/gateway/transcode.h"

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

constexpr char kUrlPrefix[] = "type.googleapis.com";

google::protobuf::util::TypeResolver* Resolver() {
  static google::protobuf::util::TypeResolver* const resolver =
      google::protobuf::util::NewTypeResolverForDescriptorPool(
          kUrlPrefix, google::protobuf::DescriptorPool::generated_pool());
  return resolver;
}

std::string UrlOf(const std::string& type) { return absl::StrCat(kUrlPrefix, "/", type); }

}  // namespace

absl::StatusOr<std::string> JsonToProto(const std::string& type, const std::string& json) {
  std::string bytes;
  if (json.empty()) return bytes;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonToBinaryString(Resolver(), UrlOf(type), json, &bytes, options);
  if (status.ok()) return bytes;
  // What follows in its message is the caller's text, in whatever encoding.
  const absl::string_view why(status.message().data(), status.message().size());
  return ledger::Refuse(
      absl::StatusCode::kInvalidArgument,
      {.reason = "INVALID_JSON",
       .field = "body",
       .problem = absl::StrCat("is not the JSON of ", type, ": ",
                               absl::Utf8SafeCEscape(why.substr(0, why.find('\n')))),
       .remedy = "send an object with the fields of that message"});
}

absl::StatusOr<std::string> ProtoToJson(const std::string& type, const std::string& bytes) {
  std::string json;
  const auto status =
      google::protobuf::util::BinaryToJsonString(Resolver(), UrlOf(type), bytes, &json);
  if (status.ok()) return json;
  return absl::InternalError(
      absl::StrCat("an answer is no ", type, ": ", std::string(status.message())));
}

}  // namespace onhand::gateway
