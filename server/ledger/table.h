// One kind of table for all rare state, with one kind of overlay: a table built over another reads
// through to it and keeps its own changes apart, so that a decision sees what was decided before it
// while readers do not. Not thread-safe; the hub guards the committed tables.
#ifndef ONHAND_SERVER_LEDGER_TABLE_H_
#define ONHAND_SERVER_LEDGER_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace onhand::ledger {

template <class Key, class Row>
class Table {
 public:
  Table() = default;
  // An empty overlay; `base` outlives it, does not change meanwhile, and is no overlay itself.
  explicit Table(const Table* base) : base_(base) {}

  // The row, or null. Valid until the next change of this table.
  template <class K>
  const Row* Find(const K& key) const {
    // An overlay holds little or nothing: it must not cost a second hash of the key.
    if (!rows_.empty()) {
      if (const auto found = rows_.find(key); found != rows_.end()) return &found->second;
    }
    if (base_ == nullptr || (!erased_.empty() && erased_.contains(key))) return nullptr;
    return base_->Find(key);
  }

  // Brings what Find will touch closer, some rows ahead.
  template <class K>
  void Prefetch(const K& key) const {
    (base_ == nullptr ? rows_ : base_->rows_).prefetch(key);
  }

  template <class K>
  bool Contains(const K& key) const {
    return Find(key) != nullptr;
  }

  // The row for changing; made empty if there is none. Valid until the next change of this table.
  Row& Mutable(const Key& key) {
    if (const auto found = rows_.find(key); found != rows_.end()) return found->second;
    Row& row = rows_[key];
    if (base_ != nullptr && erased_.erase(key) == 0) {
      if (const Row* below = base_->Find(key)) row = *below;
    }
    return row;
  }

  void Erase(const Key& key) {
    rows_.erase(key);
    if (base_ != nullptr && base_->Contains(key)) erased_.insert(key);
  }

  // The committed table's own size and keys; an overlay has no meaningful ones.
  size_t size() const { return rows_.size(); }
  std::vector<Key> SortedKeys() const {
    std::vector<Key> keys;
    keys.reserve(rows_.size());
    for (const auto& [key, row] : rows_) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  void Reserve(size_t rows) { rows_.reserve(rows); }

  // Calls visit(key, row) for every row, overlay included, in no order.
  template <class Visit>
  void ForEach(Visit visit) const {
    for (const auto& [key, row] : rows_) visit(key, row);
    if (base_ == nullptr) return;
    for (const auto& [key, row] : base_->rows_) {
      if (!rows_.contains(key) && !erased_.contains(key)) visit(key, row);
    }
  }

 private:
  absl::flat_hash_map<Key, Row> rows_;
  absl::flat_hash_set<Key> erased_;  // rows of base_ that are gone
  const Table* base_ = nullptr;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_TABLE_H_
