// Hourly sales and labelled out-of-stock hours of a chain as dense grids, read from the CSV files
// described in the data folder's README. Owned by main; read-only once loaded, so any thread may
// read.
#ifndef ONHAND_TESTS_EVALUATION_DATASET_H_
#define ONHAND_TESTS_EVALUATION_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace onhand::evaluation {

// One item at one store, by index into Dataset's names.
struct Position {
  int store = 0;
  int sku = 0;
};

struct Dataset {
  std::vector<std::string> stores;  // in byte order, like skus
  std::vector<std::string> skus;
  std::vector<Position> positions;  // by store, then sku
  int64_t start_s = 0;              // local midnight of the first day, as if it were UTC
  int hours = 0;                    // whole days
  std::vector<int32_t> sold;        // position * hours + hour
  std::vector<uint8_t>
      out;  // 1: labelled out of stock, or before the position's first sign of life

  int days() const { return hours / 24; }
  int32_t Sold(int position, int hour) const {
    return sold[static_cast<size_t>(position) * hours + hour];
  }
  bool Out(int position, int hour) const {
    return out[static_cast<size_t>(position) * hours + hour] != 0;
  }
};

// Reads `store,sku,timestamp,qty` and `store,sku,from,to`, plain or gzip. Failures name the file
// and the line.
absl::StatusOr<Dataset> LoadDataset(const std::string& sales_path,
                                    const std::string& stockouts_path);

// Each unit kept with this probability; the same seed keeps the same units.
Dataset Thin(const Dataset& dataset, double keep, uint64_t seed);

// The first so many stores only.
Dataset FirstStores(const Dataset& dataset, int stores);

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_DATASET_H_
