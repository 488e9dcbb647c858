// The only writer: takes what waits, lets the ledger decide it as one group, appends the group to
// the journal, applies it, and answers. While one group is being made durable the next one gathers;
// nobody waits for a timer. Owned by the hub. Submit* may be called from any thread; everything
// else happens on the sequencer's own thread, but for answers while more waits (answers.h).
#ifndef ONHAND_SERVER_HUB_SEQUENCER_H_
#define ONHAND_SERVER_HUB_SEQUENCER_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/hub/answers.h"
#include "server/hub/hub.h"
#include "server/hub/image.h"
#include "server/ledger/decide_snapshot.h"
#include "server/ledger/display.h"
#include "server/ledger/learner.h"
#include "server/ledger/supply_comes.h"
#include "storage/store.h"

namespace onhand::hub {

class Sequencer {
 public:
  using Finish = Answers::Finish;
  // Decides into the group and returns what to call afterwards.
  struct Operation {
    std::function<Finish(ledger::Group&)> decide;
    // It reads the committed rules: not in a group that changes them.
    bool reads_rules = false;
  };

  // `hub` outlives the sequencer; its ledger stands at `head`.
  Sequencer(Hub* hub, ImageWriter* image_writer, const storage::JournalHead& head, uint64_t epoch,
            uint64_t writer);
  ~Sequencer();

  // Makes the epoch's first row durable, then starts the thread. Errors as Hub::Start.
  absl::Status Start();
  // Finishes what waits, then ends the thread. Idempotent.
  void Stop();

  // People and websites. Refused at once when the queue is full, the hub stops, or the database is
  // away.
  void Submit(Operation operation, std::function<void(absl::Status)> refused);
  void SubmitReport(ReportWrite report);

  absl::Status health() const;
  void set_on_applied(Hub::OnApplied on_applied);
  // The last appended row. Only while the thread does not run.
  const storage::JournalHead& head() const { return head_; }

 private:
  // How much of what nobody waits for goes into one group; and of reports, of which one always
  // goes. The next person or website waits for all of it.
  struct Share {
    int display_items;
    int snapshot_rows;
    int learned_positions;
    size_t report_bytes;
  };
  static const Share kWhole;
  static const Share kBesidePeople;

  // What one turn of the loop takes out of the queues.
  struct Taken {
    std::vector<Operation> operations;
    std::vector<ReportWrite> reports;
    const Share* share = &kWhole;  // null: all but the operations waits for the next turn
  };

  void Run();
  bool WaitForWork();
  // Whether a report may be taken now: always, unless reports are slowed and one went just before.
  bool ReportsMayGo() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasInnerWork(int64_t now_us);
  bool TickIsDue(int64_t now_us) const;
  // Whether a snapshot of the source is being judged or applied.
  bool SnapshotUnderWay(uint32_t source) const;
  // Unless `all`, what a source sends behind a whole snapshot waits until that is decided: a source
  // that catches up tells several in a row, and the next one's BEGIN would end the one before.
  Taken Take(bool all);
  // Operations from `first` on did not fit into the group, or read rules that it changes: they go
  // first next time.
  void PutBack(std::vector<Operation>& operations, size_t first);
  bool MoreWaits() const;
  void Turn(Taken taken, int64_t now_us);
  void DecideInner(ledger::Group& group, const Share& share);
  void StepSnapshots(ledger::Group& group, int rows_max);
  Finish DecideReport(ledger::Group& group, ReportWrite report);
  absl::Status Commit(ledger::Group& group, const ledger::RowMoment& moment,
                      std::vector<Finish>& finishes);
  storage::AppendOutcome AppendUntilKnown(const storage::JournalRow& row,
                                          std::vector<Finish>& finishes);
  void Apply(const ledger::RowMoment& moment, const ledger::journal::Record& record);
  void StepDown(const absl::Status& why);
  absl::Status WhyNotNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NowUs() const;

  Hub* const hub_;
  ImageWriter* const image_writer_;
  const uint64_t epoch_;
  const uint64_t writer_;

  // The sequencer's thread only.
  storage::JournalHead head_;
  std::chrono::steady_clock::time_point last_row_at_;
  ledger::DisplayEvaluator display_;
  ledger::Learner learner_;
  ledger::SupplyComes supply_;
  std::map<ledger::SourceLocation, ledger::SnapshotJob> snapshot_jobs_;
  ledger::SourceLocation last_job_{};  // so that snapshots take turns
  Answers answers_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Operation> operations_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint32_t, std::deque<ReportWrite>> reports_
      ABSL_GUARDED_BY(mutex_);  // by source
  std::deque<uint32_t> turns_
      ABSL_GUARDED_BY(mutex_);  // sources with reports, in the order of their turns
  std::chrono::steady_clock::time_point next_slowed_report_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point last_operation_ ABSL_GUARDED_BY(mutex_);
  bool last_turn_was_peoples_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool database_away_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);

  // Of its own: callers of Submit do not wait for whoever listens.
  std::mutex listener_mutex_;
  Hub::OnApplied on_applied_ ABSL_GUARDED_BY(listener_mutex_);

  std::thread thread_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_SEQUENCER_H_
