// Rows of the plain tables as the ledger says them now: dense ids become names, enums become words.
// Pure functions over a ledger; any thread that may read it.
#ifndef ONHAND_SERVER_HUB_PROJECTION_ROWS_H_
#define ONHAND_SERVER_HUB_PROJECTION_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/hub/projection_facts.h"
#include "server/ledger/state.h"
#include "storage/store.h"

namespace onhand::hub {

// `revision` is that of the last row which is applied whole: a row that is being applied in slices
// may be in the values already, and will be written again under its own revision.

// A position that is gone has zeros. Nothing if the item or the location is not known.
std::optional<storage::StockRow> StockRowOf(const ledger::State& state,
                                            const ledger::PositionKey& key, uint64_t revision);
std::optional<storage::ItemRow> ItemRowOf(const ledger::State& state, uint32_t item,
                                          uint64_t revision);
std::optional<storage::LocationRow> LocationRowOf(const ledger::State& state, uint32_t location,
                                                  uint64_t revision);
// Nothing if the rule has ended.
std::optional<storage::RuleRow> RuleRowOf(const ledger::State& state, const std::string& rule_id,
                                          uint64_t revision);

// A row a line. None if the reservation is known no more; the tables keep what they say of it.
void AddReservationRows(const ledger::State& state, const std::string& id, uint64_t revision,
                        std::vector<storage::ReservationRow>& rows);

// What the tables said under an item's old SKU: the item, no longer published, and no stock at any
// location. Nothing if the old SKU leads elsewhere by now.
void AddRowsOfOldSku(const ledger::State& state, uint32_t item, uint64_t revision,
                     storage::ProjectionBatch& batch);

storage::MovementRow MovementRowOf(const ledger::State& state,
                                   const ProjectedFacts::Movement& movement);
storage::DisplayChangeRow DisplayChangeRowOf(const ledger::State& state,
                                             const ProjectedFacts::DisplayChange& change);
storage::AuditRow AuditRowOf(const ledger::State& state, ProjectedFacts::Audit audit);

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_PROJECTION_ROWS_H_
