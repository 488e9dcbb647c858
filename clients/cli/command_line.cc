// Options that belong to one command are described here, or in rule_commands.cc,
// reservation_commands.cc, insight_commands.cc, feed_commands.cc, webhook_commands.cc and
// token_commands.cc, and used in the file of that command.
#include "clients/cli/command_line.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/availability.h"
#include "clients/cli/catalog.h"
#include "clients/cli/catalog_csv.h"
#include "clients/cli/commands.h"
#include "clients/cli/completion.h"
#include "clients/cli/find.h"
#include "clients/cli/import.h"
#include "clients/cli/names.h"
#include "clients/cli/quarantine.h"
#include "clients/cli/session.h"
#include "clients/cli/status.h"
#include "clients/cli/stock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/tls.h"
#include "onhand/v1/types.pb.h"
#include "proto/program/config.h"

namespace onhand::cli {
namespace {

constexpr char kDescription[] =
    "Onhand: what a retail chain has, where, and what it may promise. Asks and steers one hub.";
constexpr char kFooter[] =
    "Exit codes: 0 done; 1 the hub refused, or a file cannot be read; 2 the command line cannot "
    "be\n"
    "used; 3 no hub answers. Errors go to standard error and name field, value and remedy.";

void AddImport(CLI::App& app, Command* chosen) {
  CLI::App& import =
      AddGroup(app, "import", "Items, locations, open orders and past sales from CSV files");
  const auto describe = +[](CLI::App& command, ImportOptions& options) {
    command.add_option("FILE", options.path, "the CSV file")->required();
    command.add_flag("--dry-run", options.dry_run, "let the hub check it and change nothing");
  };
  Add(import, chosen, "items", "Import items", describe, ImportItems)->footer(kItemColumns);
  Add(import, chosen, "locations", "Import locations", describe, ImportLocations)
      ->footer(kLocationColumns);
  AddOrdersImport(import, chosen);
  AddSalesImport(import, chosen);
}

void AddStock(CLI::App& app, Command* chosen) {
  Add<PositionsOptions>(
      app, chosen, "positions", "Show positions of an item or a location",
      [](CLI::App& command, PositionsOptions& options) {
        command.add_option("--sku", options.sku, "only this item, by SKU or alias");
        command.add_option("--location", options.location_id, "only this location");
      },
      ShowPositions);
  Add<MovementsOptions>(
      app, chosen, "movements", "Show the recent movements of one position, newest first",
      [](CLI::App& command, MovementsOptions& options) {
        AddPosition(command, options.sku, options.location_id);
      },
      ShowMovements);
  Add<AdjustOptions>(
      app, chosen, "adjust", "Record what a person did or counted at one position",
      [](CLI::App& command, AdjustOptions& options) {
        AddPosition(command, options.sku, options.location_id);
        command.add_option("--adjust", options.adjust, "units found (2) or gone (-2)");
        command.add_option("--count", options.count, "units counted on the shelf");
        command.add_option("--set-aside", options.set_aside,
                           "units that are there but not salable from now on");
        command.add_option("--put-back", options.put_back, "units that are salable again");
        command.add_flag("--includes-picked", options.includes_picked,
                         "the count includes units already picked for orders");
        command.add_option("--at", options.at,
                           absl::StrCat("when it was true; default now: ", kMomentHelp));
        AddAuthor(command, options.author);
        AddReason(command, options.reason);
      },
      Adjust);
  CLI::App& corrections = AddGroup(app, "corrections", "Corrections that counts left behind");
  Add<EndCorrectionsOptions>(
      corrections, chosen, "end", "Let the source's numbers stand as they are from now on",
      [](CLI::App& command, EndCorrectionsOptions& options) {
        AddPosition(command, options.sku, options.location_id);
        AddAuthor(command, options.author);
        AddReason(command, options.reason);
      },
      EndCorrections);
}

void AddAvailability(CLI::App& app, Command* chosen) {
  Add<AvailabilityOptions>(
      app, chosen, "availability", "Show what the hub tells a shop about items",
      [](CLI::App& command, AvailabilityOptions& options) {
        command.add_option("SKU", options.skus, "the items, by SKU or alias");
        command.add_option("--parent", options.parent_sku, "all items of this style instead");
        command.add_option("--channel", options.channel_id,
                           "the channel; needed once the chain has more than one");
        command.add_option("--location", options.location_id,
                           "what this location alone may promise");
        command.add_flag("--locations", options.with_locations, "add each location's part");
        command.add_flag("--explain", options.explain, "add the arithmetic, step by step");
      },
      ShowAvailability);
  Add<FindOptions>(
      app, chosen, "find", "Show where an item can be had, the nearest location first",
      [](CLI::App& command, FindOptions& options) {
        command.add_option("SKU", options.sku, "the item, by SKU or alias");
        command.add_option("--parent", options.parent_sku, "all items of this style instead");
        command
            .add_option("--near", options.near,
                        "from this point: degrees north and east, such as 40.4168,-3.7038")
            ->type_name("LAT,LON");
        command.add_option("--near-location", options.near_location_id,
                           "from this location, which is left out; it needs coordinates");
        command.add_option("--channel", options.channel_id,
                           "the channel; needed once the chain has more than one");
        command.add_option("--limit", options.limit, "locations to show, 1 to 100 (10)");
        command.add_option("--within-km", options.within_km,
                           "only within so many kilometres; 0: however far (0)");
        command.add_option("--units", options.units,
                           "least units that a location must be able to promise (1)");
        command.add_flag("--empty", options.with_empty,
                         "also locations that can promise nothing now");
      },
      FindNearby);
}

struct SkuPair {
  std::string first;
  std::string second;
};

void AddItems(CLI::App& app, Command* chosen) {
  CLI::App& item = AddGroup(app, "item", "Single items; see also import items");
  Add<std::string>(
      item, chosen, "list", "List items in SKU order",
      [](CLI::App& command, std::string& category) {
        command.add_option("--category", category, "only of this category path and below");
      },
      ListItems);
  Add<std::string>(
      item, chosen, "show", "Show one item",
      [](CLI::App& command, std::string& sku) {
        command.add_option("SKU", sku, "the item, by SKU or alias")->required();
      },
      ShowItem);
  Add<SkuPair>(
      item, chosen, "rename", "Give an item a new SKU; the old one becomes an alias",
      [](CLI::App& command, SkuPair& skus) {
        command.add_option("OLD", skus.first, "its present SKU")->required();
        command.add_option("NEW", skus.second, "its new SKU")->required();
      },
      [](Session& session, const SkuPair& skus) {
        return RenameItem(session, skus.first, skus.second);
      });
  Add<SkuPair>(
      item, chosen, "merge", "Merge a duplicate, with its stock and aliases, into an item",
      [](CLI::App& command, SkuPair& skus) {
        command.add_option("SKU", skus.first, "the SKU that stays")->required();
        command.add_option("DUPLICATE", skus.second, "the SKU that becomes its alias")->required();
      },
      [](Session& session, const SkuPair& skus) {
        return MergeItems(session, skus.first, skus.second);
      });
  Add<StopOptions>(
      app, chosen, "stop", "Stop an item on every channel at once (recall)",
      [](CLI::App& command, StopOptions& options) {
        command.add_option("SKU", options.sku, "the item, by SKU or alias")->required();
        AddReason(command, options.reason)->required();
        AddAuthor(command, options.author);
      },
      StopItem);
  Add<StopOptions>(
      app, chosen, "resume", "Let a stopped item go on",
      [](CLI::App& command, StopOptions& options) {
        options.stopped = false;
        command.add_option("SKU", options.sku, "the item, by SKU or alias")->required();
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      StopItem);
}

void AddLocations(CLI::App& app, Command* chosen) {
  CLI::App& location = AddGroup(app, "location", "States of locations; see also import locations");
  location.add_subcommand("list", "List locations in id order")->callback([chosen] {
    *chosen = ListLocations;
  });
  Add<LocationStateOptions>(
      location, chosen, "pause", "Stop promising a location's stock for a while",
      [](CLI::App& command, LocationStateOptions& options) {
        options.state = v1::LOCATION_STATE_PAUSED;
        command.add_option("ID", options.location_id, "the location's id")->required();
        AddRepeated(command, "--channel", options.channel_ids,
                    "only on this channel; may be repeated");
        command.add_option("--until", options.until,
                           absl::StrCat("when it ends by itself: ", kMomentHelp));
        AddReason(command, options.reason)->required();
        AddAuthor(command, options.author);
      },
      SetLocationState);
  Add<StocktakeOptions>(
      location, chosen, "stocktake", "Announce a stocktake: snapshots may take what they find",
      [](CLI::App& command, StocktakeOptions& options) {
        command.add_option("ID", options.location_id, "the location's id")->required();
        command.add_option("--until", options.until, absl::StrCat("when it ends: ", kMomentHelp))
            ->required();
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      AnnounceStocktake);
  Add<LocationStateOptions>(
      location, chosen, "open", "Let a location trade",
      [](CLI::App& command, LocationStateOptions& options) {
        options.state = v1::LOCATION_STATE_OPEN;
        command.add_option("ID", options.location_id, "the location's id")->required();
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      SetLocationState);
  Add<LocationStateOptions>(
      location, chosen, "close", "Close a location for good",
      [](CLI::App& command, LocationStateOptions& options) {
        options.state = v1::LOCATION_STATE_CLOSED;
        command.add_option("ID", options.location_id, "the location's id")->required();
        command.add_flag_callback(
            "--selling-out", [&options] { options.state = v1::LOCATION_STATE_CLOSING; },
            "not yet: it still sells in the store, but ships nothing and keeps nothing ready");
        AddReason(command, options.reason)->required();
        AddAuthor(command, options.author);
      },
      SetLocationState);
}

void AddGroupsAndChannels(CLI::App& app, Command* chosen) {
  CLI::App& group = AddGroup(app, "group", "Named sets of locations");
  Add<GroupOptions>(
      group, chosen, "set", "Make a group, or replace it as a whole",
      [](CLI::App& command, GroupOptions& options) {
        command.add_option("ID", options.group_id, "the group's id")->required();
        command.add_option("--name", options.name, "its name");
        AddRepeated(command, "--location", options.location_ids,
                    "a location of it; may be repeated");
        command.add_option("--rank", options.rank,
                           "where two groups hold one location, the lower rank's rules win");
      },
      SetGroup);
  group.add_subcommand("list", "List groups")->callback([chosen] { *chosen = ListGroups; });

  CLI::App& channel = AddGroup(app, "channel", "Ways of selling, at most 8");
  Add<ChannelOptions>(
      channel, chosen, "set", "Make a channel, or replace it as a whole",
      [](CLI::App& command, ChannelOptions& options) {
        command.add_option("ID", options.channel_id, "the channel's id, such as web-ship")
            ->required();
        AddChoice<v1::ChannelKind>(command, "--kind", options.kind, "how goods reach the customer")
            ->required();
        command.add_option("--name", options.name, "its name");
        AddRepeated(command, "--location", options.location_ids,
                    "a location that it may use; may be repeated; without any it may use all");
        AddRepeated(command, "--group", options.group_ids,
                    "a group that it may use; may be repeated");
        command.add_option("--reservation-ttl", options.reservation_ttl,
                           "how long a reservation holds by itself, 1s to 7d (15m)");
      },
      SetChannel);
  channel.add_subcommand("list", "List channels")->callback([chosen] { *chosen = ListChannels; });
}

void AddQuarantine(CLI::App& app, Command* chosen) {
  CLI::App& quarantine = AddGroup(app, "quarantine", "What was not taken, and waits for a person");
  Add<std::string>(
      quarantine, chosen, "list", "List entries, oldest first",
      [](CLI::App& command, std::string& location_id) {
        command.add_option("--location", location_id, "only of this location");
      },
      ListQuarantine);
  const auto describe = +[](CLI::App& command, QuarantineOptions& options) {
    command.add_option("ID", options.quarantine_id, "the entry's number")->required();
    AddAuthor(command, options.author);
    AddReason(command, options.reason);
  };
  Add(quarantine, chosen, "accept", "Take a quarantined snapshot as it is", describe,
      AcceptQuarantined);
  Add(quarantine, chosen, "drop", "Drop an entry for good", describe, DropQuarantined);
  Add<QuarantineOptions>(
      quarantine, chosen, "retry", "Try a quarantined row again, such as after importing its item",
      [](CLI::App& command, QuarantineOptions& options) {
        command.add_option("ID", options.quarantine_id, "the entry's number")->required();
        AddAuthor(command, options.author);
      },
      RetryQuarantined);
}

void AddStatus(CLI::App& app, Command* chosen) {
  Add<bool>(
      app, chosen, "status", "Show the hub, its locations and up to when each has told everything",
      [](CLI::App& command, bool& watch) {
        command.add_flag("--watch", watch, "repaint every second until Ctrl-C");
      },
      [](Session& session, const bool& watch) { return ShowStatus(session, watch); });
  Add<std::string>(
      app, chosen, "displayed", "Show when an item was last shown or hidden on each channel",
      [](CLI::App& command, std::string& sku) {
        command.add_option("SKU", sku, "the item, by SKU or alias")->required();
      },
      ShowDisplayed);
  CLI::App& source = AddGroup(app, "source", "What reports: tills, files, systems");
  Add<RetireOptions>(
      source, chosen, "retire", "Take a source out of service, so that nobody waits for it",
      [](CLI::App& command, RetireOptions& options) {
        command.add_option("ID", options.source_id, "the source's id")->required();
        AddReason(command, options.reason)->required();
        AddAuthor(command, options.author);
      },
      RetireSource);
}

// The commands and options as the completion script needs them. A type name with '|' lists an
// option's choices.
CompletedCommand Completed(const CLI::App& app) {
  CompletedCommand command{.name = app.get_name()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    CompletedOption completed;
    completed.name = option->get_name();
    completed.takes_value = option->get_items_expected_max() > 0;
    const std::string type = option->get_type_name();
    if (type.find('|') != std::string::npos) completed.choices = absl::StrSplit(type, '|');
    command.options.push_back(std::move(completed));
  }
  for (const CLI::App* child : app.get_subcommands(nullptr)) {
    command.commands.push_back(Completed(*child));
  }
  return command;
}

// What stands before or behind any command.
struct GlobalOptions {
  std::string hub = "127.0.0.1:7070";
  double timeout_s = 10;
  bool json = false;
  bool insecure = false;
  client::Tls tls;
  std::string token_file;
  bool completion = false;
};

void Describe(CLI::App& app, GlobalOptions& options, Command* chosen) {
  app.footer(kFooter);
  app.set_version_flag("--version", "onhand " ONHAND_VERSION);
  app.require_subcommand(1);
  // An option of the program may stand behind the command too.
  app.fallthrough();
  app.add_option("--hub", options.hub, "HOST:PORT of the hub")->capture_default_str();
  app.add_option("--timeout", options.timeout_s, "seconds that a call may take with its retries")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON document");
  app.add_flag("--tls", options.tls.is_on, "talk to the hub over TLS");
  app.add_option("--tls-ca-file", options.tls.ca_file,
                 "authorities of hubs to trust (PEM) instead of the system's; with TLS");
  app.add_option("--tls-cert-file", options.tls.cert_file,
                 "your own certificate (PEM), for a hub that asks for one; with TLS");
  app.add_option("--tls-key-file", options.tls.key_file, "its key (PEM); with TLS");
  app.add_flag("--insecure", options.insecure, "no TLS; not needed for a hub on this machine");
  app.add_option("--token-file", options.token_file, "file that holds the token to show the hub");
  AddStatus(app, chosen);
  AddAvailability(app, chosen);
  AddStock(app, chosen);
  AddReservations(app, chosen);
  AddRules(app, chosen);
  AddSupply(app, chosen);
  AddInsights(app, chosen);
  AddFeeds(app, chosen);
  AddItems(app, chosen);
  AddLocations(app, chosen);
  AddGroupsAndChannels(app, chosen);
  AddQuarantine(app, chosen);
  AddWebhooks(app, chosen);
  AddTokens(app, chosen);
  AddImport(app, chosen);
  app.add_subcommand("completion", "Print the bash completion script: source <(onhand completion)")
      ->callback([&options] { options.completion = true; });
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const GlobalOptions& options) {
  client::Tls tls = options.tls;
  tls.is_on = tls.is_on || !tls.ca_file.empty() || !tls.cert_file.empty() || !tls.key_file.empty();
  if (tls.is_on && options.insecure) {
    return absl::InvalidArgumentError("--insecure goes with no --tls option: leave one out");
  }
  if (!tls.is_on && !options.insecure && !client::IsThisMachine(options.hub)) {
    return absl::InvalidArgumentError(absl::StrCat("--hub '", options.hub,
                                                   "' is another machine, and the network between "
                                                   "may listen; add --tls, with --tls-ca-file if "
                                                   "its authority is your own, or --insecure"));
  }
  return client::MakeCredentials(tls);
}

int RunCommand(const GlobalOptions& options, const Command& command,
               const Surroundings& surroundings) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = CredentialsOf(options);
  if (!credentials.ok()) {
    surroundings.err << "onhand: " << credentials.status().message() << "\n";
    return kExitUsage;
  }
  client::ConnectionOptions connection_options;
  connection_options.hub = options.hub;
  connection_options.credentials = *std::move(credentials);
  connection_options.timeout = absl::Seconds(options.timeout_s);
  if (!options.token_file.empty()) {
    auto token = client::TokenFile::Open(options.token_file);
    if (token.ok() && options.insecure && !client::IsThisMachine(options.hub)) {
      token = absl::InvalidArgumentError(absl::StrCat(
          "--token-file with --insecure would show the token to the network between here and ",
          options.hub, "; use --tls"));
    }
    if (!token.ok()) {
      surroundings.err << "onhand: " << std::string(token.status().message()) << ".\n";
      return kExitUsage;
    }
    connection_options.token = *std::move(token);
  }
  client::Connection connection(connection_options);
  Session session{.hub = connection,
                  .out = surroundings.out,
                  .err = surroundings.err,
                  .json = options.json,
                  .out_is_terminal = surroundings.out_is_terminal,
                  .err_is_terminal = surroundings.err_is_terminal,
                  .zone = surroundings.zone,
                  .wait = surroundings.wait};
  absl::Status status = command(session);
  if (status.ok() && !session.out.flush()) {
    status = absl::DataLossError(
        "the answer could not be written to standard output; check the disk or the pipe behind it");
  }
  if (!status.ok()) session.err << ErrorSentence(status, options.hub) << "\n";
  return ExitCode(status);
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  GlobalOptions options;
  Command command;
  CLI::App app(kDescription, "onhand");
  Describe(app, options, &command);
  program::Config config(&app, program::Config::Options::kOfProgram, std::getenv);
  try {
    config.Parse(arguments);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    app.exit(error, surroundings.out, surroundings.err);
    return asked ? kExitDone : kExitUsage;
  }
  if (config.print_wanted()) {
    surroundings.out << config.Text();
    return kExitDone;
  }
  if (options.completion) {
    surroundings.out << BashCompletion(Completed(app));
    return kExitDone;
  }
  return RunCommand(options, command, surroundings);
}

}  // namespace onhand::cli
