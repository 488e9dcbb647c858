// Keeps the plain tables for people behind the journal: a thread of its own tails the journal on a
// connection of its own, coalesces what many rows touched, reads the current values from the ledger
// in short slices, and writes them, at a lower priority than the hub's other threads (on Linux).
// Owned by main beside the hub that leads; destroyed before it.
// The thread is the only user of Store::projection().
#ifndef ONHAND_SERVER_HUB_PROJECTION_H_
#define ONHAND_SERVER_HUB_PROJECTION_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/hub/projection_facts.h"
#include "server/ledger/ledger.h"
#include "storage/store.h"

namespace onhand::hub {

// How far the tables are. Made by main before the hub, because the hub's compaction asks it. Any
// thread.
struct ProjectionProgress {
  std::atomic<uint64_t> through_revision{0};            // every table but movement
  std::atomic<uint64_t> movements_through_revision{0};  // the table movement
  std::atomic<uint64_t> revisions_behind{0};            // of the later of the two
  std::atomic<int64_t> behind_us{0};                    // ledger time that the tables lack
  std::atomic<uint64_t> errors{0};                      // attempts that failed

  // Rows of the journal above this are still needed.
  uint64_t ProjectedThrough() const {
    return std::min(through_revision.load(), movements_through_revision.load());
  }
};

class Projector {
 public:
  struct Options {
    // Between two looks at the journal, unless one found rows_max or CatchUp waits. The tables lag
    // by about this much; a longer one coalesces more.
    absl::Duration period = absl::Milliseconds(200);
    absl::Duration pause_after_error = absl::Seconds(1);
    absl::Duration movements_kept =
        absl::Hours(24 * 90);   // by the ledger's time, since they occurred
    size_t rows_max = 100'000;  // of one write; bounds the memory too
  };
  // The ledger that the tables follow.
  struct View {
    // Calls its argument while nothing is applied (Hub::Read).
    std::function<void(absl::FunctionRef<void(const ledger::Ledger&)>)> read;
    // The last revision that is applied whole (Hub::revision).
    std::function<uint64_t()> revision;
  };

  // `epoch` is the hub's own. `store`, `progress` and what `view` asks outlive the projector.
  // Starts the thread.
  Projector(storage::Store* store, uint64_t epoch, View view, ProjectionProgress* progress,
            Options options);
  // Stops after the write under way; the tables catch up at the next start.
  ~Projector();

  // Any thread: waits until the tables hold everything that is applied now, without waiting for the
  // period. The status that ended the projector, if it ended.
  absl::Status CatchUp();
  // Any thread. OK, or why the last attempt failed (it goes on trying), or FAILED_PRECONDITION if
  // it has stopped for good: another hub leads (FENCED), or a newer program wrote the journal.
  absl::Status status() const;

 private:
  void Run();
  // Writes what was there when it began, and goes on only while it finds rows_max: it is behind
  // then.
  absl::Status Follow();
  absl::Status Open();
  // Takes rows into facts_ until the revision that is applied or the bound; the last one's place.
  absl::Status ReadRows(ProjectedFacts::RowPlace* last);
  // Movements on a thread of their own beside the other tables: each waits for its own syncs.
  absl::Status WriteFacts(const ProjectedFacts::RowPlace& last);
  absl::Status WriteMovements(uint64_t through_revision, std::vector<storage::MovementRow> rows);
  // The journal no longer holds what the tables lack: writes every row of them as the ledger says
  // it.
  absl::Status RewriteTables();
  absl::Status DropOldMovements();

  void FillBatch(storage::ProjectionBatch& batch);
  void FillMovements(std::vector<storage::MovementRow>& rows);
  void FillRules(storage::ProjectionBatch& batch);
  void ShowProgress(const ProjectedFacts::RowPlace* last);
  bool stopping() const;

  storage::Store* const store_;
  const uint64_t epoch_;
  const View view_;
  ProjectionProgress* const progress_;
  const Options options_;

  // The thread's own.
  std::unique_ptr<storage::Journal> journal_;  // null until opened and after an error
  uint64_t through_ = 0;
  uint64_t movements_through_ = 0;
  int64_t next_drop_us_ = 0;
  ProjectedFacts facts_;
  // Rules as they were written last: an ended rule keeps its definition in the table, but not in
  // the ledger.
  absl::flat_hash_map<std::string, storage::RuleRow> rules_;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // CatchUp waits for this revision
  absl::Status status_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_PROJECTION_H_
