#include "storage/tables.h"

#include <algorithm>
#include <tuple>

namespace onhand::storage {
namespace {

constexpr absl::string_view kLocationColumns[] = {
    "location_id", "name", "time_zone", "state", "known_through_us", "revision"};
constexpr absl::string_view kItemColumns[] = {"sku",    "name",      "parent_sku", "category",
                                              "supply", "published", "stopped",    "revision"};
constexpr absl::string_view kRuleColumns[] = {"rule_id", "definition_json", "version", "ended",
                                              "revision"};
constexpr absl::string_view kStockColumns[] = {"sku",  "location_id", "on_hand", "unavailable",
                                               "held", "committed",   "revision"};
constexpr absl::string_view kReservationColumns[] = {
    "reservation_id", "line_id", "order_reference", "channel_id",    "sku",           "location_id",
    "units",          "promise", "state",           "created_at_us", "expires_at_us", "revision"};
constexpr absl::string_view kMovementColumns[] = {"revision",    "ordinal",        "sku",
                                                  "location_id", "kind",           "source_id",
                                                  "quantity",    "occurred_at_us", "inferred"};
constexpr absl::string_view kDisplayChangeColumns[] = {
    "revision", "ordinal", "sku",           "channel_id",  "status",
    "rule_id",  "salable", "changed_at_us", "rule_version"};
constexpr absl::string_view kAuditColumns[] = {
    "revision",        "ordinal",   "action", "subject", "author",      "reason",
    "committed_at_us", "principal", "peer",   "method",  "before_json", "after_json"};

Value Number(uint64_t value) { return static_cast<int64_t>(value); }
Value Number(int64_t value) { return value; }
Value Number(int32_t value) { return int64_t{value}; }
Value Number(uint32_t value) { return int64_t{value}; }
Value Number(bool value) { return int64_t{value}; }
Value Number(const std::optional<int64_t>& value) { return value ? Value(*value) : Value(); }
Value Bytes(const std::string& value) { return absl::string_view(value); }

template <typename Row, typename Key>
void SortRows(std::vector<Row>* rows, const Key& key) {
  std::sort(rows->begin(), rows->end(),
            [&](const Row& a, const Row& b) { return key(a) < key(b); });
}

constexpr auto kByEvent = [](const auto& row) { return std::tie(row.revision, row.ordinal); };

}  // namespace

constexpr Table kLocationTable = {"location", kLocationColumns, 1, true};
constexpr Table kItemTable = {"item", kItemColumns, 1, true};
constexpr Table kRuleTable = {"rule", kRuleColumns, 1, true};
constexpr Table kStockTable = {"stock", kStockColumns, 2, true};
constexpr Table kReservationTable = {"reservation", kReservationColumns, 2, true};
constexpr Table kMovementTable = {"movement", kMovementColumns, 2, false};
constexpr Table kDisplayChangeTable = {"display_change", kDisplayChangeColumns, 2, false};
constexpr Table kAuditTable = {"audit", kAuditColumns, 2, false};

Values ValuesOf(const LocationRow& row) {
  return {Bytes(row.location_id),       Bytes(row.name),     Bytes(row.time_zone), Bytes(row.state),
          Number(row.known_through_us), Number(row.revision)};
}

Values ValuesOf(const ItemRow& row) {
  return {Bytes(row.sku),    Bytes(row.name),       Bytes(row.parent_sku), Bytes(row.category),
          Bytes(row.supply), Number(row.published), Number(row.stopped),   Number(row.revision)};
}

Values ValuesOf(const RuleRow& row) {
  return {Bytes(row.rule_id), Bytes(row.definition_json), Number(row.version), Number(row.ended),
          Number(row.revision)};
}

Values ValuesOf(const StockRow& row) {
  return {Bytes(row.sku),   Bytes(row.location_id), Number(row.on_hand), Number(row.unavailable),
          Number(row.held), Number(row.committed),  Number(row.revision)};
}

Values ValuesOf(const ReservationRow& row) {
  return {Bytes(row.reservation_id),
          Number(row.line_id),
          Bytes(row.order_reference),
          Bytes(row.channel_id),
          Bytes(row.sku),
          Bytes(row.location_id),
          Number(row.units),
          Bytes(row.promise),
          Bytes(row.state),
          Number(row.created_at_us),
          Number(row.expires_at_us),
          Number(row.revision)};
}

Values ValuesOf(const MovementRow& row) {
  return {
      Number(row.revision), Number(row.ordinal),  Bytes(row.sku),       Bytes(row.location_id),
      Bytes(row.kind),      Bytes(row.source_id), Number(row.quantity), Number(row.occurred_at_us),
      Number(row.inferred)};
}

Values ValuesOf(const DisplayChangeRow& row) {
  return {Number(row.revision),  Number(row.ordinal),       Bytes(row.sku),
          Bytes(row.channel_id), Bytes(row.status),         Bytes(row.rule_id),
          Number(row.salable),   Number(row.changed_at_us), Number(row.rule_version)};
}

Values ValuesOf(const AuditRow& row) {
  return {Number(row.revision),        Number(row.ordinal),    Bytes(row.action),
          Bytes(row.subject),          Bytes(row.author),      Bytes(row.reason),
          Number(row.committed_at_us), Bytes(row.principal),   Bytes(row.peer),
          Bytes(row.method),           Bytes(row.before_json), Bytes(row.after_json)};
}

void SortByKey(ProjectionBatch* batch) {
  SortRows(&batch->locations,
           [](const auto& row) { return std::tie(row.location_id, row.revision); });
  SortRows(&batch->items, [](const auto& row) { return std::tie(row.sku, row.revision); });
  SortRows(&batch->rules, [](const auto& row) { return std::tie(row.rule_id, row.revision); });
  SortRows(&batch->stock,
           [](const auto& row) { return std::tie(row.sku, row.location_id, row.revision); });
  SortRows(&batch->reservations,
           [](const auto& row) { return std::tie(row.reservation_id, row.line_id, row.revision); });
  SortRows(&batch->display_changes, kByEvent);
  SortRows(&batch->audits, kByEvent);
}

void SortByKey(std::vector<MovementRow>* movements) { SortRows(movements, kByEvent); }

}  // namespace onhand::storage
