#include "clients/cli/rules.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "clients/cli/moment.h"
#include "clients/cli/rule_preview.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/rule_sentences.h"
#include "clients/cli/table.h"
#include "onhand/v1/rules.grpc.pb.h"

namespace onhand::cli {
namespace {

// The hub is asked for its time only where a moment counts from it.
RuleWords WordsFor(Session& session, const RuleTexts& texts) {
  const bool has_period = texts.contains("from") || texts.contains("until");
  return {.zones = {}, .now = has_period ? HubNow(session) : absl::Now()};
}

}  // namespace

absl::StatusOr<v1::Rule> MakeRule(Session& session, const RuleOptions& options) {
  RuleTexts texts = options.texts;
  std::erase_if(texts, [](const auto& text) { return text.second.empty(); });
  if (options.pooled) texts["chain_mode"] = "pooled";
  if (options.aggregate) texts["chain_mode"] = "aggregate";
  if (options.include) texts["include"] = "yes";
  if (options.exclude) texts["include"] = "no";
  const RefuseField refuse = [](const std::string& field, const std::string& value,
                                absl::string_view remedy) {
    return UsageError(field.empty() ? "rule" : OptionWords().of(*FindRuleField(field)), value,
                      absl::StrReplaceAll(remedy, {{"{chain_mode}", "--pooled, --aggregate"},
                                                   {"{include}", "--include, --exclude"},
                                                   {"{", "--"},
                                                   {"}", ""},
                                                   {"_", "-"}}));
  };
  return RuleFromTexts(options.rule_id, texts, WordsFor(session, texts), refuse);
}

void PrintRule(Session& session, const v1::Rule& rule, absl::Time now) {
  session.out << "rule:     " << rule.rule_id() << "\n"
              << "where:    " << DescribeScope(rule.scope()) << "\n"
              << "says:     " << DescribeEffect(rule) << "\n"
              << "when:     " << DescribePeriod(rule, session.zone) << "\n";
  if (rule.version() == 0) return;
  session.out << "version:  " << rule.version() << "\n"
              << "etag:     " << rule.etag() << "\n"
              << "changed:  "
              << (rule.has_changed_at()
                      ? FormatMoment(FromProto(rule.changed_at()), now, session.zone)
                      : "-")
              << (rule.author().empty() ? "" : " by " + rule.author())
              << (rule.reason().empty() ? "" : ", because: " + rule.reason()) << "\n";
}

absl::Status SetRule(Session& session, const SetRuleOptions& options) {
  absl::StatusOr<v1::Rule> rule = MakeRule(session, options.rule);
  if (!rule.ok()) return rule.status();
  if (options.preview) {
    v1::PreviewRulesRequest request;
    v1::RuleChange& change = *request.add_changes();
    *change.mutable_set() = *std::move(rule);
    change.set_etag(options.etag.empty() ? "*" : options.etag);
    request.set_listed_max(kPreviewListed);
    return InWords(Preview(session, request), OptionWords());
  }
  v1::SetRuleRequest request;
  *request.mutable_rule() = *std::move(rule);
  request.set_etag(options.etag);
  request.set_author(options.change.author);
  request.set_reason(options.change.reason);
  request.set_dry_run(options.dry_run);
  request.set_confirm_hiding(options.change.yes);
  const auto response = session.hub.Write(&v1::RuleService::Stub::SetRule, std::move(request));
  if (!response.ok()) return InWords(response.status(), OptionWords());
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  if (options.dry_run) session.out << "Dry run, nothing changed. It would stand as\n";
  PrintRule(session, response->rule(), HubNow(session));
  PrintWarnings(session, response->warnings());
  return absl::OkStatus();
}

void PrintWarnings(Session& session,
                   const google::protobuf::RepeatedPtrField<std::string>& warnings) {
  for (const std::string& warning : warnings) session.err << "warning: " << warning << "\n";
}

absl::Status ListRules(Session& session) {
  const auto response = ListAll(session, &v1::RuleService::Stub::ListRules, v1::ListRulesRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"RULE", "WHERE", "SAYS", "WHEN", ">VERSION", "BY"});
  for (const v1::Rule& rule : response->rules()) {
    table.Add({rule.rule_id(), DescribeScope(rule.scope()), DescribeEffect(rule),
               DescribePeriod(rule, session.zone), absl::StrCat(rule.version()), rule.author()});
  }
  table.Print(session.out, "No rules: everything salable is shown, nothing is withheld.");
  return absl::OkStatus();
}

absl::Status ShowRule(Session& session, const std::string& rule_id) {
  v1::GetRuleRequest request;
  request.set_rule_id(rule_id);
  const auto response = session.hub.Call(&v1::RuleService::Stub::GetRule, request);
  if (!response.ok()) return InWords(response.status(), OptionWords());
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintRule(session, response->rule(), HubNow(session));
  }
  return absl::OkStatus();
}

absl::Status DeleteRule(Session& session, const DeleteRuleOptions& options) {
  v1::DeleteRuleRequest request;
  request.set_rule_id(options.rule_id);
  request.set_etag(options.etag);
  request.set_author(options.change.author);
  request.set_reason(options.change.reason);
  request.set_confirm_hiding(options.change.yes);
  const auto response = session.hub.Write(&v1::RuleService::Stub::DeleteRule, std::move(request));
  if (!response.ok()) return InWords(response.status(), OptionWords());
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Rule " << options.rule_id << " is ended.\n";
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
