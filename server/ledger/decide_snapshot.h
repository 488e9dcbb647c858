// Judges a closed snapshot and applies it in slices, so that people's requests go between. Judging
// writes nothing until its verdict; a restart judges again, and goes on applying where the last
// slice ended.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_
#define ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger.h"
#include "server/ledger/unseen_sales.h"

namespace onhand::ledger {

// The work on one closed snapshot of one source and location. Owned by the sequencer, one thread;
// not persisted.
class SnapshotJob {
 public:
  static constexpr int kSliceRowsMax = 2'048;  // positions compared or written a step
  static constexpr int kItemsARow = 8;         // so many items at most are looked at for each

  // A snapshot that takes more than this share of the positions above zero to zero, or that falls
  // further than sales explain once in 1,000 times (unseen_sales.h) on more than this share, is
  // quarantined, if there are enough. Falls are those of the source's own numbers since its
  // previous LEVEL, net of what is known; where too little is known of how fast things sell, they
  // are none.
  static constexpr double kLostShareMax = 0.30;
  static constexpr uint64_t kLostCheckedFrom = 20;

  explicit SnapshotJob(SourceLocation key) : key_(key) {}
  const SourceLocation& key() const { return key_; }

  // Does one step of at most so many rows into the group, which must not hold unsettled rows of
  // this snapshot; true when all is done.
  bool Step(Group& group, const Ledger& ledger, int rows_max = kSliceRowsMax);

 private:
  void StepJudging(Group& group, const Ledger& ledger, const Staging& staging, int rows_max);
  bool StepApplying(Group& group, const Ledger& ledger, const Staging& staging, int rows_max);
  // How many units the snapshot holds of an item; nullopt: it says nothing of it.
  std::optional<int32_t> QuantityOf(const Staging& staging, uint32_t item) const;
  // Whether a position falls further than sales explain.
  bool FallsTooFar(const State& state, const UnseenSales& unseen, uint32_t item,
                   const Event& level) const;
  void Collect(const Staging& staging, const StagedRows* rows);

  SourceLocation key_;
  uint64_t sequence_ = 0;  // with the spool: which BEGIN the rest belongs to; 0: none collected yet
  uint32_t spool_ = 0;
  uint32_t repeated_item_ = 0;  // an item that was staged twice; 0: none
  absl::flat_hash_map<uint32_t, int32_t> quantities_;
  std::string judged_through_;
  uint64_t known_positions_ = 0;
  uint64_t lost_positions_ = 0;
  uint64_t fallen_positions_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_SNAPSHOT_H_
