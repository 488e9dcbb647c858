#include "server/gateway/connect_unary.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/gateway/connect_error.h"
#include "server/gateway/gzip.h"
#include "server/gateway/hub_call.h"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

constexpr char kUnaryTypes[] = "application/";

absl::Status BadQuery(absl::StatusCode code, absl::string_view reason, absl::string_view field,
                      std::string value, std::string problem, std::string remedy) {
  return ledger::Refuse(code, {.reason = reason,
                               .field = field,
                               .value = std::move(value),
                               .problem = std::move(problem),
                               .remedy = std::move(remedy)});
}

// The message of a GET, out of its query.
absl::StatusOr<std::string> QueryMessage(const HttpRequest& request, size_t bytes_max) {
  if (const std::string version = request.Query("connect"); !version.empty() && version != "v1") {
    return BadQuery(absl::StatusCode::kInvalidArgument, "UNKNOWN_VERSION", "connect", version,
                    "is not known", "use v1");
  }
  std::string message = request.Query("message");
  if (request.Query("base64") == "1") {
    std::string decoded;
    if (!absl::WebSafeBase64Unescape(message, &decoded)) {
      return BadQuery(absl::StatusCode::kInvalidArgument, "INVALID_BASE64", "message", message,
                      "is not base64",
                      "use the URL-safe alphabet of RFC 4648, or leave out base64=1");
    }
    message = std::move(decoded);
  }
  const std::string compression = request.Query("compression");
  if (compression.empty() || compression == "identity" || message.empty()) return message;
  if (compression != "gzip") {
    return BadQuery(absl::StatusCode::kUnimplemented, "UNKNOWN_ENCODING", "compression",
                    compression, "is not known", "use gzip or identity");
  }
  std::string unzipped;
  if (!Gunzip(message, bytes_max, &unzipped)) {
    return BadQuery(absl::StatusCode::kInvalidArgument, "BROKEN_BODY", "message", "",
                    "is not gzip, or more than may be sent", "leave out compression");
  }
  return unzipped;
}

absl::StatusOr<Codec> QueryCodec(const HttpRequest& request, const Method& method) {
  return CodecOf(absl::StrCat(kUnaryTypes, request.Query("encoding")), kUnaryTypes, method);
}

}  // namespace

HttpResponse PostUnary(const HubDoor& hub, const Method& method, HttpRequest& request) {
  if (absl::Status version = CheckVersion(request); !version.ok()) return Refused(version);
  const absl::StatusOr<Codec> codec = CodecOf(request.Header("content-type"), kUnaryTypes, method);
  if (!codec.ok()) return Refused(codec.status());
  const absl::StatusOr<absl::Time> deadline = DeadlineOf(request, absl::Now() + hub.unary_within);
  if (!deadline.ok()) return Refused(deadline.status());
  absl::StatusOr<std::string> body = request.ReadBody(hub.body_bytes_max);
  if (!body.ok()) return Refused(body.status());
  const absl::StatusOr<std::string> message = Decode(*codec, method, *std::move(body));
  if (!message.ok()) return Refused(message.status());

  std::string answer;
  const grpc::Status status =
      CallHub(*hub.rpc, method.path, *message, CarriedBy(request), *deadline, &answer);
  if (!status.ok()) return Refused(status);
  absl::StatusOr<std::string> encoded = Encode(*codec, method, std::move(answer));
  if (!encoded.ok()) return Refused(encoded.status());
  return {.content_type = ContentTypeOf(*codec, kUnaryTypes), .body = *std::move(encoded)};
}

HttpResponse GetUnary(const HubDoor& hub, const Freshness& freshness, const Method& method,
                      const HttpRequest& request) {
  const absl::StatusOr<Codec> codec = QueryCodec(request, method);
  if (!codec.ok()) return Refused(codec.status());
  const absl::StatusOr<absl::Time> deadline = DeadlineOf(request, absl::Now() + hub.unary_within);
  if (!deadline.ok()) return Refused(deadline.status());
  absl::StatusOr<std::string> query = QueryMessage(request, hub.body_bytes_max);
  if (!query.ok()) return Refused(query.status());
  const absl::StatusOr<std::string> message = Decode(*codec, method, *std::move(query));
  if (!message.ok()) return Refused(message.status());

  std::string answer;
  const grpc::Status status =
      CallHub(*hub.rpc, method.path, *message, CarriedBy(request), *deadline, &answer);
  if (!status.ok()) return Refused(status);
  HttpResponse response{.content_type = ContentTypeOf(*codec, kUnaryTypes)};
  const bool cacheable = freshness.TakeOut(method.output, &answer, &response);
  absl::StatusOr<std::string> encoded = Encode(*codec, method, std::move(answer));
  if (!encoded.ok()) return Refused(encoded.status());
  response.body = *std::move(encoded);
  if (cacheable) {
    freshness.Tag(request, &response);
  } else {
    response.headers.emplace_back("Cache-Control", "no-store");
  }
  return response;
}

}  // namespace onhand::gateway
