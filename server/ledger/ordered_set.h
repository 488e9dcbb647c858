// An ordered set with the same kind of overlay as a table (see table.h): one built over another
// reads through to it and keeps its own changes apart. For what must be found in an order: by
// moment, or by place and then by age. Not thread-safe; the hub guards the committed ones.
#ifndef ONHAND_SERVER_LEDGER_ORDERED_SET_H_
#define ONHAND_SERVER_LEDGER_ORDERED_SET_H_

#include "absl/container/btree_set.h"

namespace onhand::ledger {

template <class Key>
class OrderedSet {
 public:
  OrderedSet() = default;
  // An empty overlay; `base` outlives it, does not change meanwhile, and is no overlay itself.
  explicit OrderedSet(const OrderedSet* base) : base_(base) {}

  void Insert(const Key& key) {
    if (base_ != nullptr && base_->keys_.contains(key)) {
      erased_.erase(key);
    } else {
      keys_.insert(key);
    }
  }
  void Erase(const Key& key) {
    keys_.erase(key);
    if (base_ != nullptr && base_->keys_.contains(key)) erased_.insert(key);
  }

  // Calls visit(key) for the keys from `first` on, in order, until it returns false. The set does
  // not change meanwhile.
  template <class Visit>
  void VisitFrom(const Key& first, Visit visit) const {
    auto own = keys_.lower_bound(first);
    if (base_ == nullptr) {
      while (own != keys_.end() && visit(*own)) ++own;
      return;
    }
    auto below = base_->keys_.lower_bound(first);
    for (;;) {
      while (below != base_->keys_.end() && erased_.contains(*below)) ++below;
      const bool own_ends = own == keys_.end();
      const bool below_ends = below == base_->keys_.end();
      if (own_ends && below_ends) return;
      if (below_ends || (!own_ends && *own < *below)) {
        if (!visit(*own)) return;
        ++own;
      } else {
        if (!visit(*below)) return;
        ++below;
      }
    }
  }

  // Whether nothing was ever in it: quick, and right as long as it says yes.
  bool IsUnused() const { return keys_.empty() && (base_ == nullptr || base_->keys_.empty()); }
  // The committed set's own.
  size_t size() const { return keys_.size(); }

 private:
  absl::btree_set<Key> keys_;
  absl::btree_set<Key> erased_;  // keys of base_ that are gone
  const OrderedSet* base_ = nullptr;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ORDERED_SET_H_
