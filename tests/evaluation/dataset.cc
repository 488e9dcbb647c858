#include "tests/evaluation/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "tests/evaluation/random.h"

namespace onhand::evaluation {
namespace {

constexpr int64_t kHour_s = 3600;
constexpr int64_t kDay_s = 24 * kHour_s;

struct Line {
  std::string store, sku;
  int64_t at_s = 0;
  int64_t value = 0;  // units sold, or the end of the interval
};

absl::StatusOr<int64_t> ParseLocal(absl::string_view text) {
  absl::CivilSecond civil;
  if (!absl::ParseCivilTime(text, &civil))
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no time"));
  return absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone()));
}

absl::StatusOr<Line> ParseLine(absl::string_view text, bool interval) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ',');
  if (fields.size() < 4) return absl::InvalidArgumentError("four fields expected");
  Line line{.store = std::string(fields[0]), .sku = std::string(fields[1])};
  auto at = ParseLocal(fields[2]);
  if (!at.ok()) return at.status();
  line.at_s = *at;
  if (interval) {
    auto to = ParseLocal(fields[3]);
    if (!to.ok()) return to.status();
    line.value = *to;
  } else if (!absl::SimpleAtoi(fields[3], &line.value) || line.value < 0) {
    return absl::InvalidArgumentError(absl::StrCat("'", fields[3], "' is no quantity"));
  }
  return line;
}

absl::StatusOr<std::vector<Line>> ReadLines(const std::string& path, bool interval) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::vector<Line> lines;
  absl::Status status;
  char buffer[1024];
  for (int number = 1; status.ok() && gzgets(file, buffer, sizeof buffer) != nullptr; ++number) {
    absl::string_view text = absl::StripTrailingAsciiWhitespace(buffer);
    if (number == 1 || text.empty()) continue;  // the header
    auto line = ParseLine(text, interval);
    if (line.ok()) {
      lines.push_back(*std::move(line));
    } else {
      status = absl::InvalidArgumentError(
          absl::StrCat(path, " line ", number, ": ", line.status().message()));
    }
  }
  gzclose(file);
  if (!status.ok()) return status;
  return lines;
}

std::vector<std::string> SortedNames(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

int IndexOf(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int>(std::lower_bound(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

absl::StatusOr<Dataset> LoadDataset(const std::string& sales_path,
                                    const std::string& stockouts_path) {
  auto sales = ReadLines(sales_path, false);
  if (!sales.ok()) return sales.status();
  auto stockouts = ReadLines(stockouts_path, true);
  if (!stockouts.ok()) return stockouts.status();
  if (sales->empty()) return absl::InvalidArgumentError(absl::StrCat(sales_path, ": no sales"));

  Dataset dataset;
  std::set<std::string> stores, skus;
  std::set<std::pair<std::string, std::string>> keys;
  int64_t first_s = sales->front().at_s, last_s = first_s;
  for (const Line& line : *sales) {
    stores.insert(line.store);
    skus.insert(line.sku);
    keys.insert({line.store, line.sku});
    first_s = std::min(first_s, line.at_s);
    last_s = std::max(last_s, line.at_s);
  }
  dataset.stores = SortedNames(stores);
  dataset.skus = SortedNames(skus);
  dataset.start_s = first_s / kDay_s * kDay_s;
  dataset.hours = static_cast<int>(last_s / kDay_s * kDay_s + kDay_s - dataset.start_s) / kHour_s;

  std::map<std::pair<std::string, std::string>, size_t> index;
  for (const auto& key : keys) {
    index[key] = dataset.positions.size();
    dataset.positions.push_back(
        {.store = IndexOf(dataset.stores, key.first), .sku = IndexOf(dataset.skus, key.second)});
  }
  dataset.sold.assign(dataset.positions.size() * dataset.hours, 0);
  dataset.out.assign(dataset.positions.size() * dataset.hours, 0);
  for (const Line& line : *sales) {
    const size_t row = index[{line.store, line.sku}] * dataset.hours;
    dataset.sold[row + (line.at_s - dataset.start_s) / kHour_s] += static_cast<int32_t>(line.value);
  }
  for (const Line& line : *stockouts) {
    const auto found = index.find({line.store, line.sku});
    if (found == index.end()) continue;
    const int64_t from = std::max<int64_t>(0, (line.at_s - dataset.start_s) / kHour_s);
    const int64_t to = std::min<int64_t>(dataset.hours, (line.value - dataset.start_s) / kHour_s);
    for (int64_t hour = from; hour < to; ++hour)
      dataset.out[found->second * dataset.hours + hour] = 1;
  }
  return dataset;
}

Dataset Thin(const Dataset& dataset, double keep, uint64_t seed) {
  Dataset thinned = dataset;
  if (keep >= 1) return thinned;
  Random random(seed);
  for (int32_t& sold : thinned.sold) {
    int32_t kept = 0;
    for (int32_t unit = 0; unit < sold; ++unit) kept += random.Chance(keep) ? 1 : 0;
    sold = kept;
  }
  return thinned;
}

Dataset FirstStores(const Dataset& dataset, int stores) {
  Dataset first = dataset;
  first.stores.resize(std::min<size_t>(stores, dataset.stores.size()));
  first.positions.clear();
  first.sold.clear();
  first.out.clear();
  for (size_t i = 0; i < dataset.positions.size(); ++i) {
    if (dataset.positions[i].store >= stores) continue;
    first.positions.push_back(dataset.positions[i]);
    const size_t from = i * dataset.hours, to = from + dataset.hours;
    first.sold.insert(first.sold.end(), dataset.sold.begin() + from, dataset.sold.begin() + to);
    first.out.insert(first.out.end(), dataset.out.begin() + from, dataset.out.begin() + to);
  }
  return first;
}

}  // namespace onhand::evaluation
