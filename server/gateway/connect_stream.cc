#include "server/gateway/connect_stream.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/gateway/connect_error.h"
#include "server/gateway/gzip.h"
#include "server/gateway/hub_call.h"
#include "server/ledger/refusal.h"
#include "server/rpc/status.h"

namespace onhand::gateway {
namespace {

constexpr char kStreamTypes[] = "application/connect+";
constexpr char kFlagGzip = 0x01;
constexpr char kFlagEnd = 0x02;
// Flags, and the length of what follows in network order.
constexpr size_t kPrefixBytes = 5;

// How soon a client's leaving is noticed while the hub has nothing to tell.
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);

std::string Envelope(char flags, absl::string_view message) {
  std::string envelope(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8) {
    envelope.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  envelope.append(message.data(), message.size());
  return envelope;
}

absl::Status BadEnvelope(std::string problem) {
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = "BROKEN_BODY",
                         .field = "body",
                         .problem = std::move(problem),
                         .remedy = "send one enveloped message: a byte of flags, four of length in "
                                   "network order, and the message"});
}

// The one message of the request.
absl::StatusOr<std::string> Open(const std::string& body, const std::string& encoding,
                                 size_t bytes_max) {
  if (body.size() < kPrefixBytes) return BadEnvelope("has no envelope");
  uint32_t size = 0;
  for (size_t i = 1; i < kPrefixBytes; ++i) size = size << 8 | static_cast<uint8_t>(body[i]);
  if (body.size() - kPrefixBytes != size)
    return BadEnvelope("is not one message as long as it says");
  std::string message = body.substr(kPrefixBytes);
  if (body[0] == 0 || message.empty()) return message;
  if (body[0] != kFlagGzip) return BadEnvelope("has flags that are not known");
  if (!absl::EqualsIgnoreCase(encoding, "gzip")) {
    return ledger::Refuse(absl::StatusCode::kUnimplemented, {.reason = "UNKNOWN_ENCODING",
                                                             .field = "Connect-Content-Encoding",
                                                             .value = encoding,
                                                             .problem = "is not known",
                                                             .remedy = "use gzip or identity"});
  }
  std::string unzipped;
  if (!Gunzip(message, bytes_max, &unzipped)) {
    return BadEnvelope("is not gzip, or more than may be sent");
  }
  return unzipped;
}

struct Question {
  std::string message;
  Carried carried;
  absl::Time deadline;
};

absl::StatusOr<Question> Ask(const HubDoor& hub, const Method& method, Codec codec,
                             HttpRequest& request) {
  if (absl::Status version = CheckVersion(request); !version.ok()) return version;
  const absl::StatusOr<absl::Time> deadline = DeadlineOf(request, absl::InfiniteFuture());
  if (!deadline.ok()) return deadline.status();
  const absl::StatusOr<std::string> body = request.ReadBody(hub.body_bytes_max + kPrefixBytes);
  if (!body.ok()) return body.status();
  absl::StatusOr<std::string> message =
      Open(*body, request.Header("connect-content-encoding"), hub.body_bytes_max);
  if (!message.ok()) return message.status();
  absl::StatusOr<std::string> decoded = Decode(codec, method, *std::move(message));
  if (!decoded.ok()) return decoded.status();
  return Question{*std::move(decoded), CarriedBy(request), *deadline};
}

grpc::Status Quiet(absl::Duration quiet) {
  return rpc::ToGrpc(
      ledger::Refuse(absl::StatusCode::kUnavailable,
                     {.reason = "QUIET_STREAM",
                      .field = "stream",
                      .problem = absl::StrCat("told nothing for ", absl::FormatDuration(quiet)),
                      .remedy = "open it again"}));
}

// Passes on what the hub tells until that ends or the client leaves.
void Relay(const HubDoor& hub, const Method& method, Codec codec, const Question& question,
           absl::Duration quiet_max, HttpSink& sink) {
  HubStream stream(*hub.rpc, method.path, question.message, question.carried, question.deadline);
  std::string bytes;
  absl::Time told = absl::Now();
  for (;;) {
    switch (stream.Read(kLookEvery, &bytes)) {
      case HubStream::Next::kEnd:
        sink.Write(Envelope(kFlagEnd, EndOfStreamJson(stream.status())));
        return;
      case HubStream::Next::kNothingYet:
        if (sink.Left()) return;
        if (absl::Now() - told < quiet_max) break;
        sink.Write(Envelope(kFlagEnd, EndOfStreamJson(Quiet(quiet_max))));
        return;
      case HubStream::Next::kMessage: {
        told = absl::Now();
        const absl::StatusOr<std::string> message = Encode(codec, method, std::move(bytes));
        if (!message.ok()) {
          sink.Write(Envelope(kFlagEnd, EndOfStreamJson(rpc::ToGrpc(message.status()))));
          return;
        }
        if (!sink.Write(Envelope(0, *message))) return;
      }
    }
  }
}

}  // namespace

// One stream's place among those that may be open.
class ConnectStreams::Place {
 public:
  explicit Place(ConnectStreams* streams) : streams_(streams) {
    taken_ = streams_->open_.fetch_add(1) < streams_->streams_max_;
  }
  ~Place() { streams_->open_.fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool taken() const { return taken_; }

 private:
  ConnectStreams* const streams_;
  bool taken_;
};

HttpResponse ConnectStreams::Post(const HubDoor& hub, const Method& method, HttpRequest& request) {
  const absl::StatusOr<Codec> codec = CodecOf(request.Header("content-type"), kStreamTypes, method);
  if (!codec.ok()) return Refused(codec.status());
  HttpResponse response{.content_type = ContentTypeOf(*codec, kStreamTypes)};
  response.headers.emplace_back("Cache-Control", "no-store");

  const auto place = std::make_shared<Place>(this);
  absl::StatusOr<Question> question = Ask(hub, method, *codec, request);
  absl::Status refused = question.status();
  if (refused.ok() && !place->taken()) {
    refused = ledger::Refuse(absl::StatusCode::kResourceExhausted,
                             {.reason = "TOO_MANY_STREAMS",
                              .field = "stream",
                              .problem = absl::StrCat("is one too many: the HTTP port serves ",
                                                      streams_max_, " at a time"),
                              .remedy = "come back later, or use gRPC"});
  }
  if (!refused.ok()) {
    response.body = Envelope(kFlagEnd, EndOfStreamJson(rpc::ToGrpc(refused)));
    return response;
  }
  response.stream = [this, &hub, &method, codec = *codec, place, question = *std::move(question)](
                        HttpSink& sink) { Relay(hub, method, codec, question, quiet_max_, sink); };
  return response;
}

}  // namespace onhand::gateway
