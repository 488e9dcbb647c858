#include "clients/cli/rule_history.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/moment.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/rule_sentences.h"
#include "clients/cli/table.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/rules.grpc.pb.h"

namespace onhand::cli {
namespace {

absl::StatusOr<v1::ListRuleVersionsResponse> Versions(Session& session,
                                                      const std::string& rule_id) {
  v1::ListRuleVersionsRequest request;
  request.set_rule_id(rule_id);
  return ListAll(session, &v1::RuleService::Stub::ListRuleVersions, request);
}

absl::StatusOr<const v1::RuleVersion*> Find(const v1::ListRuleVersionsResponse& history,
                                            uint32_t version) {
  for (const v1::RuleVersion& candidate : history.versions()) {
    if (candidate.rule().version() == version) return &candidate;
  }
  std::string kept = "none";
  if (!history.versions().empty()) {
    kept = absl::StrCat(history.versions().rbegin()->rule().version(), " to ",
                        history.versions(0).rule().version());
  }
  return UsageError("VERSION", absl::StrCat(version), absl::StrCat("kept are ", kept));
}

std::string VersionText(const v1::RuleVersion& version, absl::TimeZone zone) {
  const v1::Rule& rule = version.rule();
  if (rule.version() == 0) return "nothing: it was not there";
  std::string text = absl::StrCat("version ", rule.version());
  if (version.ended()) absl::StrAppend(&text, ", which ended it");
  if (rule.has_changed_at()) {
    absl::StrAppend(&text, " of ",
                    absl::FormatTime("%Y-%m-%d %H:%M", FromProto(rule.changed_at()), zone));
  }
  if (!rule.author().empty()) absl::StrAppend(&text, " by ", rule.author());
  if (!rule.reason().empty()) absl::StrAppend(&text, ", because: ", rule.reason());
  return text;
}

absl::Status PrintDiff(Session& session, const std::string& rule_id, const v1::RuleVersion& before,
                       const v1::RuleVersion& after) {
  if (session.json) {
    PrintJson(session, {{"from", &before}, {"to", &after}});
    return absl::OkStatus();
  }
  absl::StatusOr<RuleZones> zones = LoadRuleZones(session);
  if (!zones.ok()) return zones.status();
  const RuleWords words = {.zones = *std::move(zones), .now = absl::UnixEpoch()};
  session.out << "rule " << rule_id << "\n"
              << "from: " << VersionText(before, session.zone) << "\n"
              << "to:   " << VersionText(after, session.zone) << "\n";
  Table table({"FIELD", "FROM", "TO"});
  // What an ended rule said counts no more.
  const v1::Rule was = before.ended() ? v1::Rule() : before.rule();
  const v1::Rule is = after.ended() ? v1::Rule() : after.rule();
  for (const FieldChange& change : CompareRules(was, is, words)) {
    table.Add({change.field, change.before, change.after});
  }
  table.Print(session.out, "Both say the same.");
  return absl::OkStatus();
}

// The etag of the rule as it stands; empty for one that has ended.
absl::StatusOr<std::string> PresentEtag(Session& session, const std::string& rule_id) {
  v1::GetRuleRequest request;
  request.set_rule_id(rule_id);
  const auto response = session.hub.Call(&v1::RuleService::Stub::GetRule, request);
  if (response.ok()) return response->rule().etag();
  if (client::RefusalOf(response.status()).reason == "UNKNOWN_RULE") return std::string();
  return response.status();
}

}  // namespace

absl::Status ShowRuleHistory(Session& session, const std::string& rule_id) {
  const auto history = Versions(session, rule_id);
  if (!history.ok()) return history.status();
  if (session.json) {
    PrintJson(session, *history);
    return absl::OkStatus();
  }
  Table table({"RULE", ">VERSION", "CHANGED", "BY", "WHY", "WHERE", "SAYS"});
  const absl::Time now = HubNow(session);
  for (const v1::RuleVersion& version : history->versions()) {
    const v1::Rule& rule = version.rule();
    table.Add(
        {rule.rule_id(), absl::StrCat(rule.version()),
         rule.has_changed_at() ? FormatMoment(FromProto(rule.changed_at()), now, session.zone) : "",
         rule.author(), rule.reason(), DescribeScope(rule.scope()),
         version.ended() ? absl::StrCat("ended; said: ", DescribeEffect(rule))
                         : DescribeEffect(rule)});
  }
  table.Print(session.out, "No rule was ever made.");
  return absl::OkStatus();
}

absl::Status ShowRuleDiff(Session& session, const RuleDiffOptions& options) {
  const auto history = Versions(session, options.rule_id);
  if (!history.ok()) return history.status();
  if (history->versions().empty()) {
    return absl::NotFoundError(absl::StrCat("rule '", options.rule_id, "' has no versions"));
  }
  const v1::RuleVersion* after = &history->versions(0);
  if (options.to) {
    const auto found = Find(*history, *options.to);
    if (!found.ok()) return found.status();
    after = *found;
  }
  // A first version is compared with nothing.
  const v1::RuleVersion nothing;
  const v1::RuleVersion* before = history->versions_size() > 1 ? &history->versions(1) : &nothing;
  if (options.from) {
    const auto found = Find(*history, *options.from);
    if (!found.ok()) return found.status();
    before = *found;
  }
  return PrintDiff(session, options.rule_id, *before, *after);
}

absl::Status RollBackRule(Session& session, const RollbackOptions& options) {
  v1::RollbackRuleRequest request;
  request.set_rule_id(options.rule_id);
  request.set_version(options.version);
  request.set_etag(options.etag);
  if (options.etag.empty()) {
    absl::StatusOr<std::string> etag = PresentEtag(session, options.rule_id);
    if (!etag.ok()) return etag.status();
    request.set_etag(*std::move(etag));
  }
  request.set_author(options.change.author);
  request.set_reason(options.change.reason);
  request.set_confirm_hiding(options.change.yes);
  const auto response = session.hub.Write(&v1::RuleService::Stub::RollbackRule, std::move(request));
  if (!response.ok()) return InWords(response.status(), OptionWords());
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  session.out << "The rule says what it said in version " << options.version << "\n";
  PrintRule(session, response->rule(), HubNow(session));
  PrintWarnings(session, response->warnings());
  return absl::OkStatus();
}

}  // namespace onhand::cli
