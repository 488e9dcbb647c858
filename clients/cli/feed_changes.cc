#include "clients/cli/feed_changes.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/watch.grpc.pb.h"

namespace onhand::cli {
namespace {

// Streams open at once. Each waits some seconds for its mark, so that one after the other a chain's
// stores would take minutes.
constexpr size_t kStreamsMax = 16;

// What one stream told.
struct Told {
  std::map<std::string, v1::Availability> answers;
  std::string token;
};

absl::Status EndedEarly() {
  return absl::UnavailableError("the hub ended the watch before it had told everything; try again");
}

// Reads one stream until nothing is left to tell: the first mark of progress, or, where changes
// never pause, the first response that reaches the time at which the feed began.
absl::Status ReadStream(Session& session, v1::WatchRequest request, absl::Time began, Told* told) {
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

// The streams of `requests`, some at once, in their order.
absl::StatusOr<std::vector<Told>> ReadStreams(Session& session,
                                              const std::vector<v1::WatchRequest>& requests,
                                              absl::Time began) {
  std::vector<Told> told(requests.size());
  std::vector<absl::Status> statuses(requests.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> has_failed{false};
  std::vector<std::thread> readers;
  for (size_t i = 0; i < std::min(kStreamsMax, requests.size()); ++i) {
    readers.emplace_back([&] {
      for (size_t at; !has_failed && (at = next++) < requests.size();) {
        statuses[at] = ReadStream(session, requests[at], began, &told[at]);
        if (!statuses[at].ok()) has_failed = true;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return told;
}

}  // namespace

absl::StatusOr<std::string> TakeToken(Session& session, const std::string& channel_id) {
  v1::WatchRequest request;
  request.set_channel_id(channel_id);
  std::string token;
  const absl::Status status = session.hub.Read(&v1::WatchService::Stub::Watch, request,
                                               [&token](const v1::WatchResponse& response) {
                                                 token = response.resume_token();
                                                 return false;
                                               });
  if (!status.ok()) return status;
  if (token.empty()) return EndedEarly();
  return token;
}

absl::StatusOr<FeedChanges> ReadChanges(Session& session, const std::string& channel_id,
                                        const std::vector<std::string>& location_ids,
                                        const std::string& since) {
  const absl::Time began = HubNow(session);
  std::vector<v1::WatchRequest> requests;
  for (const std::string& location_id : location_ids) {
    v1::WatchRequest& request = requests.emplace_back();
    request.set_channel_id(channel_id);
    request.set_location_id(location_id);
    request.set_resume_token(since);
  }
  // The token of the stream that ended first is one up to which all others, begun afterwards, have
  // told everything too.
  Told first;
  if (absl::Status status = ReadStream(session, requests.front(), began, &first); !status.ok()) {
    return status;
  }
  FeedChanges changes;
  changes.token = first.token;
  changes.answers[location_ids.front()] = std::move(first.answers);
  requests.erase(requests.begin());
  absl::StatusOr<std::vector<Told>> others = ReadStreams(session, requests, began);
  if (!others.ok()) return others.status();
  for (size_t i = 0; i < others->size(); ++i) {
    changes.answers[location_ids[i + 1]] = std::move((*others)[i].answers);
  }
  return changes;
}

bool MustStartAnew(const absl::Status& status) {
  const std::string reason = client::RefusalOf(status).reason;
  return reason == "RESUME_TOO_OLD" || reason == "RESUME_OTHER_JOURNAL";
}

}  // namespace onhand::cli
