#include "clients/cli/rule_refusals.h"

#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "clients/cli/moment.h"
#include "clients/cpp/refusal.h"

namespace onhand::cli {
namespace {

using Fields = std::vector<const RuleField*>;

// The part of a request's field that lies in a rule: `buffer.units` of
// `changes[3].set.buffer.units`.
absl::string_view PathInRule(absl::string_view field) {
  if (absl::ConsumePrefix(&field, "rule.")) return field;
  const size_t set = field.find("].set.");
  return absl::StartsWith(field, "changes[") && set != absl::string_view::npos
             ? field.substr(set + 6)
             : absl::string_view();
}

// Those of one field of the contract; several if it is a message.
Fields FieldsAt(absl::string_view path) {
  Fields fields;
  if (path.empty()) return fields;
  path = absl::StripSuffix(path, "_local");
  const std::string below = absl::StrCat(path, ".");
  for (const RuleField& field : RuleFields()) {
    if (path == field.contract || absl::StartsWith(field.contract, below)) fields.push_back(&field);
  }
  return fields;
}

absl::string_view ParentOf(absl::string_view contract) {
  const size_t dot = contract.rfind('.');
  return dot == absl::string_view::npos ? absl::string_view() : contract.substr(0, dot);
}

// The field that a word of a sentence names, as `min_units` does; of two, the one beside `about`.
// Words that are plain English too name none.
const RuleField* Mentioned(absl::string_view word, const Fields& about) {
  if (!absl::StrContains(word, "_")) return nullptr;
  const std::string behind = absl::StrCat(".", word);
  const RuleField* found = nullptr;
  for (const RuleField& field : RuleFields()) {
    if (word != field.contract && !absl::EndsWith(field.contract, behind)) continue;
    const bool is_beside =
        !about.empty() && ParentOf(about.front()->contract) == ParentOf(field.contract);
    if (found == nullptr || is_beside) found = &field;
  }
  return found;
}

bool IsOfWord(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '[' ||
         c == ']';
}

// Calls replace(word) for each word that stands in no quotes; what it returns takes its place.
std::string ReplaceWords(absl::string_view text,
                         absl::FunctionRef<std::string(absl::string_view word)> replace) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && IsOfWord(text[end])) ++end;
    while (end > at && text[end - 1] == '.') --end;  // of the sentence
    if (end == at) {
      result.push_back(text[at++]);
      continue;
    }
    const absl::string_view word = text.substr(at, end - at);
    const bool is_quoted = at > 0 && text[at - 1] == '\'';
    absl::StrAppend(&result, is_quoted ? std::string(word) : replace(word));
    at = end;
  }
  return result;
}

// A value as people write it: choices without the contract's prefix, durations with their units.
std::string ValueInWords(const RuleField& field, const std::string& value) {
  int64_t seconds = 0;
  if (field.type == "DURATION" && absl::SimpleAtoi(value, &seconds) && seconds >= 0) {
    return FormatSeconds(seconds);
  }
  for (const absl::string_view choice : absl::StrSplit(field.type, '|')) {
    const std::string name = absl::AsciiStrToUpper(absl::StrReplaceAll(choice, {{"-", "_"}}));
    if (field.type.size() != choice.size() && absl::EndsWith(value, absl::StrCat("_", name))) {
      return std::string(choice);
    }
  }
  return value;
}

}  // namespace

const FieldWords& OptionWords() {
  static const auto& words =
      *new FieldWords{.of = [](const RuleField& field) -> std::string {
                        if (field.name == "chain_mode") return "--pooled or --aggregate";
                        if (field.name == "include") return "--include or --exclude";
                        return absl::StrCat("--", absl::StrReplaceAll(field.name, {{"_", "-"}}));
                      },
                      .others = {{"rule_id", "ID"},
                                 {"version", "VERSION"},
                                 {"etag", "--etag"},
                                 {"author", "--author"},
                                 {"reason", "--reason"},
                                 {"listed_max", "--listed"}}};
  return words;
}

const FieldWords& FileWords() {
  static const auto& words = *new FieldWords{
      .of = [](const RuleField& field) { return field.name; }, .others = {{"rule_id", "id"}}};
  return words;
}

std::vector<const RuleField*> RefusedFields(const absl::Status& refused) {
  const client::Refusal refusal = client::RefusalOf(refused);
  Fields fields = FieldsAt(PathInRule(refusal.field));
  const Fields about = fields;
  ReplaceWords(absl::string_view(refused.message().data(), refused.message().size()),
               [&](absl::string_view word) {
                 if (const RuleField* field = Mentioned(word, about)) fields.push_back(field);
                 return std::string();
               });
  return fields;
}

absl::Status InWords(const absl::Status& refused, const FieldWords& words) {
  client::Refusal refusal = client::RefusalOf(refused);
  const absl::string_view path = PathInRule(refusal.field);
  const Fields about = FieldsAt(path);
  const auto other = words.others.find(path.empty() ? refusal.field : std::string(path));
  if (about.empty() && other == words.others.end()) return refused;

  const std::string name = about.empty() ? other->second : words.of(*about.front());
  const bool is_duration = !about.empty() && about.front()->type == "DURATION";
  bool is_named = false;
  const auto in_words = [&](absl::string_view text) {
    return ReplaceWords(text, [&](absl::string_view word) -> std::string {
      // A plain word such as `etag` means the field once, and its thing from then on.
      if (word == refusal.field && (!is_named || absl::StrContains(word, "."))) {
        is_named = true;
        return name;
      }
      if (const RuleField* field = Mentioned(word, about)) return words.of(*field);
      int64_t seconds = 0;
      if (is_duration && absl::SimpleAtoi(word, &seconds)) return FormatSeconds(seconds);
      return std::string(word);
    });
  };
  std::string text =
      in_words(absl::string_view(refused.message().data(), refused.message().size()));
  if (!about.empty() && !refusal.value.empty()) {
    const std::string value = ValueInWords(*about.front(), refusal.value);
    text = absl::StrReplaceAll(
        text, {{absl::StrCat("'", refusal.value, "'"), absl::StrCat("'", value, "'")}});
    refusal.value = value;
  }
  refusal.remedy = in_words(refusal.remedy);
  refusal.field = name;
  return client::RefusedStatus(refused.code(), text, refusal);
}

}  // namespace onhand::cli
