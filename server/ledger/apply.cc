#include "server/ledger/apply.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ledger/apply_catalog.h"
#include "server/ledger/apply_learned.h"
#include "server/ledger/apply_reservation.h"
#include "server/ledger/apply_supply.h"
#include "server/ledger/apply_tokens.h"
#include "server/ledger/apply_webhooks.h"
#include "server/ledger/demand_factor.h"
#include "server/ledger/rows.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;

int32_t Saturated(int64_t value) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

void CopyToCell(const FoldState& fold, Cell& cell) {
  // Decide keeps positions inside int32; saturating makes apply total all the same.
  cell.on_hand = Saturated(fold.on_hand());
  cell.level_source = fold.level_source();
  // Never 0: whoever tells of a position by deltas alone has told of it for good.
  cell.absolute_s = static_cast<uint32_t>(
      std::max<int64_t>(Cell::kToldByDeltas, fold.absolute_us() / kMicrosPerSecond));
}

// A delta from before the newest dropped LEVEL or COUNT: that number contains it already.
bool IsSuperseded(const Beside& beside, const Event& event) {
  return OnHandChange(event.event_kind(), event.quantity) != 0 &&
         event.at_us < beside.before.absolute_us();
}

void NoteArrival(State& state, uint32_t item, uint32_t location, const Event& event,
                 Beside& beside) {
  const uint32_t minute = event.arrived_s / 60;
  if (beside.arrived_minute == minute) return;
  beside.arrived_minute = minute;
  if (state.is_overlay) return;
  auto& arrivals = state.arrivals;
  // Time runs forward: the minute is nearly always the newest one.
  auto noted = arrivals.empty() || arrivals.rbegin()->first != minute
                   ? arrivals.try_emplace(minute).first
                   : std::prev(arrivals.end());
  noted->second.push_back({item, location});
}

// Lets the oldest events of a position go whose window has ended, as long as none before them is
// still kept.
void DropEvents(State& target, const PositionKey& key, int64_t cutoff_us) {
  const PositionTable::View view = target.positions.Find(key.item, key.location);
  if (view.beside == nullptr) return;
  PositionTable::Editor editor = target.positions.Edit(key.item, key.location);
  Beside& beside = *editor.beside();
  size_t dropped = 0;
  while (dropped < beside.window.size() &&
         int64_t{beside.window[dropped].arrived_s} * kMicrosPerSecond <= cutoff_us) {
    beside.before.Advance(beside.window[dropped]);
    ++dropped;
  }
  if (dropped > 0) {
    LocationClock& clock = target.clocks.Mutable(key.location);
    clock.dropped_through_us = std::max(clock.dropped_through_us, beside.window[dropped - 1].at_us);
    beside.window.erase(beside.window.begin(),
                        beside.window.begin() + static_cast<std::ptrdiff_t>(dropped));
  }
  if (!beside.IsNeeded()) editor.DropBeside();
}

void ExpireAnswers(State& state) {
  while (!state.answer_order.empty()) {
    const auto oldest = state.answer_order.begin();
    if (oldest->first > state.counters.time_us) return;
    state.answers.Erase(oldest->second);
    state.answer_order.erase(oldest);
  }
}

void ForgetEndedRules(State& state) {
  while (!state.ended_rules.empty()) {
    const auto oldest = state.ended_rules.begin();
    if (oldest->first > state.counters.time_us - State::kEndedRuleKept_us) return;
    state.rule_versions.Erase(oldest->second);
    state.ended_rules.erase(oldest);
  }
}

void ExpireStaging(State& state) {
  const int64_t cutoff_us = state.counters.time_us - state.settings.staging_kept_us;
  std::vector<SourceLocation> expired;
  state.staging.ForEach([&](const SourceLocation& key, const Staging& staging) {
    if (staging.phase == Staging::Phase::kOpen && staging.begun_us <= cutoff_us)
      expired.push_back(key);
  });
  for (const SourceLocation& key : expired) {
    state.staging.Erase(key);
    state.staged_rows.Erase(key);
  }
}

void NoteInterval(LocationClock& clock, int64_t before_us) {
  const int64_t moved_us = clock.KnownThrough() - before_us;
  if (before_us == 0 || moved_us <= 0) return;
  clock.report_interval_us +=
      clock.report_interval_us == 0 ? moved_us : (moved_us - clock.report_interval_us) / 8;
}

void ApplyKnownThrough(State& state, uint32_t source, const journal::LocationMoment& moment) {
  const LocationClock* clock = state.clocks.Find(moment.location());
  if (clock == nullptr) return;
  for (size_t i = 0; i < clock->sources.size(); ++i) {
    if (clock->sources[i].source != source) continue;
    if (clock->sources[i].known_through_us >= moment.at_us()) return;
    LocationClock& moved = state.clocks.Mutable(moment.location());
    const int64_t before_us = moved.KnownThrough();
    moved.sources[i].known_through_us = moment.at_us();
    NoteInterval(moved, before_us);
    return;
  }
}

void ApplySourceOpened(State& state, const journal::SourceOpened& opened) {
  const bool is_new = !state.source_ids.Contains(opened.source_id());
  SourceState& row = state.sources.Mutable(opened.source());
  if (is_new) {
    state.source_ids.Mutable(opened.source_id()) = opened.source();
    state.counters.source_end = std::max(state.counters.source_end, opened.source() + 1);
  }
  if (row.opened.spool() != opened.spool()) {
    if (!is_new) row.ended_spools.push_back(row.opened.spool_id());
    row.durable_sequence = 0;
    row.hashes.clear();
  }
  // A location that the source no longer names stops waiting for it.
  for (const uint32_t location : row.opened.locations()) {
    auto& sources = state.clocks.Mutable(location).sources;
    if (std::find(opened.locations().begin(), opened.locations().end(), location) !=
        opened.locations().end())
      continue;
    sources.erase(
        std::remove_if(sources.begin(), sources.end(),
                       [&](const auto& moment) { return moment.source == opened.source(); }),
        sources.end());
  }
  for (const uint32_t location : opened.locations()) {
    auto& sources = state.clocks.Mutable(location).sources;
    const auto at = std::lower_bound(
        sources.begin(), sources.end(), opened.source(),
        [](const auto& moment, uint32_t source) { return moment.source < source; });
    if (at == sources.end() || at->source != opened.source())
      sources.insert(at, {opened.source(), 0});
  }
  row.opened = opened;
}

void ApplySourceRetired(State& state, uint32_t source) {
  SourceState& row = state.sources.Mutable(source);
  row.retired = true;
  for (const uint32_t location : row.opened.locations()) {
    auto& sources = state.clocks.Mutable(location).sources;
    sources.erase(std::remove_if(sources.begin(), sources.end(),
                                 [&](const auto& moment) { return moment.source == source; }),
                  sources.end());
  }
}

// Positions of a batch lie all over memory, and what an event touches is found in five steps:
// waited for one after the other, they would be most of what a movement costs.
void PrefetchAhead(const PositionTable& positions, const RowReader& reader, int row) {
  constexpr int kStepRows = 12;
  const auto ahead = [&](int steps) { return row + steps * kStepRows; };
  if (ahead(5) < reader.size()) positions.PrefetchBlock(reader.item(ahead(5)));
  if (ahead(4) < reader.size()) positions.PrefetchLocations(reader.item(ahead(4)));
  if (ahead(3) < reader.size())
    positions.PrefetchCell(reader.item(ahead(3)), reader.location(ahead(3)));
  if (ahead(2) < reader.size())
    positions.PrefetchBeside(reader.item(ahead(2)), reader.location(ahead(2)));
  if (ahead(1) < reader.size())
    positions.PrefetchNewestEvent(reader.item(ahead(1)), reader.location(ahead(1)));
}

void ApplyColumns(State& state, uint32_t source, uint32_t spool, uint64_t sequence,
                  const journal::MovementColumns& rows) {
  const RowReader reader(rows);
  const auto arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  EvidenceTaker evidence(state);
  int next_extra = 0;  // extras come in the order of their rows
  for (int i = 0; i < reader.size(); ++i) {
    PrefetchAhead(state.positions, reader, i);
    Event event = reader.event(i, source, spool, sequence, arrived_s);
    if (next_extra < rows.extra_size() &&
        rows.extra(next_extra).index() == static_cast<uint32_t>(i)) {
      if (rows.extra(next_extra++).fulfils())
        event.kind = static_cast<uint64_t>(EventKind::kHandOver);
    }
    TakeEvent(state, reader.item(i), reader.location(i), event, evidence);
  }
  for (const journal::MovementExtra& extra : rows.extra()) {
    const int i = static_cast<int>(extra.index());
    if (extra.order_reference().empty()) continue;
    if (reader.kind(i) != EventKind::kReceipt && reader.kind(i) != EventKind::kTransferIn) continue;
    CloseIncoming(state, extra.order_reference(), reader.item(i), reader.location(i));
  }
  for (const journal::InferredMovement& inferred : rows.inferred()) {
    const int i = static_cast<int>(inferred.index());
    Event event = reader.event(i, source, spool, sequence, arrived_s);
    event.kind = inferred.kind();
    event.inferred = 1;
    event.quantity = static_cast<int32_t>(inferred.quantity());
    TakeEvent(state, reader.item(i), reader.location(i), event, evidence);
  }
}

// What the record still says is there was not found by somebody who looked for it.
void TakeFailedPick(State& state, uint32_t item, uint32_t location) {
  PositionTable::Editor position = state.positions.Edit(item, location);
  if (position.cell().on_hand > 0) TakeFailedPick(position.cell().estimates.doubt);
}

void ApplyPerson(State& state, const journal::MovementByPerson& movement) {
  Event event{};
  event.at_us = movement.occurred_us();
  event.sequence = movement.ordinal();
  event.kind = movement.kind();
  event.quantity = static_cast<int32_t>(movement.quantity());
  event.arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  TakeEvent(state, movement.item(), movement.location(), event);
  if (movement.failed_pick() && event.event_kind() != EventKind::kSetAside) {
    TakeFailedPick(state, movement.item(), movement.location());
  }
  state.counters.person_ordinal = std::max(state.counters.person_ordinal, movement.ordinal());
}

void ApplyCorrectionsEnded(State& state, const journal::CorrectionsEnded& ended) {
  Event event{};
  event.at_us = ended.occurred_us();
  event.sequence = ended.ordinal();
  event.kind = static_cast<uint64_t>(EventKind::kEndCorrections);
  event.arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  TakeEvent(state, ended.item(), ended.location(), event);
  state.counters.person_ordinal = std::max(state.counters.person_ordinal, ended.ordinal());
}

void ApplySnapshotBegun(State& state, const journal::SnapshotBegun& begun) {
  const SourceLocation key{begun.source(), begun.location()};
  Staging& staging = state.staging.Mutable(key);
  staging = Staging{};
  staging.begun = begun;
  staging.begun_us = state.counters.time_us;
  state.staged_rows.Erase(key);
}

void ApplySnapshotStaged(State& state, const journal::SnapshotStaged& staged) {
  const SourceLocation key{staged.source(), staged.location()};
  state.staging.Mutable(key).row_count +=
      static_cast<uint64_t>(staged.item_size()) + staged.refused();
  if (state.is_overlay) return;
  StagedRows& rows = state.staged_rows.Mutable(key);
  rows.items.insert(rows.items.end(), staged.item().begin(), staged.item().end());
  for (const int64_t quantity : staged.quantity()) rows.quantities.push_back(Saturated(quantity));
}

void ApplySnapshotVerdict(State& state, const journal::SnapshotVerdict& verdict) {
  Staging& staging = state.staging.Mutable({verdict.source(), verdict.location()});
  staging.phase = verdict.accepted() ? Staging::Phase::kApplying : Staging::Phase::kQuarantined;
  staging.quarantine_id = verdict.quarantine_id();
  staging.infers_nothing = verdict.infers_nothing();
}

void ApplySnapshotSlice(State& state, const journal::SnapshotSlice& slice) {
  const SourceLocation key{slice.source(), slice.location()};
  Staging& staging = state.staging.Mutable(key);
  Event event{};
  event.at_us = staging.begun.as_of_us();
  event.source = slice.source();
  event.spool = staging.begun.spool();
  event.sequence = staging.begun.sequence();
  event.arrived_s = static_cast<uint32_t>(state.counters.time_us / kMicrosPerSecond);
  EvidenceTaker evidence(state);
  for (int i = 0; i < slice.item_size(); ++i) {
    event.kind = static_cast<uint64_t>(EventKind::kLevel);
    event.quantity = Saturated(slice.quantity(i));
    TakeEvent(state, slice.item(i), slice.location(), event, evidence);
  }
  event.inferred = 1;
  for (const journal::InferredMovement& inferred : slice.inferred()) {
    event.kind = inferred.kind();
    event.quantity = Saturated(inferred.quantity());
    TakeEvent(state, slice.item(static_cast<int>(inferred.index())), slice.location(), event,
              evidence);
  }
  if (!slice.last()) {
    staging.through_sku = slice.through_sku();
    return;
  }
  ++state.snapshots_taken.Mutable(key);
  state.staging.Erase(key);
  state.staged_rows.Erase(key);
}

void ApplyQuarantined(State& state, const journal::QuarantineEntry& entry) {
  state.quarantine.Mutable(entry.quarantine_id()) = entry;
  state.counters.quarantine_end =
      std::max(state.counters.quarantine_end, entry.quarantine_id() + 1);
  if (entry.held_until_us() != 0)
    state.held_rows.Mutable(entry.sku()).push_back(entry.quarantine_id());
}

void ApplyQuarantineEnded(State& state, const journal::QuarantineEnded& ended) {
  const journal::QuarantineEntry* entry = state.quarantine.Find(ended.quarantine_id());
  if (entry == nullptr) return;
  if (entry->is_snapshot()) {
    const SourceLocation key{entry->source(), entry->location()};
    const Staging* staging = state.staging.Find(key);
    // An accepted one goes on; the others are done with.
    if (staging != nullptr && staging->quarantine_id == ended.quarantine_id() &&
        staging->phase == Staging::Phase::kQuarantined) {
      state.staging.Erase(key);
      state.staged_rows.Erase(key);
    }
  }
  if (entry->held_until_us() != 0) {
    std::vector<uint64_t>& held = state.held_rows.Mutable(entry->sku());
    held.erase(std::remove(held.begin(), held.end(), ended.quarantine_id()), held.end());
    if (held.empty()) state.held_rows.Erase(std::string(entry->sku()));
  }
  state.quarantine.Erase(ended.quarantine_id());
}

void ApplyDisplayChanged(State& state, const journal::DisplayChanged& changed) {
  Display& display = state.display.Mutable({changed.item(), changed.channel()});
  display.status = changed.status();
  display.below_floor = changed.below_floor();
  display.changed_us = state.counters.time_us;
  display.salable = changed.salable();
  display.rule_id = changed.rule_id();
  display.rule_version = changed.rule_version();
}

void ApplyRequestAnswered(State& state, const journal::RequestAnswered& answered) {
  Answer& answer = state.answers.Mutable(answered.request_id());
  answer.content_hash = answered.content_hash();
  answer.bytes = answered.answer();
  if (!state.is_overlay) {
    state.answer_order.emplace(AnswerExpiryUs(state.settings, answered.request_id()),
                               answered.request_id());
  }
}

void ApplyAudited(State& state, const journal::Audited& audited) {
  if (state.is_overlay) return;
  journal::Audited entry = audited;
  entry.set_revision(state.counters.revision);
  entry.set_at_us(state.counters.time_us);
  state.audit.Add(std::move(entry));
}

}  // namespace

void InsertEvent(Beside& beside, const Event& event, SourceName name) {
  EventWindow& window = beside.window;
  if (window.empty() || !Before(event, window.back(), name)) {
    if (window.empty() && IsSuperseded(beside, event)) return;
    window.push_back(event);
    beside.now.Advance(event);
    return;
  }
  const auto at =
      std::upper_bound(window.begin(), window.end(), event,
                       [&](const Event& a, const Event& b) { return Before(a, b, name); });
  if (at == window.begin() && IsSuperseded(beside, event)) return;
  // What only adds may come late without a new fold, unless a number or a correction came after it.
  const bool in_any_order = OnlyAdds(event) && std::all_of(at, window.end(), OnlyAdds);
  window.insert(at, event);
  if (in_any_order) return beside.now.Advance(event);
  beside.now = beside.before;
  for (const Event& kept : window) beside.now.Advance(kept);
}

EvidenceTaker::EvidenceTaker(State& state)
    : state_(state), policy_(PolicyOf(state.learned().chain)) {}

void EvidenceTaker::Take(uint32_t item, uint32_t location, const Event& event,
                         const RecordChange& record, Estimates& estimates) {
  if (place_.learned == nullptr || place_.location != location) place_ = state_.PlaceOf(location);
  const double factor =
      state_.counters.demand_rules == 0 ? 1 : DemandFactorAt(state_, item, location, event.at_us);
  TakeEvidence(state_.learned().ItemOf(item), place_, event, record, factor, policy_, estimates);
  if (!state_.is_overlay) NoteActivity(item, event);
}

void EvidenceTaker::NoteActivity(uint32_t item, const Event& event) {
  const EventKind kind = event.event_kind();
  const bool sale = kind == EventKind::kSale && event.quantity > 0;
  const bool receipt = kind == EventKind::kReceipt || kind == EventKind::kTransferIn;
  if (!sale && !receipt) return;
  if (item >= state_.activity.size()) state_.activity.resize(item + 1);
  ItemActivity& activity = state_.activity[item];
  const auto at_s = static_cast<uint32_t>(std::max<int64_t>(0, event.at_us) / kMicrosPerSecond);
  uint32_t& last_s = sale ? activity.last_sale_s : activity.last_receipt_s;
  last_s = std::max(last_s, at_s);
}

void TakeEvent(State& state, uint32_t item, uint32_t location, const Event& event,
               EvidenceTaker& evidence) {
  PositionTable::Editor position = state.positions.Edit(item, location);
  if (position.created()) ++state.clocks.Mutable(location).position_count;
  Beside& beside = position.MakeBeside();
  RecordChange record{.before = beside.now.on_hand() - beside.now.unavailable()};
  InsertEvent(beside, event, [&state](uint32_t source) { return state.SourceNameOf(source); });
  record.after = beside.now.on_hand() - beside.now.unavailable();
  CopyToCell(beside.now, position.cell());
  state.positions.NoteOnHand(position.cell().on_hand);
  NoteArrival(state, item, location, event, beside);
  evidence.Take(item, location, event, record, position.cell().estimates);
}

void TakeEvent(State& state, uint32_t item, uint32_t location, const Event& event) {
  EvidenceTaker evidence(state);
  TakeEvent(state, item, location, event, evidence);
}

void DropDueEvents(const State& committed, State& target, int64_t now_us) {
  const int64_t cutoff_us = now_us - target.settings.window_us;
  for (const auto& [minute, keys] : committed.arrivals) {
    if ((minute + 1) * kMicrosPerMinute > cutoff_us) return;
    for (const PositionKey& key : keys) DropEvents(target, key, cutoff_us);
  }
}

void BeginRow(State& state, const RowMoment& row) {
  state.counters.revision = row.revision;
  state.counters.epoch = row.epoch;
  state.counters.time_us = row.committed_at_us;
  ExpireStaging(state);
  ForgetEndedReservations(state);
  if (state.is_overlay) return;
  DropDueEvents(state, state, row.committed_at_us);
  const int64_t cutoff_us = row.committed_at_us - state.settings.window_us;
  while (!state.arrivals.empty() &&
         (state.arrivals.begin()->first + 1) * kMicrosPerMinute <= cutoff_us) {
    state.arrivals.erase(state.arrivals.begin());
  }
  ExpireAnswers(state);
  ForgetEndedRules(state);
}

void ApplyReportProgress(State& state, const journal::Report& report) {
  SourceState& source = state.sources.Mutable(report.source());
  source.durable_sequence = report.sequence();
  source.input_position = report.input_position();
  source.last_spool_id = source.opened.spool_id();
  source.last_report_us = state.counters.time_us;
  source.hashes.push_back(report.rolling_hash());
  if (source.hashes.size() > SourceState::kHashesMax) source.hashes.erase(source.hashes.begin());
  for (const journal::LocationMoment& moment : report.known_through()) {
    ApplyKnownThrough(state, report.source(), moment);
  }
}

void ApplyReportRows(State& state, const journal::Report& report) {
  ApplyColumns(state, report.source(), report.spool(), report.sequence(), report.rows());
}

absl::Status ApplyFact(State& state, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kTick:
    case journal::Fact::kEpochStarted:
      return absl::OkStatus();
    case journal::Fact::kReport:
      ApplyReportProgress(state, fact.report());
      ApplyReportRows(state, fact.report());
      return absl::OkStatus();
    case journal::Fact::kKnownThrough:
      for (const journal::LocationMoment& moment : fact.known_through().known_through()) {
        ApplyKnownThrough(state, fact.known_through().source(), moment);
      }
      return absl::OkStatus();
    case journal::Fact::kDisplayChanged:
      ApplyDisplayChanged(state, fact.display_changed());
      return absl::OkStatus();
    case journal::Fact::kSnapshotBegun:
      ApplySnapshotBegun(state, fact.snapshot_begun());
      return absl::OkStatus();
    case journal::Fact::kSnapshotStaged:
      ApplySnapshotStaged(state, fact.snapshot_staged());
      return absl::OkStatus();
    case journal::Fact::kSnapshotEnded: {
      const journal::SnapshotEnded& ended = fact.snapshot_ended();
      Staging& staging = state.staging.Mutable({ended.source(), ended.location()});
      staging.phase = Staging::Phase::kJudging;
      staging.row_count_said = ended.row_count();
      staging.complete = ended.complete();
      return absl::OkStatus();
    }
    case journal::Fact::kSnapshotVerdict:
      ApplySnapshotVerdict(state, fact.snapshot_verdict());
      return absl::OkStatus();
    case journal::Fact::kSnapshotSlice:
      ApplySnapshotSlice(state, fact.snapshot_slice());
      return absl::OkStatus();
    case journal::Fact::kRequestAnswered:
      ApplyRequestAnswered(state, fact.request_answered());
      return absl::OkStatus();
    case journal::Fact::kMovementByPerson:
      ApplyPerson(state, fact.movement_by_person());
      return absl::OkStatus();
    case journal::Fact::kCorrectionsEnded:
      ApplyCorrectionsEnded(state, fact.corrections_ended());
      return absl::OkStatus();
    case journal::Fact::kRowRetried: {
      const journal::RowRetried& retried = fact.row_retried();
      ApplyColumns(state, retried.source(), retried.spool(), retried.sequence(), retried.rows());
      return absl::OkStatus();
    }
    case journal::Fact::kQuarantined:
      ApplyQuarantined(state, fact.quarantined().entry());
      return absl::OkStatus();
    case journal::Fact::kQuarantineEnded:
      ApplyQuarantineEnded(state, fact.quarantine_ended());
      return absl::OkStatus();
    case journal::Fact::kSourceOpened:
      ApplySourceOpened(state, fact.source_opened());
      return absl::OkStatus();
    case journal::Fact::kSourceRetired:
      ApplySourceRetired(state, fact.source_retired().source());
      return absl::OkStatus();
    case journal::Fact::kOrdersGone:
      // What it means for lines and corrections follows it as ReservationChanged.
      return absl::OkStatus();
    case journal::Fact::kItemSet:
    case journal::Fact::kItemRenamed:
    case journal::Fact::kItemsMerged:
    case journal::Fact::kItemStopped:
    case journal::Fact::kLocationSet:
    case journal::Fact::kLocationStateSet:
    case journal::Fact::kStocktakeAnnounced:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
    case journal::Fact::kRuleSet:
    case journal::Fact::kRuleEnded:
    case journal::Fact::kChainSet:
      ApplyCatalogFact(state, fact);
      return absl::OkStatus();
    case journal::Fact::kLearnedChain:
    case journal::Fact::kLearnedLocations:
    case journal::Fact::kLearnedItems:
    case journal::Fact::kPositionsTaught:
    case journal::Fact::kOffsetsLearned:
    case journal::Fact::kNightBegun:
    case journal::Fact::kNightRows:
    case journal::Fact::kNightInstalled:
      ApplyLearnedFact(state, fact);
      return absl::OkStatus();
    case journal::Fact::kIncomingSet:
      ApplyIncomingSet(state, fact.incoming_set());
      return absl::OkStatus();
    case journal::Fact::kReservationChanged:
      ApplyReservationChanged(state, fact.reservation_changed());
      return absl::OkStatus();
    case journal::Fact::kWebhookSet:
      ApplyWebhookSet(state, fact.webhook_set());
      return absl::OkStatus();
    case journal::Fact::kWebhookDeleted:
      ApplyWebhookDeleted(state, fact.webhook_deleted());
      return absl::OkStatus();
    case journal::Fact::kTokenCreated:
      ApplyTokenCreated(state, fact.token_created());
      return absl::OkStatus();
    case journal::Fact::kTokenRevoked:
      ApplyTokenRevoked(state, fact.token_revoked());
      return absl::OkStatus();
    case journal::Fact::kWebhookDelivered:
      ApplyWebhookDelivered(state, fact.webhook_delivered());
      return absl::OkStatus();
    case journal::Fact::kAudited:
      ApplyAudited(state, fact.audited());
      return absl::OkStatus();
    case journal::Fact::FACT_NOT_SET:
      break;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the journal holds a fact that this program does not know (revision ",
                   state.counters.revision, "); run the version that wrote it, or a later one"));
}

}  // namespace onhand::ledger
