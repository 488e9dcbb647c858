// Reproduces the tables of the science with the product's own code: `./run evaluate`. The same
// inputs give the same bytes.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/evaluation/tables.h"

namespace onhand::evaluation {
namespace {

std::string DataFolder() {
  const char* folder = std::getenv("ONHAND_DATA");
  return folder != nullptr ? folder : "../shared/data";
}

int Main(int argc, char** argv) {
  CLI::App app("Measures the estimators on real sales and writes the tables as Markdown.");
  std::string sales = DataFolder() + "/freshretail_sales.csv.gz";
  std::string stockouts = DataFolder() + "/freshretail_stockouts.csv.gz";
  std::string table = "all";
  app.add_option("--sales", sales, "store,sku,timestamp,qty by the hour, CSV, plain or gzip")
      ->capture_default_str();
  app.add_option("--stockouts", stockouts, "store,sku,from,to of hours out of stock")
      ->capture_default_str();
  app.add_option("--table", table, "one table only")
      ->check(CLI::IsMember({"all", "rates", "calibration", "detection", "phantoms", "display"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto dataset = LoadDataset(sales, stockouts);
  if (!dataset.ok()) {
    std::cerr
        << "onhand-evaluate: " << dataset.status().message()
        << "\nName the files with --sales and --stockouts, or their folder with ONHAND_DATA.\n";
    return 1;
  }
  const std::vector<Speed> speeds = ThreeSpeeds(*dataset);
  std::cout
      << "# Evaluation\n\n"
      << dataset->stores.size() << " stores, " << dataset->skus.size() << " SKUs, "
      << dataset->positions.size() << " positions, " << dataset->days() << " days, judged from day "
      << kFirstTestDay << ". Intervals are 95 %, by resampling store-weeks.\n"
      << "Speeds: fast (as is), mid (units kept with chance 0.1), slow (0.02), fixed seeds.\n\n";
  const std::vector<
      std::pair<std::string, std::function<void(const std::vector<Speed>&, std::ostream&)>>>
      writers = {
          {"rates", WriteRateTable},          {"calibration", WriteCalibrationTable},
          {"detection", WriteDetectionTable}, {"phantoms", WritePhantomTable},
          {"display", WriteDisplayTable},
      };
  for (const auto& [name, write] : writers) {
    if (table != "all" && table != name) continue;
    write(speeds, std::cout);
    std::cout.flush();
  }
  return 0;
}

}  // namespace
}  // namespace onhand::evaluation

int main(int argc, char** argv) { return onhand::evaluation::Main(argc, argv); }
