// Judges a closed snapshot and applies it in slices, so that people's requests go between. Judging
// writes nothing until its verdict; a restart judges again, and goes on applying where the last
// slice ended.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_
#define ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger.h"

namespace onhand::ledger {

// The work on one closed snapshot of one source and location. Owned by the sequencer, one thread;
// not persisted.
class SnapshotJob {
 public:
  static constexpr int kSliceRowsMax = 2'048;   // positions written a step
  static constexpr int kStepItemsMax = 16'384;  // items looked at a step

  // A snapshot that loses more than this share of the positions above zero is quarantined, if there
  // are enough.
  static constexpr double kLostShareMax = 0.30;
  static constexpr uint64_t kLostCheckedFrom = 20;

  explicit SnapshotJob(SourceLocation key) : key_(key) {}
  const SourceLocation& key() const { return key_; }

  // Does one step into the group, which must not hold unsettled rows of this snapshot; true when
  // all is done.
  bool Step(Group& group, const Ledger& ledger);

 private:
  void StepJudging(Group& group, const Ledger& ledger, const Staging& staging);
  bool StepApplying(Group& group, const Ledger& ledger, const Staging& staging);
  void Collect(const Staging& staging, const StagedRows* rows);

  SourceLocation key_;
  uint64_t sequence_ = 0;  // with the spool: which BEGIN the rest belongs to; 0: none collected yet
  uint32_t spool_ = 0;
  uint32_t repeated_item_ = 0;  // an item that was staged twice; 0: none
  absl::flat_hash_map<uint32_t, int32_t> quantities_;
  std::string judged_through_;
  uint64_t known_positions_ = 0;
  uint64_t lost_positions_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_
