#include "server/ledger/decide_report.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/refusal.h"
#include "server/ledger/row_judge.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

// Below this, a difference between two clocks cannot be told from the network's delay.
constexpr int64_t kClockCorrectionMinUs = 5'000'000;

absl::Status InvalidHello(absl::string_view field, absl::string_view value, std::string problem,
                          std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_HELLO",
                                                     .field = field,
                                                     .value = std::string(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

absl::Status SpoolEnded(absl::string_view spool_id) {
  return Refuse(absl::StatusCode::kFailedPrecondition,
                {.reason = "SPOOL_ENDED",
                 .field = "spool_id",
                 .value = std::string(spool_id),
                 .problem = "was closed when the source began a newer spool",
                 .remedy = "start a new spool_id from the hub's input_position"});
}

absl::Status Retired(absl::string_view source_id) {
  return Refuse(absl::StatusCode::kFailedPrecondition, {.reason = "SOURCE_RETIRED",
                                                        .field = "source_id",
                                                        .value = std::string(source_id),
                                                        .problem = "was taken out of service",
                                                        .remedy = "report under a new source_id"});
}

absl::Status CheckHello(const v1::Hello& hello) {
  if (!IsId(hello.source_id())) {
    return InvalidHello("hello.source_id", hello.source_id(), "is not an id",
                        "send 1 to 64 bytes of printable UTF-8");
  }
  if (!IsId(hello.spool_id())) {
    return InvalidHello("hello.spool_id", hello.spool_id(), "is not an id",
                        "send 1 to 64 bytes of printable UTF-8");
  }
  if (hello.location_ids().empty() || hello.location_ids_size() > kSourceLocationsMax) {
    return InvalidHello("hello.location_ids", absl::StrCat(hello.location_ids_size()),
                        "locations were named", absl::StrCat("name 1 to ", kSourceLocationsMax));
  }
  if (!v1::OrdersInNumbers_IsValid(hello.orders_in_numbers())) {
    return InvalidHello("hello.orders_in_numbers", absl::StrCat(hello.orders_in_numbers()),
                        "is not known", "send a value of OrdersInNumbers");
  }
  if (!v1::UnknownItems_IsValid(hello.unknown_items())) {
    return InvalidHello("hello.unknown_items", absl::StrCat(hello.unknown_items()), "is not known",
                        "send a value of UnknownItems");
  }
  for (const int kind : hello.declared_kinds()) {
    if (kind == 0 || !v1::MovementKind_IsValid(kind)) {
      return InvalidHello("hello.declared_kinds", absl::StrCat(kind), "is not a kind",
                          "send values of MovementKind");
    }
  }
  return CheckText("hello.agent", hello.agent(), kIdBytesMax);
}

// What Hello declares, with dense ids; source, spool and their names are filled by the caller.
absl::StatusOr<journal::SourceOpened> Declared(const State& state, const v1::Hello& hello) {
  journal::SourceOpened opened;
  opened.set_source_id(hello.source_id());
  opened.set_spool_id(hello.spool_id());
  for (const std::string& location_id : hello.location_ids()) {
    const absl::StatusOr<uint32_t> location =
        FindLocation(state, "hello.location_ids", location_id);
    if (!location.ok()) return location.status();
    opened.add_locations(*location);
  }
  std::sort(opened.mutable_locations()->begin(), opened.mutable_locations()->end());
  opened.mutable_locations()->erase(
      std::unique(opened.mutable_locations()->begin(), opened.mutable_locations()->end()),
      opened.mutable_locations()->end());
  opened.set_orders_in_numbers(static_cast<uint32_t>(hello.orders_in_numbers()));
  opened.set_unknown_items(static_cast<uint32_t>(hello.unknown_items()));
  uint32_t kinds = 0;
  for (const int kind : hello.declared_kinds()) kinds |= 1u << kind;
  opened.set_declared_kinds(kinds);
  return opened;
}

// The decision on one batch that is new.
class BatchDecision {
 public:
  BatchDecision(Group& group, uint32_t source, uint32_t spool, int64_t clock_correction_us,
                const v1::Batch& batch)
      : group_(group),
        source_(source),
        spool_(spool),
        clock_correction_us_(clock_correction_us),
        batch_(batch),
        opened_(group.state().sources.Find(source)->opened),
        judge_(group, source, spool, batch.sequence(), fact_.mutable_report()->mutable_rows()) {}

  ReportDecision Run(uint64_t rolling_hash);

 private:
  // The dense id; 0 if the source does not report for it.
  uint32_t LocationOf(absl::string_view location_id);
  int64_t Corrected(int64_t sender_us) const;
  void TakeKnownThrough();
  void TakeMovement(int row);
  void TakeSnapshotPart(const v1::SnapshotPart& part);
  void StageRows(const v1::SnapshotPart& part, uint32_t location);
  void TakeOrdersGone(const v1::OrdersGone& gone);
  // The item of a row, made if the source wants that; 0 if the row must wait or is refused.
  bool CreateItem(absl::string_view sku);
  void Quarantine(const RowRefusal& refusal, const RawRow& raw, bool in_snapshot,
                  const v1::Movement* movement);
  v1::UnknownItems UnknownItemsPolicy() const;

  Group& group_;
  const uint32_t source_;
  const uint32_t spool_;
  const int64_t clock_correction_us_;
  const v1::Batch& batch_;
  const journal::SourceOpened opened_;  // a copy: the overlay's row moves
  journal::Fact fact_;
  RowJudge judge_;
  ReportDecision decision_;
  std::string last_location_id_;
  uint32_t last_location_ = 0;
};

uint32_t BatchDecision::LocationOf(absl::string_view location_id) {
  if (location_id.empty()) return opened_.locations_size() == 1 ? opened_.locations(0) : 0;
  if (last_location_ != 0 && location_id == last_location_id_) return last_location_;
  const uint32_t* location = group_.state().location_ids.Find(location_id);
  if (location == nullptr ||
      !std::binary_search(opened_.locations().begin(), opened_.locations().end(), *location)) {
    return 0;
  }
  last_location_id_ = std::string(location_id);
  last_location_ = *location;
  return last_location_;
}

int64_t BatchDecision::Corrected(int64_t sender_us) const {
  return sender_us <= 0 ? sender_us : std::min(sender_us + clock_correction_us_, group_.now_us());
}

void BatchDecision::TakeKnownThrough() {
  for (const v1::KnownThrough& known : batch_.known_through()) {
    const uint32_t location = LocationOf(known.location_id());
    if (location == 0 || known.at_us() <= 0) continue;
    journal::LocationMoment& moment = *fact_.mutable_report()->add_known_through();
    moment.set_location(location);
    moment.set_at_us(Corrected(known.at_us()));
  }
}

v1::UnknownItems BatchDecision::UnknownItemsPolicy() const {
  if (opened_.unknown_items() != v1::UNKNOWN_ITEMS_UNSPECIFIED) {
    return static_cast<v1::UnknownItems>(opened_.unknown_items());
  }
  return group_.state().counters.catalog_imported ? v1::UNKNOWN_ITEMS_HOLD
                                                  : v1::UNKNOWN_ITEMS_CREATE;
}

bool BatchDecision::CreateItem(absl::string_view sku) {
  if (UnknownItemsPolicy() != v1::UNKNOWN_ITEMS_CREATE) return false;
  journal::Fact fact;
  journal::Item& item = *fact.mutable_item_set()->mutable_item();
  item.set_id(group_.state().counters.item_end);
  item.set_sku(std::string(sku));
  group_.Add(std::move(fact));
  return true;
}

void BatchDecision::Quarantine(const RowRefusal& refusal, const RawRow& raw, bool in_snapshot,
                               const v1::Movement* movement) {
  journal::Fact fact;
  journal::QuarantineEntry& entry = *fact.mutable_quarantined()->mutable_entry();
  entry.set_quarantine_id(group_.state().counters.quarantine_end);
  entry.set_reason(refusal.reason);
  entry.set_message(refusal.message);
  entry.set_source(source_);
  entry.set_location(raw.location);
  entry.set_quarantined_us(group_.now_us());
  entry.set_sku(std::string(raw.sku.substr(0, kTextBytesMax)));
  entry.set_kind(raw.kind);
  entry.set_quantity(raw.quantity);
  entry.set_occurred_us(raw.occurred_us);
  entry.set_spool(spool_);
  entry.set_sequence(batch_.sequence());
  entry.set_row(raw.row);
  if (movement != nullptr) {
    entry.set_order_reference(movement->order_reference().substr(0, kTextBytesMax));
    entry.set_counted_by(movement->counted_by().substr(0, kTextBytesMax));
    entry.set_includes_picked(movement->includes_picked());
  }
  if (refusal.unknown_item && UnknownItemsPolicy() == v1::UNKNOWN_ITEMS_HOLD) {
    entry.set_held_until_us(group_.now_us() + group_.state().settings.row_held_us);
  }
  v1::RowProblem& problem = decision_.problems.emplace_back();
  problem.set_sequence(batch_.sequence());
  problem.set_row(raw.row);
  problem.set_in_snapshot(in_snapshot);
  problem.set_reason(refusal.reason);
  problem.set_message(refusal.message);
  problem.set_quarantine_id(entry.quarantine_id());
  group_.Add(std::move(fact));
}

void BatchDecision::TakeMovement(int row) {
  const v1::Movement& movement = batch_.movements(row);
  RawRow raw;
  raw.sku = movement.sku();
  raw.kind = static_cast<uint32_t>(movement.kind());
  raw.quantity = movement.quantity();
  raw.occurred_us = Corrected(movement.occurred_at_us());
  raw.location = LocationOf(movement.location_id());
  raw.row = static_cast<uint32_t>(row);
  raw.order_reference = movement.order_reference();
  raw.includes_picked = movement.includes_picked();
  RowRefusal refusal;
  if (raw.location == 0) {
    refusal = {"LOCATION_NOT_REPORTED",
               absl::StrCat("location_id '", movement.location_id().substr(0, 100),
                            "' is none of the source's locations; name one of those in Hello")};
  } else if (movement.order_reference().size() > kIdBytesMax ||
             movement.counted_by().size() > kIdBytesMax) {
    refusal = {"INVALID_TEXT", "order_reference or counted_by has more than 64 bytes; shorten it"};
  } else {
    refusal = judge_.Take(raw);
    if (refusal.unknown_item && CreateItem(raw.sku)) refusal = judge_.Take(raw);
  }
  if (refusal) return Quarantine(refusal, raw, false, &movement);
  if (movement.order_reference().empty() && movement.counted_by().empty() &&
      !movement.includes_picked() && !judge_.last_fulfils())
    return;
  journal::MovementExtra& extra = *fact_.mutable_report()->mutable_rows()->add_extra();
  extra.set_index(static_cast<uint32_t>(judge_.last_index()));
  extra.set_order_reference(movement.order_reference());
  extra.set_counted_by(movement.counted_by());
  extra.set_includes_picked(movement.includes_picked());
  extra.set_fulfils(judge_.last_fulfils());
}

void BatchDecision::StageRows(const v1::SnapshotPart& part, uint32_t location) {
  const Staging* staging = group_.state().staging.Find(SourceLocation{source_, location});
  RawRow raw;
  raw.kind = v1::MOVEMENT_KIND_LEVEL;
  raw.location = location;
  if (staging == nullptr || staging->phase != Staging::Phase::kOpen) {
    raw.quantity = part.rows_size();
    return Quarantine(
        {"SNAPSHOT_NOT_OPEN",
         absl::StrCat(
             part.rows_size(),
             " snapshot rows came without an open snapshot; send BEGIN, rows and END again")},
        raw, true, nullptr);
  }
  raw.occurred_us = staging->begun.as_of_us();
  journal::Fact fact;
  journal::SnapshotStaged& staged = *fact.mutable_snapshot_staged();
  staged.set_source(source_);
  staged.set_location(location);
  for (int i = 0; i < part.rows_size(); ++i) {
    raw.sku = part.rows(i).sku();
    raw.quantity = part.rows(i).quantity();
    raw.row = static_cast<uint32_t>(i);
    RowRefusal refusal;
    const CodeTarget* target = nullptr;
    if (!IsId(raw.sku)) {
      refusal = {
          "INVALID_SKU",
          "sku is not 1 to 64 bytes of UTF-8 without control characters; correct it at the source"};
    } else {
      target = group_.state().Resolve(raw.sku, source_);
      if (target == nullptr && CreateItem(raw.sku))
        target = group_.state().Resolve(raw.sku, source_);
      if (target == nullptr) {
        refusal = {
            "UNKNOWN_ITEM",
            absl::StrCat("sku '", raw.sku,
                         "' is no item that the hub knows; import it, or add it as an alias"),
            true};
      } else if (std::abs(raw.quantity) > kUnitsMax ||
                 std::abs(raw.quantity * target->pack_factor) > kUnitsMax) {
        refusal = {"QUANTITY_OUT_OF_RANGE",
                   absl::StrCat("quantity ", raw.quantity,
                                " is out of range; send -1000000000 to 1000000000")};
      }
    }
    if (refusal) {
      Quarantine(refusal, raw, true, nullptr);
      staged.set_refused(staged.refused() + 1);
      continue;
    }
    staged.add_item(target->item);
    staged.add_quantity(raw.quantity * target->pack_factor);
  }
  group_.Add(std::move(fact));
}

void BatchDecision::TakeSnapshotPart(const v1::SnapshotPart& part) {
  const uint32_t location = LocationOf(part.location_id());
  if (location == 0) {
    RawRow raw;
    raw.kind = v1::MOVEMENT_KIND_LEVEL;
    return Quarantine(
        {"LOCATION_NOT_REPORTED",
         absl::StrCat(
             "location_id '", part.location_id().substr(0, 100),
             "' of a snapshot is none of the source's locations; name one of those in Hello")},
        raw, true, nullptr);
  }
  const SourceLocation key{source_, location};
  if (part.has_begin()) {
    const Staging* staging = group_.state().staging.Find(key);
    if (staging != nullptr && staging->phase == Staging::Phase::kApplying) {
      // A started verdict is finished after all; two at once would mix.
      RawRow raw;
      raw.kind = v1::MOVEMENT_KIND_LEVEL;
      raw.location = location;
      return Quarantine({"SNAPSHOT_UNDER_WAY",
                         "the source's previous snapshot is still being applied; send it again"},
                        raw, true, nullptr);
    }
    if (staging != nullptr && staging->quarantine_id != 0) {
      journal::Fact ended;
      ended.mutable_quarantine_ended()->set_quarantine_id(staging->quarantine_id);
      ended.mutable_quarantine_ended()->set_outcome("SUPERSEDED");
      group_.Add(std::move(ended));
    }
    journal::Fact fact;
    journal::SnapshotBegun& begun = *fact.mutable_snapshot_begun();
    begun.set_source(source_);
    begun.set_location(location);
    begun.set_as_of_us(part.begin().as_of_us() <= 0 ? group_.now_us()
                                                    : Corrected(part.begin().as_of_us()));
    begun.set_label(part.begin().label().substr(0, kTextBytesMax));
    begun.set_spool(spool_);
    begun.set_sequence(batch_.sequence());
    group_.Add(std::move(fact));
  }
  if (!part.rows().empty()) StageRows(part, location);
  if (part.has_end()) {
    const Staging* staging = group_.state().staging.Find(key);
    // Rows without an open snapshot were refused above; their END closes nothing.
    if (staging == nullptr || staging->phase != Staging::Phase::kOpen) return;
    journal::Fact fact;
    journal::SnapshotEnded& ended = *fact.mutable_snapshot_ended();
    ended.set_source(source_);
    ended.set_location(location);
    ended.set_row_count(part.end().row_count());
    ended.set_complete(part.end().complete());
    group_.Add(std::move(fact));
  }
}

void BatchDecision::TakeOrdersGone(const v1::OrdersGone& gone) {
  const uint32_t location = LocationOf(gone.location_id());
  if (location == 0) return;
  journal::Fact fact;
  journal::OrdersGone& orders = *fact.mutable_orders_gone();
  orders.set_source(source_);
  orders.set_location(location);
  *orders.mutable_order_references() = gone.order_references();
  orders.set_watermark_us(gone.watermark_us());
  group_.Add(std::move(fact));
}

ReportDecision BatchDecision::Run(uint64_t rolling_hash) {
  journal::Report& report = *fact_.mutable_report();
  report.set_source(source_);
  report.set_spool(spool_);
  report.set_sequence(batch_.sequence());
  report.set_rolling_hash(rolling_hash);
  report.set_input_position(batch_.input_position());
  TakeKnownThrough();
  // Before the rows: a LEVEL among them is that much less without a sale.
  for (const v1::OrdersGone& gone : batch_.orders_gone()) {
    if (const uint32_t location = LocationOf(gone.location_id())) {
      judge_.orders().TakeGone(location, gone);
    }
  }
  constexpr int kCodesAhead = 8;
  for (int row = 0; row < batch_.movements_size(); ++row) {
    if (row + kCodesAhead < batch_.movements_size()) {
      group_.state().codes.Prefetch(absl::string_view(batch_.movements(row + kCodesAhead).sku()));
    }
    TakeMovement(row);
  }
  if (report.rows().item_size() == 0) report.clear_rows();
  group_.AddReport(std::move(fact_), judge_.units_moved());
  for (const v1::SnapshotPart& part : batch_.snapshots()) TakeSnapshotPart(part);
  for (const v1::OrdersGone& gone : batch_.orders_gone()) TakeOrdersGone(gone);
  judge_.orders().Add();
  decision_.durable_sequence = batch_.sequence();
  return std::move(decision_);
}

absl::Status CheckBatch(const v1::Batch& batch) {
  int64_t rows = batch.movements_size();
  for (const v1::SnapshotPart& part : batch.snapshots()) rows += part.rows_size();
  if (rows > kBatchRowsMax) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "BATCH_TOO_LARGE",
                   .field = "batch",
                   .value = absl::StrCat(rows),
                   .problem = "rows are too many for one batch",
                   .remedy = absl::StrCat("send at most ", kBatchRowsMax)});
  }
  if (batch.input_position().size() > kInputPositionBytesMax) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "INVALID_BATCH",
                   .field = "batch.input_position",
                   .value = absl::StrCat(batch.input_position().size(), " bytes"),
                   .problem = "is too long",
                   .remedy = absl::StrCat("send at most ", kInputPositionBytesMax, " bytes")});
  }
  return absl::OkStatus();
}

absl::Status SequenceProblem(absl::StatusCode code, absl::string_view reason, uint64_t sequence,
                             std::string problem, std::string remedy) {
  return Refuse(code, {.reason = reason,
                       .field = "batch.sequence",
                       .value = absl::StrCat(sequence),
                       .problem = std::move(problem),
                       .remedy = std::move(remedy)});
}

// The sender's hash, or one made from the content and the hash before it. The batch is hashed as
// protobuf writes it.
uint64_t RollingHash(const v1::Batch& batch, uint64_t previous) {
  if (batch.rolling_hash() != 0) return batch.rolling_hash();
  const std::string bytes = batch.SerializeAsString();
  return XXH64(bytes.data(), bytes.size(), previous);
}

}  // namespace

absl::StatusOr<OpenedSource> DecideHello(Group& group, const v1::Hello& hello) {
  if (absl::Status checked = CheckHello(hello); !checked.ok()) return checked;
  absl::StatusOr<journal::SourceOpened> opened = Declared(group.state(), hello);
  if (!opened.ok()) return opened.status();

  const uint32_t* known = group.state().source_ids.Find(hello.source_id());
  const SourceState* before = known == nullptr ? nullptr : group.state().sources.Find(*known);
  opened->set_source(known == nullptr ? group.state().counters.source_end : *known);
  opened->set_spool(before == nullptr ? 1 : before->opened.spool());
  if (before != nullptr) {
    if (before->retired) return Retired(hello.source_id());
    if (before->opened.spool_id() != hello.spool_id()) {
      const auto& ended = before->ended_spools;
      if (std::find(ended.begin(), ended.end(), hello.spool_id()) != ended.end())
        return SpoolEnded(hello.spool_id());
      if (before->opened.spool() >= Event::kSpoolMax) {
        return InvalidHello("hello.spool_id", hello.spool_id(),
                            "is one more than a source may have",
                            "retire the source and report under a new source_id");
      }
      opened->set_spool(before->opened.spool() + 1);
    }
  }
  if (before == nullptr || before->opened.SerializeAsString() != opened->SerializeAsString()) {
    journal::Fact fact;
    *fact.mutable_source_opened() = *opened;
    group.Add(std::move(fact));
  }

  const SourceState& source = *group.state().sources.Find(opened->source());
  OpenedSource answer;
  answer.source = opened->source();
  answer.spool = opened->spool();
  answer.durable_sequence = source.durable_sequence;
  answer.rolling_hash = source.hashes.empty() ? 0 : source.hashes.back();
  answer.input_position = source.input_position;
  answer.last_spool_id = source.last_spool_id;
  answer.now_us = group.now_us();
  if (hello.has_sent_at()) {
    const int64_t sent_us = hello.sent_at().seconds() * 1'000'000 + hello.sent_at().nanos() / 1'000;
    const int64_t difference = group.now_us() - sent_us;
    if (std::abs(difference) > kClockCorrectionMinUs) answer.clock_correction_us = difference;
  }
  return answer;
}

absl::StatusOr<ReportDecision> DecideReport(Group& group, uint32_t source, uint32_t spool,
                                            int64_t clock_correction_us, const v1::Batch& batch) {
  const SourceState* row = group.state().sources.Find(source);
  if (row->retired) return Retired(row->opened.source_id());
  if (row->opened.spool() != spool) return SpoolEnded(absl::StrCat("number ", spool));
  if (batch.sequence() == 0) {
    return SequenceProblem(absl::StatusCode::kInvalidArgument, "INVALID_BATCH", 0, "is missing",
                           "count from 1");
  }
  if (batch.sequence() <= row->durable_sequence) {
    const uint64_t back = row->durable_sequence - batch.sequence();
    if (back < row->hashes.size()) {
      const size_t index = row->hashes.size() - 1 - back;
      const uint64_t previous = index == 0 ? 0 : row->hashes[index - 1];
      const bool comparable = batch.rolling_hash() != 0 || index > 0 || batch.sequence() == 1;
      if (comparable && RollingHash(batch, previous) != row->hashes[index]) {
        return SequenceProblem(absl::StatusCode::kAborted, "SEQUENCE_REUSED", batch.sequence(),
                               "was sent before with other content",
                               "start a new spool_id from the hub's input_position");
      }
    }
    ReportDecision decision;
    decision.already_applied = true;
    decision.durable_sequence = row->durable_sequence;
    return decision;
  }
  if (batch.sequence() != row->durable_sequence + 1) {
    return SequenceProblem(absl::StatusCode::kFailedPrecondition, "SEQUENCE_GAP", batch.sequence(),
                           absl::StrCat("leaves a gap behind ", row->durable_sequence),
                           absl::StrCat("send from ", row->durable_sequence + 1, " on"));
  }
  if (absl::Status checked = CheckBatch(batch); !checked.ok()) return checked;
  const uint64_t hash = RollingHash(batch, row->hashes.empty() ? 0 : row->hashes.back());
  return BatchDecision(group, source, spool, clock_correction_us, batch).Run(hash);
}

void DecideHeartbeat(Group& group, uint32_t source, int64_t clock_correction_us,
                     const v1::Heartbeat& heartbeat) {
  const SourceState* row = group.state().sources.Find(source);
  if (row == nullptr || row->retired) return;
  journal::Fact fact;
  journal::KnownThrough& known = *fact.mutable_known_through();
  known.set_source(source);
  for (const v1::KnownThrough& told : heartbeat.known_through()) {
    uint32_t location = 0;
    if (told.location_id().empty()) {
      if (row->opened.locations_size() == 1) location = row->opened.locations(0);
    } else if (const uint32_t* found = group.state().location_ids.Find(told.location_id())) {
      location = *found;
    }
    const LocationClock* clock = location == 0 ? nullptr : group.state().clocks.Find(location);
    if (clock == nullptr || told.at_us() <= 0) continue;
    const int64_t at_us = std::min(told.at_us() + clock_correction_us, group.now_us());
    for (const LocationClock::SourceMoment& moment : clock->sources) {
      if (moment.source != source || moment.known_through_us >= at_us) continue;
      journal::LocationMoment& added = *known.add_known_through();
      added.set_location(location);
      added.set_at_us(at_us);
    }
  }
  if (!known.known_through().empty()) group.Add(std::move(fact));
}

}  // namespace onhand::ledger
