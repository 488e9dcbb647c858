// What the hub refuses, in the words of whoever wrote it: the hub names fields of the contract
// (`rule.max_quantity`), people wrote options or lines of a file. Mostly of rules, whose fields are
// many. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_RULE_REFUSALS_H_
#define ONHAND_CLIENTS_CLI_RULE_REFUSALS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/rule_fields.h"

namespace onhand::cli {

// How people write fields.
struct FieldWords {
  std::function<std::string(const RuleField&)> of;
  // Fields of requests that are none of a rule's own, such as `etag`.
  std::map<std::string, std::string> others;
};
// `--chain-floor`, and `chain_floor` as in files.
const FieldWords& OptionWords();
const FieldWords& FileWords();

// The same refusal with these words in the place of the contract's names, and durations and choices
// as they are written. Anything else comes back as it is.
absl::Status InWords(const absl::Status& refused, const FieldWords& words);

// The fields that a refusal is about, then those that it mentions. None for other errors.
std::vector<const RuleField*> RefusedFields(const absl::Status& refused);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_REFUSALS_H_
