// The commands that ask why, whether the numbers are true, and how often they must come, as the
// command line describes them.
#include "absl/strings/str_cat.h"
#include "clients/cli/assess.h"
#include "clients/cli/checks.h"
#include "clients/cli/commands.h"
#include "clients/cli/explain.h"
#include "clients/cli/sales_import.h"

namespace onhand::cli {
namespace {

constexpr char kAssessFooter[] =
    R"(Needs no hub and no agent: it starts a private onhandd in memory and ends it again. The two files
are exports that any till can make, of the same evening: sales (item, location, when, units) and stock
(item, location, units). Columns, encoding and dates are detected as by `onhand import sales` and the
agent; the stock is taken to be of the moment of the last sale.)";

void AddChecks(CLI::App& app, Command* chosen) {
  CLI::App& check = AddGroup(app, "check", "Whether the numbers are true");
  Add<DoubtsOptions>(
      check, chosen, "doubts",
      "List shelves that are probably empty, the most valuable count first",
      [](CLI::App& command, DoubtsOptions& options) {
        command.add_option("--location", options.location_id, "only at this location");
        command.add_option("--chance", options.chance_min,
                           "least chance that the shelf is empty, 0 to 1 (0.5)");
        command.add_flag("--discrepancy", options.discrepancy,
                         "records that are probably wrong in number instead");
        command.add_option("--listed", options.listed_max, "how many to list, 1 to 10,000 (100)");
      },
      CheckDoubts);
  Add<DeadOptions>(
      check, chosen, "dead", "List items that are shown and dead",
      [](CLI::App& command, DeadOptions& options) {
        command.add_option("--receipt-days", options.receipt_days,
                           "no receipt for so many days, 1 to 3,650 (180)");
        command.add_option("--sale-days", options.sale_days,
                           "no sale for so many days, 1 to 3,650 (90)");
        command.add_option("--listed", options.listed_max, "how many to list, 1 to 10,000 (100)");
      },
      CheckDead);
  AddShortages(check, chosen);
}

void DescribeAssess(CLI::App& command, AssessOptions& options) {
  command.add_option("SALES", options.sales_path, "CSV file of past sales")->required();
  command.add_option("STOCK", options.stock_path, "CSV file of what is on hand")->required();
  command.add_option("--location", options.location_id,
                     "whose they are, for files without a column of locations");
  command.add_option("--time-zone", options.time_zone,
                     "IANA name; default this machine's time zone");
  command
      .add_option("--threshold", options.threshold,
                  "the fixed floor to compare with, in units in the chain")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_option("--risk", options.risk_one_in, "accept 1 cancelled order in N")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  command.add_option("--sales-mapping", options.sales_mapping,
                     "mapping of the sales' columns (JSON, as for the agent)");
  command.add_option("--stock-mapping", options.stock_mapping, "mapping of the stock's columns");
  command.add_option("--onhandd", options.onhandd,
                     "the hub's program; default beside this one or in PATH");
}

}  // namespace

void AddInsights(CLI::App& app, Command* chosen) {
  Add<ExplainOptions>(
      app, chosen, "explain", "Say why an item is shown or not, and what would change it",
      [](CLI::App& command, ExplainOptions& options) {
        command.add_option("SKU", options.sku, "the item, by SKU or alias")->required();
        command.add_option("--location", options.location_id, "at this location alone");
        command.add_option("--channel", options.channel_id,
                           "the channel; needed once the chain has more than one");
      },
      Explain);
  AddChecks(app, chosen);
  CLI::App& advise = AddGroup(app, "advise", "What would make the numbers better");
  Add<ScheduleOptions>(
      advise, chosen, "schedule", "Say how often each location must report",
      [](CLI::App& command, ScheduleOptions& options) {
        command.add_option("--location", options.location_id, "only for this location");
        command.add_option("--risk", options.risk_one_in,
                           "accept 1 wrong answer in N, 2 to 1,000,000 (100)");
      },
      AdviseSchedule);
  Add(app, chosen, "assess", "Say what two exports of a till tell about the stock, without a hub",
      DescribeAssess, Assess)
      ->footer(kAssessFooter);
}

void AddSalesImport(CLI::App& import, Command* chosen) {
  Add<SalesImportOptions>(
      import, chosen, "sales", "Teach velocity from past sales; stock does not move",
      [](CLI::App& command, SalesImportOptions& options) {
        command.add_option("FILE", options.path, "the CSV file")->required();
        command.add_option("--location", options.location_id,
                           "whose sales they are, for a file without a column of locations");
        command.add_option("--mapping", options.mapping_path,
                           "mapping of the columns (JSON, as for the agent)");
        command.add_flag("--dry-run", options.dry_run, "say what it would teach, teach nothing");
        AddAuthor(command, options.author);
      },
      ImportSales)
      ->footer(kSalesColumns);
}

}  // namespace onhand::cli
