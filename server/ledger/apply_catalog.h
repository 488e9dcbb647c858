// The part of apply that concerns the catalog and the rules. See apply.h.
#ifndef ONHAND_SERVER_LEDGER_APPLY_CATALOG_H_
#define ONHAND_SERVER_LEDGER_APPLY_CATALOG_H_

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Precondition: the fact is one of items, locations, groups, channels, rules or the chain.
void ApplyCatalogFact(State& state, const journal::Fact& fact);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_APPLY_CATALOG_H_
