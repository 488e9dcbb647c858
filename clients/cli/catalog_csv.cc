#include "clients/cli/catalog_csv.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "clients/cli/csv.h"
#include "clients/cli/names.h"
#include "clients/cli/opening_hours.h"
#include "clients/cli/session.h"

namespace onhand::cli {

const char kItemColumns[] = R"(The first line names the columns, in any order; only sku is required:
  sku          the item's SKU, taken as it is: case and spaces count
  name         its name
  aliases      other codes, ';' between them, '*units' behind a code that stands for a pack:
               4006381333931;4006381333948*12
  parent       SKU of the style that groups its sizes
  category     path such as footwear/running
  supply       reorderable (default), seasonal or ended
  supply_date  YYYY-MM-DD: seasonal, the end of deliveries; ended, since when
  published    yes (default) or no: counted, but hidden on every channel
An item that is known is replaced by its row. The file is UTF-8; fields are split by ',', ';' or tab.
Nothing is sent if a line cannot be read.)";

const char kLocationColumns[] =
    R"(The first line names the columns, in any order; location_id and time_zone are required:
  location_id  the location's id, taken as it is: case and spaces count
  name         its name
  time_zone    IANA name such as Europe/Madrid
  hours        'Mon-Fri 09:00-20:00; Sat 10:00-14:00, 16:00-20:00'; days left out are closed
  exceptions   '2025-12-24 09:00-14:00; 2025-12-25 closed'
  latitude     degrees north, -90 to 90
  longitude    degrees east, -180 to 180
  warehouse    yes or no (default): not visited by customers
A location that is known is replaced by its row; its state stays. The file is UTF-8; fields are split
by ',', ';' or tab. Nothing is sent if a line cannot be read.)";

namespace {

// What one column does with a field that is not empty. The error says what is wrong and how to
// write it.
template <typename Element>
using Setter = std::function<absl::Status(absl::string_view field, Element& element)>;

template <typename Element>
struct Columns {
  std::vector<std::pair<std::string, Setter<Element>>> setters;
  std::vector<std::string> required;
};

absl::Status Cannot(absl::string_view remedy) { return absl::InvalidArgumentError(remedy); }

// Identifiers are taken byte for byte; the hub checks the rest.
absl::Status CheckId(absl::string_view id) {
  if (id.size() > 64) return Cannot(absl::StrCat("has ", id.size(), " bytes; use at most 64"));
  const bool control = std::any_of(id.begin(), id.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return control ? Cannot("holds a control character; remove it") : absl::OkStatus();
}

absl::StatusOr<bool> ParseYes(absl::string_view field) {
  bool yes;
  if (absl::SimpleAtob(absl::StripAsciiWhitespace(field), &yes)) return yes;
  return Cannot("write yes or no");
}

// 'code' or 'code*units'; the last '*' counts and only before digits, since codes may hold one.
absl::Status AddAliases(absl::string_view field, v1::Item& item) {
  for (absl::string_view text : absl::StrSplit(field, ';', absl::SkipWhitespace())) {
    text = absl::StripAsciiWhitespace(text);
    v1::Alias& alias = *item.add_aliases();
    const size_t star = text.rfind('*');
    uint32_t units = 1;
    if (star != absl::string_view::npos && absl::SimpleAtoi(text.substr(star + 1), &units)) {
      if (units < 1 || units > 100'000) return Cannot("has a pack outside 1 to 100,000 units");
      text = text.substr(0, star);
    }
    if (text.empty()) return Cannot("has a pack without a code; write code*units");
    if (absl::Status status = CheckId(text); !status.ok()) return status;
    alias.set_code(std::string(text));
    alias.set_pack_factor(units);
  }
  return item.aliases_size() > 64 ? Cannot("has more than 64 codes") : absl::OkStatus();
}

absl::Status SetSupply(absl::string_view field, v1::Item& item) {
  const absl::StatusOr<v1::Supply> supply =
      ValueOf<v1::Supply>("supply", absl::StripAsciiWhitespace(field));
  if (!supply.ok()) return Cannot("write reorderable, seasonal or ended");
  item.set_supply(*supply);
  return absl::OkStatus();
}

absl::Status SetSupplyDate(absl::string_view field, v1::Item& item) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(absl::StripAsciiWhitespace(field), &day)) {
    return Cannot("write a date as YYYY-MM-DD");
  }
  *item.mutable_supply_date() = ToProto(absl::FromCivil(day, absl::UTCTimeZone()));
  return absl::OkStatus();
}

absl::Status SetPublished(absl::string_view field, v1::Item& item) {
  const absl::StatusOr<bool> yes = ParseYes(field);
  if (!yes.ok()) return yes.status();
  item.set_published(*yes);
  return absl::OkStatus();
}

absl::Status SetTimeZone(absl::string_view field, v1::Location& location) {
  absl::TimeZone zone;
  const std::string name(absl::StripAsciiWhitespace(field));
  if (!absl::LoadTimeZone(name, &zone)) {
    return Cannot("is no time zone known here; write an IANA name such as Europe/Madrid");
  }
  location.set_time_zone(name);
  return absl::OkStatus();
}

absl::Status SetHours(absl::string_view field, v1::Location& location) {
  const auto hours = ParseOpeningHours(field);
  if (!hours.ok()) return hours.status();
  for (const v1::OpeningHours& opening : *hours) *location.add_hours() = opening;
  return absl::OkStatus();
}

absl::Status SetExceptions(absl::string_view field, v1::Location& location) {
  const auto exceptions = ParseHoursExceptions(field);
  if (!exceptions.ok()) return exceptions.status();
  for (const v1::HoursException& exception : *exceptions) *location.add_exceptions() = exception;
  return absl::OkStatus();
}

absl::StatusOr<double> ParseDegrees(absl::string_view field, double bound) {
  double degrees;
  if (absl::SimpleAtod(field, &degrees) && degrees >= -bound && degrees <= bound) return degrees;
  return Cannot(absl::StrCat("write degrees from -", bound, " to ", bound, " with a point"));
}

absl::Status SetLatitude(absl::string_view field, v1::Location& location) {
  const absl::StatusOr<double> degrees = ParseDegrees(field, 90);
  if (!degrees.ok()) return degrees.status();
  location.set_latitude(*degrees);
  location.set_has_coordinates(true);
  return absl::OkStatus();
}

absl::Status SetLongitude(absl::string_view field, v1::Location& location) {
  const absl::StatusOr<double> degrees = ParseDegrees(field, 180);
  if (!degrees.ok()) return degrees.status();
  location.set_longitude(*degrees);
  location.set_has_coordinates(true);
  return absl::OkStatus();
}

absl::Status SetWarehouse(absl::string_view field, v1::Location& location) {
  const absl::StatusOr<bool> yes = ParseYes(field);
  if (!yes.ok()) return yes.status();
  location.set_warehouse(*yes);
  return absl::OkStatus();
}

template <typename Element>
Setter<Element> Text(void (*set)(Element&, std::string)) {
  return [set](absl::string_view field, Element& element) {
    if (field.size() > 255) return Cannot("is longer than 255 bytes; shorten it");
    set(element, std::string(field));
    return absl::OkStatus();
  };
}

template <typename Element>
Setter<Element> Id(void (*set)(Element&, std::string)) {
  return [set](absl::string_view field, Element& element) {
    set(element, std::string(field));
    return CheckId(field);
  };
}

Columns<v1::Item> ItemColumns() {
  return {{{"sku", Id<v1::Item>([](v1::Item& i, std::string s) { i.set_sku(s); })},
           {"name", Text<v1::Item>([](v1::Item& i, std::string s) { i.set_name(s); })},
           {"aliases", AddAliases},
           {"parent", Id<v1::Item>([](v1::Item& i, std::string s) { i.set_parent_sku(s); })},
           {"category", Text<v1::Item>([](v1::Item& i, std::string s) { i.set_category(s); })},
           {"supply", SetSupply},
           {"supply_date", SetSupplyDate},
           {"published", SetPublished}},
          {"sku"}};
}

Columns<v1::Location> LocationColumns() {
  using v1::Location;
  return {{{"location_id", Id<Location>([](Location& l, std::string s) { l.set_location_id(s); })},
           {"name", Text<Location>([](Location& l, std::string s) { l.set_name(s); })},
           {"time_zone", SetTimeZone},
           {"hours", SetHours},
           {"exceptions", SetExceptions},
           {"latitude", SetLatitude},
           {"longitude", SetLongitude},
           {"warehouse", SetWarehouse}},
          {"location_id", "time_zone"}};
}

// The setter of each column of the file, or an error that names a column that is unknown, doubled
// or missing.
template <typename Element>
absl::StatusOr<std::vector<Setter<Element>>> Resolve(const Columns<Element>& columns,
                                                     const std::vector<std::string>& titles) {
  const auto known = absl::StrJoin(columns.setters, ", ", [](std::string* out, const auto& column) {
    absl::StrAppend(out, column.first);
  });
  std::vector<Setter<Element>> setters;
  for (const std::string& title : titles) {
    const auto it = std::find_if(columns.setters.begin(), columns.setters.end(),
                                 [&](const auto& column) { return column.first == title; });
    if (it == columns.setters.end()) {
      return Cannot(absl::StrCat("line 1: column '", title, "' is unknown; use ", known));
    }
    if (std::count(titles.begin(), titles.end(), title) > 1) {
      return Cannot(absl::StrCat("line 1: column '", title, "' stands twice; keep one"));
    }
    setters.push_back(it->second);
  }
  for (const std::string& required : columns.required) {
    if (std::find(titles.begin(), titles.end(), required) == titles.end()) {
      return Cannot(absl::StrCat("line 1: column '", required, "' is missing; use ", known));
    }
  }
  return setters;
}

template <typename Element>
Imported<Element> Read(absl::string_view csv, const Columns<Element>& columns,
                       const Element& defaults) {
  Imported<Element> imported;
  const absl::StatusOr<CsvFile> file = ParseCsv(csv);
  if (!file.ok()) {
    imported.errors.emplace_back(file.status().message());
    return imported;
  }
  const auto setters = Resolve(columns, file->titles);
  if (!setters.ok()) {
    imported.errors.emplace_back(setters.status().message());
    return imported;
  }
  for (const CsvRow& row : file->rows) {
    Element element = defaults;
    for (size_t i = 0; i < row.fields.size(); ++i) {
      const std::string& field = row.fields[i];
      const std::string& title = file->titles[i];
      const bool required = absl::c_linear_search(columns.required, title);
      if (field.empty() && !required) continue;
      absl::Status status =
          field.empty() ? Cannot("must not be empty") : (*setters)[i](field, element);
      if (!status.ok()) {
        imported.errors.push_back(absl::StrCat("line ", row.line, ": ", title, " '", field,
                                               "': ", std::string(status.message())));
      }
    }
    imported.elements.push_back(std::move(element));
    imported.lines.push_back(row.line);
  }
  return imported;
}

// Remembers the line of each id; a second one is an error.
class Seen {
 public:
  explicit Seen(absl::string_view what) : what_(what) {}

  void Add(const std::string& id, int line, std::vector<std::string>* errors) {
    const auto [it, is_new] = line_of_.emplace(id, line);
    if (is_new) return;
    errors->push_back(absl::StrCat("line ", line, ": ", what_, " '", id, "' stands in line ",
                                   it->second, " too; keep one"));
  }

 private:
  const std::string what_;
  absl::flat_hash_map<std::string, int> line_of_;
};

}  // namespace

Imported<v1::Item> ReadItems(absl::string_view csv) {
  v1::Item defaults;
  defaults.set_published(true);
  Imported<v1::Item> items = Read(csv, ItemColumns(), defaults);
  Seen skus("sku");
  Seen aliases("alias");
  for (size_t i = 0; i < items.elements.size(); ++i) {
    if (items.elements[i].sku().empty()) continue;
    skus.Add(items.elements[i].sku(), items.lines[i], &items.errors);
    for (const v1::Alias& alias : items.elements[i].aliases()) {
      aliases.Add(alias.code(), items.lines[i], &items.errors);
    }
  }
  return items;
}

Imported<v1::Location> ReadLocations(absl::string_view csv) {
  Imported<v1::Location> locations = Read(csv, LocationColumns(), v1::Location());
  Seen ids("location_id");
  for (size_t i = 0; i < locations.elements.size(); ++i) {
    const std::string& id = locations.elements[i].location_id();
    if (!id.empty()) ids.Add(id, locations.lines[i], &locations.errors);
  }
  return locations;
}

}  // namespace onhand::cli
