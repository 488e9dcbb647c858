#include "server/ledger/group.h"

#include <cstdlib>
#include <iostream>
#include <utility>

namespace onhand::ledger {
namespace {

bool ChangesBook(const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet:
    case journal::Fact::kItemsMerged:
    case journal::Fact::kItemStopped:
    case journal::Fact::kLocationSet:
    case journal::Fact::kLocationStateSet:
    case journal::Fact::kGroupSet:
    case journal::Fact::kChannelSet:
    case journal::Fact::kRuleSet:
    case journal::Fact::kRuleEnded:
    case journal::Fact::kChainSet:
      return true;
    default:
      return false;
  }
}

}  // namespace

Group::Group(const State* committed, const RowMoment& row)
    : committed_(committed), row_(row), overlay_(committed) {
  BeginRow(overlay_, row);
}

const State& Group::Settled() {
  if (!dropped_) {
    DropDueEvents(*committed_, overlay_, row_.committed_at_us);
    dropped_ = true;
  }
  for (const int index : unsettled_) ApplyReportRows(overlay_, record_.facts(index).report());
  unsettled_.clear();
  unsettled_units_ = 0;
  return overlay_;
}

void Group::Add(journal::Fact fact) {
  journal::Fact& added = *record_.add_facts();
  added = std::move(fact);
  bytes_ += added.ByteSizeLong();
  changes_book_ = changes_book_ || ChangesBook(added);
  if (listener_ != nullptr) listener_->Before(overlay_, added);
  if (const absl::Status applied = ApplyFact(overlay_, added); !applied.ok()) {
    std::cerr << "a decision made a fact that apply does not know: " << applied.message()
              << std::endl;
    std::abort();
  }
  if (listener_ != nullptr) listener_->After(overlay_, added);
}

void Group::AddReport(journal::Fact fact, int64_t units_moved) {
  const int index = record_.facts_size();
  journal::Fact& added = *record_.add_facts();
  added = std::move(fact);
  ApplyReportProgress(overlay_, added.report());
  if (added.report().rows().item_size() == 0) return;
  unsettled_.push_back(index);
  unsettled_units_ += units_moved;
  movement_count_ += added.report().rows().item_size();
}

}  // namespace onhand::ledger
