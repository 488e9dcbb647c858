#include "server/gateway/connect_request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/gateway/transcode.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

constexpr size_t kTimeoutDigitsMax = 10;

}  // namespace

absl::StatusOr<Codec> CodecOf(absl::string_view content_type, absl::string_view prefix,
                              const Method& method) {
  const absl::string_view type =
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  const bool json = absl::EqualsIgnoreCase(type, absl::StrCat(prefix, "json"));
  if (!json && !absl::EqualsIgnoreCase(type, absl::StrCat(prefix, "proto"))) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "UNKNOWN_CONTENT_TYPE",
                           .field = "Content-Type",
                           .value = std::string(content_type),
                           .problem = "is not what this method takes",
                           .remedy = absl::StrCat("send ", prefix, "json or ", prefix, "proto")});
  }
  if (json && !method.has_json) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "PROTOBUF_ONLY",
                           .field = "Content-Type",
                           .value = std::string(content_type),
                           .problem = "is not for this method, whose messages may hold any JSON",
                           .remedy = absl::StrCat("send ", prefix, "proto")});
  }
  return json ? Codec::kJson : Codec::kProto;
}

std::string ContentTypeOf(Codec codec, absl::string_view prefix) {
  return absl::StrCat(prefix, codec == Codec::kJson ? "json" : "proto");
}

absl::Status CheckVersion(const HttpRequest& request) {
  const std::string version = request.Header("connect-protocol-version");
  if (version.empty() || version == "1") return absl::OkStatus();
  return ledger::Refuse(absl::StatusCode::kInvalidArgument, {.reason = "UNKNOWN_VERSION",
                                                             .field = "Connect-Protocol-Version",
                                                             .value = version,
                                                             .problem = "is not known",
                                                             .remedy = "use version 1"});
}

absl::StatusOr<absl::Time> DeadlineOf(const HttpRequest& request, absl::Time latest) {
  const std::string text = request.Header("connect-timeout-ms");
  if (text.empty()) return latest;
  uint64_t timeout_ms = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || text.size() > kTimeoutDigitsMax || !absl::SimpleAtoi(text, &timeout_ms)) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_TIMEOUT",
                           .field = "Connect-Timeout-Ms",
                           .value = text,
                           .problem = "is not a number of milliseconds",
                           .remedy = "send at most 10 digits"});
  }
  return std::min(latest, absl::Now() + absl::Milliseconds(timeout_ms));
}

bool AcceptsGzip(const HttpRequest& request) {
  if (request.headers.count("accept-encoding") == 0) {
    // Whoever sends it understands it.
    return absl::EqualsIgnoreCase(request.Header("content-encoding"), "gzip") ||
           request.Query("compression") == "gzip";
  }
  const std::string accepted = request.Header("accept-encoding");
  for (const absl::string_view part : absl::StrSplit(accepted, ',')) {
    const std::vector<absl::string_view> words = absl::StrSplit(part, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(words[0]), "gzip")) continue;
    double quality = 1;
    if (words.size() > 1) {
      absl::string_view given = absl::StripAsciiWhitespace(words[1]);
      if (absl::ConsumePrefix(&given, "q=") && !absl::SimpleAtod(given, &quality)) return false;
    }
    return quality > 0;
  }
  return false;
}

absl::StatusOr<std::string> Decode(Codec codec, const Method& method, std::string message) {
  if (codec == Codec::kProto) return message;
  return JsonToProto(method.input, message);
}

absl::StatusOr<std::string> Encode(Codec codec, const Method& method, std::string bytes) {
  if (codec == Codec::kProto) return bytes;
  return ProtoToJson(method.output, bytes);
}

}  // namespace onhand::gateway
