#include "server/hub/projection_facts.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "onhand/v1/audit.pb.h"
#include "onhand/v1/types.pb.h"
#include "server/ledger/reservations.h"
#include "server/ledger/rows.h"

namespace onhand::hub {

namespace journal = ::onhand::journal::v1;

namespace {

// Of a webhook's URL in the audit.
constexpr size_t kAuditUrlBytesMax = 200;

}  // namespace

void ProjectedFacts::Take(const RowPlace& row, const journal::Record& record) {
  movement_ordinal_ = display_ordinal_ = audit_ordinal_ = 0;
  for (const journal::Fact& fact : record.facts()) {
    if (row.for_tables) TakeForTables(row, fact);
    if (row.for_movements) TakeForMovements(row, fact);
  }
}

void ProjectedFacts::Clear() {
  positions.clear();
  items.clear();
  renamed_items.clear();
  locations.clear();
  retired_sources.clear();
  rules.clear();
  reservations.clear();
  movements.clear();
  display_changes.clear();
  audits.clear();
}

void ProjectedFacts::TakeForTables(const RowPlace& row, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kReport:
      for (const journal::LocationMoment& moment : fact.report().known_through())
        locations.insert(moment.location());
      return TouchColumns(fact.report().rows());
    case journal::Fact::kKnownThrough:
      for (const journal::LocationMoment& moment : fact.known_through().known_through()) {
        locations.insert(moment.location());
      }
      return;
    case journal::Fact::kRowRetried:
      return TouchColumns(fact.row_retried().rows());
    case journal::Fact::kSnapshotSlice:
      for (const uint32_t item : fact.snapshot_slice().item()) {
        positions.insert({item, fact.snapshot_slice().location()});
      }
      return;
    case journal::Fact::kMovementByPerson: {
      const journal::MovementByPerson& movement = fact.movement_by_person();
      positions.insert({movement.item(), movement.location()});
      return AddAudit(row, {.action = "MOVEMENT",
                            .item = movement.item(),
                            .location = movement.location(),
                            .text = absl::StrCat("quantity ", movement.quantity()),
                            .author = movement.author(),
                            .reason = movement.reason()});
    }
    case journal::Fact::kCorrectionsEnded: {
      const journal::CorrectionsEnded& ended = fact.corrections_ended();
      positions.insert({ended.item(), ended.location()});
      return AddAudit(row, {.action = "END_CORRECTIONS",
                            .item = ended.item(),
                            .location = ended.location(),
                            .author = ended.author(),
                            .reason = ended.reason()});
    }
    case journal::Fact::kReservationChanged: {
      const journal::ReservationChanged& changed = fact.reservation_changed();
      reservations.insert(changed.reservation().id());
      for (const journal::OrderCorrection& correction : changed.corrections()) {
        positions.insert({correction.item(), correction.location()});
      }
      if (changed.author().empty()) return;  // a program's step
      const journal::Reservation& reservation = changed.reservation();
      return AddAudit(row, {.action = absl::StrCat("RESERVATION_", changed.cause()),
                            .text = reservation.order_reference().empty()
                                        ? ledger::ReservationIdText(reservation.id())
                                        : absl::StrCat("order ", reservation.order_reference()),
                            .author = changed.author(),
                            .reason = changed.reason()});
    }
    case journal::Fact::kItemSet:
      items.insert(fact.item_set().item().id());
      return;
    case journal::Fact::kItemRenamed:
      items.insert(fact.item_renamed().item());
      renamed_items.insert(fact.item_renamed().item());
      return AddAudit(row, {.action = "RENAME_ITEM", .item = fact.item_renamed().item()});
    case journal::Fact::kItemsMerged: {
      const journal::ItemsMerged& merged = fact.items_merged();
      for (const uint32_t item : {merged.item(), merged.duplicate()}) {
        items.insert(item);
        for (const uint32_t location : merged.location()) positions.insert({item, location});
      }
      return AddAudit(
          row, {.action = "MERGE_ITEM", .item = merged.duplicate(), .author = merged.author()});
    }
    case journal::Fact::kItemStopped: {
      const journal::ItemStopped& stopped = fact.item_stopped();
      items.insert(stopped.item());
      return AddAudit(row, {.action = stopped.stopped() ? "STOP_ITEM" : "RELEASE_ITEM",
                            .item = stopped.item(),
                            .author = stopped.author(),
                            .reason = stopped.reason()});
    }
    case journal::Fact::kLocationSet:
      locations.insert(fact.location_set().location().id());
      return;
    case journal::Fact::kLocationStateSet: {
      const journal::LocationStateSet& set = fact.location_state_set();
      locations.insert(set.location());
      return AddAudit(row,
                      {.action = "SET_LOCATION_STATE",
                       .location = set.location(),
                       .text = v1::LocationState_Name(static_cast<v1::LocationState>(set.state())),
                       .author = set.author(),
                       .reason = set.reason()});
    }
    case journal::Fact::kStocktakeAnnounced:
      return AddAudit(row, {.action = "ANNOUNCE_STOCKTAKE",
                            .location = fact.stocktake_announced().location(),
                            .author = fact.stocktake_announced().author(),
                            .reason = fact.stocktake_announced().reason()});
    case journal::Fact::kSourceOpened:
      locations.insert(fact.source_opened().locations().begin(),
                       fact.source_opened().locations().end());
      return;
    case journal::Fact::kSourceRetired:
      retired_sources.insert(fact.source_retired().source());
      return AddAudit(row, {.action = "RETIRE_SOURCE",
                            .source = fact.source_retired().source(),
                            .author = fact.source_retired().author(),
                            .reason = fact.source_retired().reason()});
    case journal::Fact::kRuleSet: {
      const journal::Rule& rule = fact.rule_set().rule();
      rules.insert(rule.rule_id());
      return AddAudit(row, {.action = "SET_RULE",
                            .text = rule.rule_id(),
                            .author = rule.author(),
                            .reason = rule.reason()});
    }
    case journal::Fact::kRuleEnded: {
      const journal::RuleEnded& ended = fact.rule_ended();
      rules.insert(ended.rule_id());
      return AddAudit(row, {.action = "END_RULE",
                            .text = ended.rule_id(),
                            .author = ended.author(),
                            .reason = ended.reason()});
    }
    case journal::Fact::kChainSet: {
      const journal::Chain& chain = fact.chain_set().chain();
      std::string text = absl::StrCat("time zone ", chain.time_zone());
      if (chain.time_zone().empty()) text += "UTC";
      if (chain.has_confirm_hiding_percent()) {
        absl::StrAppend(&text, ", confirm hiding ", chain.confirm_hiding_percent(), " %");
      }
      return AddAudit(row, {.action = "SET_CHAIN",
                            .text = std::move(text),
                            .author = fact.chain_set().author(),
                            .reason = fact.chain_set().reason()});
    }
    case journal::Fact::kIncomingSet: {
      const journal::IncomingSet& set = fact.incoming_set();
      return AddAudit(row, {.action = set.units() == 0 ? "CLOSE_INCOMING" : "SET_INCOMING",
                            .item = set.item(),
                            .location = set.location(),
                            .text = absl::StrCat(set.reference(), ", ", set.units(), " units"),
                            .author = set.author(),
                            .reason = set.reason()});
    }
    case journal::Fact::kWebhookSet:
      return AddAudit(row,
                      {.action = "SET_WEBHOOK",
                       .text = absl::StrCat(fact.webhook_set().webhook_id(), ": ",
                                            fact.webhook_set().url().substr(0, kAuditUrlBytesMax)),
                       .author = fact.webhook_set().author(),
                       .reason = fact.webhook_set().reason()});
    case journal::Fact::kWebhookDeleted:
      return AddAudit(row, {.action = "DELETE_WEBHOOK",
                            .text = fact.webhook_deleted().webhook_id(),
                            .author = fact.webhook_deleted().author(),
                            .reason = fact.webhook_deleted().reason()});
    case journal::Fact::kTokenCreated:
      return AddAudit(row, {.action = "CREATE_TOKEN",
                            .text = absl::StrCat(fact.token_created().token_id(), ": ",
                                                 fact.token_created().principal()),
                            .author = fact.token_created().author(),
                            .reason = fact.token_created().reason()});
    case journal::Fact::kTokenRevoked:
      return AddAudit(row, {.action = "REVOKE_TOKEN",
                            .text = fact.token_revoked().token_id(),
                            .author = fact.token_revoked().author(),
                            .reason = fact.token_revoked().reason()});
    case journal::Fact::kQuarantineEnded: {
      const journal::QuarantineEnded& ended = fact.quarantine_ended();
      if (ended.author().empty()) return;  // ended by itself
      return AddAudit(row, {.action = absl::StrCat("QUARANTINE_", ended.outcome()),
                            .text = absl::StrCat("entry ", ended.quarantine_id()),
                            .author = ended.author(),
                            .reason = ended.reason()});
    }
    case journal::Fact::kAudited:
      return AddAudited(row, fact.audited());
    case journal::Fact::kDisplayChanged:
      display_changes.push_back(
          {row.revision, display_ordinal_++, row.committed_at_us, fact.display_changed()});
      return;
    default:
      return;  // nothing that a table shows
  }
}

void ProjectedFacts::TakeForMovements(const RowPlace& row, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kReport:
      return AddColumns(row, fact.report().source(), fact.report().rows());
    case journal::Fact::kRowRetried:
      return AddColumns(row, fact.row_retried().source(), fact.row_retried().rows());
    case journal::Fact::kMovementByPerson: {
      const journal::MovementByPerson& movement = fact.movement_by_person();
      return AddMovement(row, {.item = movement.item(),
                               .location = movement.location(),
                               .kind = movement.kind(),
                               .quantity = movement.quantity(),
                               .occurred_at_us = movement.occurred_us()});
    }
    case journal::Fact::kItemsMerged:
      return AddMerge(row, fact.items_merged());
    case journal::Fact::kSnapshotBegun: {
      const journal::SnapshotBegun& begun = fact.snapshot_begun();
      snapshot_as_of_us_[{begun.source(), begun.location()}] = begun.as_of_us();
      return;
    }
    case journal::Fact::kSnapshotSlice:
      return AddSlice(row, fact.snapshot_slice());
    default:
      return;
  }
}

void ProjectedFacts::TouchColumns(const journal::MovementColumns& rows) {
  const ledger::RowReader reader(rows);
  for (int i = 0; i < reader.size(); ++i) positions.insert({reader.item(i), reader.location(i)});
}

void ProjectedFacts::AddColumns(const RowPlace& row, uint32_t source,
                                const journal::MovementColumns& rows) {
  const ledger::RowReader reader(rows);
  for (int i = 0; i < reader.size(); ++i) {
    AddMovement(row, {.item = reader.item(i),
                      .location = reader.location(i),
                      .kind = static_cast<uint32_t>(reader.kind(i)),
                      .source = source,
                      .quantity = reader.quantity(i),
                      .occurred_at_us = reader.occurred_us(i)});
  }
  for (const journal::InferredMovement& inferred : rows.inferred()) {
    const int i = static_cast<int>(inferred.index());
    AddMovement(row, {.item = reader.item(i),
                      .location = reader.location(i),
                      .kind = inferred.kind(),
                      .source = source,
                      .inferred = true,
                      .quantity = inferred.quantity(),
                      .occurred_at_us = reader.occurred_us(i)});
  }
}

void ProjectedFacts::AddSlice(const RowPlace& row, const journal::SnapshotSlice& slice) {
  const ledger::SourceLocation key{slice.source(), slice.location()};
  const auto begun = snapshot_as_of_us_.find(key);
  // A snapshot that was begun before this process was is placed by its judgement: the row says no
  // more by then.
  const int64_t as_of_us = begun == snapshot_as_of_us_.end() ? row.committed_at_us : begun->second;
  for (const journal::InferredMovement& inferred : slice.inferred()) {
    AddMovement(row, {.item = slice.item(static_cast<int>(inferred.index())),
                      .location = slice.location(),
                      .kind = inferred.kind(),
                      .source = slice.source(),
                      .inferred = true,
                      .quantity = inferred.quantity(),
                      .occurred_at_us = as_of_us});
  }
  if (slice.last()) snapshot_as_of_us_.erase(key);
}

void ProjectedFacts::AddMerge(const RowPlace& row, const journal::ItemsMerged& merged) {
  for (int i = 0; i < merged.location_size(); ++i) {
    AddMovement(row, {.item = merged.item(),
                      .location = merged.location(i),
                      .kind = v1::MOVEMENT_KIND_ADJUSTMENT,
                      .quantity = merged.on_hand(i),
                      .occurred_at_us = merged.occurred_us()});
    if (merged.unavailable(i) == 0) continue;
    AddMovement(row, {.item = merged.item(),
                      .location = merged.location(i),
                      .kind = v1::MOVEMENT_KIND_SET_ASIDE,
                      .quantity = merged.unavailable(i),
                      .occurred_at_us = merged.occurred_us()});
  }
}

void ProjectedFacts::AddMovement(const RowPlace& row, Movement movement) {
  movement.revision = row.revision;
  movement.ordinal = movement_ordinal_++;
  movements.push_back(movement);
}

void ProjectedFacts::AddAudited(const RowPlace& row, const journal::Audited& audited) {
  while (!audits.empty() && audits.back().revision == row.revision &&
         audits.back().method.empty()) {
    audits.pop_back();
    --audit_ordinal_;
  }
  for (const journal::AuditChange& change : audited.changes()) {
    std::string kind = v1::AuditSubject_Name(static_cast<v1::AuditSubject>(change.subject()));
    AddAudit(row,
             {.action = change.action(),
              .text = absl::StrCat(absl::AsciiStrToLower(absl::StripPrefix(kind, "AUDIT_SUBJECT_")),
                                   " ", change.subject_id()),
              .author = audited.author(),
              .reason = audited.reason(),
              .principal = audited.principal().empty() ? "insecure" : audited.principal(),
              .peer = audited.peer(),
              .method = audited.method(),
              .before_json = change.before_json(),
              .after_json = change.after_json()});
  }
}

void ProjectedFacts::AddAudit(const RowPlace& row, Audit audit) {
  audit.revision = row.revision;
  audit.ordinal = audit_ordinal_++;
  audit.committed_at_us = row.committed_at_us;
  audits.push_back(std::move(audit));
}

}  // namespace onhand::hub
