// One group of decisions on its way to the journal: the facts so far, and an overlay in which each
// decision sees those before it. The sequencer makes one, lets the decide functions fill it,
// appends its record, and applies that. One thread; the committed state does not change while a
// group lives.
#ifndef ONHAND_SERVER_LEDGER_GROUP_H_
#define ONHAND_SERVER_LEDGER_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/apply.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Is told of each fact of a decision, before and after it enters the overlay.
class FactListener {
 public:
  virtual void Before(const State& state, const journal::Fact& fact) = 0;
  virtual void After(const State& state, const journal::Fact& fact) = 0;

 protected:
  ~FactListener() = default;
};

class Group {
 public:
  // `row` is the journal row that the group will become; its time is the time of all its decisions.
  Group(const State* committed, const RowMoment& row);

  // What decisions read and never change by hand. Positions lack the rows of reports decided in
  // this group, until Settled() is asked.
  const State& state() const { return overlay_; }
  const State& committed() const { return *committed_; }
  // The same with those rows in, and with every event that the group's time ends dropped.
  const State& Settled();

  int64_t now_us() const { return row_.committed_at_us; }
  uint64_t revision() const { return row_.revision; }

  // Appends a fact and applies it to the overlay. Moves from `fact`.
  void Add(journal::Fact fact);
  // Who is told of what Add takes from now on; null: nobody.
  void Listen(FactListener* listener) { listener_ = listener; }
  // Appends a Report fact; its rows enter the overlay only when Settled() is asked.
  void AddReport(journal::Fact fact, int64_t units_moved);

  // How far report rows that are not in the overlay yet may have moved any one position, in units.
  int64_t unsettled_units() const { return unsettled_units_; }

  // Whether a fact in it changes what the committed RuleBook says (rules, items, locations, groups,
  // channels): what reads rules is then for the next group.
  bool changes_book() const { return changes_book_; }

  // Nothing added can be taken back: decisions check first and add last.
  int fact_count() const { return record_.facts_size(); }
  const journal::Record& record() const { return record_; }
  // Bytes of the record so far, reports' rows left out (movement_count bounds those).
  size_t bytes() const { return bytes_; }
  // Movements in the record so far; bounds the group.
  int64_t movement_count() const { return movement_count_; }

 private:
  const State* committed_;
  RowMoment row_;
  State overlay_;
  journal::Record record_;
  std::vector<int> unsettled_;  // indexes of report facts whose rows are not in the overlay
  int64_t unsettled_units_ = 0;
  int64_t movement_count_ = 0;
  size_t bytes_ = 0;
  bool dropped_ = false;  // DropDueEvents was called on the overlay
  bool changes_book_ = false;
  FactListener* listener_ = nullptr;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_GROUP_H_
