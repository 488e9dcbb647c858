// What a website says today, as it exports it: a file of items and whether each is shown or can be
// bought. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_SITE_FILE_H_
#define ONHAND_CLIENTS_CLI_SITE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::cli {

// What the file's yes means: that the item is on the site, or that it can be bought there.
enum class SiteMeaning { kShown, kOrderable };

struct SiteRow {
  int line = 0;  // of the file, from 1
  std::string sku;
  std::string value;  // as it stands in the file
  bool yes = false;
};

struct SiteFile {
  std::string sku_column;
  std::string value_column;
  SiteMeaning meaning = SiteMeaning::kOrderable;
  std::vector<SiteRow> rows;  // a SKU once
};

// Titles to read instead of those that are commonly used so; empty: look for one. And what the
// values mean; empty: by the title.
struct SiteColumns {
  std::string sku;
  std::string value;
  std::string meaning;  // 'shown' or 'orderable'
};

// The rows of a file's bytes: encoding and delimiter are detected. INVALID_ARGUMENT lists lines
// that cannot be understood, with value and remedy; nothing is guessed and nothing left out.
absl::StatusOr<SiteFile> ReadSiteFile(absl::string_view bytes, const SiteColumns& columns);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_SITE_FILE_H_
