// A source for unit tests: says Hello and sends batches to a ChainForTest, as a store's agent
// would. One thread.
#ifndef ONHAND_SERVER_LEDGER_REPORT_FOR_TEST_H_
#define ONHAND_SERVER_LEDGER_REPORT_FOR_TEST_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/ledger/chain_for_test.h"
#include "server/ledger/decide_report.h"
#include "server/ledger/decide_snapshot.h"

namespace onhand::ledger {

class SourceForTest {
 public:
  SourceForTest(ChainForTest* chain, const std::string& source_id,
                const std::vector<std::string>& locations)
      : chain_(chain) {
    hello_.set_source_id(source_id);
    hello_.set_spool_id("spool-1");
    for (const std::string& location : locations) hello_.add_location_ids(location);
  }

  v1::Hello& hello() { return hello_; }
  absl::StatusOr<OpenedSource> Open() {
    auto opened = chain_->Run([&](Group& group) { return DecideHello(group, hello_); });
    if (opened.ok()) {
      opened_ = *opened;
      sequence_ = opened->durable_sequence;
    }
    return opened;
  }

  // The next batch, with `text` as the rest of a v1.Batch.
  v1::Batch Next(const std::string& text = "") {
    auto batch = FromText<v1::Batch>(text);
    batch.set_sequence(++sequence_);
    return batch;
  }
  absl::StatusOr<ReportDecision> Send(const v1::Batch& batch) {
    return chain_->Run([&](Group& group) {
      return DecideReport(group, opened_.source, opened_.spool, opened_.clock_correction_us, batch);
    });
  }
  // One row, sent as a batch of its own; its problem's reason, empty if it was taken.
  std::string Tell(const std::string& sku, v1::MovementKind kind, int64_t quantity,
                   int64_t occurred_us) {
    v1::Batch batch = Next();
    v1::Movement& movement = *batch.add_movements();
    movement.set_sku(sku);
    movement.set_kind(kind);
    movement.set_quantity(quantity);
    movement.set_occurred_at_us(occurred_us);
    const absl::StatusOr<ReportDecision> decision = Send(batch);
    if (!decision.ok()) return ReasonOf(decision.status());
    return decision->problems.empty() ? "" : decision->problems[0].reason();
  }

  // A whole snapshot in one batch; END says `row_count` (-1: the truth).
  void Snapshot(const std::vector<std::pair<std::string, int64_t>>& rows, int64_t as_of_us,
                bool complete = true, int64_t row_count = -1) {
    v1::Batch batch = Next();
    v1::SnapshotPart& part = *batch.add_snapshots();
    part.mutable_begin()->set_as_of_us(as_of_us);
    for (const auto& [sku, quantity] : rows) {
      v1::SnapshotRow& row = *part.add_rows();
      row.set_sku(sku);
      row.set_quantity(quantity);
    }
    part.mutable_end()->set_row_count(row_count < 0 ? rows.size()
                                                    : static_cast<uint64_t>(row_count));
    part.mutable_end()->set_complete(complete);
    ASSERT_TRUE(Send(batch).ok());
  }
  // Does the hub's work on closed snapshots, a step a group, until all are done.
  void Settle() {
    while (!chain_->ledger().closed_snapshots().empty()) {
      SnapshotJob job(*chain_->ledger().closed_snapshots().begin());
      bool done = false;
      while (!done)
        done = chain_->Run([&](Group& group) { return job.Step(group, chain_->ledger()); });
    }
  }

  uint32_t source() const { return opened_.source; }

 private:
  ChainForTest* chain_;
  v1::Hello hello_;
  OpenedSource opened_;
  uint64_t sequence_ = 0;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_REPORT_FOR_TEST_H_
