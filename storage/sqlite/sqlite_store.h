// The embedded store: journal and images in one SQLite file, the plain tables in a second one
// beside it, so that a large commit of tables never delays a journal row. Follows the threading
// rules of store.h.
#ifndef ONHAND_STORAGE_SQLITE_SQLITE_STORE_H_
#define ONHAND_STORAGE_SQLITE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace onhand::storage {

// Opens or creates PATH and PATH-tables. FAILED_PRECONDITION names the file that cannot be used.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_SQLITE_SQLITE_STORE_H_
