// The fields of a rule as people write them: one table behind the options of `onhand rule set`, the
// keys of a YAML file, the columns of a CSV file and the lines of a comparison, so that all four
// use the same words. Pure functions but for LoadRuleZones, which asks the hub.
#ifndef ONHAND_CLIENTS_CLI_RULE_FIELDS_H_
#define ONHAND_CLIENTS_CLI_RULE_FIELDS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/session.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

// The time zones that periods of rules are written in. A zone that this machine does not know is
// absent.
struct RuleZones {
  std::optional<absl::TimeZone> chain = absl::UTCTimeZone();
  std::map<std::string, absl::TimeZone> locations;

  // Of a rule's location, or the chain's.
  std::optional<absl::TimeZone> Of(const v1::RuleScope& scope) const;
};
absl::StatusOr<RuleZones> LoadRuleZones(Session& session);

// What texts are read and written with. Durations as moments ('2h') count from `now`.
struct RuleWords {
  RuleZones zones;
  absl::Time now;
};

struct RuleField {
  // In files; as an option '-' stands for '_'.
  std::string name;
  // The field of v1.Rule that it is, as the hub names it in errors.
  std::string contract;
  // What may be written: 'N', 'DURATION', or the choices with '|' between them.
  std::string type;
  std::string help;
  // True: it says where or when the rule holds; false: it says what.
  bool is_scope;
  // Empty: the rule does not say it.
  std::function<std::string(const v1::Rule&, const RuleWords&)> read;
  // The error is a remedy: 'give ...'.
  std::function<absl::Status(const std::string& text, const RuleWords&, v1::Rule*)> write;
};

// In the order in which files hold them: where, when, what. The id is not among them.
const std::vector<RuleField>& RuleFields();
// Null if there is none; '-' and case do not matter.
const RuleField* FindRuleField(absl::string_view name);

// Whether somebody said from when a rule holds. The hub answers with the moment of its commit where
// nobody did.
bool HasBeginning(const v1::Rule& rule);

// Texts by the names of their fields; empty ones are not set.
using RuleTexts = std::map<std::string, std::string>;

// Makes the error for a field; empty `field`: the rule as a whole. Names of fields stand in braces
// in `remedy`, since options and files write them in different ways.
using RefuseField = std::function<absl::Status(const std::string& field, const std::string& value,
                                               absl::string_view remedy)>;

// The rule that the texts say. Local times stand in effective_from_local and effective_until_local.
// Errors name the first field that cannot be used, is missing beside another, or the whole rule if
// it would say nothing.
absl::StatusOr<v1::Rule> RuleFromTexts(const std::string& rule_id, const RuleTexts& texts,
                                       const RuleWords& words, const RefuseField& refuse);

// The reverse: every field that is set. Local times are written out as moments first.
RuleTexts TextsOfRule(const v1::Rule& rule, const RuleWords& words);

// One line of a comparison.
struct FieldChange {
  std::string field;
  std::string before;  // empty: not set
  std::string after;   // empty: not set
};
std::vector<FieldChange> CompareRules(const v1::Rule& before, const v1::Rule& after,
                                      const RuleWords& words);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_FIELDS_H_
