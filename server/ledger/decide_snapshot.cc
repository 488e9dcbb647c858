#include "server/ledger/decide_snapshot.h"

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

// A row of the snapshot as an event, but for its quantity.
Event LevelOf(const SourceLocation& key, const Staging& staging) {
  Event event{};
  event.at_us = staging.begun.as_of_us();
  event.kind = static_cast<uint64_t>(EventKind::kLevel);
  event.source = key.source;
  event.spool = staging.begun.spool();
  event.sequence = staging.begun.sequence();
  return event;
}

}  // namespace

bool SnapshotJob::Step(Group& group, const Ledger& ledger, int rows_max) {
  const Staging* staging = group.state().staging.Find(key_);
  if (staging == nullptr) return true;
  // BEGIN of a newer snapshot may have taken this one's place since.
  if (staging->begun.sequence() != sequence_ || staging->begun.spool() != spool_) {
    *this = SnapshotJob(key_);
    Collect(*staging, ledger.state().staged_rows.Find(key_));
  }
  switch (staging->phase) {
    case Staging::Phase::kJudging:
      StepJudging(group, ledger, *staging, rows_max);
      return false;
    case Staging::Phase::kApplying:
      return StepApplying(group, ledger, *staging, rows_max);
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

void SnapshotJob::StepJudging(Group& group, const Ledger& ledger, const Staging& staging,
                              int rows_max) {
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

  const State& settled = group.Settled();
  const UnseenSales unseen(settled);
  Event level = LevelOf(key_, staging);
  const auto& order = ledger.sku_order();
  auto next = judged_through_.empty() ? order.begin() : order.upper_bound(judged_through_);
  int compared = 0;
  const int items_max = kItemsARow * rows_max;
  for (int looked = 0; next != order.end() && looked < items_max && compared < rows_max;
       ++next, ++looked) {
    judged_through_ = next->first;
    const PositionTable::View view = settled.positions.Find(next->second, key_.location);
    if (view.cell == nullptr || view.cell->on_hand <= 0) continue;
    ++known_positions_;
    const std::optional<int32_t> quantity = QuantityOf(staging, next->second);
    if (!quantity.has_value()) continue;
    if (*quantity <= 0) ++lost_positions_;
    if (*quantity >= view.cell->on_hand) continue;
    ++compared;
    level.quantity = *quantity;
    if (FallsTooFar(settled, unseen, next->second, level)) ++fallen_positions_;
  }
  if (next != order.end()) return;
  const auto is_too_many = [this](uint64_t positions) {
    return known_positions_ >= kLostCheckedFrom &&
           static_cast<double>(positions) > kLostShareMax * static_cast<double>(known_positions_);
  };
  if (is_too_many(lost_positions_)) {
    objection = {
        "SNAPSHOT_DROP",
        absl::StrCat(
            "it takes ", lost_positions_, " of ", known_positions_,
            " positions above zero to zero; accept it if that is true, or send a whole one")};
  } else if (is_too_many(fallen_positions_)) {
    objection = {"SNAPSHOT_IMPLAUSIBLE",
                 absl::StrCat("it falls further than sales explain on ", fallen_positions_, " of ",
                              known_positions_,
                              " positions above zero; is it another store's? accept it if it is "
                              "true, or send the right one")};
  }
  const uint64_t lost = lost_positions_;
  const uint64_t known = known_positions_;
  judged_through_.clear();
  lost_positions_ = fallen_positions_ = known_positions_ = 0;
  AddVerdict(group, key_, staging, objection, lost, known);
}

std::optional<int32_t> SnapshotJob::QuantityOf(const Staging& staging, uint32_t item) const {
  const auto staged = quantities_.find(item);
  if (staged != quantities_.end()) return staged->second;
  return staging.complete ? std::optional<int32_t>(0) : std::nullopt;
}

bool SnapshotJob::FallsTooFar(const State& state, const UnseenSales& unseen, uint32_t item,
                              const Event& level) const {
  const Preview before = PreviewBefore(state, item, key_.location, level);
  const int64_t change =
      UnexplainedChange(before.at, key_.source, level.at_us, int64_t{level.quantity});
  if (change >= 0 || before.level_us == FoldState::kNever) return false;
  const std::optional<int64_t> at_most =
      unseen.AtMost(item, key_.location, before.level_us, level.at_us);
  return at_most.has_value() && -change > *at_most;
}

bool SnapshotJob::StepApplying(Group& group, const Ledger& ledger, const Staging& staging,
                               int rows_max) {
  const bool infers = !staging.infers_nothing && InfersMovements(group.state(), key_.location);
  const State& settled = group.Settled();
  journal::Fact fact;
  journal::SnapshotSlice& slice = *fact.mutable_snapshot_slice();
  slice.set_source(key_.source);
  slice.set_location(key_.location);
  Event event = LevelOf(key_, staging);

  const auto& order = ledger.sku_order();
  auto next = staging.through_sku.empty() ? order.begin() : order.upper_bound(staging.through_sku);
  const int items_max = kItemsARow * rows_max;
  for (int looked = 0; next != order.end() && looked < items_max && slice.item_size() < rows_max;
       ++next, ++looked) {
    slice.set_through_sku(next->first);
    const uint32_t item = next->second;
    const std::optional<int32_t> told = QuantityOf(staging, item);
    if (!told.has_value()) continue;
    const bool is_missing = !quantities_.contains(item);
    if (is_missing && settled.positions.Find(item, key_.location).cell == nullptr) continue;
    const int32_t quantity = *told;
    event.quantity = quantity;
    if (infers) {
      const Preview preview = PreviewBefore(settled, item, key_.location, event);
      const int64_t change = UnexplainedChange(preview.at, key_.source, event.at_us, quantity);
      if (change != 0) {
        journal::InferredMovement& inferred = *slice.add_inferred();
        inferred = MovementOf(settled, item, key_.location, preview, event.at_us, change);
        inferred.set_index(static_cast<uint32_t>(slice.item_size()));
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
