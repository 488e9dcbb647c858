// The commands of onhandd that run while no hub does, or beside it: each does its work on main's
// thread and answers with the exit code of serve.h.
#ifndef ONHAND_SERVER_MAINTAIN_H_
#define ONHAND_SERVER_MAINTAIN_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/store.h"

namespace onhand {

struct StoreConfig {
  std::string url;
  std::string password_file;  // empty: no password
};

// What can be wrong with the flags, without opening anything. INVALID_ARGUMENT.
absl::Status CheckStore(const StoreConfig& config);
// Opens what the flags say. INVALID_ARGUMENT: a URL that is none, a file that cannot be read.
absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const StoreConfig& config);

// Brings the store's schema to this program's.
int Migrate(const StoreConfig& store);
// Replays the journal from the older image and compares the result with the newer one, byte for
// byte.
int Verify(const StoreConfig& store);
// Writes all that is in the store to a file; a hub may serve it meanwhile.
int Backup(const StoreConfig& store, const std::string& to);
// Fills an empty store from such a file.
int Restore(const StoreConfig& store, const std::string& from);
// Takes a new image, drops the rows that the older one makes needless, and gives their room back. A
// hub that serves the store is refused first (SQLite), or steps down (others).
int Compact(const StoreConfig& store);

// Logs why, and the exit code for it.
int Fail(const absl::Status& status);

}  // namespace onhand

#endif  // ONHAND_SERVER_MAINTAIN_H_
