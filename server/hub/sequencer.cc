#include "server/hub/sequencer.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/hub/apply_slices.h"
#include "server/hub/journal_record.h"
#include "server/ledger/decide_reservation.h"
#include "server/ledger/refusal.h"
#include "spdlog/spdlog.h"

namespace onhand::hub {
namespace {

using ledger::Group;
using ledger::journal::Fact;
using ledger::journal::Record;

constexpr int64_t kTickUs = 1'000'000;
// How often an idle sequencer looks at the clock. The clock may be scaled, so real time cannot be
// computed from it.
constexpr auto kIdlePoll = std::chrono::milliseconds(20);
// While reports are slowed, one is taken in this time.
constexpr auto kSlowedPause = std::chrono::milliseconds(100);
constexpr auto kResolvePause = std::chrono::milliseconds(200);
constexpr int kOperationsMax = 1'024;
// Holds that end by time, and lines that supply came for, in one group.
constexpr int kExpiriesMax = 512;
constexpr int kSupplyLinesMax = 256;
// For so long after a person or a website wrote, groups are small.
constexpr auto kPeopleAreHere = std::chrono::milliseconds(100);

}  // namespace

// Display facts are a quarter of a group at most: they never crowd out what people and stores
// bring. Learning is read or applied in parts too, so that the night holds up nobody.
constexpr Sequencer::Share Sequencer::kWhole = {.display_items = 512,
                                                .snapshot_rows = ledger::SnapshotJob::kSliceRowsMax,
                                                .learned_positions = 2'048,
                                                .report_bytes = SIZE_MAX};
constexpr Sequencer::Share Sequencer::kBesidePeople = {
    .display_items = 64, .snapshot_rows = 256, .learned_positions = 256, .report_bytes = 1};

namespace {

absl::Status Unavailable(absl::string_view reason, std::string problem, std::string remedy) {
  return ledger::Refuse(
      absl::StatusCode::kUnavailable,
      {.reason = reason, .problem = std::move(problem), .remedy = std::move(remedy)});
}

absl::Status Stopping() {
  return Unavailable("STOPPING", "the hub is stopping", "send again in a moment with the same id");
}

}  // namespace

Sequencer::Sequencer(Hub* hub, ImageWriter* image_writer, const storage::JournalHead& head,
                     uint64_t epoch, uint64_t writer)
    : hub_(hub),
      image_writer_(image_writer),
      epoch_(epoch),
      writer_(writer),
      head_(head),
      learner_(hub->options_.offsets_of) {}

Sequencer::~Sequencer() { Stop(); }

absl::Status Sequencer::Start() {
  const ledger::RowMoment moment{head_.revision + 1, epoch_, NowUs()};
  Group group(&hub_->ledger_.state(), moment);
  Fact fact;
  fact.mutable_epoch_started()->set_epoch(epoch_);
  fact.mutable_epoch_started()->set_writer(writer_);
  fact.mutable_epoch_started()->set_version(hub_->options_.version);
  group.Add(std::move(fact));
  std::vector<Finish> nobody;
  if (absl::Status committed = Commit(group, moment, nobody); !committed.ok()) return committed;
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void Sequencer::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::Status Sequencer::WhyNotNow() const {
  if (!health_.ok())
    return Unavailable("NOT_LEADING", std::string(health_.message()), "send to the hub that leads");
  if (stopping_) return Stopping();
  if (database_away_) {
    return Unavailable("DATABASE_AWAY", "the database cannot be reached",
                       "send again later with the same id");
  }
  return absl::OkStatus();
}

void Sequencer::Submit(Operation operation, std::function<void(absl::Status)> refused) {
  absl::Status why_not;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    why_not = WhyNotNow();
    if (why_not.ok() &&
        operations_.size() >= static_cast<size_t>(hub_->options_.people_queue_max)) {
      why_not = ledger::Refuse(absl::StatusCode::kResourceExhausted,
                               {.reason = "QUEUE_FULL",
                                .problem = absl::StrCat(operations_.size(), " writes wait already"),
                                .remedy = "send again in a moment with the same id",
                                .retry_after_ms = 100});
    }
    if (why_not.ok()) {
      operations_.push_back(std::move(operation));
      last_operation_ = std::chrono::steady_clock::now();
    }
  }
  if (!why_not.ok()) return refused(std::move(why_not));
  wake_.notify_one();
}

void Sequencer::SubmitReport(ReportWrite report) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (absl::Status why_not = WhyNotNow(); !why_not.ok()) {
    lock.unlock();
    return report.done(std::move(why_not));
  }
  std::deque<ReportWrite>& waiting = reports_[report.source];
  if (waiting.empty()) turns_.push_back(report.source);
  waiting.push_back(std::move(report));
  lock.unlock();
  wake_.notify_one();
}

absl::Status Sequencer::health() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return health_;
}

void Sequencer::set_on_applied(Hub::OnApplied on_applied) {
  std::lock_guard<std::mutex> lock(listener_mutex_);
  on_applied_ = std::move(on_applied);
}

int64_t Sequencer::NowUs() const {
  return std::max(hub_->clock_->NowUs(), hub_->ledger_.state().counters.time_us);
}

bool Sequencer::HasInnerWork(int64_t now_us) {
  return display_.HasDue(now_us) || supply_.HasDue() ||
         ledger::HasDueHold(hub_->ledger_.state(), now_us) ||
         learner_.HasDue(hub_->ledger_.state(), now_us) ||
         !hub_->ledger_.closed_snapshots().empty() || TickIsDue(now_us);
}

// A second without a row, by the ledger's time and by the real one: a scaled clock asks for no more
// rows.
bool Sequencer::TickIsDue(int64_t now_us) const {
  return now_us - hub_->ledger_.state().counters.time_us >= kTickUs &&
         std::chrono::steady_clock::now() - last_row_at_ >= std::chrono::microseconds(kTickUs);
}

bool Sequencer::WaitForWork() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (operations_.empty() && !ReportsMayGo()) {
    if (stopping_ && turns_.empty()) return false;
    lock.unlock();
    const bool inner = HasInnerWork(NowUs());
    lock.lock();
    if (inner) return true;
    if (operations_.empty() && !ReportsMayGo() && !stopping_) wake_.wait_for(lock, kIdlePoll);
  }
  return true;
}

bool Sequencer::ReportsMayGo() const {
  if (turns_.empty()) return false;
  if (stopping_ || !hub_->options_.reports_slowed || !hub_->options_.reports_slowed()) return true;
  return std::chrono::steady_clock::now() >= next_slowed_report_;
}

bool Sequencer::SnapshotUnderWay(uint32_t source) const {
  const auto& closed = hub_->ledger_.closed_snapshots();
  const auto first = closed.lower_bound(ledger::SourceLocation{source, 0});
  return first != closed.end() && first->source == source;
}

Sequencer::Taken Sequencer::Take(bool all) {
  Taken taken;
  std::lock_guard<std::mutex> lock(mutex_);
  while (!operations_.empty() && taken.operations.size() < kOperationsMax) {
    taken.operations.push_back(std::move(operations_.front()));
    operations_.pop_front();
  }
  if (!all && std::chrono::steady_clock::now() - last_operation_ < kPeopleAreHere) {
    // Turn about, so that neither waits for the other for long.
    const bool people_only = !taken.operations.empty() && !last_turn_was_peoples_;
    last_turn_was_peoples_ = people_only;
    if (people_only) {
      taken.share = nullptr;
      return taken;
    }
    taken.share = &kBesidePeople;
  }
  const size_t bytes_max = std::min(hub_->options_.group_bytes_max, taken.share->report_bytes);
  int64_t movements = 0;
  size_t bytes = 0;
  std::deque<uint32_t> held;
  while (ReportsMayGo() && movements < hub_->options_.group_movements_max && bytes < bytes_max) {
    const uint32_t source = turns_.front();
    turns_.pop_front();
    if (!all && SnapshotUnderWay(source)) {
      held.push_back(source);
      continue;
    }
    next_slowed_report_ = std::chrono::steady_clock::now() + kSlowedPause;
    std::deque<ReportWrite>& waiting = reports_[source];
    const v1::Batch& batch = *waiting.front().batch;
    movements += batch.movements_size();
    bytes += batch.input_position().size() + 16 * static_cast<size_t>(batch.movements_size());
    bool ends_snapshot = false;
    for (const v1::SnapshotPart& part : batch.snapshots()) {
      bytes += 16 * static_cast<size_t>(part.rows_size());
      ends_snapshot = ends_snapshot || part.has_end();
    }
    taken.reports.push_back(std::move(waiting.front()));
    waiting.pop_front();
    if (waiting.empty()) {
      reports_.erase(source);
    } else {
      (ends_snapshot && !all ? held : turns_).push_back(source);
    }
  }
  turns_.insert(turns_.begin(), held.begin(), held.end());
  return taken;
}

void Sequencer::PutBack(std::vector<Operation>& operations, size_t first) {
  if (first == operations.size()) return;
  std::lock_guard<std::mutex> lock(mutex_);
  while (operations.size() > first) {
    operations_.push_front(std::move(operations.back()));
    operations.pop_back();
  }
}

bool Sequencer::MoreWaits() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return !operations_.empty() || !turns_.empty();
}

void Sequencer::Run() {
  while (WaitForWork()) {
    Turn(Take(/*all=*/false), NowUs());
    std::lock_guard<std::mutex> lock(mutex_);
    if (!health_.ok()) break;
  }
  answers_.Stop();
  // Whatever came in after the last turn is told that nothing became of it.
  Taken left;
  do {
    left = Take(/*all=*/true);
    for (ReportWrite& report : left.reports) report.done(Stopping());
    if (left.operations.empty()) continue;
    Group group(&hub_->ledger_.state(), {head_.revision + 1, epoch_, NowUs()});
    for (Operation& operation : left.operations) operation.decide(group)(Stopping());
  } while (!left.operations.empty() || !left.reports.empty());
}

void Sequencer::Turn(Taken taken, int64_t now_us) {
  const ledger::RowMoment moment{head_.revision + 1, epoch_, now_us};
  Group group(&hub_->ledger_.state(), moment);
  std::vector<Finish> finishes;
  finishes.reserve(taken.operations.size() + taken.reports.size());
  ledger::DecideExpiries(group, kExpiriesMax);
  if (taken.share != nullptr) DecideInner(group, *taken.share);
  size_t decided = 0;
  while (decided < taken.operations.size() && group.bytes() < hub_->options_.group_bytes_max) {
    if (taken.operations[decided].reads_rules && group.changes_book()) break;
    finishes.push_back(taken.operations[decided++].decide(group));
  }
  PutBack(taken.operations, decided);
  for (ReportWrite& report : taken.reports)
    finishes.push_back(DecideReport(group, std::move(report)));
  if (group.fact_count() == 0 && TickIsDue(now_us)) {
    Fact tick;
    tick.mutable_tick();
    group.Add(std::move(tick));
  }
  absl::Status outcome;
  if (group.fact_count() > 0) {
    const auto commands = static_cast<double>(finishes.size());
    const auto began = std::chrono::steady_clock::now();
    outcome = Commit(group, moment, finishes);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    hub_->counts_.group_seconds.Note(took.count());
    hub_->counts_.group_commands.Note(commands);
  }
  if (MoreWaits()) {
    answers_.Hand(std::move(finishes), std::move(outcome));
  } else {
    answers_.Give(finishes, outcome);
  }
}

void Sequencer::DecideInner(Group& group, const Share& share) {
  if (supply_.HasDue()) supply_.Decide(group, hub_->ledger_.rule_book(), kSupplyLinesMax);
  if (display_.HasDue(group.now_us()))
    display_.Decide(group, hub_->ledger_.rule_book(), share.display_items);
  if (learner_.HasDue(group.committed(), group.now_us()))
    learner_.Step(group, share.learned_positions);
  StepSnapshots(group, share.snapshot_rows);
}

void Sequencer::StepSnapshots(Group& group, int rows_max) {
  const auto& closed = hub_->ledger_.closed_snapshots();
  for (auto job = snapshot_jobs_.begin(); job != snapshot_jobs_.end();) {
    job = closed.contains(job->first) ? std::next(job) : snapshot_jobs_.erase(job);
  }
  if (closed.empty()) return;
  auto next = closed.upper_bound(last_job_);
  if (next == closed.end()) next = closed.begin();
  last_job_ = *next;
  ledger::SnapshotJob& job = snapshot_jobs_.try_emplace(last_job_, last_job_).first->second;
  if (job.Step(group, hub_->ledger_, rows_max)) snapshot_jobs_.erase(last_job_);
}

Sequencer::Finish Sequencer::DecideReport(Group& group, ReportWrite report) {
  absl::StatusOr<ledger::ReportDecision> decision = ledger::DecideReport(
      group, report.source, report.spool, report.clock_correction_us, *report.batch);
  return [report = std::move(report), decision = std::move(decision),
          revision = group.revision()](const absl::Status& outcome) mutable {
    if (!outcome.ok()) return report.done(outcome);
    if (!decision.ok()) return report.done(decision.status());
    report.done(ReportResult{*std::move(decision), revision});
  };
}

absl::Status Sequencer::Commit(Group& group, const ledger::RowMoment& moment,
                               std::vector<Finish>& finishes) {
  storage::JournalRow row;
  row.revision = moment.revision;
  row.epoch = epoch_;
  row.writer = writer_;
  row.committed_at_us = moment.committed_at_us;
  row.payload = EncodeRecord(group.record());
  row.chain = storage::ChainAfter(head_.chain, row);
  switch (AppendUntilKnown(row, finishes)) {
    case storage::AppendOutcome::kAppended:
      break;
    case storage::AppendOutcome::kFenced: {
      absl::Status fenced =
          Unavailable("FENCED", "another hub writes to this journal", "send to the hub that leads");
      StepDown(fenced);
      return fenced;
    }
    case storage::AppendOutcome::kForeignHistory: {
      absl::Status foreign =
          Unavailable("FOREIGN_HISTORY", "the journal is not the one that this hub loaded",
                      "start the hub again");
      StepDown(foreign);
      return foreign;
    }
    case storage::AppendOutcome::kUnknown:
      // Told to stop before the database said: the next start finds out.
      StepDown(Stopping());
      return Stopping();
  }
  head_ = {row.revision, row.chain};
  last_row_at_ = std::chrono::steady_clock::now();
  Apply(moment, group.record());
  hub_->counts_.groups.fetch_add(1, std::memory_order_relaxed);
  hub_->counts_.group_bytes.fetch_add(row.payload.size(), std::memory_order_relaxed);
  hub_->revision_.store(row.revision, std::memory_order_release);
  image_writer_->AfterRow(head_, row.payload.size());
  std::lock_guard<std::mutex> lock(listener_mutex_);
  if (on_applied_) on_applied_(moment, group.record());
  return absl::OkStatus();
}

// Until the outcome is known nothing else is decided: the row may stand, and what comes next would
// build on it.
storage::AppendOutcome Sequencer::AppendUntilKnown(const storage::JournalRow& row,
                                                   std::vector<Finish>& finishes) {
  std::string detail;
  storage::AppendOutcome outcome = hub_->store_->journal().Append(head_, row, &detail);
  if (outcome != storage::AppendOutcome::kUnknown) return outcome;
  spdlog::warn("journal append of revision {}: outcome unknown ({}); asking again", row.revision,
               detail);
  hub_->counts_.append_errors.fetch_add(1, std::memory_order_relaxed);
  const absl::Status unknown =
      Unavailable("OUTCOME_UNKNOWN", "the database did not say whether it kept the write",
                  "send again later with the same id");
  answers_.Give(finishes, unknown);
  finishes.clear();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    database_away_ = true;
  }
  while (outcome == storage::AppendOutcome::kUnknown) {
    hub_->counts_.append_retries.fetch_add(1, std::memory_order_relaxed);
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait_for(lock, kResolvePause, [this] { return stopping_; });
    if (stopping_) return outcome;
    Taken turned_away;
    lock.unlock();
    turned_away = Take(/*all=*/true);
    for (ReportWrite& report : turned_away.reports) report.done(unknown);
    if (!turned_away.operations.empty()) {
      // Decided into a group that is thrown away: only its finishers are wanted.
      Group group(&hub_->ledger_.state(), {row.revision, epoch_, row.committed_at_us});
      for (Operation& operation : turned_away.operations) operation.decide(group)(unknown);
    }
    outcome = hub_->store_->journal().ResolveAppend(head_, row, &detail);
  }
  spdlog::info("journal append of revision {}: the outcome is known now", row.revision);
  std::lock_guard<std::mutex> lock(mutex_);
  database_away_ = false;
  return outcome;
}

void Sequencer::Apply(const ledger::RowMoment& moment, const Record& record) {
  int64_t movements = 0;
  int64_t reports = 0;
  for (int first = 0; first < record.facts_size();) {
    const int last = SliceEnd(hub_->ledger_.state(), record, first);
    {
      std::unique_lock<std::shared_mutex> lock(hub_->mutex_);
      if (absl::Status applied = hub_->ledger_.ApplyFacts(moment, record, first, last);
          !applied.ok()) {
        spdlog::critical("applying a fact that this process decided failed: {}",
                         std::string(applied.message()));
        std::abort();
      }
      hub_->ledger_.EndSlice();
    }
    for (int i = first; i < last; ++i) {
      display_.NoteFact(hub_->ledger_.state(), record.facts(i));
      learner_.NoteFact(record.facts(i));
      supply_.NoteFact(hub_->ledger_.state(), record.facts(i));
      movements += MovementsOf(record.facts(i));
      reports += record.facts(i).has_report() ? 1 : 0;
    }
    first = last;
  }
  hub_->counts_.movements.fetch_add(static_cast<uint64_t>(movements), std::memory_order_relaxed);
  hub_->counts_.reports.fetch_add(static_cast<uint64_t>(reports), std::memory_order_relaxed);
}

void Sequencer::StepDown(const absl::Status& why) {
  std::lock_guard<std::mutex> lock(mutex_);
  health_ = why;
}

}  // namespace onhand::hub
