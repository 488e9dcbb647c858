// Backups: a store's images and journal in one file that any backend takes back. The format is
// specified in proto/onhand/journal/v1/backup.proto. Used by the commands of onhandd; one thread.
#ifndef ONHAND_SERVER_BACKUP_BACKUP_H_
#define ONHAND_SERVER_BACKUP_BACKUP_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/ledger/ledger.h"
#include "storage/store.h"

namespace onhand::backup {

// What is in a backup.
struct Summary {
  std::string version;     // of the program that wrote it
  std::string journal_id;  // of the journal that it is of
  uint64_t revision = 0;   // the last one in it
  uint64_t images = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // of the file
};

// Writes all that is durable when this begins to `path`, which only its owner may read and which is
// there only when it is whole. A hub may serve the store meanwhile: nothing waits for the backup,
// which begins anew, a few times, when the hub drops what it still needed.
// ALREADY_EXISTS if there is such a file; FAILED_PRECONDITION if the store's schema is not this
// program's or there is nothing in it; errors of the store and of the disk.
absl::StatusOr<Summary> Write(storage::Store& store, const std::string& version,
                              const std::string& path);

// Reads the whole file and checks every byte. NOT_FOUND or PERMISSION_DENIED; DATA_LOSS if it is
// damaged or not whole; FAILED_PRECONDITION if a newer program wrote it.
absl::StatusOr<Summary> Check(const std::string& path);

// Checks the file, fills the store, gives the journal a new id, and replays it to prove that a hub
// can start. The store is migrated if it is empty; FAILED_PRECONDITION if it holds anything.
// Whatever goes wrong after the first byte was written, no hub serves the store: it must be emptied
// first.
absl::StatusOr<Summary> Restore(const std::string& path, const ledger::Settings& settings,
                                storage::Store& store);

}  // namespace onhand::backup

#endif  // ONHAND_SERVER_BACKUP_BACKUP_H_
