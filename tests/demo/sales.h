// What the customers of the demo buy: a real chain's hourly sales thinned to the pace of sporting
// goods, or generated ones of the same shape where the real ones are absent. Loaded once; constant
// afterwards.
#ifndef ONHAND_TESTS_DEMO_SALES_H_
#define ONHAND_TESTS_DEMO_SALES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace onhand::demo {

// Each unit of the real sales is kept with this chance, which makes about 0.3 units a day of every
// position out of 15. Two goods of the scenes are faster.
inline constexpr double kThinning = 0.02;

struct Sale {
  absl::Duration after;  // since the history's first moment; negative: before it
  size_t store = 0;      // of Stores()
  size_t good = 0;       // of Goods()
  int units = 0;
};

struct SalesHistory {
  std::string origin;  // for people
  absl::CivilSecond first_moment;
  absl::Duration length;
  std::vector<Sale> sales;  // in the order of `after`
  std::vector<Sale> past;   // of the 30 days before, likewise: the hub learns from them
};

// Reads `folder`/freshretail_sales.csv.gz, or generates sales if it is not there. Same seed, same
// sales. DATA_LOSS: the file is there but cannot be read.
absl::StatusOr<SalesHistory> LoadSales(const std::string& folder, uint64_t seed);

// Past sales as a till's export, for `onhand import sales`. `first_moment` is when the hub's clock
// says that the history begins.
std::string PastSalesCsv(const std::vector<Sale>& past, absl::Time first_moment);

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_SALES_H_
