#include "clients/cli/sales_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/csv.h"
#include "clients/cli/session.h"

namespace onhand::cli {
namespace {

absl::TimeZone ZoneOf(const FilePlaces& places, const std::string& location_id) {
  const auto own = places.zones.find(location_id);
  return own == places.zones.end() ? places.zone : own->second;
}

absl::StatusOr<files::ExportFile> Load(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  struct stat info = {};
  const bool is_known = stat(path.c_str(), &info) == 0;
  return files::ExportFile{std::filesystem::path(path).filename().string(), *std::move(bytes),
                           is_known ? absl::TimeFromTimespec(info.st_mtim) : absl::UnixEpoch()};
}

// The zones that the file's rows may need, each once, the likeliest first.
std::vector<absl::TimeZone> DistinctZones(const FilePlaces& places) {
  std::vector<absl::TimeZone> zones;
  const auto add = [&](absl::TimeZone zone) {
    const bool is_known = std::any_of(zones.begin(), zones.end(), [&](absl::TimeZone known) {
      return known.name() == zone.name();
    });
    if (!is_known) zones.push_back(zone);
  };
  if (!places.location_id.empty()) add(ZoneOf(places, places.location_id));
  for (const auto& [location_id, zone] : places.zones) add(zone);
  add(places.zone);
  return zones;
}

bool AllAtMidnight(const SalesFile& file, const FilePlaces& places) {
  return std::all_of(file.sales.begin(), file.sales.end(), [&](const v1::PastSale& sale) {
    const absl::TimeZone zone = ZoneOf(places, sale.location_id());
    const absl::CivilSecond local = absl::ToCivilSecond(FromProto(sale.sold_at()), zone);
    return local.hour() == 0 && local.minute() == 0 && local.second() == 0;
  });
}

// A date without a time is read as the last second of that day.
bool IsWholeDay(const files::ReadRow& row, absl::TimeZone zone) {
  const absl::CivilSecond local =
      absl::ToCivilSecond(absl::FromUnixMicros(row.movement.occurred_at_us()), zone);
  return local.hour() == 23 && local.minute() == 59 && local.second() == 59;
}

}  // namespace

absl::StatusOr<files::Export> ReadExportOf(const std::string& path, const files::Mapping& mapping,
                                           const FilePlaces& places) {
  const absl::StatusOr<files::ExportFile> file = Load(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<files::Export> all = absl::UnknownError("no time zone");
  size_t zones_read = 0;
  for (const absl::TimeZone& zone : DistinctZones(places)) {
    files::Mapping local = mapping;
    local.moments.zone = zone;
    absl::StatusOr<files::Export> part = files::ReadExport(*file, local, {places.location_id, {}});
    if (!part.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "': ", std::string(part.status().message())));
    }
    const size_t elsewhere = std::erase_if(part->rows, [&](const files::ReadRow& row) {
      return ZoneOf(places, row.movement.location_id()).name() != zone.name();
    });
    if (++zones_read == 1) {
      all = *std::move(part);
    } else {
      std::move(part->rows.begin(), part->rows.end(), std::back_inserter(all->rows));
    }
    if (elsewhere == 0) break;
  }
  if (zones_read > 1) {
    std::stable_sort(all->rows.begin(), all->rows.end(),
                     [](const auto& a, const auto& b) { return a.record < b.record; });
  }
  const bool knows_locations =
      all->layout.Has(files::Field::kLocation) || !places.location_id.empty();
  if (!knows_locations) {
    return UsageError("--location", "",
                      absl::StrCat("'", path,
                                   "' has no column with locations; say with --location "
                                   "whose it is"));
  }
  return all;
}

absl::StatusOr<SalesFile> ReadSales(const std::string& path, files::Mapping mapping,
                                    const FilePlaces& places) {
  if (mapping.kind == v1::MOVEMENT_KIND_UNSPECIFIED) mapping.kind = v1::MOVEMENT_KIND_SALE;
  absl::StatusOr<files::Export> read = ReadExportOf(path, mapping, places);
  if (!read.ok()) return read.status();
  const bool has_moments =
      read->layout.Has(files::Field::kOccurredAt) || read->layout.Has(files::Field::kDate);
  if (!has_moments) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path,
                     "': no column says when units were sold; name one sold_at or date, or name it "
                     "under \"columns\" in a mapping"));
  }
  SalesFile file;
  file.rejected = std::move(read->rejected);
  for (const files::ReadRow& row : read->rows) {
    const v1::Movement& movement = row.movement;
    if (movement.kind() != v1::MOVEMENT_KIND_SALE) continue;
    v1::PastSale& sale = file.sales.emplace_back();
    sale.set_sku(movement.sku());
    sale.set_location_id(movement.location_id());
    *sale.mutable_sold_at() = ToProto(absl::FromUnixMicros(movement.occurred_at_us()));
    sale.set_units(movement.quantity());
    sale.set_whole_day(IsWholeDay(row, ZoneOf(places, movement.location_id())));
    file.lines.push_back(row.line);
  }
  if (AllAtMidnight(file, places)) {
    for (v1::PastSale& sale : file.sales) sale.set_whole_day(true);
  }
  return file;
}

}  // namespace onhand::cli
