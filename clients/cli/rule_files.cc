// The only file that includes yaml-cpp, whose exceptions stop here.
#include "clients/cli/rule_files.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/csv.h"
#include "clients/cli/session.h"
#include "clients/files/csv.h"

namespace onhand::cli {

const char kRuleFileHelp[] =
    R"(YAML (.yaml, .yml) has one entry a rule, CSV (.csv) one line; both use the names of the options of
`onhand rule set` with '_' for '-'. What a rule leaves out, a less specific rule decides.
Local times are those of the rule's location, or of the chain.)";

namespace {

constexpr char kId[] = "id";

constexpr char kYamlHead[] =
    R"(# Rules of Onhand: how many must be left, and what happens at zero.
#
# Look what it would change:   onhand rule preview --file FILE
# Check and show the changes:  onhand rule apply --dry-run FILE
# Make them, all or none:      onhand rule apply FILE          (--prune also ends rules not listed)
#
# A rule says where (location, group, sku, category, channel, channel_kind, supply), when (from,
# until: local time of the location, or of the chain) and what. For each field the most specific
# rule that says it wins: SKU over category over all; then location over group over chain; then
# channel over kind over all; then the later date. What a rule leaves out, a less specific one
# decides. Names and values are those of `onhand rule set --help`, with '_' for '-'.
)";

// Texts of a rule before they are understood.
struct RawRule {
  std::string id;
  int line = 0;
  RuleTexts texts;
  std::map<std::string, int> lines;
};

class Errors {
 public:
  void Add(int line, absl::string_view what) {
    errors_.push_back(absl::StrCat("line ", line, ": ", what));
  }
  // `what` names its line already.
  void Add(absl::string_view what) { errors_.emplace_back(what); }
  bool empty() const { return errors_.empty(); }
  absl::Status ToStatus() const { return absl::InvalidArgumentError(FirstErrors(errors_)); }

 private:
  std::vector<std::string> errors_;
};

std::string KnownFields() {
  std::vector<std::string> names = {kId};
  for (const RuleField& field : RuleFields()) names.push_back(field.name);
  return absl::StrJoin(names, ", ");
}

std::string UnknownField(absl::string_view name) {
  return absl::StrCat("'", name, "' is no field of a rule; use ", KnownFields());
}

// YAML -------------------------------------------------------------------------------------------

std::string Quoted(const std::string& text) {
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

// Identifiers are quoted, because other programs would read 0123 as a number.
bool IsQuoted(const RuleField& field) { return field.type == "ID" || field.type == "MOMENT"; }

std::string WriteYaml(const std::vector<v1::Rule>& rules, const RuleWords& words) {
  std::string text = kYamlHead;
  if (rules.empty()) return absl::StrCat(text, "\nrules: []\n");
  absl::StrAppend(&text, "\nrules:\n");
  for (const v1::Rule& rule : rules) {
    absl::StrAppend(&text, "  - id: ", Quoted(rule.rule_id()), "\n");
    for (const RuleField& field : RuleFields()) {
      const std::string value = field.read(rule, words);
      if (value.empty()) continue;
      absl::StrAppend(&text, "    ", field.name, ": ", IsQuoted(field) ? Quoted(value) : value,
                      "\n");
    }
  }
  return text;
}

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

void ReadYamlField(const YAML::Node& key, const YAML::Node& value, RawRule* rule, Errors* errors) {
  const int line = LineOf(key);
  if (!key.IsScalar()) return errors->Add(line, "a name of a field is expected here");
  const std::string& name = key.Scalar();
  const bool is_id = name == kId;
  const RuleField* field = FindRuleField(name);
  if (!is_id && field == nullptr) return errors->Add(line, UnknownField(name));
  if (value.IsNull()) return;
  if (!value.IsScalar()) {
    return errors->Add(line, absl::StrCat(name, ": give one value, not a list or more fields"));
  }
  const std::string& canonical = is_id ? kId : field->name;
  if (!rule->lines.emplace(canonical, line).second) {
    return errors->Add(line, absl::StrCat(name, " stands twice in this rule; keep one"));
  }
  if (is_id) {
    rule->id = value.Scalar();
  } else {
    rule->texts[canonical] = value.Scalar();
  }
}

std::vector<RawRule> RawYaml(absl::string_view text, Errors* errors) {
  std::vector<RawRule> raw;
  const YAML::Node document = YAML::Load(std::string(text));
  if (!document.IsMap() || document.size() != 1 || !document["rules"]) {
    errors->Add(1,
                "the file must hold one key 'rules' with a list of rules; `onhand rule export` "
                "writes one");
    return raw;
  }
  const YAML::Node rules = document["rules"];
  if (!rules.IsSequence() && !rules.IsNull()) {
    errors->Add(LineOf(rules), "'rules' must be a list: one '- id: ...' a rule");
    return raw;
  }
  for (const YAML::Node& node : rules) {
    RawRule& rule = raw.emplace_back();
    rule.line = LineOf(node);
    if (!node.IsMap()) {
      errors->Add(rule.line, "a rule is expected here: '- id: ...' and its fields");
      continue;
    }
    for (const auto& entry : node) ReadYamlField(entry.first, entry.second, &rule, errors);
  }
  return raw;
}

// CSV --------------------------------------------------------------------------------------------

std::string WriteCsv(const std::vector<v1::Rule>& rules, const RuleWords& words) {
  std::string text = kId;
  for (const RuleField& field : RuleFields()) absl::StrAppend(&text, ",", field.name);
  absl::StrAppend(&text, "\n");
  for (const v1::Rule& rule : rules) {
    absl::StrAppend(&text, files::QuoteCsvField(rule.rule_id()));
    for (const RuleField& field : RuleFields()) {
      absl::StrAppend(&text, ",", files::QuoteCsvField(field.read(rule, words)));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

// The canonical names of the columns.
std::vector<std::string> Columns(const std::vector<std::string>& titles, Errors* errors) {
  std::vector<std::string> names;
  for (const std::string& title : titles) {
    const RuleField* field = FindRuleField(title);
    const bool is_id = absl::EqualsIgnoreCase(title, kId);
    if (field == nullptr && !is_id) errors->Add(1, UnknownField(title));
    std::string name = is_id ? kId : field == nullptr ? "" : field->name;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      errors->Add(1, absl::StrCat("column '", title, "' stands twice; keep one"));
    }
    names.push_back(std::move(name));
  }
  if (std::find(names.begin(), names.end(), kId) == names.end()) {
    errors->Add(1, "column 'id' is missing");
  }
  return names;
}

std::vector<RawRule> RawCsv(absl::string_view text, Errors* errors) {
  std::vector<RawRule> raw;
  const absl::StatusOr<CsvFile> file = ParseCsv(text);
  if (!file.ok()) {
    errors->Add(file.status().message());
    return raw;
  }
  const std::vector<std::string> names = Columns(file->titles, errors);
  if (!errors->empty()) return raw;
  for (const CsvRow& row : file->rows) {
    RawRule& rule = raw.emplace_back();
    rule.line = row.line;
    for (size_t i = 0; i < names.size(); ++i) {
      if (row.fields[i].empty()) continue;
      rule.lines[names[i]] = row.line;
      if (names[i] == kId) {
        rule.id = row.fields[i];
      } else {
        rule.texts[names[i]] = row.fields[i];
      }
    }
  }
  return raw;
}

// Both -------------------------------------------------------------------------------------------

void Understand(const RawRule& raw, const RuleWords& words, std::vector<WrittenRule>* rules,
                Errors* errors) {
  if (raw.id.empty()) return errors->Add(raw.line, "the rule has no id; give it one");
  const auto line_of = [&](const std::string& field) {
    const auto found = raw.lines.find(field);
    return found == raw.lines.end() ? raw.line : found->second;
  };
  const absl::StatusOr<v1::Rule> rule = RuleFromTexts(
      raw.id, raw.texts, words,
      [&](const std::string& field, const std::string& value, absl::string_view braced) {
        const std::string remedy = absl::StrReplaceAll(braced, {{"{", ""}, {"}", ""}});
        errors->Add(line_of(field), field.empty() ? absl::StrCat("rule '", value, "': ", remedy)
                                                  : absl::StrCat(field, " '", value, "' of rule '",
                                                                 raw.id, "': ", remedy));
        return absl::InvalidArgumentError(remedy);
      });
  if (rule.ok()) rules->push_back({*rule, raw.line, raw.lines});
}

}  // namespace

absl::StatusOr<RuleFormat> FormatOf(absl::string_view path) {
  if (absl::EndsWithIgnoreCase(path, ".csv")) return RuleFormat::kCsv;
  if (absl::EndsWithIgnoreCase(path, ".yaml") || absl::EndsWithIgnoreCase(path, ".yml")) {
    return RuleFormat::kYaml;
  }
  return UsageError("FILE", path, "its name must end in .yaml, .yml or .csv");
}

std::string WriteRules(std::vector<v1::Rule> rules, const RuleWords& words, RuleFormat format) {
  std::sort(rules.begin(), rules.end(),
            [](const v1::Rule& a, const v1::Rule& b) { return a.rule_id() < b.rule_id(); });
  return format == RuleFormat::kYaml ? WriteYaml(rules, words) : WriteCsv(rules, words);
}

absl::StatusOr<std::vector<WrittenRule>> ReadRules(absl::string_view text, const RuleWords& words,
                                                   RuleFormat format) {
  Errors errors;
  std::vector<RawRule> raw;
  try {
    raw = format == RuleFormat::kYaml ? RawYaml(text, &errors) : RawCsv(text, &errors);
  } catch (const YAML::Exception& error) {
    errors.Add(error.mark.line + 1, absl::StrCat("this is no YAML: ", error.msg));
  }
  std::vector<WrittenRule> rules;
  absl::flat_hash_map<std::string, int> line_of;
  for (const RawRule& rule : raw) {
    const auto [seen, is_new] = line_of.emplace(rule.id, rule.line);
    if (!is_new && !rule.id.empty()) {
      errors.Add(rule.line, absl::StrCat("rule '", rule.id, "' stands in line ", seen->second,
                                         " too; keep one"));
    }
    Understand(rule, words, &rules, &errors);
  }
  if (!errors.empty()) return errors.ToStatus();
  return rules;
}

}  // namespace onhand::cli
