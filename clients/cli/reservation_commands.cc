// The commands about reservations and orders, as the command line describes them.
#include "absl/strings/str_cat.h"
#include "clients/cli/commands.h"
#include "clients/cli/orders_import.h"
#include "clients/cli/reservations.h"
#include "onhand/v1/reservations.pb.h"

namespace onhand::cli {
namespace {

constexpr char kBasketFooter[] =
    R"(A LINE is SKU=UNITS (4711=2), 1 to 10,000 units; SKU alone is one unit; SKU=UNITS@LOCATION wants it
there. Each item at most once a location, 1 to 100 lines. Pickup and in-store channels need a
location. NOT_ENOUGH names the line and what is there; nothing is held then.)";

constexpr char kStepFooter[] =
    "INVALID_STEP names the state that a line is in; INVALID_LINE a line that is not there, or "
    "more\n"
    "units than it has.";

void DescribeBasket(CLI::App& command, BasketOptions& options) {
  command.add_option("LINE", options.lines, "what is wanted: SKU=UNITS or SKU=UNITS@LOCATION")
      ->required();
  command.add_option("--channel", options.channel_id,
                     "the channel; needed once the chain has more than one");
  command.add_option("--location", options.location_id,
                     "where all lines are wanted; without it the hub chooses");
  command.add_option("--group", options.group_id, "choose only among the locations of this group");
  command
      .add_option("--near", options.near,
                  "choose the nearest to this point among equals, such as 40.4168,-3.7038")
      ->type_name("LAT,LON");
  command.add_flag("--split", options.allow_split,
                   "a line may come from several locations if no single one can fill it");
}

void DescribeName(CLI::App& command, ReservationName& name) {
  command.add_option("ID", name.reservation_id, "the reservation's id; or --order");
  command.add_option("--order", name.order_reference, "the reservation of this order");
}

CLI::Option* DescribeTtl(CLI::App& command, std::string& ttl) {
  return command.add_option("--ttl", ttl, "how long it holds, 1s to 7d; default: the channel's");
}

void DescribeStep(CLI::App& command, StepOptions& options) {
  DescribeName(command, options.name);
  command
      .add_option("--line", options.lines,
                  "only this line, or so many units of it (1=2); may be repeated")
      ->allow_extra_args(false)
      ->type_name("LINE[=UNITS] ...");
}

void AddBaskets(CLI::App& reservation, Command* chosen) {
  Add<CreateReservationOptions>(
      reservation, chosen, "create", "Hold a basket: all of its lines, or nothing",
      [](CLI::App& command, CreateReservationOptions& options) {
        DescribeBasket(command, options.basket);
        DescribeTtl(command, options.ttl);
        command.add_flag("--partial", options.allow_partial, "hold what is there of each line");
        command.add_option("--order", options.order_reference, "the order, if it has a name");
        command.add_flag("--commit", options.commit,
                         "commit at once: the order is placed; needs --order");
      },
      CreateReservation)
      ->footer(kBasketFooter);
  Add(reservation, chosen, "check", "Say whether a basket could be held now, and hold nothing",
      DescribeBasket, CheckBasket)
      ->footer(kBasketFooter);
  Add<ExtendOptions>(
      reservation, chosen, "extend", "Give the held lines more time, counted from now",
      [](CLI::App& command, ExtendOptions& options) {
        command.add_option("ID", options.reservation_id, "the reservation's id")->required();
        DescribeTtl(command, options.ttl);
      },
      ExtendReservation);
  Add<ReservationName>(
      reservation, chosen, "commit", "The order is placed: held lines become committed",
      [](CLI::App& command, ReservationName& options) {
        command.add_option("ID", options.reservation_id, "the reservation's id")->required();
        command.add_option("--order", options.order_reference,
                           "the order, 1 to 64 bytes; needed unless it has one already");
      },
      CommitReservation)
      ->footer("Lines that expired are held anew if that is still possible, else NOT_ENOUGH.");
}

void AddFulfilment(CLI::App& reservation, Command* chosen) {
  Add(reservation, chosen, "pick", "Units were taken from the shelf and lie ready", DescribeStep,
      PickReservation)
      ->footer(kStepFooter);
  Add(reservation, chosen, "fulfil",
      "Units left with the customer or the carrier: on hand and committed fall", DescribeStep,
      FulfilReservation)
      ->footer(kStepFooter);
  Add<StepOptions>(
      reservation, chosen, "release", "Give units back",
      [](CLI::App& command, StepOptions& options) {
        DescribeStep(command, options);
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      ReleaseReservation)
      ->footer(kStepFooter);
  Add<ReassignOptions>(
      reservation, chosen, "reassign", "Move a line to another location",
      [](CLI::App& command, ReassignOptions& options) {
        command.add_option("ID", options.reservation_id, "the reservation's id")->required();
        command.add_option("LINE", options.line_id, "the line's number; held or committed")
            ->required();
        command.add_option("--location", options.location_id,
                           "where to; without it the hub chooses another one");
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      ReassignLine);
  Add<FailPickOptions>(
      reservation, chosen, "fail-pick",
      "A picker did not find what a line asks for: correct the record, and decide about the line",
      [](CLI::App& command, FailPickOptions& options) {
        DescribeName(command, options.name);
        command.add_option("--line", options.line_id, "the line's number; committed or picked")
            ->required();
        AddChoice<v1::PickFailure>(command, "--failure", options.failure,
                                   "not there; another item in its place; or there and not salable")
            ->required();
        command.add_option("--found", options.found_units,
                           "good units that were found, 0 to the line's units less 1 (0)");
        AddChoice<v1::AfterFailedPick>(command, "--then", options.then,
                                       "what becomes of the missing units")
            ->capture_default_str();
        command.add_option("--location", options.location_id,
                           "reassign: where to; without it the hub chooses");
        AddReason(command, options.reason);
        AddAuthor(command, options.author);
      },
      FailPick);
}

}  // namespace

void AddReservations(CLI::App& app, Command* chosen) {
  CLI::App& reservation =
      AddGroup(app, "reservation", "Units held for customers, from the basket to the hand-over");
  AddBaskets(reservation, chosen);
  AddFulfilment(reservation, chosen);
  Add(reservation, chosen, "show", "Show one reservation", DescribeName, ShowReservation);
  Add<ListReservationsOptions>(
      reservation, chosen, "list",
      "List reservations, the oldest first; ended ones are kept for 30 days",
      [](CLI::App& command, ListReservationsOptions& options) {
        AddChoice<v1::ReservationState>(command, "--state", options.state, "only in this state");
        command.add_option("--sku", options.sku, "only with a line of this item, by SKU or alias");
        command.add_option("--location", options.location_id, "only with a line at this location");
      },
      ListReservations);
}

void AddShortages(CLI::App& check, Command* chosen) {
  Add<std::string>(
      check, chosen, "shortages",
      "List positions where more is promised than is there, and who waits for it",
      [](CLI::App& command, std::string& location_id) {
        command.add_option("--location", location_id, "only at this location");
      },
      CheckShortages);
}

void AddOrdersImport(CLI::App& import, Command* chosen) {
  Add<OrdersImportOptions>(
      import, chosen, "orders", "Take over open orders that were placed before the hub",
      [](CLI::App& command, OrdersImportOptions& options) {
        command.add_option("FILE", options.path, "the CSV file")->required();
        command.add_flag("--dry-run", options.dry_run, "let the hub check it and change nothing");
      },
      ImportOrders)
      ->footer(kOrderColumns);
}

}  // namespace onhand::cli
