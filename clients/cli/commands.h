// How the files of the command line describe commands: the only header that includes CLI11, which
// is slow to compile, so it is included by few files.
#ifndef ONHAND_CLIENTS_CLI_COMMANDS_H_
#define ONHAND_CLIENTS_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "clients/cli/names.h"
#include "clients/cli/session.h"

namespace onhand::cli {

using Command = std::function<absl::Status(Session&)>;

inline constexpr char kMomentHelp[] =
    "local date or time ('2025-11-23 14:00'), one with its offset, or a duration from now (2h)";

// Adds a command whose options are `Options`: `describe` declares them, `run` uses them.
template <typename Options>
CLI::App* Add(CLI::App& parent, Command* chosen, const std::string& name,
              const std::string& description, void (*describe)(CLI::App&, Options&),
              absl::Status (*run)(Session&, const Options&)) {
  CLI::App* command = parent.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  describe(*command, *options);
  command->callback([chosen, options, run] {
    *chosen = [options, run](Session& session) { return run(session, *options); };
  });
  return command;
}

// A command that only holds commands.
inline CLI::App& AddGroup(CLI::App& parent, const std::string& name,
                          const std::string& description) {
  CLI::App* group = parent.add_subcommand(name, description);
  group->require_subcommand(1);
  return *group;
}

// One value an option; it may be repeated. (Without this CLI11 would also swallow positional
// arguments behind it.)
inline void AddRepeated(CLI::App& command, const std::string& name,
                        std::vector<std::string>& values, const std::string& description) {
  command.add_option(name, values, description)->allow_extra_args(false)->type_name("ID ...");
}

template <typename Enum>
CLI::Option* AddChoice(CLI::App& command, const std::string& name, std::string& value,
                       const std::string& description) {
  return command.add_option(name, value, description)
      ->type_name(absl::StrJoin(NamesOf(*google::protobuf::GetEnumDescriptor<Enum>()), "|"));
}

inline void AddAuthor(CLI::App& command, std::string& author) {
  command.add_option("--author", author, "who does it, for the audit")->envname("USER");
}

inline CLI::Option* AddReason(CLI::App& command, std::string& reason) {
  return command.add_option("--reason", reason, "why, for the audit");
}

inline void AddPosition(CLI::App& command, std::string& sku, std::string& location_id) {
  command.add_option("SKU", sku, "the item, by SKU or alias")->required();
  command.add_option("LOCATION", location_id, "the location's id")->required();
}

// The commands of one subject; each sets `chosen` when the command line names it.
void AddRules(CLI::App& app, Command* chosen);
void AddSupply(CLI::App& app, Command* chosen);
void AddInsights(CLI::App& app, Command* chosen);
void AddFeeds(CLI::App& app, Command* chosen);
void AddWebhooks(CLI::App& app, Command* chosen);
void AddTokens(CLI::App& app, Command* chosen);
void AddReservations(CLI::App& app, Command* chosen);
// `check shortages`, beside the checks of numbers.
void AddShortages(CLI::App& check, Command* chosen);
// `import orders` and `import sales`, beside the imports of the catalog.
void AddOrdersImport(CLI::App& import, Command* chosen);
void AddSalesImport(CLI::App& import, Command* chosen);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_COMMANDS_H_
