#include "server/ledger/decide_quarantine.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"
#include "server/ledger/row_judge.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

absl::StatusOr<journal::QuarantineEntry> FindEntry(const Group& group, uint64_t quarantine_id) {
  if (const journal::QuarantineEntry* entry = group.state().quarantine.Find(quarantine_id))
    return *entry;
  return Refuse(absl::StatusCode::kNotFound,
                {.reason = "UNKNOWN_ENTRY",
                 .field = "quarantine_id",
                 .value = absl::StrCat(quarantine_id),
                 .problem = "is not in quarantine (any more)",
                 .remedy = "list what is there: onhand quarantine list"});
}

void End(Group& group, uint64_t quarantine_id, absl::string_view outcome, absl::string_view author,
         absl::string_view reason) {
  journal::Fact fact;
  journal::QuarantineEnded& ended = *fact.mutable_quarantine_ended();
  ended.set_quarantine_id(quarantine_id);
  ended.set_outcome(std::string(outcome));
  ended.set_author(std::string(author));
  ended.set_reason(std::string(reason));
  group.Add(std::move(fact));
}

// Takes the row with its old time and place; says why not otherwise.
RowRefusal TakeRow(Group& group, const journal::QuarantineEntry& entry, absl::string_view author) {
  journal::Fact fact;
  journal::RowRetried& retried = *fact.mutable_row_retried();
  RowJudge judge(group, entry.source(), entry.spool(), entry.sequence(), retried.mutable_rows());
  RawRow raw;
  raw.sku = entry.sku();
  raw.kind = entry.kind();
  raw.quantity = entry.quantity();
  raw.occurred_us = entry.occurred_us();
  raw.location = entry.location();
  raw.row = entry.row();
  raw.order_reference = entry.order_reference();
  raw.includes_picked = entry.includes_picked();
  if (raw.location == 0)
    return {"LOCATION_NOT_REPORTED", "the row names no location of its source; drop it"};
  if (RowRefusal refusal = judge.Take(raw)) return refusal;
  retried.set_quarantine_id(entry.quarantine_id());
  retried.set_source(entry.source());
  retried.set_spool(entry.spool());
  retried.set_sequence(entry.sequence());
  if (!entry.order_reference().empty() || !entry.counted_by().empty() || entry.includes_picked() ||
      judge.last_fulfils()) {
    journal::MovementExtra& extra = *retried.mutable_rows()->add_extra();
    extra.set_order_reference(entry.order_reference());
    extra.set_counted_by(entry.counted_by());
    extra.set_includes_picked(entry.includes_picked());
    extra.set_fulfils(judge.last_fulfils());
  }
  group.Add(std::move(fact));
  judge.orders().Add();
  End(group, entry.quarantine_id(), "RETRIED", author, "");
  return {};
}

absl::Status CheckAuthor(absl::string_view author, absl::string_view reason) {
  if (absl::Status checked = CheckText("author", author, kIdBytesMax); !checked.ok())
    return checked;
  return CheckText("reason", reason);
}

}  // namespace

absl::Status DecideAcceptQuarantined(Group& group, const v1::AcceptQuarantinedRequest& request) {
  const absl::StatusOr<journal::QuarantineEntry> entry = FindEntry(group, request.quarantine_id());
  if (!entry.ok()) return entry.status();
  if (absl::Status checked = CheckAuthor(request.author(), request.reason()); !checked.ok())
    return checked;
  const SourceLocation key{entry->source(), entry->location()};
  const Staging* staging = group.state().staging.Find(key);
  if (!entry->is_snapshot() || staging == nullptr ||
      staging->quarantine_id != entry->quarantine_id()) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "NOT_A_SNAPSHOT",
                   .field = "quarantine_id",
                   .value = absl::StrCat(request.quarantine_id()),
                   .problem = "is not a whole snapshot",
                   .remedy = "retry or drop it instead"});
  }
  if (staging->row_count != staging->row_count_said ||
      entry->reason() == "SNAPSHOT_REPEATED_ITEM") {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "SNAPSHOT_BROKEN",
                   .field = "quarantine_id",
                   .value = absl::StrCat(request.quarantine_id()),
                   .problem = entry->message(),
                   .remedy = "send a fresh one"});
  }
  const LocationClock* clock = group.Settled().clocks.Find(entry->location());
  if (staging->begun.as_of_us() < clock->dropped_through_us) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "SNAPSHOT_TOO_OLD",
                   .field = "quarantine_id",
                   .value = absl::StrCat(request.quarantine_id()),
                   .problem = "is older than the location's closed history",
                   .remedy = "send a fresh one"});
  }
  journal::Fact fact;
  journal::SnapshotVerdict& verdict = *fact.mutable_snapshot_verdict();
  verdict.set_source(entry->source());
  verdict.set_location(entry->location());
  verdict.set_accepted(true);
  verdict.set_infers_nothing(true);
  verdict.set_lost_positions(entry->lost_positions());
  verdict.set_known_positions(entry->known_positions());
  group.Add(std::move(fact));
  End(group, entry->quarantine_id(), "ACCEPTED", request.author(), request.reason());
  return absl::OkStatus();
}

absl::Status DecideRetryQuarantined(Group& group, const v1::RetryQuarantinedRequest& request) {
  const absl::StatusOr<journal::QuarantineEntry> entry = FindEntry(group, request.quarantine_id());
  if (!entry.ok()) return entry.status();
  if (absl::Status checked = CheckAuthor(request.author(), ""); !checked.ok()) return checked;
  if (entry->is_snapshot()) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = "NOT_A_ROW",
                   .field = "quarantine_id",
                   .value = absl::StrCat(request.quarantine_id()),
                   .problem = "is a whole snapshot",
                   .remedy = "accept or drop it instead"});
  }
  if (const RowRefusal refusal = TakeRow(group, *entry, request.author())) {
    return Refuse(absl::StatusCode::kFailedPrecondition,
                  {.reason = refusal.reason,
                   .field = "quarantine_id",
                   .value = absl::StrCat(request.quarantine_id()),
                   .problem = "still cannot be taken",
                   .remedy = refusal.message});
  }
  return absl::OkStatus();
}

absl::Status DecideDropQuarantined(Group& group, const v1::DropQuarantinedRequest& request) {
  const absl::StatusOr<journal::QuarantineEntry> entry = FindEntry(group, request.quarantine_id());
  if (!entry.ok()) return entry.status();
  if (absl::Status checked = CheckAuthor(request.author(), request.reason()); !checked.ok())
    return checked;
  End(group, entry->quarantine_id(), "DROPPED", request.author(), request.reason());
  return absl::OkStatus();
}

void TakeHeldRows(Group& group, absl::string_view code) {
  const std::vector<uint64_t>* held = group.state().held_rows.Find(code);
  if (held == nullptr) return;
  for (const uint64_t quarantine_id : std::vector<uint64_t>(*held)) {
    const journal::QuarantineEntry* entry = group.state().quarantine.Find(quarantine_id);
    if (entry == nullptr || entry->held_until_us() < group.now_us()) continue;
    // One that still cannot be taken stays for a person.
    TakeRow(group, journal::QuarantineEntry(*entry), "");
  }
}

}  // namespace onhand::ledger
