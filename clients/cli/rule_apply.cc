#include "clients/cli/rule_apply.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/counted.h"
#include "clients/cli/csv.h"
#include "clients/cli/replaced_file.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/rule_sentences.h"
#include "clients/cli/table.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/rules.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr int kChangesMax = 1000;

absl::StatusOr<RuleWords> LoadWords(Session& session) {
  absl::StatusOr<RuleZones> zones = LoadRuleZones(session);
  if (!zones.ok()) return zones.status();
  return RuleWords{.zones = *std::move(zones), .now = HubNow(session)};
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("nothing of '", path, "' was sent, because of\n  ",
                                   std::string(status.message())));
}

void AddChange(const v1::Rule& before, WrittenRule after, RuleFileChanges* changes) {
  v1::RuleChange& change = *changes->request.add_changes();
  change.set_etag(before.etag());
  if (after.rule.rule_id().empty()) {
    change.set_delete_rule_id(before.rule_id());
  } else {
    *change.mutable_set() = after.rule;
  }
  changes->changes.push_back({before, std::move(after)});
}

// The line of the file that an error of the hub is about: of the field that it refuses, else of one
// that it mentions, as where a field is missing beside another, else of the rule.
int LineOf(const WrittenRule& written, const absl::Status& status) {
  for (const RuleField* field : RefusedFields(status)) {
    const auto line = written.lines.find(field->name);
    if (line != written.lines.end()) return line->second;
  }
  return written.line;
}

void AddLines(const RuleFileChanges::Change& change, const RuleWords& words, Table* table) {
  const bool is_new = change.before.rule_id().empty();
  const bool ends = change.after.rule.rule_id().empty();
  if (ends) {
    table->Add({"end", change.before.rule_id(), "", DescribeEffect(change.before), ""});
    return;
  }
  for (const FieldChange& line : CompareRules(change.before, change.after.rule, words)) {
    table->Add({is_new ? "new" : "change", change.after.rule.rule_id(), line.field, line.before,
                line.after});
  }
}

void PrintChanges(Session& session, const RuleFileChanges& changes) {
  Table table({"CHANGE", "RULE", "FIELD", "NOW", "THEN"});
  for (const RuleFileChanges::Change& change : changes.changes) {
    AddLines(change, changes.words, &table);
  }
  table.Print(session.out, "The hub's rules are those of the file: nothing to change.");
  if (changes.unlisted_count > 0) {
    const bool is_one = changes.unlisted_count == 1;
    session.out << Counted(changes.unlisted_count, "rule") << " of the hub "
                << (is_one ? "is not in the file and stays; --prune would end it\n"
                           : "are not in the file and stay; --prune would end them\n");
  }
}

std::string Summary(const RuleFileChanges& changes) {
  int made = 0, changed = 0, ended = 0;
  for (const RuleFileChanges::Change& change : changes.changes) {
    if (change.before.rule_id().empty()) {
      ++made;
    } else if (change.after.rule.rule_id().empty()) {
      ++ended;
    } else {
      ++changed;
    }
  }
  return absl::StrCat("rules: ", made, " new, ", changed, " changed, ", ended, " ended, ",
                      changes.unchanged_count, " unchanged");
}

}  // namespace

absl::Status RefusedOfFile(const std::string& path, const RuleFileChanges& changes,
                           const absl::Status& status) {
  const client::Refusal refusal = client::RefusalOf(status);
  const bool is_known = refusal.index && *refusal.index >= 0 &&
                        static_cast<size_t>(*refusal.index) < changes.changes.size();
  if (!is_known) return status;
  const RuleFileChanges::Change& change = changes.changes[*refusal.index];
  const bool ends = change.after.rule.rule_id().empty();
  const std::string where =
      ends ? absl::StrCat(path, ": rule '", change.before.rule_id(), "', which it does not hold")
           : absl::StrCat(path, " line ", LineOf(change.after, status), ": rule '",
                          change.after.rule.rule_id(), "'");
  absl::Status result(status.code(),
                      absl::StrCat(where, ": ", client::Describe(InWords(status, FileWords())),
                                   " (nothing is changed)"));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

absl::Status ExportRules(Session& session, const ExportOptions& options) {
  RuleFormat format = RuleFormat::kYaml;
  if (options.format.empty() && !options.path.empty()) {
    const absl::StatusOr<RuleFormat> by_name = FormatOf(options.path);
    if (!by_name.ok()) return by_name.status();
    format = *by_name;
  } else if (options.format == "csv") {
    format = RuleFormat::kCsv;
  } else if (!options.format.empty() && options.format != "yaml") {
    return UsageError("--format", options.format, "give yaml or csv");
  }
  const absl::StatusOr<RuleWords> words = LoadWords(session);
  if (!words.ok()) return words.status();
  const auto response = ListAll(session, &v1::RuleService::Stub::ListRules, v1::ListRulesRequest());
  if (!response.ok()) return response.status();
  const std::vector<v1::Rule> rules(response->rules().begin(), response->rules().end());
  const std::string text = WriteRules(rules, *words, format);
  if (options.path.empty()) {
    session.out << text;
    return absl::OkStatus();
  }
  if (absl::Status status = ReplaceFile(options.path, text); !status.ok()) return status;
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << Counted(rules.size(), "rule") << (rules.size() == 1 ? " is in " : " are in ")
                << options.path << "\n";
  }
  return absl::OkStatus();
}

absl::StatusOr<RuleFileChanges> ChangesOfFile(Session& session, const std::string& path,
                                              bool prune) {
  const absl::StatusOr<RuleFormat> format = FormatOf(path);
  if (!format.ok()) return format.status();
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<RuleWords> words = LoadWords(session);
  if (!words.ok()) return words.status();
  absl::StatusOr<std::vector<WrittenRule>> written = ReadRules(*text, *words, *format);
  if (!written.ok()) return InFile(path, written.status());
  const auto present = ListAll(session, &v1::RuleService::Stub::ListRules, v1::ListRulesRequest());
  if (!present.ok()) return present.status();

  std::map<std::string, const v1::Rule*> unlisted;
  for (const v1::Rule& rule : present->rules()) unlisted.emplace(rule.rule_id(), &rule);
  RuleFileChanges changes;
  changes.words = *std::move(words);
  for (WrittenRule& rule : *written) {
    const auto known = unlisted.find(rule.rule.rule_id());
    v1::Rule before;
    if (known != unlisted.end()) {
      before = *known->second;
      unlisted.erase(known);
      if (CompareRules(before, rule.rule, changes.words).empty()) {
        ++changes.unchanged_count;
        continue;
      }
    }
    AddChange(before, std::move(rule), &changes);
  }
  for (const auto& [rule_id, rule] : unlisted) {
    if (prune) AddChange(*rule, {}, &changes);
  }
  changes.unlisted_count = prune ? 0 : unlisted.size();
  if (changes.request.changes_size() <= kChangesMax) return changes;
  return absl::InvalidArgumentError(
      absl::StrCat("'", path, "' changes ", changes.request.changes_size(),
                   " rules; at most 1,000 can change at once, so apply it in parts"));
}

absl::Status ApplyRules(Session& session, const ApplyOptions& options) {
  absl::StatusOr<RuleFileChanges> changes = ChangesOfFile(session, options.path, options.prune);
  if (!changes.ok()) return changes.status();
  if (!session.json) PrintChanges(session, *changes);
  v1::BatchChangeRulesRequest request = changes->request;
  request.set_author(options.change.author);
  request.set_reason(options.change.reason);
  request.set_dry_run(options.dry_run);
  request.set_confirm_hiding(options.change.yes);
  v1::BatchChangeRulesResponse response;
  if (!request.changes().empty()) {
    auto answer = session.hub.Write(&v1::RuleService::Stub::BatchChangeRules, request);
    if (!answer.ok()) return RefusedOfFile(options.path, *changes, answer.status());
    response = *std::move(answer);
  }
  if (session.json) {
    PrintJson(session, {{"request", &request}, {"response", &response}});
    return absl::OkStatus();
  }
  session.out << (options.dry_run ? "Dry run, nothing changed. " : "") << Summary(*changes) << "\n";
  PrintWarnings(session, response.warnings());
  return absl::OkStatus();
}

}  // namespace onhand::cli
