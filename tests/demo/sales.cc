#include "tests/demo/sales.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

// The demo begins on a Saturday at opening time, a month after the first of the real sales.
const absl::CivilSecond kFirstMoment(2024, 4, 27, 9, 0, 0);

constexpr double kGrowingThinning = 0.2;

// The chance with which a unit of the real sales is kept.
double ChanceOf(size_t good) {
  const std::string& sku = Goods()[good].sku;
  return sku == kVanishedSku ? 1 : sku == kGrowingSku ? kGrowingThinning : kThinning;
}

struct RealRow {
  int store = 0;
  int sku = 0;
  absl::CivilSecond hour;
  int quantity = 0;
};

struct CloseGz {
  void operator()(gzFile file) const { gzclose(file); }
};

absl::StatusOr<std::vector<RealRow>> ReadRows(const std::string& path) {
  const std::unique_ptr<gzFile_s, CloseGz> file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) return absl::DataLossError(absl::StrCat("cannot read ", path));
  std::vector<RealRow> rows;
  char line[256];
  gzgets(file.get(), line, sizeof line);  // the header
  while (gzgets(file.get(), line, sizeof line) != nullptr) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(absl::string_view(line), absl::ByAnyChar(",\r\n"));
    RealRow row;
    if (fields.size() < 4 || !absl::SimpleAtoi(fields[0], &row.store) ||
        !absl::SimpleAtoi(fields[1], &row.sku) || !absl::ParseCivilTime(fields[2], &row.hour) ||
        !absl::SimpleAtoi(fields[3], &row.quantity)) {
      return absl::DataLossError(absl::StrCat(path, " holds a line that is no sale: ", line));
    }
    rows.push_back(row);
  }
  return rows;
}

// Spreads the units of an hour over it, one customer each.
void AddHour(const absl::CivilSecond& hour, size_t store, size_t good, int units,
             std::mt19937_64& random, SalesHistory& history) {
  std::uniform_int_distribution<int> second(0, 3599);
  std::vector<Sale>& sales = hour < kFirstMoment ? history.past : history.sales;
  for (int unit = 0; unit < units; ++unit) {
    const absl::Duration after = absl::Seconds(hour - kFirstMoment + second(random));
    sales.push_back({after, store, good, 1});
  }
}

size_t PlaceOf(const std::set<int>& ids, int id) {
  return static_cast<size_t>(std::distance(ids.begin(), ids.find(id)));
}

SalesHistory Thin(const std::vector<RealRow>& rows, uint64_t seed) {
  std::set<int> stores;
  std::set<int> skus;
  absl::CivilSecond last = kFirstMoment;
  for (const RealRow& row : rows) {
    stores.insert(row.store);
    skus.insert(row.sku);
    last = std::max(last, row.hour);
  }
  std::mt19937_64 random(seed);
  SalesHistory history;
  history.origin = absl::StrCat("FreshRetailNet-50K, each unit kept with a chance of ", kThinning,
                                " (of two goods 0.2 and 1), seed ", seed);
  history.length = absl::Seconds(last - kFirstMoment) + absl::Hours(1);
  for (const RealRow& row : rows) {
    const size_t store = PlaceOf(stores, row.store);
    const size_t good = PlaceOf(skus, row.sku);
    if (store >= Stores().size() || good >= Goods().size()) continue;
    std::binomial_distribution<int> kept(row.quantity, ChanceOf(good));
    AddHour(row.hour, store, good, kept(random), random, history);
  }
  return history;
}

// The same shape: every position has its own pace (gamma, mean 0.29 a day), the hours of the day
// share one profile.
SalesHistory Generate(uint64_t seed) {
  // Share of a day's sales in each hour from midnight, in thousandths, as in the real sales.
  constexpr int kProfile[24] = {8,  4,  3,  2,  3,  13, 34, 63, 91, 103, 93, 66,
                                50, 47, 56, 72, 75, 57, 37, 27, 20, 14,  10, 6};
  constexpr int kDays = 60;
  constexpr int kPastDays = 30;
  constexpr double kUnitsADay = 0.29;
  constexpr double kUnitsADayOfFast = 8;
  std::mt19937_64 random(seed);
  SalesHistory history;
  history.origin = absl::StrCat("generated, seed ", seed);
  history.length = absl::Hours(24 * kDays);
  std::gamma_distribution<double> pace(1.5, kUnitsADay / 1.5);
  for (size_t store = 0; store < Stores().size(); ++store) {
    for (size_t good = 0; good < Goods().size(); ++good) {
      const double units_a_day = Goods()[good].sku == kVanishedSku
                                     ? kUnitsADayOfFast
                                     : pace(random) * ChanceOf(good) / kThinning;
      for (int i = -24 * kPastDays; i < 24 * kDays; ++i) {
        const absl::CivilSecond hour = kFirstMoment + int64_t{3600} * i;
        const double mean = units_a_day * kProfile[hour.hour()] / 1000;
        std::poisson_distribution<int> units(mean);
        AddHour(hour, store, good, units(random), random, history);
      }
    }
  }
  return history;
}

}  // namespace

absl::StatusOr<SalesHistory> LoadSales(const std::string& folder, uint64_t seed) {
  const std::string path = absl::StrCat(folder, "/freshretail_sales.csv.gz");
  SalesHistory history;
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    const absl::StatusOr<std::vector<RealRow>> rows = ReadRows(path);
    if (!rows.ok()) return rows.status();
    history = Thin(*rows, seed);
  } else {
    history = Generate(seed);
  }
  history.first_moment = kFirstMoment;
  const auto earlier = [](const Sale& a, const Sale& b) { return a.after < b.after; };
  std::stable_sort(history.sales.begin(), history.sales.end(), earlier);
  std::stable_sort(history.past.begin(), history.past.end(), earlier);
  return history;
}

std::string PastSalesCsv(const std::vector<Sale>& past, absl::Time first_moment) {
  std::string csv = "store,barcode,units,sold_at\n";
  for (const Sale& sale : past) {
    absl::StrAppend(
        &csv, Stores()[sale.store].id, ",", Goods()[sale.good].barcode, ",", sale.units, ",",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", first_moment + sale.after, absl::UTCTimeZone()),
        "\n");
  }
  return csv;
}

}  // namespace onhand::demo
