#include "clients/cli/audit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "clients/cpp/timestamp.h"
#include "onhand/v1/audit.grpc.pb.h"

namespace onhand::cli {
namespace {

// Of a change's two sides, so much fits beside the rest; --json has the whole.
constexpr size_t kSideBytesMax = 100;

std::string Side(const std::string& json) {
  if (json.empty() || json == "{}") return "-";
  if (json.size() <= kSideBytesMax) return json;
  size_t end = kSideBytesMax - 3;
  while (end > 0 && (static_cast<unsigned char>(json[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(json.substr(0, end), "...");
}

std::string WhyText(const v1::AuditEntry& entry) {
  if (entry.author().empty()) return entry.reason();
  return entry.reason().empty() ? entry.author()
                                : absl::StrCat(entry.author(), ": ", entry.reason());
}

void AddRows(const v1::AuditEntry& entry, const std::string& when, Table& table) {
  bool first = true;
  const auto add = [&](std::string subject, std::string did, std::string before,
                       std::string after) {
    table.Add({first ? when : "", first ? entry.principal() : "", first ? entry.peer() : "",
               std::move(did), std::move(subject), std::move(before), std::move(after),
               first ? WhyText(entry) : ""});
    first = false;
  };
  for (const v1::AuditChange& change : entry.changes()) {
    add(absl::StrCat(NameOf(change.subject()), " ", change.subject_id()), change.action(),
        Side(change.before_json()), Side(change.after_json()));
  }
  const auto listed = static_cast<uint32_t>(entry.changes_size());
  if (entry.change_count() > listed)
    add(absl::StrCat("and ", entry.change_count() - listed, " more"), "", "", "");
}

}  // namespace

absl::Status ShowAudit(Session& session, const AuditOptions& options) {
  const absl::Time now = HubNow(session);
  v1::ListAuditRequest request;
  if (!options.subject.empty()) {
    const absl::StatusOr<v1::AuditSubject> subject =
        ValueOf<v1::AuditSubject>("--subject", options.subject);
    if (!subject.ok()) return subject.status();
    request.set_subject(*subject);
  }
  request.set_subject_id(options.subject_id);
  request.set_principal(options.principal);
  request.set_method(options.method);
  if (!options.since.empty()) {
    absl::StatusOr<absl::Time> since = ParseMoment("--since", options.since, now, session.zone);
    if (const auto ago = ParseDuration("--since", options.since); ago.ok()) since = now - *ago;
    if (!since.ok()) return since.status();
    *request.mutable_since() = ToProto(*since);
  }
  v1::ListAuditResponse all;
  while (all.entries_size() < options.limit) {
    request.set_page_size(
        static_cast<uint32_t>(std::min(options.limit - all.entries_size(), 1'000)));
    auto page = session.hub.Call(&v1::AuditService::Stub::ListAudit, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    all.MergeFrom(*page);
    if (request.page_token().empty()) break;
  }
  all.clear_next_page_token();
  if (session.json) {
    PrintJson(session, all);
    return absl::OkStatus();
  }
  Table table(
      {"WHEN", "TOKEN OF", "FROM", "DID", "WHAT", "BEFORE", "AFTER", "WHO SAYS SO, AND WHY"});
  for (const v1::AuditEntry& entry : all.entries()) {
    AddRows(entry, FormatMoment(FromProto(entry.at()), now, session.zone), table);
  }
  table.Print(session.out, "Nothing was changed.");
  return absl::OkStatus();
}

}  // namespace onhand::cli
