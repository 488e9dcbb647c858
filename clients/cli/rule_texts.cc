#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/rule_fields.h"

namespace onhand::cli {
namespace {

// As remedies hold them, see RefuseField.
std::string Names(const std::vector<std::string>& names) {
  return absl::StrCat("{", absl::StrJoin(names, "}, {"), "}");
}

absl::Status CheckFloor(const RuleTexts& texts, const RefuseField& refuse) {
  for (const char* dependent : {"reshow", "dwell"}) {
    if (texts.contains(dependent) && !texts.contains("chain_floor")) {
      return refuse(dependent, texts.at(dependent), "it goes with {chain_floor}; give that too");
    }
  }
  return absl::OkStatus();
}

// `option`, `risk` and `tries` are the names of the buffer's fields.
absl::Status CheckBuffer(const std::string& option, const std::string& risk,
                         const std::string& tries, const RuleTexts& texts,
                         const RefuseField& refuse) {
  const std::vector<std::string> modes = {option, option + "_percent", option + "_days", risk};
  std::vector<std::string> given;
  for (const std::string& mode : modes) {
    if (texts.contains(mode)) given.push_back(mode);
  }
  const std::string all = Names(modes);
  if (given.size() > 1) {
    return refuse(given[1], texts.at(given[1]),
                  absl::StrCat("{", given[0], "} is given too; give one of ", all));
  }
  if (given.empty() && texts.contains(tries)) {
    return refuse(tries, texts.at(tries), absl::StrCat("it goes with {", risk, "}; give that too"));
  }
  for (const std::string& bound : {option + "_min", option + "_max"}) {
    if (given.empty() && texts.contains(bound)) {
      return refuse(bound, texts.at(bound), absl::StrCat("it goes with one of ", all));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Rule> RuleFromTexts(const std::string& rule_id, const RuleTexts& given,
                                       const RuleWords& words, const RefuseField& refuse) {
  RuleTexts texts = given;
  std::erase_if(texts, [](const auto& text) { return text.second.empty(); });
  for (const absl::Status& status :
       {CheckFloor(texts, refuse), CheckBuffer("buffer", "risk", "tries", texts, refuse),
        CheckBuffer("chain_buffer", "chain_risk", "chain_tries", texts, refuse)}) {
    if (!status.ok()) return status;
  }
  v1::Rule rule;
  rule.set_rule_id(rule_id);
  rule.mutable_scope();
  bool says_something = false;
  for (const RuleField& field : RuleFields()) {
    const auto text = texts.find(field.name);
    if (text == texts.end()) continue;
    const absl::Status status = field.write(text->second, words, &rule);
    if (!status.ok()) return refuse(field.name, text->second, status.message());
    says_something |= !field.is_scope;
  }
  if (says_something) return rule;
  std::vector<std::string> names;
  for (const RuleField& field : RuleFields()) {
    if (!field.is_scope) names.push_back(field.name);
  }
  return refuse("", rule_id,
                absl::StrCat("it would say nothing; give at least one of ", Names(names)));
}

RuleTexts TextsOfRule(const v1::Rule& rule, const RuleWords& words) {
  RuleTexts texts;
  for (const RuleField& field : RuleFields()) {
    std::string text = field.read(rule, words);
    if (!text.empty()) texts.emplace(field.name, std::move(text));
  }
  return texts;
}

std::vector<FieldChange> CompareRules(const v1::Rule& before, const v1::Rule& after,
                                      const RuleWords& words) {
  std::vector<FieldChange> changes;
  for (const RuleField& field : RuleFields()) {
    const std::string was = field.read(before, words);
    const std::string is = field.read(after, words);
    if (was != is) changes.push_back({field.name, was, is});
  }
  return changes;
}

}  // namespace onhand::cli
