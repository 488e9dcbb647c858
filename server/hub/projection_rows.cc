#include "server/hub/projection_rows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "onhand/v1/reservations.pb.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/reservations.h"

namespace onhand::hub {
namespace {

std::string Word(absl::string_view name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}
std::string KindWord(uint32_t kind) {
  return Word(v1::MovementKind_Name(static_cast<v1::MovementKind>(kind)), "MOVEMENT_KIND_");
}

std::string SkuOf(const ledger::State& state, uint32_t item) {
  const ledger::journal::Item* row = state.items.Find(item);
  return row == nullptr ? std::string() : row->sku();
}
std::string LocationIdOf(const ledger::State& state, uint32_t location) {
  const ledger::journal::Location* row = state.locations.Find(location);
  return row == nullptr ? std::string() : row->location_id();
}

int32_t Narrow(int64_t value) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

}  // namespace

std::optional<storage::StockRow> StockRowOf(const ledger::State& state,
                                            const ledger::PositionKey& key, uint64_t revision) {
  storage::StockRow row{.sku = SkuOf(state, key.item),
                        .location_id = LocationIdOf(state, key.location),
                        .revision = revision};
  if (row.sku.empty() || row.location_id.empty()) return std::nullopt;
  const ledger::PositionTable::View position = state.positions.Find(key.item, key.location);
  if (position.cell != nullptr) row.on_hand = position.cell->on_hand;
  if (position.beside != nullptr) row.unavailable = Narrow(position.beside->now.unavailable());
  return row;
}

std::optional<storage::ItemRow> ItemRowOf(const ledger::State& state, uint32_t item,
                                          uint64_t revision) {
  const ledger::journal::Item* row = state.items.Find(item);
  if (row == nullptr) return std::nullopt;
  return storage::ItemRow{
      .sku = row->sku(),
      .name = row->name(),
      .parent_sku = row->parent_sku(),
      .category = row->category(),
      .supply = Word(v1::Supply_Name(static_cast<v1::Supply>(row->supply())), "SUPPLY_"),
      .published = row->published(),
      .stopped = row->stopped(),
      .revision = revision};
}

std::optional<storage::LocationRow> LocationRowOf(const ledger::State& state, uint32_t location,
                                                  uint64_t revision) {
  const ledger::journal::Location* row = state.locations.Find(location);
  if (row == nullptr) return std::nullopt;
  const ledger::LocationClock* clock = state.clocks.Find(location);
  const int64_t known_through_us = clock == nullptr ? 0 : clock->KnownThrough();
  return storage::LocationRow{
      .location_id = row->location_id(),
      .name = row->name(),
      .time_zone = row->time_zone(),
      .state = Word(v1::LocationState_Name(static_cast<v1::LocationState>(row->state())),
                    "LOCATION_STATE_"),
      .known_through_us = known_through_us == 0 ? std::optional<int64_t>() : known_through_us,
      .revision = revision};
}

std::optional<storage::RuleRow> RuleRowOf(const ledger::State& state, const std::string& rule_id,
                                          uint64_t revision) {
  const ledger::journal::Rule* rule = state.rules.Find(rule_id);
  if (rule == nullptr) return std::nullopt;
  storage::RuleRow row{.rule_id = rule_id, .version = rule->version(), .revision = revision};
  // It fails for times out of range only, and then leaves half an object.
  const auto written = google::protobuf::util::MessageToJsonString(ledger::RuleOf(state, *rule),
                                                                   &row.definition_json);
  if (!written.ok()) row.definition_json = "{}";
  return row;
}

void AddReservationRows(const ledger::State& state, const std::string& id, uint64_t revision,
                        std::vector<storage::ReservationRow>& rows) {
  const ledger::journal::Reservation* reservation = state.reservations.rows.Find(id);
  if (reservation == nullptr) return;
  const ledger::journal::Channel* channel = state.channels.Find(reservation->channel());
  for (const ledger::journal::ReservationLine& line : reservation->lines()) {
    rows.push_back(
        {.reservation_id = ledger::ReservationIdText(id),
         .line_id = line.line_id(),
         .order_reference = reservation->order_reference(),
         .channel_id = channel == nullptr ? std::string() : channel->channel_id(),
         .sku = SkuOf(state, line.item()),
         .location_id = line.location() == 0 ? std::string() : LocationIdOf(state, line.location()),
         .units = line.units(),
         .promise = Word(v1::LinePromise_Name(static_cast<v1::LinePromise>(line.promise())),
                         "LINE_PROMISE_"),
         .state = Word(v1::ReservationState_Name(static_cast<v1::ReservationState>(line.state())),
                       "RESERVATION_STATE_"),
         .created_at_us = reservation->created_us(),
         .expires_at_us = reservation->expires_us() == 0
                              ? std::optional<int64_t>()
                              : std::optional<int64_t>(reservation->expires_us()),
         .revision = revision});
  }
}

void AddRowsOfOldSku(const ledger::State& state, uint32_t item, uint64_t revision,
                     storage::ProjectionBatch& batch) {
  const ledger::journal::Item* row = state.items.Find(item);
  if (row == nullptr || row->aliases().empty()) return;
  // Renaming appends the old SKU to the aliases, and gives it no pack.
  const ledger::journal::Alias& alias = row->aliases(row->aliases_size() - 1);
  if (alias.pack_factor() != 0 || !alias.source_id().empty()) return;
  const ledger::CodeTarget* target = state.codes.Find(alias.code());
  if (target == nullptr || target->item != item) return;
  std::optional<storage::ItemRow> old = ItemRowOf(state, item, revision);
  old->sku = alias.code();
  old->published = false;
  batch.items.push_back(*std::move(old));
  for (const uint32_t location : state.positions.Of(item).locations) {
    batch.stock.push_back(
        {.sku = alias.code(), .location_id = LocationIdOf(state, location), .revision = revision});
  }
}

storage::MovementRow MovementRowOf(const ledger::State& state,
                                   const ProjectedFacts::Movement& movement) {
  return {.revision = movement.revision,
          .ordinal = movement.ordinal,
          .sku = SkuOf(state, movement.item),
          .location_id = LocationIdOf(state, movement.location),
          .kind = KindWord(movement.kind),
          .source_id = std::string(state.SourceNameOf(movement.source)),
          .quantity = movement.quantity,
          .occurred_at_us = movement.occurred_at_us,
          .inferred = movement.inferred};
}

storage::DisplayChangeRow DisplayChangeRowOf(const ledger::State& state,
                                             const ProjectedFacts::DisplayChange& change) {
  const ledger::journal::Channel* channel = state.channels.Find(change.change.channel());
  const auto status = static_cast<v1::AvailabilityStatus>(change.change.status());
  return {.revision = change.revision,
          .ordinal = change.ordinal,
          .sku = SkuOf(state, change.change.item()),
          .channel_id = channel == nullptr ? std::string() : channel->channel_id(),
          .status = Word(v1::AvailabilityStatus_Name(status), "AVAILABILITY_STATUS_"),
          .rule_id = change.change.rule_id(),
          .salable = change.change.salable(),
          .changed_at_us = change.changed_at_us,
          .rule_version = change.change.rule_version()};
}

storage::AuditRow AuditRowOf(const ledger::State& state, ProjectedFacts::Audit audit) {
  std::vector<std::string> subject;
  for (std::string part : {SkuOf(state, audit.item), LocationIdOf(state, audit.location),
                           std::string(state.SourceNameOf(audit.source)), std::move(audit.text)}) {
    if (!part.empty()) subject.push_back(std::move(part));
  }
  return {.revision = audit.revision,
          .ordinal = audit.ordinal,
          .action = std::move(audit.action),
          .subject = absl::StrJoin(subject, ", "),
          .author = std::move(audit.author),
          .reason = std::move(audit.reason),
          .committed_at_us = audit.committed_at_us,
          .principal = std::move(audit.principal),
          .peer = std::move(audit.peer),
          .method = std::move(audit.method),
          .before_json = std::move(audit.before_json),
          .after_json = std::move(audit.after_json)};
}

}  // namespace onhand::hub
