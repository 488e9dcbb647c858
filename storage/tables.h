// The plain tables' columns, and their rows as values in column order, shared by the backends that
// speak SQL. Pure; any thread. The columns are those of migrations/m0003_tables.cc and later.
#ifndef ONHAND_STORAGE_TABLES_H_
#define ONHAND_STORAGE_TABLES_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/store.h"

namespace onhand::storage {

// NULL, a number, or bytes that live as long as the row they are from.
using Value = std::variant<std::monostate, int64_t, absl::string_view>;
using Values = absl::InlinedVector<Value, 12>;

struct Table {
  absl::string_view name;
  absl::Span<const absl::string_view> columns;  // the primary key's come first
  size_t key_columns;
  // Rows are replaced, but only by a higher `revision`; otherwise a row is written once and stays.
  bool rows_move;
};

extern const Table kLocationTable, kItemTable, kRuleTable, kStockTable, kReservationTable,
    kMovementTable, kDisplayChangeTable, kAuditTable;

Values ValuesOf(const LocationRow& row);
Values ValuesOf(const ItemRow& row);
Values ValuesOf(const RuleRow& row);
Values ValuesOf(const StockRow& row);
Values ValuesOf(const ReservationRow& row);
Values ValuesOf(const MovementRow& row);
Values ValuesOf(const DisplayChangeRow& row);
Values ValuesOf(const AuditRow& row);

// Orders each table's rows by primary key, then by revision. Writers that take rows in one order
// cannot deadlock, and a B-tree takes sorted rows several times faster.
void SortByKey(ProjectionBatch* batch);
void SortByKey(std::vector<MovementRow>* movements);

// Calls `write(table, values)` for each row, tables always in the same order. Stops at the first
// error.
template <typename Write>
absl::Status ForEachRow(const ProjectionBatch& batch, const Write& write) {
  absl::Status status;
  const auto write_all = [&](const Table& table, const auto& rows) {
    for (const auto& row : rows) {
      if (!status.ok()) return;
      status = write(table, ValuesOf(row));
    }
  };
  write_all(kLocationTable, batch.locations);
  write_all(kItemTable, batch.items);
  write_all(kRuleTable, batch.rules);
  write_all(kStockTable, batch.stock);
  write_all(kReservationTable, batch.reservations);
  write_all(kDisplayChangeTable, batch.display_changes);
  write_all(kAuditTable, batch.audits);
  return status;
}

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_TABLES_H_
