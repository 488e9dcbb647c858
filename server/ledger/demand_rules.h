// The rules in force that set a demand factor, apart from all the others, because every movement
// asks for them. Follows State::rules; an overlay shares the list of its base until it changes its
// own. Not thread-safe; the hub guards the committed one.
#ifndef ONHAND_SERVER_LEDGER_DEMAND_RULES_H_
#define ONHAND_SERVER_LEDGER_DEMAND_RULES_H_

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "onhand/journal/v1/journal.pb.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

class DemandRules {
 public:
  using List = std::vector<std::shared_ptr<const journal::Rule>>;

  // By rule id.
  const List& list() const { return *list_; }

  // Takes a rule as it stands: one that sets no demand factor is none of them.
  void Set(const journal::Rule& rule) {
    Erase(rule.rule_id());
    if (!rule.has_demand_factor()) return;
    auto changed = std::make_shared<List>(*list_);
    changed->insert(PlaceOf(*changed, rule.rule_id()), std::make_shared<const journal::Rule>(rule));
    list_ = std::move(changed);
  }
  void Erase(absl::string_view rule_id) {
    const auto found = PlaceOf(*list_, rule_id);
    if (found == list_->end() || (*found)->rule_id() != rule_id) return;
    auto changed = std::make_shared<List>(*list_);
    changed->erase(changed->begin() + (found - list_->begin()));
    list_ = std::move(changed);
  }

 private:
  // Where a rule is, or would be.
  static List::const_iterator PlaceOf(const List& list, absl::string_view rule_id) {
    return std::lower_bound(
        list.begin(), list.end(), rule_id,
        [](const auto& rule, absl::string_view id) { return rule->rule_id() < id; });
  }

  std::shared_ptr<const List> list_ = std::make_shared<const List>();
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DEMAND_RULES_H_
