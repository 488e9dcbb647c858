#include "server/hub/projection.h"

#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/hub/journal_record.h"
#include "server/hub/projection_rows.h"
#include "spdlog/spdlog.h"

namespace onhand::hub {
namespace {

// Rows read from the ledger in one slice: some 0.05 ms in which nothing is applied. Short, because
// this thread may lose its core in the middle of one, and nothing is applied until it has it again.
constexpr size_t kSliceRows = 250;
constexpr int64_t kDropEveryUs = int64_t{3600} * 1'000'000;

// Calls take(ledger, element) for each element, in slices.
template <class View, class Elements, class Take>
void ReadInSlices(const View& view, const Elements& elements, Take take) {
  auto next = elements.begin();
  while (next != elements.end()) {
    view.read([&](const ledger::Ledger& ledger) {
      for (size_t i = 0; i < kSliceRows && next != elements.end(); ++i, ++next)
        take(ledger.state(), *next);
    });
  }
}

// People can wait a moment for their tables, a till cannot for its acknowledgement: in a burst the
// threads that receive, decide and append get the cores first, and the tables follow when it is
// over. Linux only; there a nice value belongs to a thread. It is never raised again: that takes a
// privilege.
void YieldToTheOthers() {
#ifdef __linux__
  constexpr int kNiceness = 10;
  const id_t thread = static_cast<id_t>(syscall(SYS_gettid));
  // Fails only where it is forbidden; then the tables follow at the same priority as the rest.
  static_cast<void>(setpriority(PRIO_PROCESS, thread, kNiceness));
#endif
}

template <class Row>
void Add(std::optional<Row> row, std::vector<Row>& rows) {
  if (row) rows.push_back(*std::move(row));
}

size_t RowCount(const storage::ProjectionBatch& batch) {
  return batch.locations.size() + batch.items.size() + batch.rules.size() + batch.stock.size() +
         batch.reservations.size();
}

}  // namespace

Projector::Projector(storage::Store* store, uint64_t epoch, View view, ProjectionProgress* progress,
                     Options options)
    : store_(store), epoch_(epoch), view_(std::move(view)), progress_(progress), options_(options) {
  thread_ = std::thread([this] { Run(); });
}

Projector::~Projector() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

bool Projector::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

absl::Status Projector::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

absl::Status Projector::CatchUp() {
  const uint64_t wanted = view_.revision();
  const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ended_ || progress_->ProjectedThrough() >= wanted;
  };
  absl::MutexLock lock(&mutex_);
  wanted_ = std::max(wanted_, wanted);
  mutex_.Await(absl::Condition(&done));
  return ended_ ? status_ : absl::OkStatus();
}

void Projector::Run() {
  YieldToTheOthers();
  const auto woken = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || wanted_ > progress_->ProjectedThrough();
  };
  while (true) {
    absl::Status status = Follow();
    if (!status.ok()) {
      // Which transaction was the last is asked anew.
      journal_.reset();
      facts_.Clear();
    }
    absl::MutexLock lock(&mutex_);
    const bool failed = !status.ok();
    if (failed && status_.ok()) {
      spdlog::warn("the tables for people cannot be written, trying again: {}",
                   std::string(status.message()));
    } else if (!failed && !status_.ok()) {
      spdlog::info("the tables for people are written again");
    }
    status_ = std::move(status);
    ended_ = absl::IsFailedPrecondition(status_);
    if (ended_ || stopping_) break;
    if (failed) {
      progress_->errors.fetch_add(1, std::memory_order_relaxed);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.pause_after_error);
    } else {
      mutex_.AwaitWithTimeout(absl::Condition(&woken), options_.period);
    }
    if (stopping_) break;
  }
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

absl::Status Projector::Open() {
  absl::StatusOr<storage::ProjectionHead> head = store_->projection().Head();
  if (!head.ok()) return head.status();
  absl::StatusOr<std::unique_ptr<storage::Journal>> journal = store_->OpenJournalReader();
  if (!journal.ok()) return journal.status();
  through_ = head->through_revision;
  movements_through_ = head->movements_through_revision;
  // Those that end before they are written again keep what the table says of them.
  view_.read([&](const ledger::Ledger& ledger) {
    ledger.state().rules.ForEach([&](const std::string& rule_id, const ledger::journal::Rule&) {
      rules_[rule_id] = *RuleRowOf(ledger.state(), rule_id, 0);
    });
  });
  journal_ = *std::move(journal);
  return absl::OkStatus();
}

absl::Status Projector::Follow() {
  if (journal_ == nullptr) {
    absl::Status opened = Open();
    if (!opened.ok()) return opened;
    ShowProgress(nullptr);
  }
  while (!stopping() && view_.revision() > std::min(through_, movements_through_)) {
    ProjectedFacts::RowPlace last;
    bool behind = true;
    absl::Status status = ReadRows(&last);
    if (absl::IsOutOfRange(status)) {
      status = RewriteTables();
    } else if (status.ok()) {
      if (last.revision == 0) break;
      behind = facts_.size() >= options_.rows_max;
      status = WriteFacts(last);
    }
    if (!status.ok()) return status;
    ShowProgress(&last);
    // What was applied meanwhile waits for the next look, however much traffic there is: rows
    // written a handful at a time coalesce nothing, and each write's syncs delay the journal's.
    if (!behind) break;
  }
  return DropOldMovements();
}

absl::Status Projector::ReadRows(ProjectedFacts::RowPlace* last) {
  facts_.Clear();
  const uint64_t applied = view_.revision();
  ledger::journal::Record record;
  const auto take = [&](const storage::JournalRow& row) -> absl::Status {
    // Durable but not applied yet: its values cannot be read.
    if (row.revision > applied) return absl::CancelledError();
    absl::Status status = DecodeRecord(row.payload, &record);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("journal row ", row.revision, ": ", status.message()));
    }
    *last = {.revision = row.revision,
             .committed_at_us = row.committed_at_us,
             .for_tables = row.revision > through_,
             .for_movements = row.revision > movements_through_};
    facts_.Take(*last, record);
    return facts_.size() >= options_.rows_max ? absl::CancelledError() : absl::OkStatus();
  };
  absl::Status status = journal_->Read(std::min(through_, movements_through_) + 1, take);
  return absl::IsCancelled(status) ? absl::OkStatus() : status;
}

absl::Status Projector::WriteFacts(const ProjectedFacts::RowPlace& last) {
  storage::ProjectionBatch batch;
  std::vector<storage::MovementRow> movements;
  if (last.for_tables) FillBatch(batch);
  if (last.for_movements) FillMovements(movements);
  absl::Status movements_status;
  std::thread beside;
  if (last.for_movements) {
    beside = std::thread([&] {
      YieldToTheOthers();
      movements_status = WriteMovements(last.revision, std::move(movements));
    });
  }
  absl::Status status;
  if (last.for_tables) {
    batch.through_revision = last.revision;
    status = store_->projection().Write(epoch_, std::move(batch));
    if (status.ok()) through_ = last.revision;
  }
  if (beside.joinable()) beside.join();
  return status.ok() ? movements_status : status;
}

absl::Status Projector::WriteMovements(uint64_t through_revision,
                                       std::vector<storage::MovementRow> rows) {
  absl::Status status =
      store_->projection().WriteMovements(epoch_, through_revision, std::move(rows));
  if (status.ok()) movements_through_ = through_revision;
  return status;
}

void Projector::FillMovements(std::vector<storage::MovementRow>& rows) {
  rows.reserve(facts_.movements.size());
  ReadInSlices(view_, facts_.movements,
               [&](const ledger::State& state, const ProjectedFacts::Movement& movement) {
                 rows.push_back(MovementRowOf(state, movement));
               });
}

void Projector::FillBatch(storage::ProjectionBatch& batch) {
  const auto touch_locations = [&](const ledger::State& state, uint32_t source) {
    const ledger::SourceState* row = state.sources.Find(source);
    if (row == nullptr) return;
    facts_.locations.insert(row->opened.locations().begin(), row->opened.locations().end());
  };
  ReadInSlices(view_, facts_.retired_sources, touch_locations);
  batch.stock.reserve(facts_.positions.size());
  ReadInSlices(view_, facts_.positions,
               [&](const ledger::State& state, const ledger::PositionKey& key) {
                 Add(StockRowOf(state, key, view_.revision()), batch.stock);
               });
  ReadInSlices(view_, facts_.items, [&](const ledger::State& state, uint32_t item) {
    Add(ItemRowOf(state, item, view_.revision()), batch.items);
  });
  ReadInSlices(view_, facts_.renamed_items, [&](const ledger::State& state, uint32_t item) {
    AddRowsOfOldSku(state, item, view_.revision(), batch);
    for (const uint32_t location : state.positions.Of(item).locations) {
      if (!facts_.positions.contains({item, location})) {
        Add(StockRowOf(state, {item, location}, view_.revision()), batch.stock);
      }
    }
  });
  ReadInSlices(view_, facts_.locations, [&](const ledger::State& state, uint32_t location) {
    Add(LocationRowOf(state, location, view_.revision()), batch.locations);
  });
  ReadInSlices(view_, facts_.reservations, [&](const ledger::State& state, const std::string& id) {
    AddReservationRows(state, id, view_.revision(), batch.reservations);
  });
  ReadInSlices(view_, facts_.display_changes,
               [&](const ledger::State& state, const ProjectedFacts::DisplayChange& change) {
                 batch.display_changes.push_back(DisplayChangeRowOf(state, change));
               });
  ReadInSlices(view_, facts_.audits,
               [&](const ledger::State& state, const ProjectedFacts::Audit& audit) {
                 batch.audits.push_back(AuditRowOf(state, audit));
               });
  FillRules(batch);
}

void Projector::FillRules(storage::ProjectionBatch& batch) {
  ReadInSlices(view_, facts_.rules, [&](const ledger::State& state, const std::string& rule_id) {
    const uint64_t revision = view_.revision();
    std::optional<storage::RuleRow> row = RuleRowOf(state, rule_id, revision);
    if (!row) {
      row = rules_[rule_id];
      row->rule_id = rule_id;
      row->ended = true;
      row->revision = revision;
    }
    rules_[rule_id] = *row;
    batch.rules.push_back(*std::move(row));
  });
}

absl::Status Projector::RewriteTables() {
  absl::StatusOr<uint64_t> first = journal_->FirstRevision();
  if (!first.ok()) return first.status();
  facts_.Clear();
  if (movements_through_ + 1 < *first) {
    // Those between are in no table: the journal was compacted past them.
    absl::Status status = WriteMovements(*first - 1, {});
    if (!status.ok()) return status;
  }
  if (through_ + 1 >= *first) return absl::OkStatus();

  const uint64_t applied = view_.revision();
  uint32_t item = 1;
  bool more = true;
  storage::ProjectionBatch batch;
  view_.read([&](const ledger::Ledger& ledger) {
    for (const uint32_t location : ledger.state().locations.SortedKeys())
      facts_.locations.insert(location);
    for (const std::string& rule_id : ledger.state().rules.SortedKeys())
      facts_.rules.insert(rule_id);
    for (const std::string& id : ledger.state().reservations.rows.SortedKeys())
      facts_.reservations.insert(id);
  });
  FillBatch(batch);
  facts_.Clear();
  while (more && !stopping()) {
    view_.read([&](const ledger::Ledger& ledger) {
      const ledger::State& state = ledger.state();
      const uint64_t revision = view_.revision();
      const size_t rows_before = RowCount(batch);
      for (; item < state.counters.item_end && RowCount(batch) - rows_before < kSliceRows; ++item) {
        Add(ItemRowOf(state, item, revision), batch.items);
        for (const uint32_t location : state.positions.Of(item).locations) {
          Add(StockRowOf(state, {item, location}, revision), batch.stock);
        }
      }
      more = item < state.counters.item_end;
    });
    if (more && RowCount(batch) < options_.rows_max) continue;
    // The watermark moves with the last rows only.
    batch.through_revision = more ? through_ : applied;
    absl::Status status = store_->projection().Write(epoch_, std::exchange(batch, {}));
    if (!status.ok()) return status;
  }
  if (!more) through_ = applied;
  return absl::OkStatus();
}

absl::Status Projector::DropOldMovements() {
  int64_t now_us = 0;
  view_.read([&](const ledger::Ledger& ledger) { now_us = ledger.state().counters.time_us; });
  if (now_us < next_drop_us_) return absl::OkStatus();
  storage::Projection& tables = store_->projection();
  const int64_t cutoff_us = now_us - absl::ToInt64Microseconds(options_.movements_kept);
  // The last revision whose movement occurred before the cutoff: revisions and moments rise
  // together, but for rows that came late, and those may stay a little longer or go a little
  // sooner.
  uint64_t old_through = 0;
  uint64_t young_from = movements_through_ + 1;
  while (old_through + 1 < young_from) {
    const uint64_t middle = old_through + (young_from - old_through) / 2;
    absl::StatusOr<std::optional<int64_t>> occurred_us = tables.MovementTimeUs(middle);
    if (!occurred_us.ok()) return occurred_us.status();
    if (occurred_us->has_value() && **occurred_us < cutoff_us) {
      old_through = middle;
    } else {
      young_from = middle;
    }
  }
  if (old_through > 0) {
    absl::Status status = tables.DropMovements(old_through);
    if (!status.ok()) return status;
  }
  next_drop_us_ = now_us + kDropEveryUs;
  return absl::OkStatus();
}

void Projector::ShowProgress(const ProjectedFacts::RowPlace* last) {
  int64_t now_us = 0;
  view_.read([&](const ledger::Ledger& ledger) { now_us = ledger.state().counters.time_us; });
  const uint64_t applied = view_.revision();
  // Under the lock: CatchUp waits for it.
  absl::MutexLock lock(&mutex_);
  progress_->through_revision.store(through_);
  progress_->movements_through_revision.store(movements_through_);
  const uint64_t through = std::min(through_, movements_through_);
  progress_->revisions_behind.store(applied > through ? applied - through : 0);
  if (applied <= through) {
    progress_->behind_us.store(0);
  } else if (last != nullptr && last->revision != 0) {
    progress_->behind_us.store(std::max<int64_t>(0, now_us - last->committed_at_us));
  }
}

}  // namespace onhand::hub
