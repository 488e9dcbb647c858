// Rules as files: YAML for people who keep them in git, CSV for people who keep them in a
// spreadsheet. Both hold every field by the names of rule_fields.h, so that what is written reads
// back as the same rules. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_RULE_FILES_H_
#define ONHAND_CLIENTS_CLI_RULE_FILES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cli/rule_fields.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

enum class RuleFormat { kYaml, kCsv };

// By the suffix of a path: .yaml, .yml or .csv. A usage error names others.
absl::StatusOr<RuleFormat> FormatOf(absl::string_view path);

// What --help says about the files.
extern const char kRuleFileHelp[];

// All of `rules` in the order of their ids.
std::string WriteRules(std::vector<v1::Rule> rules, const RuleWords& words, RuleFormat format);

struct WrittenRule {
  v1::Rule rule;
  int line = 0;                      // of the file, from 1, where the rule starts
  std::map<std::string, int> lines;  // of its fields
};

// The rules of a file. INVALID_ARGUMENT lists up to 20 errors, each with its line and field.
absl::StatusOr<std::vector<WrittenRule>> ReadRules(absl::string_view text, const RuleWords& words,
                                                   RuleFormat format);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_FILES_H_
