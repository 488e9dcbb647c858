#include "server/ledger/decide_snapshot.h"

#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/row_judge.h"

namespace onhand::ledger {
namespace {

// Why a judged snapshot is not taken; empty reason: it is.
struct Objection {
  std::string reason;
  std::string message;
};

void AddVerdict(Group& group, const SourceLocation& key, const Staging& staging,
                const Objection& objection, uint64_t lost_positions, uint64_t known_positions) {
  const bool accepted = objection.reason.empty();
  uint64_t quarantine_id = 0;
  if (!accepted) {
    quarantine_id = group.state().counters.quarantine_end;
    journal::Fact fact;
    journal::QuarantineEntry& entry = *fact.mutable_quarantined()->mutable_entry();
    entry.set_quarantine_id(quarantine_id);
    entry.set_reason(objection.reason);
    entry.set_message(objection.message);
    entry.set_source(key.source);
    entry.set_location(key.location);
    entry.set_quarantined_us(group.now_us());
    entry.set_occurred_us(staging.begun.as_of_us());
    entry.set_is_snapshot(true);
    entry.set_snapshot_rows(staging.row_count);
    entry.set_lost_positions(lost_positions);
    entry.set_known_positions(known_positions);
    group.Add(std::move(fact));
  }
  journal::Fact fact;
  journal::SnapshotVerdict& verdict = *fact.mutable_snapshot_verdict();
  verdict.set_source(key.source);
  verdict.set_location(key.location);
  verdict.set_accepted(accepted);
  verdict.set_quarantine_id(quarantine_id);
  verdict.set_infers_nothing(!group.state().snapshots_taken.Contains(key));
  verdict.set_lost_positions(lost_positions);
  verdict.set_known_positions(known_positions);
  group.Add(std::move(fact));
}

}  // namespace

bool SnapshotJob::Step(Group& group, const Ledger& ledger) {
  const Staging* staging = group.state().staging.Find(key_);
  if (staging == nullptr) return true;
  // BEGIN of a newer snapshot may have taken this one's place since.
  if (staging->begun.sequence() != sequence_ || staging->begun.spool() != spool_) {
    *this = SnapshotJob(key_);
    Collect(*staging, ledger.state().staged_rows.Find(key_));
  }
  switch (staging->phase) {
    case Staging::Phase::kJudging:
      StepJudging(group, ledger, *staging);
      return false;
    case Staging::Phase::kApplying:
      return StepApplying(group, ledger, *staging);
    case Staging::Phase::kOpen:
    case Staging::Phase::kQuarantined:
      return true;
  }
  return true;
}

void SnapshotJob::Collect(const Staging& staging, const StagedRows* rows) {
  sequence_ = staging.begun.sequence();
  spool_ = staging.begun.spool();
  if (rows == nullptr) return;
  quantities_.reserve(rows->items.size());
  for (size_t i = 0; i < rows->items.size(); ++i) {
    if (!quantities_.emplace(rows->items[i], rows->quantities[i]).second)
      repeated_item_ = rows->items[i];
  }
}

void SnapshotJob::StepJudging(Group& group, const Ledger& ledger, const Staging& staging) {
  Objection objection;
  const LocationClock* clock = group.Settled().clocks.Find(key_.location);
  if (staging.row_count != staging.row_count_said) {
    objection = {"SNAPSHOT_TRUNCATED",
                 absl::StrCat(staging.row_count, " rows came where END says ",
                              staging.row_count_said, "; send the whole snapshot again")};
  } else if (repeated_item_ != 0) {
    objection = {"SNAPSHOT_REPEATED_ITEM",
                 absl::StrCat("sku '", group.state().items.Find(repeated_item_)->sku(),
                              "' stands in it twice; send one row an item")};
  } else if (staging.begun.as_of_us() < clock->dropped_through_us) {
    objection = {"SNAPSHOT_TOO_OLD",
                 "its as_of is older than the location's closed history; send a fresh one"};
  }
  if (!objection.reason.empty()) return AddVerdict(group, key_, staging, objection, 0, 0);
  const journal::Location& location = *group.state().locations.Find(key_.location);
  const bool in_stocktake = location.stocktake_from_us() <= staging.begun.as_of_us() &&
                            staging.begun.as_of_us() <= location.stocktake_until_us();
  if (in_stocktake || !group.state().snapshots_taken.Contains(key_))
    return AddVerdict(group, key_, staging, {}, 0, 0);

  const auto& order = ledger.sku_order();
  auto next = judged_through_.empty() ? order.begin() : order.upper_bound(judged_through_);
  for (int looked = 0; next != order.end() && looked < kStepItemsMax; ++next, ++looked) {
    judged_through_ = next->first;
    const PositionTable::View view = group.state().positions.Find(next->second, key_.location);
    if (view.cell == nullptr || view.cell->on_hand <= 0) continue;
    ++known_positions_;
    const auto staged = quantities_.find(next->second);
    const bool is_lost = staged == quantities_.end() ? staging.complete : staged->second <= 0;
    if (is_lost) ++lost_positions_;
  }
  if (next != order.end()) return;
  if (known_positions_ >= kLostCheckedFrom &&
      static_cast<double>(lost_positions_) >
          kLostShareMax * static_cast<double>(known_positions_)) {
    objection = {
        "SNAPSHOT_DROP",
        absl::StrCat(
            "it takes ", lost_positions_, " of ", known_positions_,
            " positions above zero to zero; accept it if that is true, or send a whole one")};
  }
  const uint64_t lost = lost_positions_;
  const uint64_t known = known_positions_;
  judged_through_.clear();
  lost_positions_ = known_positions_ = 0;
  AddVerdict(group, key_, staging, objection, lost, known);
}

bool SnapshotJob::StepApplying(Group& group, const Ledger& ledger, const Staging& staging) {
  const bool infers = !staging.infers_nothing && InfersMovements(group.state(), key_.location);
  const State& settled = group.Settled();
  journal::Fact fact;
  journal::SnapshotSlice& slice = *fact.mutable_snapshot_slice();
  slice.set_source(key_.source);
  slice.set_location(key_.location);
  Event event{};
  event.at_us = staging.begun.as_of_us();
  event.kind = static_cast<uint64_t>(EventKind::kLevel);
  event.source = key_.source;
  event.spool = staging.begun.spool();
  event.sequence = staging.begun.sequence();

  const auto& order = ledger.sku_order();
  auto next = staging.through_sku.empty() ? order.begin() : order.upper_bound(staging.through_sku);
  for (int looked = 0;
       next != order.end() && looked < kStepItemsMax && slice.item_size() < kSliceRowsMax;
       ++next, ++looked) {
    slice.set_through_sku(next->first);
    const uint32_t item = next->second;
    const auto staged = quantities_.find(item);
    int32_t quantity = 0;
    if (staged != quantities_.end()) {
      quantity = staged->second;
    } else if (!staging.complete || settled.positions.Find(item, key_.location).cell == nullptr) {
      continue;
    }
    event.quantity = quantity;
    if (infers) {
      const Preview preview = PreviewEvents(settled, item, key_.location, {}, event);
      const int64_t change = UnexplainedChange(preview.at, key_.source, event.at_us, quantity,
                                               /*units_gone=*/0);
      if (change != 0) {
        journal::InferredMovement& inferred = *slice.add_inferred();
        inferred.set_index(static_cast<uint32_t>(slice.item_size()));
        inferred.set_kind(change < 0 ? v1::MOVEMENT_KIND_SALE : v1::MOVEMENT_KIND_RECEIPT);
        inferred.set_quantity(std::abs(change));
      }
    }
    slice.add_item(item);
    slice.add_quantity(quantity);
  }
  const bool done = next == order.end();
  slice.set_last(done);
  group.Add(std::move(fact));
  return done;
}

}  // namespace onhand::ledger
