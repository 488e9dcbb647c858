// What every command works with: the hub, where to print, and how. Made once by the command line;
// commands run on one thread and return a Status that the command line turns into a sentence and an
// exit code.
#ifndef ONHAND_CLIENTS_CLI_SESSION_H_
#define ONHAND_CLIENTS_CLI_SESSION_H_

#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/timestamp.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace onhand::cli {

struct Session {
  client::Connection& hub;
  std::ostream& out;                         // answers
  std::ostream& err;                         // progress
  bool json = false;                         // one JSON document on `out` instead of tables
  bool out_is_terminal = false;              // may be repainted
  bool err_is_terminal = false;              // may show a progress bar
  absl::TimeZone zone;                       // of this machine
  std::function<bool(absl::Duration)> wait;  // false: the user wants to stop
};

// How a program ends.
inline constexpr int kExitDone = 0;
inline constexpr int kExitRefused = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitHubAway = 3;

// A value that the command line cannot use; ends with kExitUsage.
absl::Status UsageError(absl::string_view option, absl::string_view value,
                        absl::string_view remedy);

// The sentence for stderr and the exit code of a failed command.
std::string ErrorSentence(const absl::Status& status, absl::string_view hub);
int ExitCode(const absl::Status& status);

// One message as JSON, with the field names of the contract and zeros printed; int64 becomes a
// string.
std::string ToJson(const google::protobuf::Message& message);

// Prints `message` as the command's one JSON document.
void PrintJson(Session& session, const google::protobuf::Message& message);

// Prints one JSON document with a member for each message.
void PrintJson(
    Session& session,
    const std::vector<std::pair<std::string, const google::protobuf::Message*>>& members);

// The moment that ages are measured from: the hub's time, or this machine's while the hub cannot be
// asked.
absl::Time HubNow(Session& session);

using client::FromProto;
google::protobuf::Timestamp ToProto(absl::Time moment);

// All pages of a list as one response; tables need every row before they can be aligned.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> ListAll(Session& session,
                                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                                 Request request) {
  request.set_page_size(1000);
  Response all;
  for (;;) {
    absl::StatusOr<Response> page = session.hub.Call(method, request);
    if (!page.ok()) return page.status();
    all.MergeFrom(*page);
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  all.clear_next_page_token();
  return all;
}

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_SESSION_H_
