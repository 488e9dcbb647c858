// The columns of `onhand import`: a spreadsheet's rows become items and locations of the contract.
// Pure functions.
#ifndef ONHAND_CLIENTS_CLI_CATALOG_CSV_H_
#define ONHAND_CLIENTS_CLI_CATALOG_CSV_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "onhand/v1/catalog.pb.h"

namespace onhand::cli {

// What --help says about the columns.
extern const char kItemColumns[];
extern const char kLocationColumns[];

// What a file holds. If `errors` is not empty, nothing of the file should be sent; each error
// starts with its line.
template <typename Element>
struct Imported {
  std::vector<Element> elements;
  std::vector<int> lines;  // of each element
  std::vector<std::string> errors;
};

// A SKU given twice, and one alias given to two items, are errors that name both lines.
Imported<v1::Item> ReadItems(absl::string_view csv);

// A location id given twice is an error that names both lines.
Imported<v1::Location> ReadLocations(absl::string_view csv);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_CATALOG_CSV_H_
