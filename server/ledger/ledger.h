// The committed state with what is derived from it for reading: the rules as a lookup structure and
// the items in SKU order. Derived parts are rebuilt from the state and never persisted. Not
// thread-safe; the hub lets one thread apply while none reads, and many read while none applies.
#ifndef ONHAND_SERVER_LEDGER_LEDGER_H_
#define ONHAND_SERVER_LEDGER_LEDGER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "server/ledger/apply.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

class Ledger {
 public:
  explicit Ledger(Settings settings);

  const State& state() const { return state_; }
  // For loading an image; call Rebuild() afterwards.
  State& mutable_state() { return state_; }
  void Rebuild();

  // Applies facts [first, last) of a row; BeginRow is called when first is 0. A row may be applied
  // in slices, so that readers come in between; EndSlice must follow each before any reader.
  absl::Status ApplyFacts(const RowMoment& row, const journal::Record& record, int first, int last);
  void EndSlice();

  const RuleBook& rule_book() const { return rule_book_; }
  // SKU -> item id, merged items left out.
  const absl::btree_map<std::string, uint32_t>& sku_order() const { return sku_order_; }
  // (parent SKU, SKU) -> item id, for items that have a parent.
  const absl::btree_map<std::pair<std::string, std::string>, uint32_t>& children() const {
    return children_;
  }
  // Snapshots that wait to be judged or are being applied.
  const std::set<SourceLocation>& closed_snapshots() const { return closed_snapshots_; }

 private:
  void List(const journal::Item& item);
  void Unlist(const journal::Item& item);
  void BeforeFact(const journal::Fact& fact);
  void AfterFact(const journal::Fact& fact);

  State state_;
  RuleBook rule_book_;
  absl::btree_map<std::string, uint32_t> sku_order_;
  absl::btree_map<std::pair<std::string, std::string>, uint32_t> children_;
  std::set<SourceLocation> closed_snapshots_;
  bool places_changed_ = false;
  bool learned_changed_ = false;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_LEDGER_H_
