// The commands about rules and supply, as the command line describes them.
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/chain.h"
#include "clients/cli/commands.h"
#include "clients/cli/rule_apply.h"
#include "clients/cli/rule_files.h"
#include "clients/cli/rule_history.h"
#include "clients/cli/rule_preview.h"
#include "clients/cli/rules.h"
#include "clients/cli/supply.h"

namespace onhand::cli {
namespace {

void AddChange(CLI::App& command, RuleChangeOptions& change) {
  command.add_flag("--yes", change.yes,
                   "also if it hides more than the chain's share of what is shown");
  AddAuthor(command, change.author);
  AddReason(command, change.reason);
}

constexpr char kRuleHelp[] =
    R"(N are whole numbers: units 0 to 1,000,000,000 where nothing else is said. A DURATION is in whole
seconds, minutes, hours or days: 90s, 5m, 24h, 2d. A MOMENT is a local date or time (2026-11-27 or
'2026-11-27 14:00'), one with its offset, or a duration from now (2h). What a rule leaves out, a
less specific rule decides, or else the value in brackets holds.)";

// One option for each field; the choices of two are flags of their own.
void DescribeRule(CLI::App& command, RuleOptions& options) {
  const char* where = "Where and when it holds (nothing given: everywhere, for good)";
  const char* what = "What it says (at least one)";
  for (const RuleField& field : RuleFields()) {
    if (field.name == "chain_mode" || field.name == "include") continue;
    command
        .add_option(absl::StrCat("--", absl::StrReplaceAll(field.name, {{"_", "-"}})),
                    options.texts[field.name], field.help)
        ->type_name(field.type)
        ->group(field.is_scope ? where : what);
  }
  CLI::Option* pooled = command.add_flag(
      "--pooled", options.pooled,
      "one chain buffer on the demand of all locations instead of each location's");
  CLI::Option* aggregate = command.add_flag("--aggregate", options.aggregate,
                                            "the sum of what each location can sell (the default)");
  pooled->group(what)->excludes(aggregate);
  aggregate->group(what);
  CLI::Option* include = command.add_flag("--include", options.include, "use the location or item");
  CLI::Option* exclude = command.add_flag("--exclude", options.exclude, "leave it out");
  include->group(what)->excludes(exclude);
  exclude->group(what);
}

void DescribeSet(CLI::App& command, SetRuleOptions& options) {
  command.add_option("ID", options.rule.rule_id, "the rule's id, chosen by the chain")->required();
  DescribeRule(command, options.rule);
  command.add_option("--etag", options.etag,
                     "replace the version with this etag, or any with '*'; without it the rule "
                     "must be new");
  command.add_flag("--dry-run", options.dry_run, "let the hub check it and change nothing");
  command.add_flag("--preview", options.preview, "show what it would change, and change nothing");
  AddChange(command, options.change);
}

void DescribePreview(CLI::App& command, PreviewOptions& options) {
  command.add_option("ID", options.rule.rule_id, "a rule to make or replace, with its options");
  DescribeRule(command, options.rule);
  command.add_option("--file", options.path, "the rules of a file instead (see rule apply)");
  command.add_flag("--prune", options.prune, "with --file: also end rules that it does not hold");
  command.add_option("--delete", options.delete_rule_id, "a rule to end instead");
  command
      .add_option("--listed", options.listed_max, "how many changed answers to list, 1 to 10,000")
      ->capture_default_str();
}

void AddSingleRules(CLI::App& rule, Command* chosen) {
  Add(rule, chosen, "set", "Make a rule, or replace it as a whole", DescribeSet, SetRule)
      ->footer(kRuleHelp);
  Add(rule, chosen, "preview", "Show what a change of rules would change, without making it",
      DescribePreview, PreviewRules)
      ->footer(kRuleHelp);
  rule.add_subcommand("list", "List all rules")->callback([chosen] { *chosen = ListRules; });
  const auto describe_id = +[](CLI::App& command, std::string& rule_id) {
    command.add_option("ID", rule_id, "the rule's id")->required();
  };
  Add(rule, chosen, "show", "Show one rule with its etag", describe_id, ShowRule);
  Add<DeleteRuleOptions>(
      rule, chosen, "delete", "End a rule",
      [](CLI::App& command, DeleteRuleOptions& options) {
        command.add_option("ID", options.rule_id, "the rule's id")->required();
        command.add_option("--etag", options.etag, "only the version with this etag; default any");
        AddChange(command, options.change);
      },
      DeleteRule);
}

void AddHistory(CLI::App& rule, Command* chosen) {
  Add<std::string>(
      rule, chosen, "history", "Show every version, newest first: who changed what, when and why",
      [](CLI::App& command, std::string& rule_id) {
        command.add_option("ID", rule_id, "only of this rule");
      },
      ShowRuleHistory);
  Add<RuleDiffOptions>(
      rule, chosen, "diff", "Compare two versions of a rule; without any, the last change",
      [](CLI::App& command, RuleDiffOptions& options) {
        command.add_option("ID", options.rule_id, "the rule's id")->required();
        command.add_option("FROM", options.from, "a version");
        command.add_option("TO", options.to, "another one; default the newest");
      },
      ShowRuleDiff);
  Add<RollbackOptions>(
      rule, chosen, "rollback", "Make a new version that says what an older one said",
      [](CLI::App& command, RollbackOptions& options) {
        command.add_option("ID", options.rule_id, "the rule's id")->required();
        command.add_option("VERSION", options.version, "the version to repeat")->required();
        command.add_option("--etag", options.etag,
                           "only if the rule has this etag; default whatever is there");
        AddChange(command, options.change);
      },
      RollBackRule);
}

void AddFiles(CLI::App& rule, Command* chosen) {
  Add<ExportOptions>(
      rule, chosen, "export", "Write all rules to a file, for git or a spreadsheet",
      [](CLI::App& command, ExportOptions& options) {
        command.add_option("FILE", options.path, "the file; default standard output");
        command.add_option("--format", options.format, "default: by the file's suffix, or yaml")
            ->type_name("yaml|csv");
      },
      ExportRules)
      ->footer(kRuleFileHelp);
  Add<ApplyOptions>(
      rule, chosen, "apply", "Make the hub's rules those of a file, all or none",
      [](CLI::App& command, ApplyOptions& options) {
        command.add_option("FILE", options.path, "the file, by its suffix YAML or CSV")->required();
        command.add_flag("--prune", options.prune, "end rules that the file does not hold");
        command.add_flag("--dry-run", options.dry_run,
                         "show the changes, let the hub check them and change nothing");
        AddChange(command, options.change);
      },
      ApplyRules)
      ->footer(kRuleFileHelp);
}

}  // namespace

void AddRules(CLI::App& app, Command* chosen) {
  CLI::App& rule = AddGroup(app, "rule", "How many must be left, and what happens at zero");
  AddSingleRules(rule, chosen);
  AddHistory(rule, chosen);
  AddFiles(rule, chosen);
}

void AddSupply(CLI::App& app, Command* chosen) {
  CLI::App& incoming = AddGroup(app, "incoming", "Supply on its way");
  Add<IncomingOptions>(
      incoming, chosen, "set", "Announce, change or close supply",
      [](CLI::App& command, IncomingOptions& options) {
        command.add_option("REFERENCE", options.reference, "the order or transfer that brings it")
            ->required();
        AddPosition(command, options.sku, options.location_id);
        command.add_option("UNITS", options.units, "units on their way; 0 closes it")->required();
        command.add_option("--due", options.due,
                           absl::StrCat("when it should be there: ", kMomentHelp));
        AddAuthor(command, options.author);
        AddReason(command, options.reason);
      },
      SetIncoming);
  Add<std::string>(
      incoming, chosen, "list", "List supply on its way",
      [](CLI::App& command, std::string& sku) {
        command.add_option("--sku", sku, "only of this item, by SKU or alias");
      },
      ListIncoming);

  CLI::App& chain = AddGroup(app, "chain", "What holds for the whole chain");
  chain.add_subcommand("show", "Show it")->callback([chosen] { *chosen = ShowChain; });
  Add<ChainOptions>(
      chain, chosen, "set", "Change it; what is not given stays",
      [](CLI::App& command, ChainOptions& options) {
        command.add_option("--time-zone", options.time_zone,
                           "IANA name such as Europe/Madrid; local times of rules are in it");
        command.add_option("--confirm-hiding", options.confirm_hiding_percent,
                           "a change of rules that hides more percent of what is shown needs "
                           "--yes, 0 to 100 (20)");
        AddAuthor(command, options.author);
        AddReason(command, options.reason);
      },
      SetChain);
}

}  // namespace onhand::cli
