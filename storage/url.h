// A store's URL, taken apart. Pure; any thread.
#ifndef ONHAND_STORAGE_URL_H_
#define ONHAND_STORAGE_URL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::storage {

struct StoreUrl {
  enum class Kind { kMemory, kSqlite, kMysql };
  struct Host {
    std::string name;
    uint16_t port = 0;
  };

  Kind kind = Kind::kMemory;
  std::string path;            // sqlite only
  std::string user, database;  // mysql only, as the next
  std::vector<Host> hosts;     // in the order in which they are tried
};

// Takes the forms that OpenStore lists. INVALID_ARGUMENT names the part that is wrong and shows a
// right URL.
absl::StatusOr<StoreUrl> ParseStoreUrl(absl::string_view url);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_URL_H_
