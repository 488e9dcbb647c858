#include "clients/cli/feed_changes.h"

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

#include "absl/strings/escaping.h"
#include "clients/cpp/refusal.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "onhand/v1/watch.grpc.pb.h"

namespace onhand::cli {
namespace {

// Streams open at once. Each may wait some seconds for its mark, so that one after the other a
// chain's stores would take minutes.
constexpr size_t kStreamsMax = 16;

absl::Status EndedEarly() {
  return absl::UnavailableError("the hub ended the watch before it had told everything; try again");
}

// Reads one stream until nothing is left to tell: the first mark of progress, or, where changes
// never pause, the first response that reaches the time at which the feed began.
absl::Status ReadStream(Session& session, v1::WatchRequest request, absl::Time began,
                        PlaceChanges* told) {
  for (;;) {
    bool has_caught_up = false;
    const absl::Status status = session.hub.Read(
        &v1::WatchService::Stub::Watch, request, [&](const v1::WatchResponse& response) {
          for (const v1::Availability& answer : response.changes()) {
            told->answers[answer.sku()] = answer;
          }
          told->token = response.resume_token();
          has_caught_up = response.changes().empty() || FromProto(response.as_of()) >= began;
          return !has_caught_up;
        });
    if (has_caught_up) return absl::OkStatus();
    if (status.ok()) return EndedEarly();
    // Too slow for what changes. What was read counts, so the rest is less; without any progress it
    // would go on for ever.
    const bool may_go_on = client::RefusalOf(status).reason == "WATCH_OVERFLOW" &&
                           !told->token.empty() && told->token != request.resume_token();
    if (!may_go_on) return status;
    request.set_resume_token(told->token);
  }
}

// A token of now.
absl::Status TakeToken(Session& session, v1::WatchRequest request, PlaceChanges* told) {
  request.clear_resume_token();
  told->is_full = true;
  told->answers.clear();
  told->token.clear();
  const absl::Status status = session.hub.Read(&v1::WatchService::Stub::Watch, request,
                                               [told](const v1::WatchResponse& response) {
                                                 told->token = response.resume_token();
                                                 return false;
                                               });
  if (status.ok() && told->token.empty()) return EndedEarly();
  return status;
}

// Whether the hub cannot go on from a token: it is too old, or of the time before a restore.
bool MustStartAnew(const absl::Status& status) {
  const std::string reason = client::RefusalOf(status).reason;
  return reason == "RESUME_TOO_OLD" || reason == "RESUME_OTHER_JOURNAL";
}

absl::Status ReadPlace(Session& session, const v1::WatchRequest& request, absl::Time began,
                       PlaceChanges* told) {
  told->location_id = request.location_id();
  if (request.resume_token().empty()) return TakeToken(session, request, told);
  const absl::Status status = ReadStream(session, request, began, told);
  if (!MustStartAnew(status)) return status;
  told->why_full = std::string(status.message());
  return TakeToken(session, request, told);
}

absl::Status NoToken() {
  return absl::InvalidArgumentError(
      "the token is none that `onhand export` wrote; give it as it stood in its last line, or "
      "export without --since, or take the file of --since-file away");
}

}  // namespace

std::string EncodeFeedToken(const std::string& channel_id, const PlaceTokens& tokens) {
  std::ostringstream bytes;
  for (const auto& [location_id, token] : tokens) {
    v1::WatchRequest request;
    request.set_channel_id(channel_id);
    request.set_location_id(location_id);
    request.set_resume_token(token);
    google::protobuf::util::SerializeDelimitedToOstream(request, &bytes);
  }
  return absl::WebSafeBase64Escape(bytes.str());
}

absl::StatusOr<PlaceTokens> DecodeFeedToken(const std::string& channel_id, absl::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes)) return NoToken();
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  PlaceTokens tokens;
  for (;;) {
    v1::WatchRequest request;
    bool is_end = false;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&request, &stream, &is_end)) {
      if (is_end && !bytes.empty()) return tokens;
      return NoToken();
    }
    if (request.resume_token().empty()) return NoToken();
    if (request.channel_id() != channel_id) continue;
    tokens[request.location_id()] = request.resume_token();
  }
}

absl::StatusOr<std::vector<PlaceChanges>> ReadChanges(Session& session,
                                                      const std::string& channel_id,
                                                      const std::vector<std::string>& location_ids,
                                                      const PlaceTokens& since) {
  const absl::Time began = HubNow(session);
  std::vector<PlaceChanges> places(location_ids.size());
  std::vector<absl::Status> statuses(location_ids.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> has_failed{false};
  const auto read = [&] {
    for (size_t at; !has_failed && (at = next++) < location_ids.size();) {
      v1::WatchRequest request;
      request.set_channel_id(channel_id);
      request.set_location_id(location_ids[at]);
      const auto token = since.find(location_ids[at]);
      if (token != since.end()) request.set_resume_token(token->second);
      statuses[at] = ReadPlace(session, request, began, &places[at]);
      if (!statuses[at].ok()) has_failed = true;
    }
  };
  std::vector<std::thread> readers;
  for (size_t i = 0; i < std::min(kStreamsMax, location_ids.size()); ++i) {
    readers.emplace_back(read);
  }
  for (std::thread& reader : readers) reader.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return places;
}

}  // namespace onhand::cli
