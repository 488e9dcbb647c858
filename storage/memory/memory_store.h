// A store in memory, for tests: several stores on one MemoryDatabase are several hubs on one
// database. The database is shared and may be used by any thread; each store follows the rules of
// store.h.
#ifndef ONHAND_STORAGE_MEMORY_MEMORY_STORE_H_
#define ONHAND_STORAGE_MEMORY_MEMORY_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/store.h"

namespace onhand::storage {

// What a real database keeps on disk, and the accidents that tests stage. The members are public
// for tests.
struct MemoryDatabase {
  struct Block {
    uint32_t crc32c = 0;
    std::string bytes;
  };
  // How the next insert into the journal ends, once.
  enum class Accident { kNone, kLostBeforeCommit, kLostAfterCommit };

  absl::Mutex mutex;
  std::vector<int> applied_migrations ABSL_GUARDED_BY(mutex);
  std::string journal_id ABSL_GUARDED_BY(mutex);
  Accident next_insert ABSL_GUARDED_BY(mutex) = Accident::kNone;

  std::map<uint64_t, JournalRow> journal ABSL_GUARDED_BY(mutex);
  std::map<uint64_t, ImageHeader> images ABSL_GUARDED_BY(mutex);  // the sealed ones
  std::map<std::pair<uint64_t, uint32_t>, Block> blocks ABSL_GUARDED_BY(mutex);

  ProjectionHead head ABSL_GUARDED_BY(mutex);
  std::map<std::string, LocationRow> locations ABSL_GUARDED_BY(mutex);
  std::map<std::string, ItemRow> items ABSL_GUARDED_BY(mutex);
  std::map<std::string, RuleRow> rules ABSL_GUARDED_BY(mutex);
  std::map<std::pair<std::string, std::string>, StockRow> stock ABSL_GUARDED_BY(mutex);
  std::map<std::pair<std::string, uint32_t>, ReservationRow> reservations ABSL_GUARDED_BY(mutex);
  std::map<std::pair<uint64_t, uint32_t>, MovementRow> movements ABSL_GUARDED_BY(mutex);
  std::map<std::pair<uint64_t, uint32_t>, DisplayChangeRow> display_changes ABSL_GUARDED_BY(mutex);
  std::map<std::pair<uint64_t, uint32_t>, AuditRow> audits ABSL_GUARDED_BY(mutex);
};

std::unique_ptr<Store> NewMemoryStore(std::shared_ptr<MemoryDatabase> database);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_MEMORY_MEMORY_STORE_H_
