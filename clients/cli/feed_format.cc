#include "clients/cli/feed_format.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "clients/cli/names.h"
#include "clients/cli/session.h"
#include "clients/cli/table.h"
#include "clients/files/csv.h"
#include "proto/schema_org.h"

namespace onhand::cli {
namespace {

// Google's local inventory, as of 2026-11 -------------------------------------------------------
// Attributes, their names and lengths: support.google.com/merchants/answer/14819809 (before:
// 3061342).

// Units from which an item has an availability: support.google.com/merchants/answer/13475891.
struct GoogleLevel {
  int units_min;
  const char* availability;
};
constexpr GoogleLevel kGoogleLevels[] = {{3, "in_stock"}, {1, "limited_availability"}};
constexpr char kGoogleNone[] = "out_of_stock";
constexpr char kGoogleOnDisplay[] = "on_display_to_order";

struct GoogleValue {
  const char* name;   // of the option's value
  const char* value;  // as Google writes it
};
// support.google.com/merchants/answer/14634021
constexpr GoogleValue kPickupMethods[] = {{"buy", "buy"},
                                          {"reserve", "reserve"},
                                          {"ship-to-store", "ship to store"},
                                          {"not-supported", "not supported"}};
// support.google.com/merchants/answer/14635400
constexpr GoogleValue kPickupSlas[] = {{"same-day", "same_day"}, {"next-day", "next_day"},
                                       {"2-day", "2-day"},       {"3-day", "3-day"},
                                       {"4-day", "4-day"},       {"5-day", "5-day"},
                                       {"6-day", "6-day"},       {"multi-week", "multi-week"}};

// What is told of an answer; the quantity counts only units that are there.
struct GoogleStock {
  const char* availability;
  int quantity;
};

GoogleStock GoogleStockOf(const FeedShape& shape, const v1::Availability& answer) {
  switch (answer.status()) {
    case v1::AVAILABILITY_STATUS_IN_STOCK:
    case v1::AVAILABILITY_STATUS_LOW_STOCK:
      for (const GoogleLevel& level : kGoogleLevels) {
        if (answer.max_quantity() >= level.units_min) {
          return {level.availability, answer.max_quantity()};
        }
      }
      return {kGoogleNone, 0};
    case v1::AVAILABILITY_STATUS_BACKORDER:
    case v1::AVAILABILITY_STATUS_KEEP_SELLING:
      return {shape.display_to_order ? kGoogleOnDisplay : kGoogleNone, 0};
    default:
      return {kGoogleNone, 0};
  }
}

std::string GoogleLine(const FeedShape& shape, absl::string_view location_id,
                       const v1::Availability& answer) {
  if (answer.status() == v1::AVAILABILITY_STATUS_HIDDEN && !shape.tells_hidden) return "";
  if (IsTooLongForGoogle(answer.sku())) return "";
  const GoogleStock stock = GoogleStockOf(shape, answer);
  std::string line =
      absl::StrCat(location_id, "\t", answer.sku(), "\t", stock.quantity, "\t", stock.availability);
  if (!shape.pickup_method.empty()) {
    absl::StrAppend(&line, "\t", shape.pickup_method, "\t", shape.pickup_sla);
  }
  return absl::StrCat(line, "\n");
}

// CSV --------------------------------------------------------------------------------------------

std::string Moment(bool is_known, const google::protobuf::Timestamp& moment) {
  if (!is_known) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(moment), absl::UTCTimeZone());
}

std::string CsvLine(absl::string_view location_id, const v1::Availability& answer) {
  return absl::StrCat(
      absl::StrJoin({files::QuoteCsvField(answer.sku()), files::QuoteCsvField(location_id),
                     NameOf(answer.status()), std::string(answer.orderable() ? "true" : "false"),
                     absl::StrCat(answer.max_quantity()),
                     Moment(answer.has_available_from(), answer.available_from()),
                     Moment(answer.has_known_through(), answer.known_through()),
                     std::string(SchemaOrgAvailability(answer.status()))},
                    ","),
      "\n");
}

std::vector<std::string> NamesIn(absl::Span<const GoogleValue> values) {
  std::vector<std::string> names;
  for (const GoogleValue& value : values) names.emplace_back(value.name);
  return names;
}

absl::StatusOr<std::string> ValueIn(absl::Span<const GoogleValue> values, absl::string_view option,
                                    absl::string_view name) {
  if (name.empty()) return "";
  const auto found = std::find_if(values.begin(), values.end(), [&](const GoogleValue& value) {
    return name == value.name || name == value.value;
  });
  if (found != values.end()) return std::string(found->value);
  return UsageError(option, name,
                    absl::StrCat("give one of ", absl::StrJoin(NamesIn(values), ", ")));
}

}  // namespace

absl::StatusOr<FeedFormat> FeedFormatOf(absl::string_view name) {
  if (name == "csv") return FeedFormat::kCsv;
  if (name == "google-local-inventory") return FeedFormat::kGoogleLocalInventory;
  return UsageError("--format", name, "give csv or google-local-inventory");
}

absl::StatusOr<std::string> PickupMethodOf(absl::string_view name) {
  return ValueIn(kPickupMethods, "--pickup-method", name);
}

absl::StatusOr<std::string> PickupSlaOf(absl::string_view name) {
  return ValueIn(kPickupSlas, "--pickup-sla", name);
}

std::vector<std::string> PickupMethodNames() { return NamesIn(kPickupMethods); }

std::vector<std::string> PickupSlaNames() { return NamesIn(kPickupSlas); }

std::string FeedTitles(const FeedShape& shape) {
  if (shape.format == FeedFormat::kCsv) {
    return "sku,location_id,status,orderable,max_quantity,available_from,known_through,"
           "schema_org_availability\n";
  }
  return absl::StrCat("store_code\tid\tquantity\tavailability",
                      shape.pickup_method.empty() ? "" : "\tpickup_method\tpickup_sla", "\n");
}

std::string FeedLine(const FeedShape& shape, absl::string_view location_id,
                     const v1::Availability& answer) {
  return shape.format == FeedFormat::kCsv ? CsvLine(location_id, answer)
                                          : GoogleLine(shape, location_id, answer);
}

bool IsTooLongForGoogle(absl::string_view sku) {
  return DisplayWidth(sku) > kGoogleIdCharactersMax;
}

}  // namespace onhand::cli
