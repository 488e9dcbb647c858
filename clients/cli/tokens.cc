#include "clients/cli/tokens.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/tokens.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr int64_t kDayS = 86'400;

std::string WhereText(const v1::Token& token) {
  if (token.location_ids_size() > 3) return absl::StrCat(token.location_ids_size(), " locations");
  return absl::StrJoin(token.location_ids(), ", ");
}

}  // namespace

absl::Status CreateToken(Session& session, const TokenOptions& options) {
  v1::CreateTokenRequest request;
  request.set_principal(options.principal);
  const absl::StatusOr<v1::Role> role = ValueOf<v1::Role>("--role", options.role);
  if (!role.ok()) return role.status();
  request.set_role(*role);
  for (const std::string& id : options.location_ids) request.add_location_ids(id);
  request.mutable_lifetime()->set_seconds(options.days * kDayS);
  request.set_author(options.author);
  request.set_reason(options.reason);

  // Opened first: the text is told once.
  int opened = -1;
  if (!options.out_file.empty()) {
    opened =
        open(options.out_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (opened < 0) {
      return UsageError("--out", options.out_file, "name a file that is not there yet");
    }
  }
  const absl::Cleanup closed = [opened] {
    if (opened >= 0) close(opened);
  };
  auto response = session.hub.Write(&v1::TokenService::Stub::CreateToken, std::move(request));
  if (!response.ok()) {
    if (opened >= 0) unlink(options.out_file.c_str());
    return response.status();
  }
  if (response->text().empty()) {
    return absl::DataLossError(
        absl::StrCat("the answer was lost on its way, and the token's text with it: revoke ",
                     response->token().token_id(), " and make another"));
  }
  if (opened >= 0) {
    const std::string line = absl::StrCat(response->text(), "\n");
    if (write(opened, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      return absl::DataLossError(absl::StrCat("--out '", options.out_file,
                                              "' cannot be written: revoke ",
                                              response->token().token_id(), " and make another"));
    }
    response->clear_text();
  }
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  session.out << "Token " << response->token().token_id() << " of " << options.principal
              << " holds for " << options.days << " days.\n";
  if (opened >= 0) {
    session.out << "It is in " << options.out_file << ".\n";
  } else {
    session.out << "It is not shown again: " << response->text() << "\n";
  }
  return absl::OkStatus();
}

absl::Status ListTokens(Session& session) {
  const auto response =
      ListAll(session, &v1::TokenService::Stub::ListTokens, v1::ListTokensRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"ID", "PRINCIPAL", "ROLE", "LOCATIONS", "MADE", "EXPIRES"});
  const absl::Time now = HubNow(session);
  for (const v1::Token& token : response->tokens()) {
    table.Add({token.token_id(), token.principal(), NameOf(token.role()), WhereText(token),
               FormatMoment(FromProto(token.created_at()), now, session.zone),
               FormatMoment(FromProto(token.expires_at()), now, session.zone)});
  }
  table.Print(session.out, "No tokens.");
  return absl::OkStatus();
}

absl::Status RevokeToken(Session& session, const TokenOptions& options) {
  v1::RevokeTokenRequest request;
  request.set_token_id(options.token_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response = session.hub.Write(&v1::TokenService::Stub::RevokeToken, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Token " << options.token_id << " holds no more.\n";
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
