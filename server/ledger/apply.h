// Applies facts to a state: the only way a state ever changes, live, at start-up, on followers and
// in every replay. Total and deterministic: it reads no clock, branches on no float, and refuses
// nothing that decide let through.
#ifndef ONHAND_SERVER_LEDGER_APPLY_H_
#define ONHAND_SERVER_LEDGER_APPLY_H_

#include <cstdint>

#include "absl/status/status.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The journal row that facts belong to.
struct RowMoment {
  uint64_t revision = 0;
  uint64_t epoch = 0;
  int64_t committed_at_us = 0;
};

// Before the facts of a row: sets revision, epoch and time, and lets expire what that time ends
// (windows, answers, unfinished snapshots, held rows, pauses). A state without facts in between
// ends the same however many rows it saw.
void BeginRow(State& state, const RowMoment& row);

// Applies one fact. FAILED_PRECONDITION if its kind is unknown to this program: the applier must
// stop then.
absl::Status ApplyFact(State& state, const journal::Fact& fact);

// The two halves of a Report fact: the source's progress, and its rows. ApplyFact does both; an
// overlay takes the rows only when a later decision reads positions.
void ApplyReportProgress(State& state, const journal::Report& report);
void ApplyReportRows(State& state, const journal::Report& report);

// Lets every event that arrived before `now - window` leave its position's window. Part of BeginRow
// on a committed state; a group's overlay calls it before it reads how far back a location's events
// may be placed.
void DropDueEvents(const State& committed, State& target, int64_t now_us);

// Puts an event where it belongs in a position's window and brings `now` up to date: the newest is
// simply taken, a late one folds the window again. A delta from before the last number that left
// the window is contained in that number.
void InsertEvent(Beside& beside, const Event& event, SourceName name);

// Takes the events of one fact as evidence of velocity and doubt (estimates.h); remembers the place
// of the event before, since events of one place come together. Lives as long as one fact is
// applied.
class EvidenceTaker {
 public:
  explicit EvidenceTaker(State& state);
  void Take(uint32_t item, uint32_t location, const Event& event, const RecordChange& record,
            Estimates& estimates);

 private:
  void NoteActivity(uint32_t item, const Event& event);

  State& state_;
  const DoubtPolicy policy_;
  EvidencePlace place_;
};

// Takes one event at a position of a state; the first form where more of the fact's follow.
void TakeEvent(State& state, uint32_t item, uint32_t location, const Event& event,
               EvidenceTaker& evidence);
void TakeEvent(State& state, uint32_t item, uint32_t location, const Event& event);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_H_
