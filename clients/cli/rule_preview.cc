#include "clients/cli/rule_preview.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/counted.h"
#include "clients/cli/names.h"
#include "clients/cli/rule_apply.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/table.h"
#include "onhand/v1/rules.grpc.pb.h"

namespace onhand::cli {
namespace {

std::string AnswerText(v1::AvailabilityStatus status, int32_t max_quantity) {
  const bool has_units = max_quantity > 0;
  return has_units ? absl::StrCat(NameOf(status), ", up to ", max_quantity) : NameOf(status);
}

void PrintTotals(Session& session, const v1::PreviewRulesResponse& response) {
  Table table({"CHANNEL", ">SHOWN NOW", ">THEN", ">BECOME HIDDEN", ">BECOME SHOWN",
               ">ITEMS CHANGED", ">POSITIONS CHANGED"});
  for (const v1::PreviewTotals& total : response.totals()) {
    table.Add({total.channel_id(), absl::StrCat(total.shown_before()),
               absl::StrCat(total.shown_after()), absl::StrCat(total.becomes_hidden()),
               absl::StrCat(total.becomes_shown()), absl::StrCat(total.items_changed()),
               absl::StrCat(total.positions_changed())});
  }
  table.Print(session.out, "The chain has no channel, so no answer can change.");
}

void PrintAnswers(Session& session, const v1::PreviewRulesResponse& response) {
  if (response.answers().empty()) return;
  session.out << "\n";
  Table table({"SKU", "CHANNEL", "LOCATION", "NOW", "THEN", "BY RULE"});
  for (const v1::PreviewedAnswer& answer : response.answers()) {
    table.Add({answer.sku(), answer.channel_id(),
               answer.location_id().empty() ? "chain" : answer.location_id(),
               AnswerText(answer.status_before(), answer.max_quantity_before()),
               AnswerText(answer.status_after(), answer.max_quantity_after()),
               answer.rule_id_after()});
  }
  table.Print(session.out, "");
  const uint64_t listed = static_cast<uint64_t>(response.answers_size());
  if (response.changed_count() > listed) {
    session.out << "and " << response.changed_count() - listed
                << " more; list them with --listed N\n";
  }
}

void Print(Session& session, const v1::PreviewRulesResponse& response) {
  session.out << "Nothing is changed yet. Of " << Counted(response.item_count(), "item") << " and "
              << Counted(response.position_count(), "position") << ", "
              << Counted(response.changed_count(), "answer") << " would change.\n";
  PrintTotals(session, response);
  PrintAnswers(session, response);
  if (response.hidden_share() <= 0) return;
  session.out << "\nIt would hide " << absl::StrFormat("%.1f %%", 100 * response.hidden_share())
              << " of what is shown now"
              << (response.confirmation_needed() ? ": making it needs --yes.\n" : ".\n");
}

absl::StatusOr<v1::PreviewRulesRequest> ChangeToTry(Session& session,
                                                    const PreviewOptions& options) {
  v1::PreviewRulesRequest request;
  v1::RuleChange& change = *request.add_changes();
  change.set_etag("*");
  if (!options.delete_rule_id.empty()) {
    change.set_delete_rule_id(options.delete_rule_id);
    return request;
  }
  absl::StatusOr<v1::Rule> rule = MakeRule(session, options.rule);
  if (!rule.ok()) return rule.status();
  *change.mutable_set() = *std::move(rule);
  return request;
}

absl::Status PreviewFile(Session& session, const PreviewOptions& options) {
  const absl::StatusOr<RuleFileChanges> changes =
      ChangesOfFile(session, options.path, options.prune);
  if (!changes.ok()) return changes.status();
  if (changes->request.changes().empty()) {
    if (session.json) {
      PrintJson(session, v1::PreviewRulesResponse());
    } else {
      session.out << "The file says what the hub says: nothing would change.\n";
    }
    return absl::OkStatus();
  }
  v1::PreviewRulesRequest request;
  *request.mutable_changes() = changes->request.changes();
  request.set_listed_max(std::max<uint32_t>(options.listed_max, 1));
  const absl::Status status = Preview(session, request);
  return status.ok() ? status : RefusedOfFile(options.path, *changes, status);
}

}  // namespace

absl::Status Preview(Session& session, const v1::PreviewRulesRequest& request) {
  const auto response = session.hub.Call(&v1::RuleService::Stub::PreviewRules, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    Print(session, *response);
    PrintWarnings(session, response->warnings());
  }
  return absl::OkStatus();
}

absl::Status PreviewRules(Session& session, const PreviewOptions& options) {
  const bool has_rule = !options.rule.rule_id.empty();
  const int given = static_cast<int>(has_rule) + static_cast<int>(!options.path.empty()) +
                    static_cast<int>(!options.delete_rule_id.empty());
  if (given != 1) {
    return UsageError("preview", absl::StrCat(given, " changes"),
                      "give one of a rule's ID with its options, --file FILE and --delete ID");
  }
  if (!options.path.empty()) return PreviewFile(session, options);
  absl::StatusOr<v1::PreviewRulesRequest> request = ChangeToTry(session, options);
  if (!request.ok()) return request.status();
  request->set_listed_max(std::max<uint32_t>(options.listed_max, 1));
  return InWords(Preview(session, *request), OptionWords());
}

}  // namespace onhand::cli
